# The commands of this project, for people and for CI.
#   make all       set up and run the main job
#   make test      set up and run the tests that need Python only
#   make test-all  these, and those with a browser, a cluster, kills, other libraries and many cases
#   make lint      check style, types, workflow and imports
#   make docs      set up and build the site of the docs in site/
#   make clean     remove what was made, except results/ and data/

PYTHON ?= python3
CORES ?= $(shell $(PYTHON) -c 'import os; print(os.cpu_count())')
BIN := .venv/bin
PIP_INSTALL := $(BIN)/pip install --no-compile --constraint constraints.txt
INSTALLED := .venv/installed
INSTALLED_DEV := .venv/installed-dev
INSTALLED_ALL := .venv/installed-all
# One process more than cores: tests wait at times, for Snakemake and for the disk.
WORKERS := $(shell expr $(CORES) + 1)
PYTEST := $(BIN)/pytest --numprocesses $(WORKERS) --maxprocesses 4 --dist loadfile
# Folders of which `make test` runs nothing (tests/conftest.py) are not even read.
UNREAD := $(addprefix --ignore=tests/,browser faults fuzz integrations slurm)

.PHONY: all test test-all lint docs clean
.DELETE_ON_ERROR:

# The main job imports little of what is installed: that is compiled when it is, and kept. The
# processes of the tests would compile the same modules at once, so they find all compiled.
COMPILE := $(BIN)/python -m compileall -qq -j 0 .venv/lib
unexport PYTHONDONTWRITEBYTECODE

all: $(INSTALLED)
	$(BIN)/snakemake --cores $(CORES) all
	@echo "Done. Open results/index.html in a browser."

test: $(INSTALLED_DEV)
	$(PYTEST) $(UNREAD)

test-all: test $(INSTALLED_ALL)
	$(PYTEST) -m "browser or cluster or kills or libraries or long"

lint: $(INSTALLED_ALL)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/snakefmt --check workflow
	$(BIN)/python .ci/lint_docstrings.py
	$(BIN)/python .ci/lint_workflow.py
	$(BIN)/lint-imports

docs: $(INSTALLED_ALL)
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build
	@echo "Done. Open site/index.html in a browser; its search needs $(BIN)/python -m http.server --directory site."

clean:
	rm -rf .venv .snakemake build site dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .import_linter_cache

.venv/bin/python:
	$(PYTHON) -m venv .venv

# The stamps are newer than what they depend on, so that nothing is installed twice.
$(INSTALLED): pyproject.toml constraints.txt | .venv/bin/python
	$(PIP_INSTALL) --editable .
	touch $@

$(INSTALLED_DEV): pyproject.toml constraints.txt | .venv/bin/python
	$(PIP_INSTALL) --editable .[dev]
	-$(COMPILE)
	touch $@ $(INSTALLED)

$(INSTALLED_ALL): pyproject.toml constraints.txt | .venv/bin/python
	$(PIP_INSTALL) --editable .[dev,docs,huggingface,lightning,peers]
	-$(COMPILE)
	touch $@ $(INSTALLED) $(INSTALLED_DEV)
