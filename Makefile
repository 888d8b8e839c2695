# The two commands of a fresh machine are `make demo` and `make test`; everything lands inside this checkout.
.DEFAULT_GOAL := help
.PHONY: help install demo test lint proof bench lock clean

VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
# The first Python on this machine that omnikpi supports.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null && { echo $$p; break; }; done)
# uv from the machine when it is there, else one of our own.
UV := $(shell command -v uv 2>/dev/null || echo .uv/bin/uv)

help: ## Say what each target does
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

install: $(INSTALLED) ## Install omnikpi and its pinned dependencies into .venv

$(INSTALLED): requirements.lock pyproject.toml | $(UV)
	@test -n "$(PYTHON)" || { echo "omnikpi needs Python 3.11, 3.12 or 3.13; install one, or call make PYTHON=/path/to/python"; exit 1; }
	$(UV) venv --quiet --allow-existing --python "$$($(PYTHON) -c 'import sys; print(sys.executable)')" $(VENV)
	$(UV) pip sync --quiet --python $(BIN)/python requirements.lock
	$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

.uv/bin/uv:
	@test -n "$(PYTHON)" || { echo "omnikpi needs Python 3.11, 3.12 or 3.13; install one, or call make PYTHON=/path/to/python"; exit 1; }
	$(PYTHON) -m venv .uv && .uv/bin/python -m pip install --quiet uv

demo: install ## Write the demonstration retailer's exports, load, build, publish, open the dashboard
	$(BIN)/omnikpi demo

test: install lint ## Run every check and the whole suite, browser tests included
	$(BIN)/pytest

lint: install ## Check style, types and SQL
	$(BIN)/ruff check . && $(BIN)/ruff format --check .
	$(BIN)/pyright
	@mkdir -p $(VENV)/lint  # the templater opens a warehouse; this one stays empty
	cd dbt_project && OMNIKPI_DATA_DIR=../$(VENV)/lint ../$(BIN)/sqlfluff lint models tests

proof: install ## Run the slow proofs
	$(BIN)/pytest -m proof

bench: install ## Measure speed and memory, as ratios in one run
	$(UV) pip install --quiet --python $(BIN)/python --requirements requirements-bench.lock
	$(BIN)/python -m benchmarks

lock: | $(UV) ## Pin the dependencies again
	$(UV) pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" --quiet --output-file requirements.lock
	$(UV) pip compile pyproject.toml --extra dev --extra bench --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" --quiet \
		--constraint requirements.lock --output-file requirements-bench.lock

clean: ## Remove the installation and everything made by tests; your data stays
	rm -rf $(VENV) .uv build dist .pytest_cache .ruff_cache .hypothesis .coverage htmlcov dbt_project/target dbt_project/logs
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
