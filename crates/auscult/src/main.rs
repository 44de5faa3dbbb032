//! The binary.

fn main() -> std::process::ExitCode {
    auscult::run()
}
