# `make help` lists what there is. Only Python 3.11 or newer and make are needed.

PYTHON ?= python3
BIN := .venv/bin
# The locks name every package with its hashes, so nothing is resolved: an installer that looks at what is newest today
# breaks tomorrow. pip and not a quicker one, because it follows the machine's own index, proxy and certificates.
INSTALL := $(BIN)/python -m pip --disable-pip-version-check --quiet install --no-deps
RUN := .venv/.run
TEST := .venv/.test
BENCH := .venv/.bench
LOCK := ../$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
	--no-strip-extras --no-emit-index-url --no-header

# `make run` starts several processes of one program: they need not each compile it.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup run test test-quick races searches mutants coverage contract guide ha lint fmt bench bench-scale pictures typeface docs lock

help: ## List the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' Makefile | column -t -s '|' 2>/dev/null \
		|| sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1: \2/p' Makefile

setup: $(RUN) ## Make .venv with the locked dependencies and the shopforum command

run: $(RUN) ## Start everything: database, identity provider, the three sites; TLS=1 over https. Ctrl-C stops it
	@exec $(BIN)/shopforum dev $(if $(TLS),--tls) $(ARGS)

test: $(TEST) ## Run the whole test suite; browser tests run where a Chromium is found
	@$(BIN)/pytest -n auto --maxprocesses 8 --dist worksteal $(ARGS)

test-quick: $(TEST) ## Run the tests but for those that take long: pages in Chromium, outages, crowds of rows, races
	@$(BIN)/pytest -n auto --maxprocesses 8 --dist worksteal -m "not long" $(ARGS)

# A race that goes wrong once in a thousand is not found by six rounds.
races: $(TEST) ## Play each race SHOPFORUM_TEST_RACES times (300), and longer histories; takes minutes
	@SHOPFORUM_TEST_RACES=$${SHOPFORUM_TEST_RACES:-300} SHOPFORUM_TEST_EXAMPLES=$${SHOPFORUM_TEST_EXAMPLES:-400} \
		$(BIN)/pytest -n auto --maxprocesses 8 tests/sessions/test_races.py tests/sessions/test_binding_races.py tests/sessions/test_machine.py tests/api/test_same_everywhere.py $(ARGS)

searches: $(TEST) ## Search every order of a browser's and a thief's acts with the real numbers, and play thousands of sessions; takes minutes
	@SHOPFORUM_TEST_SEARCHES=1 $(BIN)/pytest -n auto --maxprocesses 8 tests/sessions/test_rotation_search.py \
		tests/sessions/test_simulation.py tests/sessions/test_memory_core.py $(ARGS)

mutants: $(TEST) ## Break each condition of the session core, and each status in FusionAuth's client, and list those that no test notices; takes an hour
	@$(BIN)/python tests/mutants.py $(ARGS)

coverage: $(TEST) ## Show that the tests walk every branch of the session core and of FusionAuth's client
	@$(BIN)/pytest -n auto --maxprocesses 8 --cov=shopforum/sessions --cov=shopforum/idp --cov-branch \
		--cov-report=term-missing:skip-covered --cov-fail-under=100 --ignore=tests/browser --ignore=tests/dev_idp

# FusionAuth's description of 1.69.0, by its commit and its SHA-256. It is Apache-2.0, and not part of this repository.
DESCRIPTION := .data/fusionauth-openapi.yaml
DESCRIPTION_URL := https://raw.githubusercontent.com/FusionAuth/fusionauth-openapi/f07c95a224194589262eb3b151625d65f9a6ebd8/openapi.yaml
DESCRIPTION_SHA256 := 49feaa451db767e214d1aafc57eaa0fe72d142aa013a4b29b48bb1b76e6f28f9

contract: $(TEST) ## Hold the development provider against FusionAuth's OpenAPI description and its TypeScript client, fetched once
	@test -f $(DESCRIPTION) || curl --fail --silent --show-error --create-dirs --output $(DESCRIPTION) $(DESCRIPTION_URL)
	@echo "$(DESCRIPTION_SHA256)  $(DESCRIPTION)" | sha256sum --check --quiet
	@! command -v npm >/dev/null || test -d .data/contract/node_modules || { mkdir -p .data/contract \
		&& cp tests/contract/package.json tests/contract/package-lock.json .data/contract/ \
		&& npm ci --prefix .data/contract --ignore-scripts --no-audit --no-fund --silent; }
	@$(BIN)/pytest tests/dev_idp/test_conformance.py tests/contract $(ARGS)

guide: $(TEST) ## Play each row of the workflow with FusionAuth set up as its secure deployment guide advises
	@SHOPFORUM_TEST_GUIDE=1 $(BIN)/pytest -n auto --maxprocesses 8 tests/workflow $(ARGS)

ha: $(TEST) ## Kill, freeze and switch the primary of three PostgreSQL servers under Patroni, and upgrade, under load; takes minutes
	@test -x .data/patroni/bin/patroni || { $(PYTHON) -m venv .data/patroni && .data/patroni/bin/python -m pip \
		--disable-pip-version-check --quiet install --no-deps --require-hashes -r requirements/ha.txt; }
	@SHOPFORUM_TEST_PATRONI=.data/patroni/bin/patroni $(BIN)/pytest -n 0 -p no:randomly tests/availability tests/failure/test_rolling_upgrade.py $(ARGS)

