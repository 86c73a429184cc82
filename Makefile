# `make help` lists what there is. Only Python 3.11 or newer and make are needed.

PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
INSTALLED := .venv/.installed
LOCK := $(BIN)/pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras \
	--no-emit-index-url --no-emit-find-links --no-emit-trusted-host

.DEFAULT_GOAL := help
.PHONY: help setup run test races coverage lint fmt bench pictures lock

help: ## List the targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1|\2/p' Makefile | column -t -s '|' 2>/dev/null \
		|| sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1: \2/p' Makefile

setup: $(INSTALLED) ## Make .venv with the locked dependencies and the shopforum command

run: $(INSTALLED) ## Start everything: database, identity provider, the three sites. Ctrl-C stops it
	@exec $(BIN)/shopforum dev

test: $(INSTALLED) ## Run the whole test suite; browser tests run where a Chromium is found
	@$(BIN)/pytest -n auto --maxprocesses 8 --dist worksteal $(ARGS)

# A race that goes wrong once in a thousand is not found by six rounds.
races: $(INSTALLED) ## Play each race SHOPFORUM_RACES times (300), and longer histories; takes minutes
	@SHOPFORUM_RACES=$${SHOPFORUM_RACES:-300} SHOPFORUM_EXAMPLES=$${SHOPFORUM_EXAMPLES:-400} \
		$(BIN)/pytest -n auto --maxprocesses 8 tests/sessions/test_races.py tests/sessions/test_machine.py $(ARGS)

coverage: $(INSTALLED) ## Show that the tests walk every branch of the heart and of FusionAuth's client
	@$(BIN)/pytest -n auto --maxprocesses 8 --cov=shopforum/sessions --cov=shopforum/idp --cov-branch \
		--cov-report=term-missing:skip-covered --cov-fail-under=100 --ignore=tests/browser --ignore=tests/devidp

lint: $(INSTALLED) ## Check style, formatting, types and who may import whom
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/lint-imports

fmt: $(INSTALLED) ## Format the code and mend what can be mended automatically
	@$(BIN)/ruff check --fix-only
	@$(BIN)/ruff format

bench: $(INSTALLED) ## Measure requests per second and latencies (bench/)
	@$(BIN)/python -m bench $(ARGS)

pictures: $(INSTALLED) ## Take the pictures of the README anew (docs/pictures/); needs a Chromium
	@$(BIN)/python docs/take_pictures.py

lock: $(INSTALLED) ## Pin the newest versions that requirements/*.in allow
	@cd requirements && for name in prod dev; do ../$(LOCK) --upgrade --output-file=$$name.txt $$name.in || exit; done

$(INSTALLED): requirements/dev.txt setup.py pyproject.toml
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Python 3.11 or newer is needed: make PYTHON=...")'
	@echo "Setting up .venv; the first time takes a minute."
	@$(PYTHON) -m venv .venv
	@$(PIP) install --require-hashes -r requirements/dev.txt
	@$(PIP) --quiet install --no-deps --no-build-isolation -e .
	@touch $@
