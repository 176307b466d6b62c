# One verb for each thing a person does here; `make` alone lists them.
# Another Python than the default:  make demo PYTHON=python3.13

VENV := .venv
ifeq ($(OS),Windows_NT)
PYTHON ?= python
BIN := $(VENV)/Scripts
else
PYTHON ?= python3
BIN := $(VENV)/bin
endif
INSTALLED := $(VENV)/i2i-installed

TOO_OLD := i2i needs Python 3.11 or newer; name one with: make PYTHON=python3.13

.DEFAULT_GOAL := help
.PHONY: help demo test test-all lint fix bench docs clean

help:
	@echo "make VERB, where VERB is one of"
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  %-9s %s\n", $$1, $$2}' Makefile

demo: $(INSTALLED)  ## Train CycleGAN for a few minutes on pictures drawn on the spot
	$(BIN)/i2i run examples/cyclegan-demo.toml

test: lint  ## What CI runs: lint, then every test that is quick
	$(BIN)/python -m pytest -n 2 --dist worksteal -m "not long"

test-all: lint  ## Lint, then every test, those that take minutes as well
	$(BIN)/python -m pytest

lint: $(INSTALLED)  ## Check style, format and types; change nothing
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .
	$(BIN)/python -m mypy

fix: $(INSTALLED)  ## Mend style and format where a tool can
	$(BIN)/python -m ruff check --fix .
	$(BIN)/python -m ruff format .

bench: $(INSTALLED)  ## Measure a training step against a plain loop, for four methods
	$(BIN)/python benchmarks/step.py --method cyclegan pix2pix bicyclegan stargan --rounds 3 --no-memory

docs: $(INSTALLED)  ## Build the documentation into site/, and check links, code, specs and commands
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict
	$(BIN)/python -m pytest tests/house -k "docs or site"

clean:  ## Remove caches and build folders; .venv, runs and data stay
	rm -rf build dist site .mypy_cache .pytest_cache .ruff_cache
	find i2i plugins tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

# A half-made environment (no pip in it) is made again; a finished one is installed into once per pyproject.toml.
$(INSTALLED): pyproject.toml
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || { \
	  $(PYTHON) -c 'import sys; sys.exit("$(TOO_OLD)" if sys.version_info < (3, 11) else 0)' && \
	  $(PYTHON) -m venv $(VENV); }
	$(BIN)/python -m pip install --disable-pip-version-check --editable '.[dev]'
	@touch $@
