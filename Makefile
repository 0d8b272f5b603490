# Two commands matter: `make demo` and `make test`. Everything else is convenience.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed

.PHONY: help demo up test fuzz coverage mutants dictionary devices client rights settings words release lint format celery lock audit clean

help:            ## this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*##/\t/'

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(0 if (3, 11) <= v[:2] <= (3, 13) else f"Python 3.11-3.13 is needed, {v[0]}.{v[1]} was found: run make PYTHON=python3.11 ...")'
	@echo "installing into $(VENV) (once; a few minutes on a slow line)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

demo: $(STAMP)   ## a week of history and today, closed loop, in a few minutes; prints where to look
	@$(BIN)/ems demo

up: $(STAMP)     ## the demo site live: virtual plant, daemon and Dagster UI
	@$(BIN)/ems up

# Browsers, brokers and processes go by this machine's clock: what fails beside others has one more look alone, and both are printed.
test: $(STAMP)   ## the whole test suite
	@$(BIN)/python -m pytest || { [ $$? = 1 ] && echo "once more, alone, until the first that fails again:" \
	  && $(BIN)/python -m pytest -n0 --last-failed --last-failed-no-failures=none --exitfirst; }

fuzz: $(STAMP)   ## the randomised tests with fresh examples, ten times (RUNS=10)
	@for run in $$(seq $(or $(RUNS),10)); do echo "run $$run"; \
	  HYPOTHESIS_PROFILE=fresh $(BIN)/python -m pytest -m hypothesis || exit 1; done

coverage: $(STAMP) ## how much of the package the tests run, slower than they are alone (TESTS="ems_pipeline_tests/market"; all without)
	@$(BIN)/coverage erase
	@$(BIN)/coverage run -m pytest $(TESTS); ran=$$?; $(BIN)/coverage combine --quiet; \
	  $(BIN)/coverage report --skip-covered --sort=miss | tail -32; exit $$ran

mutants: $(STAMP) ## break modules in one place at a time: do the tests notice? (MODULE="market/tariff plan/result/money"; all without)
	@$(BIN)/python -m ems_pipeline_tests.mutation $(MODULE)

dictionary: $(STAMP) ## docs/data-dictionary.md and the catalogue's copy, from the words in sql/comments/
	@$(BIN)/python -m ems_pipeline_tests.dictionary

devices: $(STAMP) ## the table of all devices in docs/devices.md, from point maps and drivers
	@$(BIN)/python -m ems_pipeline_tests.device_table

client: $(STAMP) ## examples/ems_client/models.py, from the schema of the HTTP API
	@$(BIN)/python -m ems_pipeline_tests.client

rights: $(STAMP) ## docs/api/rights.md, who may ask what, from the routes and the table of roles
	@$(BIN)/python -m ems_pipeline_tests.rights

settings: $(STAMP) ## .env.example and the table of docs/operations.md, from ems_pipeline/settings
	@$(BIN)/python -m ems_pipeline_tests.settings_pages

words: $(STAMP)  ## the pages' sentences into ems_pipeline/web/words/*.po; what was translated stays (LANGUAGE=pl begins one)
	@$(BIN)/python -m ems_pipeline_tests.catalogues $(LANGUAGE)

release: $(STAMP) ## changelog, version, commit and tag, here only (VERSION=0.2.0)
	@$(BIN)/python -m ems_pipeline_tests.release $(VERSION)

lint: $(STAMP)   ## format check, lint, types, dead code, and the code location loads
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/mypy examples
	@$(BIN)/vulture
	@$(BIN)/ems doctor --definitions-only

format: $(STAMP) ## write the format
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

celery: $(STAMP) ## what several machines need beside it (docs/operations.md)
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-celery.lock

lock:            ## renew requirements.lock (needs uv): pinned, hashed, no download address
	uv pip compile --universal --generate-hashes --no-emit-index-url --no-header --no-annotate \
	  --extra dev --python-version 3.11 pyproject.toml -o requirements.lock
	uv pip compile --universal --generate-hashes --no-emit-index-url --no-header --no-annotate \
	  --extra celery --python-version 3.11 -c requirements.lock \
	  $$(sed -nE 's/^([a-z0-9._-]+)==.*/--no-emit-package \1/p' requirements.lock) pyproject.toml -o requirements-celery.lock

audit:           ## known vulnerabilities of the locked dependencies (needs uv and api.osv.dev)
	@.ci/audit

clean:           ## remove the environment and the local data
	rm -rf $(VENV) .ems .coverage .coverage.*
