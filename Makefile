# Everything that is done to this project, one command each. Needs git, python3 (3.11 or newer) and make; the rest is
# fetched, checked against the hashes in requirements/, and kept in this folder. `make test PYTHON=python3.12` runs with
# another interpreter, in an environment of its own (.venv-3.12). `make test TESTS=tests/core` runs a part.

PYTHON ?= python3
VENV ?= .venv$(patsubst python%,-%,$(filter-out python python3,$(notdir $(PYTHON))))
BIN := $(VENV)/bin
TESTS ?=
KILLS ?= 500
FREEZES ?= 50
CASES ?= 20000
SECONDS ?= 600
# Four workers, on the two cores of the smallest machine too: much of the time they wait for processes that they started.
# The tests of a file of the page run one after another in one of them (see tests/support/together.py).
# A worker that dies is told of: started anew, it would be waited for for ever (pytest-xdist 3.8, by scope).
PYTEST := pytest -n 4 --dist loadscope --max-worker-restart 0
# Whose tests run in their own process, so that what these never reach is reached by none (see tests/conftest.py).
MEASURED := $(addprefix tests/,core ops service store blobs backend test_settings.py)

# A home that cannot be written must not be needed: caches and the demo's records then stay in this folder.
ifneq ($(shell test -n "$$HOME" -a -d "$$HOME" -a -w "$$HOME" && echo writable),writable)
export UV_CACHE_DIR ?= $(CURDIR)/.cache/uv
export PIP_CACHE_DIR ?= $(CURDIR)/.cache/pip
export PENSTOCK_HOME ?= $(CURDIR)/.penstock
export MPLCONFIGDIR ?= $(CURDIR)/.cache/matplotlib
endif
# A certificate that a company's or a mirror's package index needs lies where the system keeps them.
export UV_SYSTEM_CERTS ?= 1
# Compiled bytecode is what makes the second import of pandas fast: it is kept, whatever the shell around says.
unexport PYTHONDONTWRITEBYTECODE PYTHONPATH

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help demo test test-queues test-all check lint types format coverage bench chaos away fuzz page pictures client package lock clean

help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 12

demo: $(VENV)/.ready-demo ## run the example pipeline: iris, three steps
	$(BIN)/penstock run examples/iris.py

test: $(VENV)/.ready-test tools-of-the-page ## run the tests
	$(BIN)/$(PYTEST) $(TESTS)

test-queues: $(VENV)/.ready-test ## run the tests of whole runs again, with their steps on queues
	PENSTOCK_TESTS_ON_QUEUES=1 $(BIN)/$(PYTEST) $(or $(TESTS),tests/e2e)

test-all: ## run the tests on every supported Python that is installed
	scripts/test_all.sh

check: lint types ## run every check but the tests

page: $(VENV)/.ready-test ## build the web page
	$(BIN)/python scripts/page.py

pictures: page ## take pictures of the page's screens for the documentation
	$(BIN)/python scripts/screenshots.py

client: $(VENV)/.ready-test ## write anew what the page knows of the server's operations
	$(BIN)/python scripts/client.py

# What the tests of the page need. Where a machine cannot have it, they are skipped and say why.
.PHONY: tools-of-the-page
tools-of-the-page: $(VENV)/.ready-test
	@$(BIN)/python scripts/page.py --if-possible
	@$(BIN)/python scripts/browser.py --install

lint: $(VENV)/.ready-dev ## check style, formatting and the layers of the architecture
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports
	$(BIN)/python scripts/page.py lint

types: $(VENV)/.ready-dev ## check the types, with two checkers
	$(BIN)/mypy
	$(BIN)/pyright --pythonpath $(BIN)/python
	$(BIN)/python scripts/page.py types

format: $(VENV)/.ready-dev ## format the code and repair what can be repaired safely
	$(BIN)/ruff check --fix-only
	$(BIN)/ruff format
	$(BIN)/python scripts/page.py format

coverage: $(VENV)/.ready-test ## run the tests of what decides and keeps, and show which lines they never reach
	$(BIN)/coverage erase
	$(BIN)/coverage run -m $(PYTEST) -m "not uncovered" $(or $(TESTS),$(MEASURED))
	$(BIN)/coverage combine --quiet && $(BIN)/coverage report

bench: $(VENV)/.ready-test ## measure what the project promises about speed
	$(BIN)/python bench

chaos: $(VENV)/.ready-test ## kill (KILLS=500) and freeze (FREEZES=50) processes at random, and look what is lost
	$(BIN)/python tests/faults/chaos.py --kills $(KILLS)
	$(BIN)/python tests/faults/chaos_agents.py --kills $(KILLS) --freezes $(FREEZES)

away: $(VENV)/.ready-test ## have a server be away (SECONDS=600) while steps run, and look what is lost
	$(BIN)/python -m tests.faults.away --seconds $(SECONDS)

fuzz: $(VENV)/.ready-test ## send the server CASES=20000 requests made from its description, and look at the answers
	PENSTOCK_FUZZ_CASES=$(CASES) $(BIN)/pytest -q tests/server/test_openapi.py -k whatever_is_sent

package: $(VENV)/.ready-dev ## build wheel and sdist, and try the wheel in a fresh environment
	rm -rf dist
	$(BIN)/python scripts/page.py
	PENSTOCK_REQUIRE_UI=1 $(BIN)/uv build --quiet --no-build-isolation --python $(BIN)/python
	UV=$(BIN)/uv scripts/try_wheel.sh $(BIN)/python

lock: $(VENV)/.ready-dev ## resolve the requirements anew (ARGS=--upgrade: to the newest versions)
	UV=$(BIN)/uv scripts/lock.sh $(ARGS)

clean: ## remove every environment, cache and build
	rm -rf ui/node_modules ui/client/node_modules ui/dist src/penstock/_ui
	rm -rf .venv .venv-* .cache dist build htmlcov .coverage .coverage.* .hypothesis .*_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# An environment is made anew when its lock changed; bootstrap.py is what keeps these files.
$(VENV)/.ready-%: requirements/%.txt pyproject.toml scripts/bootstrap.py
	@$(PYTHON) scripts/bootstrap.py $* --venv $(VENV) --python $(PYTHON)
