# make run    build, then decode real problems with the shipped model (about a minute after the build)
# make test   build, then run every test, the format check and the goldens included
# make help   the other targets
SHELL := /bin/bash
.DEFAULT_GOAL := help
SWIFT_BUILD := swift build -c release
UNMASK := .build/release/unmask
# The packages that the notebooks need, what draws plots, and PyTorch, each in a folder of its own; `unmask` looks for the last two.
NOTEBOOKS := .build/notebooks
PYTHON := $(NOTEBOOKS)/venv/bin
PLOTS := .build/plots/venv
TORCH := .build/torch/venv

.PHONY: help run test renew bench full-size claims tour pareto notebooks plots torch build deps test-deps format clean

help: ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 12

run: build ## decode real problems with the shipped model and compare strategies
	$(UNMASK) run Experiments/first-light.yaml

test: test-deps ## every test, the format check and the goldens included; what failed is said again at the end
	@mkdir -p .build; swift test -c release --scratch-path .build/testing 2>&1 | tee .build/test.log; code=$${PIPESTATUS[0]}; \
	if [ $$code -ne 0 ]; then echo; echo "Failed (the whole output is in .build/test.log):"; \
	grep -A 6 -E '✘ Test .* recorded an issue|error:|Fatal error|with signal' .build/test.log | cut -c 1-400 | tail -n 200; exit $$code; fi
	.build/testing/release/unmask check --junit .build/testing/goldens.xml

renew: build $(NOTEBOOKS)/venv/ready $(PLOTS)/ready ## after a new model: its goldens, results/baselines, the Pareto study, results/tour and the claims (up to an hour)
	Experiments/renew.sh $(UNMASK)
	Experiments/pareto.sh $(PYTHON)/python $(UNMASK)
	$(MAKE) tour
	$(MAKE) claims

bench: deps $(TORCH)/ready $(PLOTS)/ready ## the benchmark suite: ratios and their goals, stored and drawn in results/benchmarks (twenty minutes; 8 GB of memory, 5 GB of disk in TMPDIR)
	swift build -c release --package-path Experiments/benchmarks --scratch-path .build/benchmarks
	@code=0; .build/benchmarks/release/bench --report results/benchmarks/report.json $(PARTS) || code=$$?; \
	if [ $$code -le 1 ]; then $(PLOTS)/bin/python Experiments/benchmarks/picture.py results/benchmarks/report.json results/benchmarks/bench.svg || exit; fi; exit $$code

full-size: deps ## what LLaDA-8B's exact shapes cost, with generated weights: memory, seconds (ten minutes; 6 GB of disk in TMPDIR for as long as it runs)
	swift run -c release --package-path Experiments/benchmarks --scratch-path .build/benchmarks bench full-size

claims: build $(NOTEBOOKS)/venv/ready ## decode what the papers claim with the shipped model, collect it, execute the notebook (up to half an hour)
	$(UNMASK) run Experiments/claims.yaml --jobs $$(nproc)
	$(UNMASK) run Experiments/claims.yaml --dry-run --pilot 0 --json > $(NOTEBOOKS)/claims.json
	$(PYTHON)/python notebooks-md/collect.py $(NOTEBOOKS)/claims.json --output results/claims
	$(MAKE) notebooks

pareto: build $(PLOTS)/ready ## the Pareto study: decode it anew, hold it against what is stored, draw it as a page (ten minutes)
	$(UNMASK) run Experiments/pareto.yaml --jobs $$(nproc)
	$(UNMASK) pareto results/pareto --against results/pareto/points.json --html results/pareto/front.html

tour: build ## decode anew what the notebooks tour, anatomy and your-run read (a minute)
	find results/tour -mindepth 1 -maxdepth 1 -type d -name '????????????????' -exec rm -r {} +
	$(UNMASK) run Experiments/tour.yaml

notebooks: $(NOTEBOOKS)/venv/ready ## execute notebooks-md from stored results; the pages go to results
	@set -e; for page in notebooks-md/*.md; do \
	  name=$$(basename $$page .md); \
	  $(PYTHON)/jupytext --quiet --to ipynb --execute --run-path . --output $(NOTEBOOKS)/$$name.ipynb $$page; \
	  rm -rf results/$$name/$${name}_files; \
	  case $$name in tour|your-run) code=;; *) code=--no-input;; esac; \
	  $(PYTHON)/jupyter nbconvert --log-level WARN --to markdown $$code --output-dir results/$$name $(NOTEBOOKS)/$$name.ipynb; \
	  echo "results/$$name/$$name.md"; \
	done

$(NOTEBOOKS)/venv/ready: notebooks-md/requirements.txt
	@./Experiments/install.sh python3-venv
	python3 -m venv --clear $(NOTEBOOKS)/venv
	$(PYTHON)/pip install --quiet --disable-pip-version-check -r $<
	@touch $@

plots: $(PLOTS)/ready ## make the Python that `unmask pareto` draws its plots with

$(PLOTS)/ready: Experiments/plots/requirements.txt
	@./Experiments/install.sh python3-venv
	python3 -m venv --clear $(PLOTS)
	$(PLOTS)/bin/pip install --quiet --disable-pip-version-check -r $<
	@touch $@

torch: $(TORCH)/ready ## make the Python with PyTorch that `model: {path: ..., worker: torch}` computes with (200 MB; with a GPU's libraries several GB)

$(TORCH)/ready: Experiments/worker/requirements.txt
	@./Experiments/install.sh python3-venv
	python3 -m venv --clear $(TORCH)
	$(TORCH)/bin/pip install --quiet --disable-pip-version-check -r $<
	@touch $@

build: deps ## the command, in .build/release/unmask
	$(SWIFT_BUILD) --product unmask

format: ## rewrite the sources as swift format wants them
	swift format -i -r Sources Tests Package.swift

clean: ## remove what was built
	rm -rf .build

deps:
	@./Experiments/install.sh pkg-config libopenblas-dev libhdf5-dev zlib1g-dev

# The tests open traces with h5py too, draw plots, open pages in a browser, compute with PyTorch, and submit to a Slurm of their own.
test-deps: plots torch
	@./Experiments/install.sh pkg-config libopenblas-dev libhdf5-dev zlib1g-dev python3-h5py chromium slurm-wlm munge