lint: $(TEST) ## Check style, formatting, types (and how much of the code has none) and imports between packages
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/python typings/any_share.py
	@$(BIN)/lint-imports

fmt: $(TEST) ## Format the code and fix what can be fixed automatically
	@$(BIN)/ruff check --fix-only
	@$(BIN)/ruff format

bench: $(TEST) $(BENCH) ## Measure the cart page beside Django, Flask, Pyramid by the book and the bare floor (bench/)
	@$(BIN)/python -m bench $(ARGS)

bench-scale: $(TEST) ## Measure filters, revocations and the worker's jobs at 10,000 and a million sessions; takes minutes
	@$(BIN)/python -m bench.scale $(ARGS)

pictures: $(TEST) ## Take the pictures of the README anew (docs/pictures/); needs a Chromium
	@$(BIN)/python docs/take_pictures.py

# Figtree, by its commit and its SHA-256. Its licence, the SIL Open Font License, is shopforum/static/figtree-OFL.txt.
TYPEFACE := .data/Figtree.ttf
TYPEFACE_URL := https://raw.githubusercontent.com/erikdkennedy/figtree/032dfa7fe219ef3a02890d6d3add84eacc9aebfe/fonts/variable/Figtree%5Bwght%5D.ttf
TYPEFACE_SHA256 := c8d9e77bb970c18f7b55fd2d8c91f86c9e9cc42696da9c3e7bc4fffba1d3ef5a
# Latin with its European letters, punctuation, arrows and signs of comparison.
TYPEFACE_LETTERS := U+0020-007E,U+00A0-017F,U+0218-021B,U+2010-2015,U+2018-201E,U+2020-2022,U+2026,U+2030,U+2032,U+2033,U+2039,U+203A,U+20AC,U+2122,U+2190-2193,U+2212,U+2248,U+2260,U+2264,U+2265

typeface: ## Make shopforum/static/figtree.woff2 from Figtree, which is fetched once; its address in app.css has the file's hash
	@test -f $(TYPEFACE) || curl --fail --silent --show-error --create-dirs --output $(TYPEFACE) $(TYPEFACE_URL)
	@echo "$(TYPEFACE_SHA256)  $(TYPEFACE)" | sha256sum --check --quiet
	@test -x .data/typeface/bin/pyftsubset || { $(PYTHON) -m venv .data/typeface && .data/typeface/bin/python -m pip \
		--disable-pip-version-check --quiet install --no-deps --require-hashes -r requirements/typeface.txt; }
	@.data/typeface/bin/pyftsubset $(TYPEFACE) --output-file=shopforum/static/figtree.woff2 --flavor=woff2 \
		--layout-features=kern,liga,calt,ccmp,locl,mark,mkmk,tnum --unicodes=$(TYPEFACE_LETTERS)
	@hash=$$(sha256sum shopforum/static/figtree.woff2 | cut -c 1-12); \
		sed -i "s/figtree\.woff2?v=[0-9a-f]*/figtree.woff2?v=$$hash/" shopforum/static/app.css

docs: $(TEST) ## Write docs/settings.md, docs/fusionauth-answers.md, the diagrams and the table of the metrics from the code
	@$(BIN)/python docs/write_settings.py
	@$(BIN)/python docs/write_diagrams.py
	@$(BIN)/python docs/write_answers.py
	@$(BIN)/python docs/write_metrics.py

lock: $(TEST) ## Pin the newest versions that requirements/*.in allow
	@cd requirements && $(LOCK) --output-file=prod.txt prod.in
	@cd requirements && $(LOCK) --constraint=prod.txt --output-file=dev.txt prod.in dev.in
	@cd requirements && $(LOCK) --constraint=dev.txt --output-file=test.txt prod.in dev.in test.in
	@cd requirements && $(LOCK) --constraint=test.txt --output-file=bench.txt prod.in dev.in bench.in
	@cd requirements && $(LOCK) --output-file=ha.txt ha.in
	@cd requirements && $(LOCK) --output-file=typeface.txt typeface.in

$(RUN): requirements/dev.txt setup.py pyproject.toml
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Python 3.11 or newer is needed: make PYTHON=...")'
	@echo "Setting up .venv ..."
	@$(PYTHON) -m venv --clear .venv || { echo "$(PYTHON) cannot make a virtual environment. On Debian: apt install python3-venv"; exit 1; }
	@echo "Installing the locked packages; the first time takes half a minute ..."
	@$(INSTALL) --require-hashes -r requirements/dev.txt
	@$(INSTALL) --no-build-isolation --editable .
	@$(BIN)/python -m pip --disable-pip-version-check check
	@touch $@

$(TEST): $(RUN) requirements/test.txt
	@echo "Installing the test tools; the first time takes half a minute ..."
	@$(INSTALL) --require-hashes -r requirements/test.txt
	@$(BIN)/python -m pip --disable-pip-version-check check
	@touch $@

$(BENCH): $(TEST) requirements/bench.txt
	@echo "Installing the frameworks to compare with ..."
	@$(INSTALL) --require-hashes -r requirements/bench.txt
	@touch $@
