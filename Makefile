# TeleHeme: everything a person types. `make help` lists it.
#
# Set-up is a matter of stamp files inside .venv: one is written only after its install has ended
# well, so an interrupted one is simply done again.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PORT ?= 8000
HOST ?= 127.0.0.1
DATA_DIR ?= var
JOBS ?= 2
ARGS ?=

PYTHON ?= $(shell for p in python3.11 python3 python; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null && command -v "$$p" && break; done)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input
PYTEST := $(BIN)/python -m pytest -q
# A process that hangs where no signal reaches it ends, and another takes its place.
SIDE_BY_SIDE = -n $(JOBS) --dist loadgroup -o faulthandler_timeout=420

# What is tried on both shapes: SQLite and local files, and PostgreSQL, Valkey and S3.
BOTH_SHAPES := tests/accounts tests/audit tests/patients tests/queue tests/classifier tests/review \
	tests/datasets tests/training tests/adaptation tests/monitoring tests/images tests/e2e

.PHONY: help run test test-fast test-local test-server lint lock bench model screenshots browser pango clean

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(VENV)/.serve  ## run the whole of TeleHeme on this machine (PORT=8000 HOST=127.0.0.1 DATA_DIR=var)
	@exec $(BIN)/python manage.py quickstart --port "$(PORT)" --host "$(HOST)" --data-dir "$(DATA_DIR)" $(ARGS)

test: test-local test-server  ## every test, on both shapes

test-local: $(VENV)/.dev browser pango
	$(PYTEST) $(SIDE_BY_SIDE) -m "not faults and not e2e" $(ARGS)
	$(PYTEST) -m faults $(ARGS)
	$(PYTEST) -m "e2e and not faults" $(ARGS)

test-server: $(VENV)/.dev browser pango
	TELEHEME_TEST_SHAPE=server $(PYTEST) $(SIDE_BY_SIDE) -m "not local_shape and not e2e" $(BOTH_SHAPES) $(ARGS)
	TELEHEME_TEST_SHAPE=server $(PYTEST) -m "e2e and not local_shape" tests/e2e $(ARGS)
	TELEHEME_TEST_SHAPE=server $(PYTEST) -m "faults and not local_shape" tests/faults $(ARGS)

test-fast: $(VENV)/.dev pango  ## the tests that need neither a browser nor patience
	$(PYTEST) $(SIDE_BY_SIDE) -m "not slow and not e2e and not faults" $(ARGS)

lint: $(VENV)/.dev  ## style, types, import rules, migrations, security rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python manage.py makemigrations --check --dry-run
	$(BIN)/bandit -q -c pyproject.toml -r .
	$(BIN)/hadolint Dockerfile

UV := $(BIN)/uv pip compile -q --generate-hashes --python-version 3.11 \
	--python-platform x86_64-manylinux_2_28 --custom-compile-command "make lock" pyproject.toml

lock: $(VENV)/.dev  ## work out the three requirements files again from pyproject.toml
	$(UV) --all-extras $(ARGS) -o requirements-dev.txt
	$(UV) --extra train -c requirements-dev.txt -o requirements.txt
	$(UV) -c requirements-dev.txt -o requirements-serve.txt

bench: $(VENV)/.dev  ## images per second (Keras, OpenVINO, the worker); the monitoring page at a million cells
	@$(BIN)/python -m bench $(ARGS)
	@$(BIN)/python -m bench.monitoring

# The shipped model from the data, step by step; an interrupted step goes on where it was. DATA and
# WEIGHTS may be left out: TELEHEME_DATA, and the official download. ARGS=--mixed-precision where
# the processor has bfloat16. Hours on two cores.
DATA ?= $(TELEHEME_DATA)
RUNS ?= runs
TRAINING = $(if $(DATA),--data "$(DATA)") $(if $(WEIGHTS),--weights "$(WEIGHTS)")
MANAGE := $(BIN)/python manage.py

model: $(RUNS)/4/.evaluated  ## train the model that ships (DATA=folder WEIGHTS=file RUNS=runs)

$(RUNS)/1/calibration.json: | $(VENV)/.dev
	$(MANAGE) train_model --run-dir $(@D) --config ml/recipes/1-head.toml $(TRAINING)

$(RUNS)/2/calibration.json: $(RUNS)/1/calibration.json
	$(MANAGE) fine_tune_model --from $(<D) --run-dir $(@D) --config ml/recipes/2-fine-tuning.toml \
		$(TRAINING) $(ARGS)

$(RUNS)/3/calibration.json: $(RUNS)/2/calibration.json
	$(MANAGE) fine_tune_model --from $(<D) --run-dir $(@D) --unlabelled txl_pbc:raabin \
		--config ml/recipes/3-other-laboratories.toml $(TRAINING) $(ARGS)

$(RUNS)/4/calibration.json: $(RUNS)/3/calibration.json
	$(MANAGE) average_models $(RUNS)/2 $(<D) --run-dir $(@D) $(if $(WEIGHTS),--weights "$(WEIGHTS)")
	$(MANAGE) calibrate_model --run-dir $(@D) --unlabelled txl_pbc:raabin $(TRAINING)

$(RUNS)/4/.evaluated: $(RUNS)/4/calibration.json
	$(MANAGE) export_model --run-dir $(@D) $(TRAINING)
	$(MANAGE) evaluate_model --run-dir $(@D) $(if $(DATA),--data "$(DATA)")
	@touch $@

screenshots: $(VENV)/.dev browser pango  ## take the pictures of docs/screenshots again
	@$(BIN)/python -m tests.servers.screenshots $(ARGS)

browser:
	@tests/servers/install-browser

pango:
	@tests/servers/install-pango

clean:  ## remove what was built and cached; data (var/) stays
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache .coverage*
	find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +

$(VENV)/.made:
	@if [ -z "$(PYTHON)" ]; then \
		echo "TeleHeme needs Python 3.11, and there is no python3.11 here; on Debian 12: apt-get install python3.11 python3.11-venv" >&2; exit 1; fi
	@if ! $(PIP) --version >/dev/null 2>&1; then \
		"$(PYTHON)" -m venv --clear $(VENV) || { \
		echo "Python's venv module is missing; on Debian 12: apt-get install python3.11-venv" >&2; exit 1; }; fi
	@touch $@

$(VENV)/.serve: requirements-serve.txt | $(VENV)/.made
	@echo "Installing what web and worker need (the first time this takes a minute or two) ..."
	$(PIP) install -q --require-hashes --only-binary :all: -r requirements-serve.txt
	@touch $@

$(VENV)/.dev: requirements-dev.txt | $(VENV)/.made
	@echo "Installing training and test tools as well (TensorFlow is large: some minutes the first time) ..."
	$(PIP) install -q --require-hashes -r requirements-dev.txt
	@touch $(VENV)/.serve $@
