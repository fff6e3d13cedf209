# Everything a person or CI types. `make` alone lists it. Works with make 3.81 and BSD tools.

.DEFAULT_GOAL := help
.PHONY: build help setup demo test permissions docs browser sam spark container image scan fuzz faults mutations bench bench-quick lint types render requirements clean
SHELL := /bin/sh

BIN := .venv/bin
PYTEST := $(BIN)/python -m pytest -n 2 --dist worksteal
COMPILE := $(BIN)/uv pip compile --universal --generate-hashes --no-header -q $(if $(UPGRADE),--upgrade)

help: ## List the targets
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' Makefile

setup: .venv/.dev ## Set up .venv for everything below (PYTHON=python3.13 picks the interpreter)

# make hands INPUT and ARGS to the shell as environment variables, so spaces and quotes survive.
demo: .venv/.ops ## Run the main job on samples/, or INPUT=file-or-folder [ARGS="--text-column v2"]
	@$(BIN)/landrun demo $${INPUT:+"$$INPUT"} $${ARGS:+--arguments="$$ARGS"}

test: .venv/.dev ## Run the tests, or TESTS=tests/unit
	$(PYTEST) $(TESTS)

permissions: .venv/.dev ## Show that each role is needed, and enough: on the laptop's AWS, with IAM enforced
	LANDRUN_PERMISSIONS=1 $(PYTEST) -q tests/permissions

docs: .venv/.dev ## Build the documentation as a site, and run its commands (WRITE=1: make its made parts anew)
	$(if $(WRITE),PYTHONPATH=tests $(BIN)/python -m docs.made)
	@sh tests/docs/install.sh
	.venv-docs/bin/zensical build --strict --clean
	LANDRUN_DOCS=1 $(PYTEST) -q tests/docs

browser: .venv/.dev ## Open reports and the live page in headless Chromium (PICTURES=FOLDER: with pictures)
	@sh tests/browser/install.sh
	PYTHONPATH=.venv-browser LANDRUN_BROWSER=1 LANDRUN_PICTURES=$(PICTURES) $(BIN)/python -m pytest -n 2 --dist loadfile -q tests/browser

sam: .venv/.dev ## Try it all with AWS's SAM CLI, in Docker: validate, build, invoke with each payload of events/
	@sh tests/sam/install.sh
	LANDRUN_SAM=1 $(BIN)/python -m pytest -q --timeout 600 tests/sam

spark: .venv/.dev ## Run the job on Spark as on one machine, and compare them row for row (needs Java)
	@sh tests/spark/install.sh
	LANDRUN_SPARK=1 .venv-spark/bin/python -m pytest -q --timeout 600 --confcutdir=tests/spark tests/spark
	LANDRUN_SPARK=1 $(BIN)/python -m pytest -q --timeout 600 tests/local/test_hosts.py

