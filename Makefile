# The front door. Each target works alone on a fresh clone with Python 3.11 or newer, git and make.
# pip's own settings (an index, a proxy, a certificate) come from the environment and are left alone.

PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$p" && break; done)
UV ?= uv
VENV := .venv
BIN := $(VENV)/bin
PYTEST := $(BIN)/pytest --numprocesses auto --dist worksteal
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
LOCK := $(UV) pip compile pyproject.toml --python-version 3.11 --universal --generate-hashes \
	--no-emit-index-url --no-annotate --custom-compile-command "make lock" --quiet

# The tests and the demo start the connector many times: whatever a machine has set, modules are compiled once.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: install install-test demo test story check lint format bench bench-full crash test-postgres lock clean

install: $(VENV)/.installed          ## the connector, in .venv/bin/connector

install-test: $(VENV)/.installed-test

demo: install                        ## the whole job against invented people on this machine
	$(BIN)/connector demo

test: install-test                   ## the tests, on every core
	$(PYTEST)

story: install-test                  ## the first weeks on an account of twenty thousand people, and a month of the daemon
	STORY_PEOPLE=20000 SOAK_DAYS=30 $(BIN)/pytest tests/story tests/daemon/test_soak.py

check: lint test                     ## everything that must hold before a change goes in

lint: install-test                   ## form, types, and which way imports run
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

format: install-test                 ## put the code into its form
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: install-test                  ## what it costs per 100,000 people
	$(BIN)/python benchmarks/run.py

bench-full: install-test             ## a million people, once, in either CRM; may be stopped and goes on
	$(BIN)/python benchmarks/full.py

crash: install-test                  ## die at every point and heal; writes docs/crash-matrix.md
	$(BIN)/python -m tests.kills.matrix
	CRASH_EVERY=1 STATEFUL_GAMES=300 $(PYTEST) tests/sync tests/kills tests/mutants -k "crash or kill or dies or whatever or mutation"
	EVERY_CRM=1 $(PYTEST) tests/sync -k "hubspot or dynamics"

test-postgres: install-test          ## the laws and cases of a run, on PostgreSQL
	LEDGER=postgres $(PYTEST) tests/ledger tests/sync -k "postgres or ledger"

lock:                                ## resolve the dependencies anew (needs uv)
	$(LOCK) --group build --output-file deploy/locks/runtime.txt
	$(LOCK) --group build --group test --constraint deploy/locks/runtime.txt --output-file deploy/locks/test.txt

clean:                               ## forget the environment and the caches; state/ stays
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache *.egg-info
	find connector tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.created:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed; none was found. Set PYTHON=/path/to/python3." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

# Most modules of the official client are never imported: compiling all of them would take longer than anything else.
# The stamps make the second time quick; a changed lock or pyproject.toml makes it happen again.
$(VENV)/.installed: $(VENV)/.created deploy/locks/runtime.txt pyproject.toml
	$(PIP) install --no-compile --require-hashes --requirement deploy/locks/runtime.txt
	$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.installed-test: $(VENV)/.installed deploy/locks/test.txt
	$(PIP) install --no-compile --require-hashes --requirement deploy/locks/test.txt
	@touch $@
