# Dongting. `make` alone lists what can be made.
# Only relative paths here: make itself cannot have a space in a path, the folder around it may.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup demo up test lint bench bench-full soak clean

BIN := .venv/bin
PY := $(BIN)/python
WORKERS ?= auto
export PIP_DISABLE_PIP_VERSION_CHECK := 1

help: ## list these targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' Makefile | column -t -s '|' 2>/dev/null || \
	 sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1   \2/p' Makefile

setup: .venv/.dev ## make the environment with all that the tests need

demo: .venv/.run ## run everything with demo data: make demo DATA=dir PORT=n
	@exec $(BIN)/dongting demo $${DATA:+--data "$$DATA"} $${PORT:+--port "$$PORT"}

up: .venv/.run ## run everything without demo data: make up DATA=dir PORT=n
	@exec $(BIN)/dongting up $${DATA:+--data "$$DATA"} $${PORT:+--port "$$PORT"}

test: .venv/.dev ## lint, types, import contracts and all tests
	@sh tools/test-needs.sh
	@$(MAKE) --no-print-directory lint
	$(PY) -m pytest -n $(WORKERS)

lint: .venv/.dev ## ruff, mypy and the import contracts
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

bench: .venv/.dev ## measure, at most twenty minutes
	$(PY) -m benchmarks

bench-full: .venv/.dev ## measure everything, resumable by name
	$(PY) -m benchmarks --full

soak: .venv/.dev ## the long runs: faults, simulated days, ten-minute loads
	$(PY) -m benchmarks.soak

clean: ## remove the environment (never the data)
	rm -rf .venv

# A stamp is newer than the metadata that it was made from: a change of setup.cfg installs again.
.venv/.run: setup.cfg pyproject.toml | .venv/.made
	@echo "Installing Dongting …"
	@$(PY) -m pip install -qq -e .
	@touch "$@"

.venv/.dev: setup.cfg pyproject.toml | .venv/.made
	@echo "Installing Dongting and what its tests need …"
	@$(PY) -m pip install -qq -e '.[dev]'
	@touch "$@" .venv/.run

.venv/.made:
	@sh tools/make-venv.sh
	@touch "$@"