build: ## Build what `sam deploy` deploys, and compile it (needs sam and python3.13 on PATH)
	sam build
	sh requirements/compile.sh .aws-sam/build/*Function

scan: .venv/.dev ## Scan the template, the image and the files, and run the state machine in another engine
	@sh tests/scan/install.sh
	PYTHONPATH=tests $(BIN)/python -m scan.stacks .cache/scan
	$(BIN)/cfn-lint --regions us-east-1 -- .cache/scan/*.json
	cp src/processing/Dockerfile .cache/scan
	.venv-scan/bin/checkov --config-file tests/scan/checkov.yaml -d .cache/scan
	git ls-files -z ':!requirements/*.txt' | xargs -0 -n 300 -P 2 sh tests/scan/secrets.sh
	LANDRUN_SCAN=1 $(PYTEST) -q tests/scan tests/differential

container: .venv/.dev ## Try the job's image in Docker, on a base made from packages (IMAGE=one that is here)
	@sh tests/container/check.sh $(IMAGE)

image: .venv/.ops ## Build the job's image (STACK=name: push it, print its digest; BASE_IMAGE=, PLATFORM=)
	@$(BIN)/landrun image $${STACK:+--stack "$$STACK"} $${BASE_IMAGE:+--base-image "$$BASE_IMAGE"} $${PLATFORM:+--platform "$$PLATFORM"}

fuzz: .venv/.dev ## Fuzz events and files at length (EXAMPLES=1000 a test), hostile files in full size under 1 GiB
	LANDRUN_FUZZ_EXAMPLES=$(or $(EXAMPLES),1000) $(PYTEST) -q -o timeout=3600 -p no:logging tests/fuzz

faults: .venv/.dev ## Run the fault suite with many more examples (EXAMPLES=60 in each mode)
	FAULTS=thorough LANDRUN_FAULTS_EXAMPLES=$(or $(EXAMPLES),60) \
	  $(PYTEST) -q --timeout=600 tests/faults tests/local/test_concurrency.py tests/local/test_hosts.py

mutations: .venv/.dev ## Take each guarantee away, one by one, and show which tests notice
	PYTHONPATH=tests $(BIN)/python -m faults.mutations

# Ratios of ways that took turns in one run; SUITES="warm burst" for some.
bench: .venv/.dev ## Measure landrun beside what it replaces; medians and spreads go to benchmarks/results.json
	@sh benchmarks/install.sh
	$(BIN)/python -m benchmarks $(SUITES)

bench-quick: .venv/.dev ## The same with small sizes, in two minutes: fails if a figure cannot be right
	@sh benchmarks/install.sh
	$(BIN)/python -m benchmarks --quick $(SUITES)

lint: .venv/.dev ## Check style, formatting and the template
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/cfn-lint --regions us-east-1 -- template.yaml src/stacks/*.yaml

types: .venv/.dev ## Check types, strictly
	$(BIN)/mypy src

render: .venv/.ops ## Write src/statemachine/processing.asl.yaml from the workflow
	$(BIN)/landrun workflow render

requirements: .venv/.dev ## Pin and hash the requirements again (UPGRADE=1 takes newer versions)
	$(COMPILE) --python-version 3.13 src/functions/requirements.in -o src/functions/requirements.txt
	$(COMPILE) --python-version 3.11 src/processing/requirements.in -o src/processing/requirements.txt
	$(COMPILE) --python-version 3.11 requirements/ops.in -o requirements/ops.txt
	$(COMPILE) --python-version 3.11 requirements/dev.in -o requirements/dev.txt
	$(COMPILE) --python-version 3.11 requirements/browser.in -c requirements/dev.txt -o requirements/browser.txt
	$(COMPILE) --python-version 3.11 requirements/sam.in -o requirements/sam.txt
	$(COMPILE) --python-version 3.13 tests/sam/runtime.in -o tests/sam/runtime.txt
	$(COMPILE) --python-version 3.12 src/processing/requirements-spark.in -c src/processing/requirements.txt -o src/processing/requirements-spark.txt
	$(COMPILE) --python-version 3.11 requirements/spark.in -c src/processing/requirements-spark.txt -o requirements/spark.txt
	$(COMPILE) --python-version 3.11 requirements/bench.in -o requirements/bench.txt
	$(COMPILE) --python-version 3.11 requirements/docs.in -o requirements/docs.txt
	$(COMPILE) --python-version 3.11 requirements/scan.in -o requirements/scan.txt
	$(COMPILE) --python-version 3.11 requirements/scan-secrets.in -o requirements/scan-secrets.txt

clean: ## Remove everything that make made, the virtual environment and demo outputs included
	rm -rf .venv .venv-scan .venv-sam .venv-docs .venv-ops .venv-browser .venv-spark .venv-bench .landrun .cache .aws-sam .mypy_cache .pytest_cache .ruff_cache .hypothesis build dist
	find src tests -name __pycache__ -prune -exec rm -rf {} +
	find . -maxdepth 3 -name '*.egg-info' -prune -exec rm -rf {} +

.venv/.ops: requirements/ops.txt requirements/install.sh pyproject.toml
	@sh requirements/install.sh ops

.venv/.dev: requirements/dev.txt requirements/install.sh pyproject.toml
	@sh requirements/install.sh dev
