# `make` lists what can be made. Demo, tests and benchmarks share one profile, so what one has built the next one finds.

KEEP ?=
SIM ?=

# hactl with failpoints, and the test that runs it. `--workspace`, so that the dependencies have the features that they have
# in all other tests and are not built again; no other program is built with it.
FAILPOINTS = --locked --workspace --features failpoints/failpoints --test failpoints

.PHONY: help demo test bench sim lint fmt deb static image release prepare prepare-all

help:
	@echo 'make demo          tunnels die and come back: see what clients see of it (20 s)'
	@echo 'make demo KEEP=1   the same, and then break and heal them yourself'
	@echo 'make test          all tests, with a real HAProxy'
	@echo 'make bench         how fast a dead tunnel is left, and what hactl costs (22 min)'
	@echo 'make sim           the failure detector on virtual time, beside its rivals (9 min)'
	@echo 'make sim SIM=...   the same with options: --quick, --only NAME, --seed NUMBER'
	@echo 'make lint          format, clippy, licences and sources of dependencies'
	@echo 'make fmt           format the code'
	@echo 'make deb           the Debian package, in target/release-files'
	@echo 'make static        one program that needs no libraries, in target/static'
	@echo 'make image         that in an empty container image, by buildah, in target/release-files'
	@echo 'make release       all three, built twice and compared, with checksums'
	@echo
	@echo 'Each installs what it needs and does not find (HAProxy, Rust), and says so.'

# Beside the demo lies the program that it shows: both are bins of the package e2e, and built together.
demo: prepare
	@echo 'Building hactl and the demo; the first time takes some minutes.'
	@cargo build --locked -p e2e --bin hactl-dup --bin demo
	@cargo run --locked --quiet -p e2e --bin demo -- $(if $(KEEP),--keep)

# Tests with real tunnels or a throw-away Debian are not run, and say so, where this is not root; the one with a browser where
# there is none. Most tests wait for HAProxy and not for a core, so there are more of them at once than cores.
test: prepare-all
	RUST_TEST_THREADS=$${RUST_TEST_THREADS:-6} cargo test --locked --workspace --no-fail-fast
	cargo test $(FAILPOINTS)

bench: prepare
	@cargo build --release --locked -p e2e --bin hactl-dup --bin bench
	@cargo run --release --locked --quiet -p e2e --bin bench

# No HAProxy is needed for this one.
sim:
	@cargo build --release --locked -p e2e --bin sim
	@cargo run --release --locked --quiet -p e2e --bin sim -- $(SIM)

# What is given to others: in target/release-files.
deb static image release: prepare
	@deploy/build $@

lint: prepare
	$(call with,fmt,cargo fmt --all --check)
	$(call with,clippy,cargo clippy --locked --workspace --all-targets -- -D warnings)
	$(call with,clippy,cargo clippy $(FAILPOINTS) -- -D warnings)
	$(call with,deny,cargo deny --locked check --hide-inclusion-graph licenses bans sources)

fmt: prepare
	cargo fmt --all

prepare:
	@tests/prepare

prepare-all:
	@tests/prepare all

# A part of cargo that not every installation has, and a command that needs it.
with = @if cargo $(1) --version >/dev/null 2>&1; \
	then echo '$(2)' && $(2); \
	else echo 'NOT CHECKED, there is no cargo $(1) here: $(2)'; fi
