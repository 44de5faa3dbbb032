# Names and output tables of these targets are a promise: people and scripts call them.
# Everything needs a Rust toolchain and a C compiler, nothing else; `peers` targets say what more they need.

.PHONY: demo test check bench bench-detection eval eval-events kafka-up kafka-down kafka-wipe

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
	@if command -v cargo-deny >/dev/null; then cargo deny --locked check licenses bans sources; \
	else echo "SKIPPED: cargo-deny is not installed (cargo install --locked cargo-deny); licences and bans were not looked at"; fi

# End to end: events a second and peak memory, in memory and through the embedded log.
bench:
	cargo run --release --locked --example throughput -- $(EVENTS)

# Every detection method over the simulated panels; PANELS names another folder of the same layout.
bench-detection:
	cargo run --release --locked -p auscult-bench-detection -- $(if $(PANELS),--panels $(PANELS),)

# Every language evaluation; TEST names another folder of the same shapes, judged with the shipped models.
eval:
	cargo run --release --locked -p auscult-language --example eval_safety_privacy -- $(or $(TEST),../shared/data) $(if $(TEST),,--cross-validate)
	cargo run --release --locked -p auscult-language --example eval_meaning -- $(or $(TEST),../shared/data) $(if $(TEST),,--cross-validate)

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
