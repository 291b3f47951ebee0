# What a machine needs: Python 3.11 or later, make, and a package index for the first time. Everything else is made here,
# in .venv and .demo of this folder. The package is built and installed as a wheel: what runs is never this folder's own copy.

PYTHON ?= python3
VENV := .venv
STAMPS := $(VENV)/stamps
IN := $(VENV)/bin/python
DISTRIBUTION := airflow-provider-cloudfn
PACKAGE := airflow_provider_cloudfn
PYTEST_ARGS ?=

SOURCES := $(shell find $(PACKAGE) example_dags -name __pycache__ -prune -o -print) README.md LICENSE
BENCHMARKS := $(sort $(wildcard tests/benchmarks/bench_*.py))

# uv takes a fifth of pip's time. Where it is not to be had, or does not find what pip finds, pip does it.
install = $(IN) -m uv pip install --quiet --python $(IN) --compile-bytecode $(1) || $(IN) -m pip install --quiet $(1)
comma := ,

# An environment knows where it lies and which Python made it: another place, or another Python, needs a new one.
ENVIRONMENT := $(CURDIR) $(shell $(PYTHON) -c 'import sys; print(sys.base_prefix, sys.version.split()[0])' 2>/dev/null || echo none)

# No Python of ours looks for modules in the current folder, or where the caller's shell points it.
export PYTHONSAFEPATH := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1
unexport PYTHONPATH PYTHONHOME PYTHONSTARTUP VIRTUAL_ENV

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test distributed matrix bench check docs clean always

help: ## Show this
	@grep -hE '^[a-z]+:.*##' $(firstword $(MAKEFILE_LIST)) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 16
	@echo '  PYTHON=python3.12 chooses the Python; PYTEST_ARGS="-k sandbox" goes to pytest'

demo: $(STAMPS)/installed ## Start Airflow and the sandbox, run order to cash, show what happened (ONCE=1: then stop)
	@exec $(IN) -m $(PACKAGE).cli.demo --home '$(CURDIR)/.demo' --dags '$(CURDIR)/example_dags' $(if $(filter-out 0,$(ONCE)),--once)

test: $(STAMPS)/installed $(STAMPS)/test-dependencies ## Test the built wheel
	$(IN) -m pytest -n auto $(PYTEST_ARGS)

distributed: $(STAMPS)/installed $(STAMPS)/distributed-dependencies ## Test on PostgreSQL, MariaDB, Redis, Celery, two of everything
	$(IN) -m pytest -m '' tests/distributed tests/integration/deliveries/test_many_servers.py $(PYTEST_ARGS)

matrix: $(STAMPS)/installed $(STAMPS)/test-dependencies ## Test on every Airflow and Python (PART=selected: a part; ON="3.2 3.4": there)
	$(IN) tests/matrix.py $(ON) $(if $(PART),--part $(PART)) $(if $(MINUTES),--minutes $(MINUTES)) $(if $(PYTEST_ARGS),--pytest $(PYTEST_ARGS))

bench: $(STAMPS)/installed $(STAMPS)/test-dependencies ## Measure
	@test -n '$(BENCHMARKS)' || { echo 'There is no tests/benchmarks/bench_*.py'; exit 1; }
	@for benchmark in $(BENCHMARKS); do echo "== $$benchmark"; $(IN) "$$benchmark" || exit 1; done

check: $(STAMPS)/installed $(STAMPS)/test-dependencies ## Check types and style
	$(IN) -m mypy
	$(IN) -m ruff check .
	$(IN) -m ruff format --check .

docs: $(STAMPS)/installed ## Write the tables of the documents
	@$(IN) docs/tables.py

clean: ## Stop this folder's demo and remove all that make has made
	@if [ -x $(IN) ] && [ -d .demo ]; then $(IN) -m $(PACKAGE).cli.demo --home '$(CURDIR)/.demo' --stop; fi
	rm -rf $(VENV) .demo .cache build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find $(PACKAGE) tests example_dags -name __pycache__ -prune -exec rm -rf {} +

$(STAMPS)/environment: $(if $(filter-out $(shell cat $(STAMPS)/environment 2>/dev/null),$(ENVIRONMENT)),always)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo 'PYTHON=$(PYTHON) is not there, or older than 3.11: name another one, as in make PYTHON=python3.12'; exit 1; }
	@echo 'Making an environment in $(VENV) ...'
	@rm -rf $(VENV)
	@$(PYTHON) -m venv $(VENV)
	@mkdir -p $(STAMPS)
	@echo '$(ENVIRONMENT)' > $@

$(STAMPS)/build-backend: pyproject.toml $(STAMPS)/environment
	@$(IN) -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["build-system"]["requires"], sep="\n")' > $(VENV)/build-requires.txt
	@$(IN) -m pip install --quiet --requirement $(VENV)/build-requires.txt
	@$(IN) -m pip install --quiet uv || echo 'uv is not to be had: pip takes its place, and its time'
	@touch $@

$(STAMPS)/wheel: $(SOURCES) pyproject.toml $(STAMPS)/build-backend
	@echo 'Building the wheel ...'
	@rm -rf $(VENV)/wheel
	@$(IN) -m pip wheel --quiet --no-deps --no-build-isolation --no-index --wheel-dir $(VENV)/wheel .
	@touch $@

$(STAMPS)/dependencies: pyproject.toml $(STAMPS)/environment | $(STAMPS)/wheel
	@echo 'Installing Airflow and what else the wheel needs: half a minute to four minutes the first time ...'
	@$(call install,$(VENV)/wheel/*.whl)
	@touch $@

$(STAMPS)/test-dependencies: pyproject.toml $(STAMPS)/dependencies | $(STAMPS)/wheel
	@echo 'Installing what the tests need ...'
	@$(call install,"$$(echo $(VENV)/wheel/*.whl)[test]")
	@touch $@

$(STAMPS)/distributed-dependencies: pyproject.toml $(STAMPS)/test-dependencies | $(STAMPS)/wheel
	@echo 'Installing what a distributed Airflow needs ...'
	@$(call install,"$$(echo $(VENV)/wheel/*.whl)[test$(comma)distributed]")
	@touch $@

$(STAMPS)/installed: $(STAMPS)/wheel $(STAMPS)/dependencies
	@$(IN) -m pip install --quiet --no-deps --no-index --force-reinstall $(VENV)/wheel/*.whl
	@touch $@
