# make run    build, then decode real problems with the shipped model (about a minute after the build)
# make test   build, then run every test, the format check included
# make help   the other targets
SHELL := /bin/bash
.DEFAULT_GOAL := help
SWIFT_BUILD := swift build -c release
UNMASK := .build/release/unmask

.PHONY: help run test bench build deps test-deps format clean

help: ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 12

run: build ## decode real problems with the shipped model and compare strategies
	$(UNMASK) run Experiments/first-light.yaml

test: test-deps ## every test, the format check included
	swift test -c release --scratch-path .build/testing

bench: deps ## what strategies cost beside the model, as ratios (a few minutes; 2 GB of memory)
	swift run -c release --package-path Experiments/benchmarks --scratch-path .build/benchmarks bench

build: deps ## the command, in .build/release/unmask
	$(SWIFT_BUILD) --product unmask

format: ## rewrite the sources as swift format wants them
	swift format -i -r Sources Tests Package.swift

clean: ## remove what was built
	rm -rf .build

deps:
	@./Experiments/install.sh pkg-config libopenblas-dev libhdf5-dev

# The tests open traces with h5py too, and pages in a browser.
test-deps:
	@./Experiments/install.sh pkg-config libopenblas-dev libhdf5-dev python3-h5py chromium chromium-driver
