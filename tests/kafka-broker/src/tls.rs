//! Certificates made for one cluster, by the JDK's own `keytool`.
//!
//! An authority signs one certificate for the brokers (`127.0.0.1`, `localhost`) and one for clients. They live and die
//! with the cluster's folder. `openssl` is not asked for: where Java is, `keytool` is.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Files of a cluster's TLS; clients of the listeners `TLS` and `MTLS` need the first, of `MTLS` all.
#[derive(Debug, Clone)]
pub struct TlsFiles {
    /// The authority's certificate, PEM: librdkafka's `ssl.ca.location`.
    pub authority_pem: PathBuf,
    /// A client's key and certificate, PKCS#12: librdkafka's `ssl.keystore.location`.
    pub client_keystore: PathBuf,
    /// The brokers' key and certificate, PKCS#12.
    pub server_keystore: PathBuf,
}

impl TlsFiles {
    /// Password of the keystores.
    pub const PASSWORD: &str = "test-password";

    /// Makes them in a folder.
    pub(crate) fn make(folder: &Path) -> std::io::Result<TlsFiles> {
        let files = TlsFiles {
            authority_pem: folder.join("authority.pem"),
            client_keystore: folder.join("client.p12"),
            server_keystore: folder.join("server.p12"),
        };
        let authority = folder.join("authority.p12");
        new_key(
            &authority,
            "authority",
            "CN=Auscult test authority",
            &["-ext", "bc:c"],
        )?;
        export(&authority, "authority", &files.authority_pem)?;
        for (store, alias, name, extension) in [
            (
                &files.server_keystore,
                "broker",
                "CN=127.0.0.1",
                "san=ip:127.0.0.1,dns:localhost",
            ),
            (
                &files.client_keystore,
                "client",
                "CN=client",
                "eku=clientAuth",
            ),
        ] {
            new_key(store, alias, name, &[])?;
            sign(folder, &authority, store, alias, extension)?;
        }
        Ok(files)
    }
}

fn keytool(arguments: &[&str]) -> std::io::Result<()> {
    let output = Command::new("keytool")
        .args(arguments)
        .args(["-storepass", TlsFiles::PASSWORD, "-noprompt"])
        .output()?;
    if output.status.success() {
        return Ok(());
    }
    Err(std::io::Error::other(format!(
        "keytool {}: {}",
        arguments.first().unwrap_or(&""),
        String::from_utf8_lossy(&output.stdout)
    )))
}

fn shown(path: &Path) -> std::io::Result<&str> {
    path.to_str()
        .ok_or_else(|| std::io::Error::other("a temporary folder whose name is not UTF-8"))
}

fn new_key(store: &Path, alias: &str, name: &str, more: &[&str]) -> std::io::Result<()> {
    let mut arguments = vec![
        "-genkeypair",
        "-alias",
        alias,
        "-keyalg",
        "EC",
        "-groupname",
        "secp256r1",
        "-dname",
        name,
        "-validity",
        "30",
        "-storetype",
        "PKCS12",
        "-keystore",
        shown(store)?,
    ];
    arguments.extend(more);
    keytool(&arguments)
}

fn export(store: &Path, alias: &str, to: &Path) -> std::io::Result<()> {
    keytool(&[
        "-exportcert",
        "-rfc",
        "-alias",
        alias,
        "-keystore",
        shown(store)?,
        "-file",
        shown(to)?,
    ])
}

/// Lets the authority sign the key of a store, and puts the chain into it.
fn sign(
    folder: &Path,
    authority: &Path,
    store: &Path,
    alias: &str,
    extension: &str,
) -> std::io::Result<()> {
    let request = folder.join(format!("{alias}.request"));
    let signed = folder.join(format!("{alias}.pem"));
    let root = folder.join("authority.pem");
    keytool(&[
        "-certreq",
        "-alias",
        alias,
        "-keystore",
        shown(store)?,
        "-file",
        shown(&request)?,
    ])?;
    keytool(&[
        "-gencert",
        "-alias",
        "authority",
        "-keystore",
        shown(authority)?,
        "-infile",
        shown(&request)?,
        "-outfile",
        shown(&signed)?,
        "-rfc",
        "-validity",
        "30",
        "-ext",
        extension,
    ])?;
    for (alias, file) in [("authority", &root), (alias, &signed)] {
        keytool(&[
            "-importcert",
            "-alias",
            alias,
            "-keystore",
            shown(store)?,
            "-file",
            shown(file)?,
        ])?;
    }
    Ok(())
}
