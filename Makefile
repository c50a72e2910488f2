# Two commands do everything on a fresh machine: `make replay` and `make test`.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready

.PHONY: help env replay test lint types layers tests readme docs notebooks bench matrix clean

help:          ## list the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

env: $(READY)  ## make the development environment in .venv

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "adl_opt needs Python 3.11 or newer: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

replay: env    ## the main job: every policy over October 10, 2025
	$(BIN)/adl-opt replay oct10

test: replay lint types layers tests  ## the same, then lint, types, layers and tests

lint: env      ## ruff: rules and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: env     ## mypy, strict, in two processes
	MYPY_NUM_WORKERS=2 $(BIN)/mypy

layers: env    ## import-linter: arrows point down
	$(BIN)/lint-imports

tests: env     ## pytest, on all cores, with numba for the compiled kernels
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev,fast]'
	$(BIN)/python -m pytest -n auto

readme: env    ## write the README's tables and the pictures anew
	$(BIN)/python -m tests.readme
	$(BIN)/python docs/pictures.py

docs: env      ## the documentation, in docs/_build/html; warnings are errors
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev,docs]'
	$(BIN)/python -m sphinx -q -W --keep-going -b html docs docs/_build/html

notebooks: env ## every example as a notebook, in out/notebooks
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev,docs]'
	$(BIN)/python docs/notebooks.py out/notebooks

bench: env     ## kernels beside every peer, about 20 minutes; ARGS=--quick for a short look
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev,bench,fast]'
	$(BIN)/python -m benchmarks $(ARGS)

matrix: env    ## lowest and newest versions with this interpreter, about 5 minutes; ARGS="--python PATH ..." for others
	$(BIN)/python -m benchmarks.matrix --python $(PYTHON) $(ARGS)

clean:         ## remove the environment and caches
	find adl_opt -name '*.nb[ic]' -delete
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
