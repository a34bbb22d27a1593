# The commands of the project; `make help` lists them. Each target brings what it needs by itself.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help bootstrap demo build test spec lint format tsan asan fuzz soak bench bench-dispatch bench-snapshot bench-delivery deb clean

# libmongoc shares its counters in /dev/shm/mongoc-<pid>, before main(), and complains on standard error of what a killed process of that
# number left there. Nobody reads them.
export MONGOC_DISABLE_SHM = 1

# Every recipe that starts a mongod gets its path in the environment.
with_mongod = MONGOD="$$(scripts/mongod-path)"
# Suites whose names end like this start a mongod; a sanitizer run leaves them out.
uninstrumented = --skip MongodTests

# One file to copy: the Swift runtime and Foundation are linked in; librdkafka and libmongoc stay shared libraries.
release = swift build -c release --product bridge --static-swift-stdlib

FUZZ_SECONDS ?= 60
SPEC ?=
BENCH ?=

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' Makefile | sed -E 's/^([a-z-]+):.*## (.*)/\1|\2/' | while IFS='|' read -r target text; do printf '  make %-14s %s\n' "$$target" "$$text"; done

bootstrap: ## Install packages and fetch mongod, if they are missing
	@scripts/bootstrap

demo: bootstrap ## Build and run the whole story on this machine
	@$(release)
	@$(with_mongod) .build/release/bridge demo

build: bootstrap ## Build for release (.build/release/bridge)
	@$(release)

test: bootstrap ## Run every test, with real mongods and Kafka's mock cluster
	@scripts/bootstrap --tests
	@$(with_mongod) MONGOD_SPLIT="$$(scripts/mongod-path --split)" swift test

spec: ## Check the models of the guarantees with Spin (SPEC=--small: smaller bounds)
	@scripts/bootstrap --spec
	@spec/check $(SPEC)

lint: ## Check format, imports and house rules
	@scripts/lint

format: ## Format the Swift sources in place
	@swift format --in-place --parallel --recursive Package.swift Sources Tests

# Swift Testing only: XCTest's empty run is a process of its own, in which the sanitizer finds leaks of XCTest.
tsan: bootstrap ## Run the tests that need no mongod under ThreadSanitizer
	@swift build --build-tests --sanitize=thread --scratch-path .cache/tsan
	@clang -O1 -g -shared -fPIC -o .cache/tsan/c11threads.so scripts/c11threads.c
	@LD_PRELOAD=$(CURDIR)/.cache/tsan/c11threads.so TSAN_OPTIONS="suppressions=$(CURDIR)/scripts/tsan.supp $(TSAN_OPTIONS)" \
		swift test --skip-build --disable-xctest --sanitize=thread --scratch-path .cache/tsan $(uninstrumented)

asan: bootstrap ## Run the tests that need no mongod under AddressSanitizer
	@LSAN_OPTIONS="suppressions=$(CURDIR)/scripts/lsan.supp" ASAN_OPTIONS="detect_leaks=1 detect_stack_use_after_return=1 $(ASAN_OPTIONS)" \
		swift test --disable-xctest --sanitize=address --scratch-path .cache/asan $(uninstrumented)

fuzz: bootstrap ## Fuzz BSON, the decoder of commands, and what is read from the bridge's own topics, for FUZZ_SECONDS (60) each
	@Fuzz/BSONFuzz/run.sh $(FUZZ_SECONDS)
	@Fuzz/CommandFuzz/run.sh $(FUZZ_SECONDS)
	@Fuzz/OwnTopicsFuzz/run.sh $(FUZZ_SECONDS)

soak: bootstrap ## Run the long tests: kills, step-downs and restarts under load
	@$(with_mongod) BRIDGE_SOAK=1 swift test --filter Soak

bench: bootstrap ## Measure beside a bare drain and a pymongo script (BENCH="--rounds 5")
	@scripts/bootstrap --bench
	@$(release)
	@$(with_mongod) Benchmarks/run $(BENCH)

bench-dispatch: bootstrap ## Measure dispatch beside bare inserts and two Python programs, or on a broker (BRIDGE_TEST_KAFKA=host:port)
	@scripts/bootstrap --bench
	@$(release)
	@$(with_mongod) Benchmarks/$(if $(BRIDGE_TEST_KAFKA),run-dispatch-delivery,run-dispatch) $(BENCH)

bench-snapshot: bootstrap ## Measure a snapshot beside a bare read and a pymongo script (BENCH="--rounds 5")
	@scripts/bootstrap --bench
	@$(release)
	@$(with_mongod) Benchmarks/run-snapshot $(BENCH)

bench-delivery: bootstrap ## Measure exactly-once beside at-least-once on a real broker (BRIDGE_TEST_KAFKA=host:port)
	@scripts/bootstrap --bench
	@$(release)
	@$(with_mongod) Benchmarks/run-delivery $(BENCH)

deb: bootstrap ## Build a Debian package, for the Debian of this machine (.build/deb)
	@scripts/bootstrap --deb
	@$(release)
	@$(release:bridge=generate-manual)
	@deploy/debian/build .build/release/bridge .build/release/generate-manual .build/deb

clean: ## Remove what was built (.cache keeps mongod)
	@rm -rf .build .cache/tsan .cache/asan .cache/bench/bin
