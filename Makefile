# What a developer types daily. `make demo` and `make test` each set up everything they need.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
RUNS := $(VENV)/.runs

# What meets every library once: readers, downloads, locks, searches, the choice, tables, pages, the command line.
FLOORED := $(addprefix tests/test_,cli.py config.py doors.py downloads.py fetch.py graph.py gtfs.py maps.py osm.py \
  population.py publishing.py rasters.py siting.py sites.py steady.py study_transit.py tables.py workbook.py)

# What a page does in a browser hangs on its own text, which one map meets; the rest of the maps is made without one.
ONCE := -k "not chromium or a_layer_is_really_drawn"

# What pyproj does with an array of one point, NumPy before 2.4 only warned of.
ASIDE := -W "ignore:Conversion of an array with ndim:DeprecationWarning"

.DEFAULT_GOAL := help
.PHONY: help demo test fuzz sweeps steady floors check docs bench notebooks sample lock clean

help: ## list the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

# What running needs, and what developing needs beside it.
$(RUNS): requirements-run.txt pyproject.toml
	tools/install.sh $(PYTHON) $(VENV) requirements-run.txt
	@touch $@

$(READY): requirements.txt pyproject.toml
	tools/install.sh $(PYTHON) $(VENV) requirements.txt compiled
	@touch $@ $(RUNS)

demo: $(RUNS) ## write the sample territory, run it, print the table and where the map is
	PYTHONDONTWRITEBYTECODE= $(BIN)/siteplan demo
	@echo "Go on with $(BIN)/siteplan, or with siteplan after: . $(BIN)/activate"

test: $(READY) ## run the whole test suite, notebooks included, on all cores
	$(BIN)/python -m pytest --numprocesses auto --dist worksteal --nbmake tests notebooks

fuzz: $(READY) ## spoil files of every format, in bytes and in meaning, and read them; SITEPLAN_SPOILT=... for how many of each (2,000)
	SITEPLAN_SPOILT=$${SITEPLAN_SPOILT:-2000} $(BIN)/python -m pytest --numprocesses auto tests/test_spoilt.py tests/test_mutated.py

sweeps: $(READY) ## stop, fill, share and damage what is written at every step; says how many were injected and survived
	$(BIN)/python -m pytest --quiet --capture=no tests/test_publishing.py tests/test_sweeps.py tests/test_cache.py \
		tests/test_downloads.py

steady: $(READY) ## run the sample under many circumstances and compare all results byte by byte
	$(BIN)/python -m tests.steady

floors: ## run a part of the tests on the oldest libraries that pyproject.toml allows, in .venv-floors (needs uv)
	uv venv --quiet --clear --python $(PYTHON) .venv-floors
	uv pip compile pyproject.toml --group dev --resolution lowest-direct --no-header --quiet --output-file .venv-floors/floors.txt
	uv pip install --quiet --python .venv-floors/bin/python --requirement .venv-floors/floors.txt
	uv pip install --quiet --python .venv-floors/bin/python --no-build-isolation --no-deps --editable .
	.venv-floors/bin/python -m pytest --numprocesses auto $(ASIDE) $(ONCE) $(FLOORED)

check: docs ## formatting, lint, types, import contract, dependencies, documentation
	$(BIN)/ruff format --check siteplan tools tests
	$(BIN)/ruff check siteplan tools tests
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/deptry siteplan

docs: $(READY) ## build the documentation into site/; every warning is an error
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

.venv-bench/.ready: requirements.txt tests/bench/requirements.txt
	$(PYTHON) -m venv .venv-bench
	.venv-bench/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	.venv-bench/bin/python -m pip install --quiet --disable-pip-version-check -r tests/bench/requirements.txt
	@touch $@

bench: .venv-bench/.ready ## measure against other engines, side by side (installs them into .venv-bench); TASKS=... for some
	.venv-bench/bin/python -m tests.bench $(TASKS)

notebooks: $(READY) ## execute the notebooks in place
	$(BIN)/python -m pytest --nbmake --overwrite notebooks
	$(BIN)/python -m tools.notebooks notebooks

sample: $(READY) ## draw the sample territory in data/sample anew
	$(BIN)/python -m tools.sample data/sample

LOCK := uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --quiet
lock: ## write requirements.txt and, of it, what running needs anew from pyproject.toml (needs uv)
	$(LOCK) --group dev --output-file requirements.txt
	$(LOCK) --group build --constraint requirements.txt --output-file requirements-run.txt

clean: ## remove everything that can be made again
	rm -rf $(VENV) .venv-bench .venv-floors build dist site siteplan-demo .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
