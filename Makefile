# Everything a developer needs. Each target makes .venv and installs on first use.
.DEFAULT_GOAL := help
SHELL := /bin/bash

VENV := .venv
BIN := $(VENV)/bin
# Set PYTHON=/path/to/python to choose the interpreter that .venv is made with.
PYTHON ?= python3
PIP := $(BIN)/python -m pip install --quiet --constraint constraints.txt
ARGS ?=
# Processes that tests run in, file by file in the order of tests/conftest.py: one more than there
# are cores, since some always wait for a browser or another process. A debugger wants WORKERS=0.
WORKERS ?= $(shell $(PYTHON) -c "import os; print(len(getattr(os, 'sched_getaffinity', lambda _: range(os.cpu_count()))(0)) + 1)")

.PHONY: help run test check format bench emulators clean

help:
	@echo "make run        open the app in a browser"
	@echo "make test       run the whole test suite (ARGS=\"-m 'not slow'\" or ARGS='-k pil' chooses)"
	@echo "make check      ruff, format, codespell, mypy"
	@echo "make format     let ruff format and mend what it can"
	@echo "make bench      run the benchmarks and print their tables"
	@echo "make emulators  stand-ins for JSOC, DONKI and others on port 8890 (ARGS='--port 9000')"
	@echo "make clean      remove .venv and all caches"

run: $(VENV)/.run-stamp
	$(BIN)/streamlit run app.py $(ARGS)

test: $(VENV)/.dev-stamp
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(ARGS)

check: $(VENV)/.dev-stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/codespell
	$(BIN)/mypy

format: $(VENV)/.dev-stamp
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.dev-stamp
	@for file in benchmarks/bench_*.py; do \
		echo "== $$file"; PYTHONPATH=. $(BIN)/python $$file || exit 1; \
	done

emulators: $(VENV)/.dev-stamp
	$(BIN)/python -m tests.emulators $(ARGS)

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis benchmarks/out
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@command -v "$(PYTHON)" >/dev/null || { \
		echo "make: $(PYTHON) not found; install Python 3.11 or newer, or call make PYTHON=/path/to/python" >&2; \
		exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "make: Python 3.11 or newer is needed, $(PYTHON) is $$("$(PYTHON)" --version 2>&1);" \
			"call make PYTHON=python3.12 or the like" >&2; \
		exit 1; }
	@echo "Making $(VENV) (once; downloads torch, which takes some minutes) ..."
	@"$(PYTHON)" -m venv $(VENV) || { \
		rm -rf $(VENV); \
		echo "make: $(PYTHON) cannot make a virtual environment;" \
			"on Debian and Ubuntu: apt install python3-venv" >&2; \
		exit 1; }

$(VENV)/.run-stamp: requirements.txt constraints.txt | $(BIN)/python
	$(PIP) -r requirements.txt
	@touch $@

$(VENV)/.dev-stamp: requirements-dev.txt requirements.txt constraints.txt | $(BIN)/python
	$(PIP) -r requirements-dev.txt
	@touch $@ $(VENV)/.run-stamp
