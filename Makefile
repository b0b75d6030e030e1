# Needs only make and Python 3.11 to 3.14 with venv. `make` alone lists what there is.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
# One more than a small machine has cores: tests of the whole product often wait for its processes.
TESTERS ?= 3
ARGS   ?=

.DEFAULT_GOAL := help
.PHONY: help setup setup-dev up test fuzz check bench chaos format assets messages docs clients new-channel requirements clean

help:  ## List these targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup:  ## Make the environment in .venv (nothing to do when it is current)
	@$(PYTHON) tools/environment.py --venv $(VENV)

setup-dev:  ## The same, with what tests and checks need
	@$(PYTHON) tools/environment.py --venv $(VENV) --dev

up: setup  ## Run everything with the sandbox channels and a sample portfolio (ARGS="--port 8001")
	@exec $(BIN)/innsync up --demo $(ARGS)

test: setup-dev  ## Run all tests (ARGS="-k money src/innsync/domain")
	@$(PYTHON) tools/browser.py
	@$(BIN)/python -m pytest -n $(TESTERS) --dist loadgroup $(ARGS)

fuzz: setup-dev  ## Try garbled bytes on everything that reads a vendor's, a minute each (ARGS="-k expedia")
	@INNSYNC_FUZZ_SECONDS=$${INNSYNC_FUZZ_SECONDS:-60} $(BIN)/python -m pytest -n $(TESTERS) tests/fuzz $(ARGS)

check: setup-dev  ## What CI runs before the tests: format, lint, types, imports, translations, migrations, docs
	$(BIN)/python tools/requirements.py --check
	$(BIN)/python tools/assets.py --check
	$(BIN)/python tools/translations.py --check
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/innsync manage makemigrations --check --dry-run
	$(BIN)/innsync docs --check
	$(BIN)/python tools/clients.py --check
	$(BIN)/mypy --strict clients/python/src

bench: setup  ## How fast, each figure beside its limit (ARGS="booking --quick")
	@exec $(BIN)/innsync bench $(ARGS)

chaos: setup  ## Kill and cut at random under load, and judge what is left (ARGS="--minutes 10 --seed 7")
	@exec $(BIN)/innsync chaos $(ARGS)

assets:  ## Lay out anew the browser files that tools/assets.toml names (needs npm)
	@$(PYTHON) tools/assets.py

messages: setup-dev  ## Bring the translations up to what the portal says now, and compile them
	@$(BIN)/python tools/translations.py

format: setup-dev  ## Format the code and mend what the linter can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: setup-dev  ## Write the generated reference pages
	@$(BIN)/innsync docs

clients: setup-dev  ## Write the generated parts of the clients from the API's description
	@$(BIN)/python tools/clients.py

new-channel: setup  ## Lay out the folder of a new channel (NAME=acme_travel)
	@test -n "$(NAME)" || { echo "Name the channel: make new-channel NAME=acme_travel" >&2; exit 2; }
	@$(BIN)/innsync new-channel "$(NAME)"

requirements: setup-dev  ## Pin all dependencies anew from pyproject.toml (ARGS=--upgrade)
	@$(BIN)/python tools/requirements.py --uv $(BIN)/uv $(ARGS)

clean:  ## Remove the environment and caches; never data
	rm -rf $(VENV) .venv.lock .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
