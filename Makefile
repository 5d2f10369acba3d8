# `make demo` and `make test` do all set-up themselves; the environment is made again when the lock changes.
SHELL := bash
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
PYTHON ?=
export PYTHON
# Images often set it: then each of the thousand processes that the suite starts compiles every module it imports.
unexport PYTHONDONTWRITEBYTECODE

BIN := .venv/bin
LOCK_ID := $(shell cksum locks/dev.txt pyproject.toml 2>/dev/null | cksum | cut -d' ' -f1)
READY := .venv/.stamp-$(LOCK_ID)
OPLAKE_DATASETS ?= $(wildcard $(CURDIR)/../shared/datasets)
export OPLAKE_DATASETS
# Workers of a test run: two cores are busy with four, because many tests wait for servers.
WORKERS ?= 4
PYTEST := $(BIN)/python -m pytest -n $(WORKERS)

# Servers that tests alone run: .ci/servers builds them.
SERVERS := vault minio collector jaeger
BUILT := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/oplake/bin

.PHONY: help setup dashboards demo test unit lint format bench bench-api bench-kafka bench-reconcile chaos brokers sbom audit lock clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 13

setup: $(READY) ## make .venv from the hash-pinned lock (the others do this themselves)
$(READY): locks/dev.txt pyproject.toml
	@bash .ci/setup
	@rm -f .venv/.stamp-* && touch $@

demo: $(READY) ## watch the whole thing once, on this machine, in under three minutes
	@$(BIN)/python -m tests.demo

kubernetes-tools: $(READY) ## build kustomize and kubectl-validate into ~/.cache/oplake (three minutes of a core, once)
	@$(if $(shell command -v go),$(BIN)/python -m tests.deploy.kubernetes_tools,echo "kubernetes-tools: no Go here: the tests of the Kubernetes manifests do not run (Debian: golang)")

test: $(READY) kubernetes-tools ## the whole suite: real server, faults, packaging, and every property in depth
	@$(if $(OPLAKE_DATASETS),,echo "test: OPLAKE_DATASETS is not set: the tests of the sample collections do not run")
	@$(if $(and $(shell command -v java),$(shell command -v mvn)),,echo "test: no java or mvn here: the tests of Kafka, Connect and Debezium do not run (Java 17+ and Maven: Debian openjdk-17-jre-headless, maven)")
	@$(foreach each,$(filter-out $(notdir $(wildcard $(BUILT)/*)),$(SERVERS)),echo "test: no $(each) here: its tests do not run (bash .ci/servers $(each) builds it where Go is installed)";)
	@# A file stays on one worker and starts its server once; tests/order.py names the long files, which come first.
	HYPOTHESIS_PROFILE=deep $(PYTEST) --dist loadfile --no-loadscope-reorder --junit-xml .pytest_cache/suite.xml

unit: $(READY) ## the fast part, without servers: under a minute
	$(PYTEST) --dist worksteal -m "not server and not vault and not fault and not packaging and not slow"

lint: $(READY) ## ruff, formatting, strict types, layering
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(READY) ## rewrite the code in the project's format
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

dashboards: $(READY) ## write deploy/observability/grafana again
	@$(BIN)/python deploy/observability/dashboards.py

bench: $(READY) ## measure, and print a Markdown table (docs/benchmarks.md records one)
	@$(BIN)/python -m tests.benchmarks

bench-reconcile: $(READY) ## the part of it that is about reconciliation
	@$(BIN)/python -m tests.benchmarks --only "reconcile"

bench-kafka: $(READY) ## the same for the Kafka transport; SPARK=--spark measures the peer, too
	@$(BIN)/python -m tests.benchmarks.kafka $(SPARK)

bench-api: $(READY) ## requests a second that the service answers, and how fast
	@$(BIN)/python -m tests.benchmarks.service

chaos: $(READY) ## kill everything of the production transport three hundred times (an hour or so)
	OPLAKE_CHAOS_KILLS=300 $(BIN)/python -m pytest -n 0 --log-cli-level INFO --log-format '%(asctime)s %(message)s' tests/chaos

brokers: $(READY) ## kill one of three brokers while two workers read (a minute of both cores)
	$(BIN)/python -m pytest -n 0 tests/kafka/long_brokers.py

# Both tools come from the registry that pip is set up for, at these versions, into a cache of their own.
SBOM ?= dist/oplake.cdx.json
CYCLONEDX := cyclonedx-bom==7.5.0
sbom: $(READY) ## write dist/oplake.cdx.json: what the image holds, as CycloneDX
	@mkdir -p $(dir $(SBOM)); eval "$$($(BIN)/python .ci/uv_environment.py)"; \
	PYTHONWARNINGS=ignore $(BIN)/uv tool run --quiet --from $(CYCLONEDX) cyclonedx-py requirements \
	    --pyproject pyproject.toml --of JSON --validate -o $(SBOM) locks/production.txt

# AUDIT=--unreachable-passes for machines that do not reach the advisory service: they say so, and go on.
audit: $(READY) ## ask for known vulnerabilities of what is locked; needs the advisory service on the internet
	@eval "$$($(BIN)/python .ci/uv_environment.py)"; $(BIN)/python .ci/audit.py $(AUDIT)

# The locks hold for every Python and platform (--universal) and name no index.
# `make lock UPGRADE=--upgrade` takes the newest versions; without it the present ones stay where they can.
COMPILE = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate $(UPGRADE)
lock: ## write locks/ again from pyproject.toml
	@bash .ci/setup --lock-tools
	@set -e; eval "$$($(BIN)/python .ci/uv_environment.py)"; \
	$(COMPILE) --group bootstrap --output-file locks/bootstrap.txt; \
	$(COMPILE) pyproject.toml --output-file locks/runtime.txt; \
	$(COMPILE) pyproject.toml --extra api --extra postgresql --extra telemetry --constraint locks/runtime.txt \
	    --output-file locks/production.txt; \
	$(COMPILE) pyproject.toml --extra api --extra dev-server --extra dev-store --extra postgresql --extra ray --extra telemetry \
	    --group dev --group bootstrap --constraint locks/production.txt --output-file locks/dev.txt
	@wc -l locks/*.txt

clean: ## remove what the other targets made
	rm -rf .venv .oplake .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dist build
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
