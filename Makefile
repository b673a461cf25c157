# `make demo` and `make test` are all a newcomer needs; each sets up what it uses.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.ready
# Many tests wait for processes: three workers fill two cores.
WORKERS := 3
PLAN := examples/staging/plan.yaml

.PHONY: demo test check bench soak setup truth-table lock clean down format

setup: $(STAMP)

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Golden Path needs Python 3.11 or newer; set PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(STAMP)

demo: setup
	$(BIN)/goldenpath run $(PLAN) --revision healthy

test: setup
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

check: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest tests/docs tests/house

bench: setup
	$(BIN)/python -m tests.bench
	$(BIN)/python -m tests.bench_witness
	$(BIN)/python -m tests.bench_import
	$(BIN)/python -m tests.bench_makespan
	$(BIN)/python -m tests.bench_dashboard
	$(BIN)/python -m tests.bench_warehouse
	$(BIN)/python -m tests.bench_probes
	$(BIN)/python -m tests.bench_judge
	$(BIN)/python -m tests.bench_probe_truth
	$(BIN)/python -m tests.bench_hooks
	$(BIN)/python -m tests.bench_lake

truth-table: setup
	$(BIN)/python -m tests.truth_table

soak: setup
	$(BIN)/python -m pytest -m soak

down: setup
	$(BIN)/goldenpath down $(PLAN)

format: setup
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# Pins for which docs/adr/0003 gives the reasons are in constraints.txt.
lock:
	uv pip compile pyproject.toml --extra dev -c constraints.txt --generate-hashes \
	  --no-emit-index-url --no-header --universal --python-version 3.11 -o requirements.lock

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
