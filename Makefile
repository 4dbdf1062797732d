# make setup | demo | check | test | bench | serve | screenshots. Everything is written below this folder.
# PYTHON=python3.x chooses one; without it the first that is new enough is taken.
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/installed
export KEEPWELL_HOME ?= $(CURDIR)/.keepwell
export TMPDIR := $(CURDIR)/.tmp

.PHONY: setup demo check test bench serve screenshots lock

setup: $(STAMP)

$(STAMP): requirements/dev.txt pyproject.toml
	@mkdir -p $(TMPDIR)
	@PYTHON="$(PYTHON)" VENV="$(VENV)" sh requirements/install.sh
	@touch $@

demo: setup
	@$(BIN)/keepwell demo

serve: setup
	@$(BIN)/keepwell serve

check: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: setup
	@mkdir -p $(TMPDIR)
	$(BIN)/pytest -n 2 --dist loadfile

# make bench ONLY=name runs one.
bench: setup
	@for file in benchmarks/$(or $(ONLY),*).py; do \
		name=$$(basename $$file .py); case $$name in __init__) ;; *) $(BIN)/python -m benchmarks.$$name || exit 1 ;; esac; done

# Pictures of the pages of the company in KEEPWELL_HOME, into docs/screenshots.
screenshots: setup
	@$(BIN)/python -m tests.browser.screenshot

# Renew the lock from pyproject.toml; needs uv. No address of an index goes into it.
lock:
	$(BIN)/uv pip compile --universal --generate-hashes --no-emit-index-url --no-header \
		--python-version 3.11 --extra train --extra spark --group dev pyproject.toml -o requirements/dev.txt
