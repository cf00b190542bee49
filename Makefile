# Only python3 (3.11 or newer, with venv) and make are needed. `make help` lists what there is.
MAKEFLAGS += --no-print-directory
PYTHON ?= python3
BIN := .venv/bin
COMPILE := CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras \
	--build-deps-for editable --no-emit-index-url --no-emit-find-links --no-emit-trusted-host
# WHEELS=DIR installs from a folder that `make wheels` has filled on a machine with a package index
INSTALL := $(BIN)/pip install -qq --no-input --disable-pip-version-check --no-deps --require-hashes \
	$(if $(WHEELS),--no-index --find-links $(WHEELS)) -r
NO_INDEX := { echo "pip could not install: it needs a package index (PIP_INDEX_URL names one), or the folder of" \
	"\`make wheels\` from a machine that has one: make WHEELS=wheels run" >&2; exit 1; }
# Ctrl-C is how a server is stopped, so it is no error
STOPPED := || { code=$$?; test $$code -eq 130 || exit $$code; }

.PHONY: help run test fuzz drill demo check audit security bench openapi lock wheels clean
.DEFAULT_GOAL := help

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' Makefile

run: .venv/run ## serve the Haizhu sample on 127.0.0.1:8000
	@echo "3/3 starting PostgreSQL, the Haizhu sample and the API ..."
	@trap : INT; $(BIN)/sihu serve --demo $(STOPPED)

test: .venv/dev ## the whole suite, on its own databases; about 18 minutes on 2 idle cores
	@$(BIN)/pytest -q -n 3 $(ARGS)

fuzz: .venv/dev ## requests made from the OpenAPI document against a running service; about 5 minutes
	@FUZZ=long $(BIN)/pytest -q -s tests/wire/test_fuzz.py

drill: .venv/dev ## break the service on purpose, and judge what it kept; about 20 minutes, ARGS=NAME for one drill
	@$(BIN)/python -m tests.drills $(ARGS)

demo: .venv/run ## one unanswered incident through all four calls, in seconds
	@echo "3/3 letting time pass on a virtual clock ..."
	@$(BIN)/sihu demo

check: .venv/dev ## lint, types, import contracts, conventions, risky code, OpenAPI, migrations
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/pytest -q tests/conventions tests/security/test_audit.py::test_bandit_finds_nothing
	$(BIN)/sihu openapi --check
	@# a database of its own: the one of `make run` is not to be migrated by a check
	@data=$$(mktemp -d) && trap 'rm -rf "$$data"' EXIT && \
	DATABASE_URL= SIHU_DATA_DIR="$$data" $(BIN)/sihu migrate --check

audit: .venv/dev ## risky code, known flaws of the libraries, and sbom.json, the list of them
	@$(BIN)/python -m tests.security.audit

security: .venv/dev ## write docs/security.md from the clauses and the markers of the tests
	@$(BIN)/python -m tests.security

bench: .venv/run ## every measurement beside its control, as JSON, and what falls short; most of an hour
	@$(BIN)/sihu bench all

openapi: .venv/run ## write openapi/openapi.json
	@$(BIN)/sihu openapi

lock: .venv/dev ## resolve the dependencies anew
	$(COMPILE) --upgrade --output-file requirements.lock pyproject.toml
	$(COMPILE) --upgrade --extra dev --constraint requirements.lock --output-file requirements-dev.lock pyproject.toml

wheels: .venv/run ## download every package into wheels/, for machines without a package index
	@$(BIN)/pip download -qq --no-input --disable-pip-version-check --no-deps --require-hashes -d wheels \
		-r requirements.lock -r requirements-dev.lock

clean: ## remove what was installed and cached; the data in .sihu stays
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache *.egg-info

.venv/run: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "sihu needs python3 3.11 or newer; another one: make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' || \
		{ echo "sihu needs python3 with venv; on Debian: apt-get install python3-venv" >&2; exit 1; }
	@echo "1/3 making .venv ..."
	@$(PYTHON) -m venv --clear .venv
	@echo "2/3 installing into .venv (once; about half a minute) ..."
	@$(INSTALL) requirements.lock || $(NO_INDEX)
	@$(BIN)/pip install --disable-pip-version-check --no-deps --no-build-isolation -qq -e .
	@touch $@

.venv/dev: requirements-dev.lock .venv/run
	@echo "installing what tests and checks need (once) ..."
	@$(INSTALL) requirements-dev.lock || $(NO_INDEX)
	@touch $@
