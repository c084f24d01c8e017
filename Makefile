# `make` alone lists the targets. Needed: Python 3.11 or newer, make; everything else is installed into .venv.

PYTHON ?= python3
BUNDLE ?= prostate_mri_zones
POC_ARGS ?=
VALUE_ARGS ?=
PYTEST_ARGS ?=

VENV := .venv
CLINIC := .venv-clinic
RUN := $(VENV)/bin/python
INSTALL := -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
# Written last: an environment without it was interrupted and is made anew.
READY := $(VENV)/.ready
CLINIC_READY := $(CLINIC)/.ready
METADATA := $(wildcard bundles/*/configs/metadata.json)

export PIP_NO_INPUT := 1

.DEFAULT_GOAL := help
.PHONY: help venv poc test test-slow lint bench bench-value docs clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

venv: $(READY) ## the environment alone: .venv

poc: $(READY) ## three hospitals train one bundle on this machine; BUNDLE=<name>; POC_ARGS="--help" lists the options
	@$(RUN) poc/run.py --bundle $(BUNDLE) $(POC_ARGS)

test: lint $(CLINIC_READY) ## lint, then all tests but the slow ones in two processes; PYTEST_ARGS="-k gate" chooses
	@$(RUN) -m pytest -m "not slow" --numprocesses 2 $(PYTEST_ARGS)

test-slow: $(READY) $(CLINIC_READY) ## the slow tests, in two processes: faults of live federations, broken input at length
	@$(RUN) -m pytest -m slow --numprocesses 2 $(PYTEST_ARGS)

lint: $(READY) ## ruff (rules and format) and mypy
	@$(VENV)/bin/ruff check --quiet .
	@$(VENV)/bin/ruff format --quiet --check .
	@$(VENV)/bin/mypy

bench: $(READY) ## run every program in benchmarks/; BENCH_ARGS="--page" also writes docs/reference/benchmarks/
	@$(VENV)/bin/python -m pip install --quiet --constraint constraints.txt --editable ".[dev,bench]"
	@set -e; for program in benchmarks/[a-z]*.py; do echo "== $$program"; $(RUN) "$$program" $(BENCH_ARGS); done

bench-value: $(READY) ## what federation is worth, on all tasks (hours; goes on after Ctrl-C); VALUE_ARGS="--page" writes the page
	@PYTHONPATH=benchmarks $(RUN) -m value $(VALUE_ARGS)

docs: $(READY) ## write docs/reference/cli.md, then check links and pages and run the tutorial
	@$(RUN) docs/cli_page.py
	@$(RUN) -m pytest tests/test_docs.py tests/test_exit_codes.py $(PYTEST_ARGS)

clean: ## remove environments, caches and what poc and provision made
	rm -rf $(VENV) $(CLINIC) poc/workspace provisioning/workspace build .pytest_cache .mypy_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Python must be 3.11 or newer, got $$($(PYTHON) --version 2>&1 | head -n 1); say make PYTHON=/path/to/python3.11"; exit 1; }
	@echo "making $(VENV) ready (the first time some minutes and about 3 GB)"
	@test -e $@ || rm -rf $(VENV)
	@rm -f $@
	@$(PYTHON) -m venv $(VENV)
	@$(RUN) $(INSTALL) --editable ".[dev]"
	@touch $@

# A clinic that has never heard of fedbundle: only the packages that the bundles' metadata name.
$(CLINIC_READY): $(READY) tests/clinic_environment.py $(METADATA)
	@echo "making $(CLINIC) ready: only what the bundles name"
	@test -e $@ || rm -rf $(CLINIC)
	@rm -f $@
	@$(PYTHON) -m venv $(CLINIC)
	@$(RUN) tests/clinic_environment.py bundles/* > $(CLINIC)/requirements.txt
	@$(CLINIC)/bin/python $(INSTALL) --requirement $(CLINIC)/requirements.txt
	@touch $@
