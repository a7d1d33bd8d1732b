# Works from any folder (make -C) and with spaces in the path: all paths are relative.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help run test test-sqlalchemy lint bench faults setup rabbitmq build-provd update-db compose-config clean

PYTHON := .venv/bin/python
COMPOSE_FILES := -f docker-compose.yml
ifneq ($(strip $(PROVD_DIR)),)
COMPOSE_FILES += -f docker/compose.provd.yml
endif
ifneq ($(strip $(LOCAL_GIT_REPOS)),)
COMPOSE_FILES += -f docker/compose.local-repos.yml
endif
COMPOSE = $$(docker compose version >/dev/null 2>&1 && echo docker compose || echo docker-compose) $(COMPOSE_FILES)

help:
	@echo "make run             start a whole system on this machine, with embedded PostgreSQL and RabbitMQ"
	@echo "make test            run all tests"
	@echo "make test-sqlalchemy test what is written with the newest SQLAlchemy there is, where that is another one"
	@echo "make lint            check style and types"
	@echo "make bench           measure; ARGS=\"users.get --seconds 2\" measures one operation, ARGS=--help tells the rest"
	@echo "make faults          break one thing after the other under load; SEED, CALLS (for each) and FAULT (names) are optional"
	@echo "make update-db       migrate the database; MIGRATIONS_DIR names another folder of migrations"
	@echo "make build-provd     build the image of the provisioning server from the checkout in PROVD_DIR"
	@echo "make compose-config  check the files of docker compose"
	@echo "make clean           remove what was built, and the data of the embedded system"

run: setup rabbitmq
	@exec $(PYTHON) -m confd_worker up

test: setup rabbitmq
	@$(PYTHON) -m pytest

# What of SQLAlchemy we rely on is not all public. Both the newest that is allowed, which is installed, and the newest.
test-sqlalchemy: setup rabbitmq
	@newest=$$(mktemp -d); trap 'rm -rf "$$newest"' EXIT; \
	$(PYTHON) -m pip install --quiet --disable-pip-version-check --no-deps --pre --target "$$newest" sqlalchemy; \
	version='import sqlalchemy; print(sqlalchemy.__version__)'; \
	there=$$(PYTHONPATH="$$newest" $(PYTHON) -c "$$version"); \
	if [ "$$there" = "$$($(PYTHON) -c "$$version")" ]; then \
		echo "SQLAlchemy $$there is installed, which is the newest."; \
	else \
		echo "Testing with SQLAlchemy $$there …"; \
		PYTHONPATH="$$newest" $(PYTHON) -m pytest -q integration_tests/test_odd_mappings.py integration_tests/test_writing.py; \
	fi

lint: setup
	@$(PYTHON) -m ruff check .
	@$(PYTHON) -m mypy confd_worker schemas/confd_schemas gateway/confd_gateway

bench: setup rabbitmq
	@$(PYTHON) -m bench $(ARGS)

faults: setup rabbitmq
	@$(PYTHON) -m integration_tests.faults $(if $(SEED),--seed $(SEED)) $(if $(CALLS),--calls $(CALLS)) $(if $(FAULT),--fault $(FAULT))

update-db: setup
	@$(PYTHON) -m confd_worker migrate

build-provd:
	@if [ -z "$${PROVD_DIR:-}" ]; then echo "Error: set PROVD_DIR to a checkout of the provisioning server" >&2; exit 1; fi
	@if [ ! -f "$$PROVD_DIR/Dockerfile" ]; then echo "Error: there is no Dockerfile in $$PROVD_DIR" >&2; exit 1; fi
	@$(COMPOSE) build provd

compose-config:
	@$(COMPOSE) config --quiet
	@echo "The compose files are right."

setup:
	@if ! $(PYTHON) -c '' 2>/dev/null; then \
		found=; \
		for python in python3.13 python3.12 python3.11 python3; do \
			if $$python -c 'import sys, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; then \
				found=$$python; break; \
			fi; \
		done; \
		if [ -z "$$found" ]; then \
			echo "Error: no Python 3.11, 3.12 or 3.13 with venv is found (Debian: apt-get install python3-venv)" >&2; exit 1; \
		fi; \
		echo "Making .venv with $$found …"; \
		rm -rf .venv; \
		$$found -m venv .venv; \
	fi
	@if ! cmp -s pyproject.toml .venv/installed.toml; then \
		echo "Installing the project into .venv …"; \
		$(PYTHON) -m pip install --quiet --disable-pip-version-check --editable '.[dev]'; \
		cp pyproject.toml .venv/installed.toml; \
	fi

rabbitmq:
	@bash docker/install-rabbitmq

clean:
	@if [ -e .confd/confd.yml ]; then echo "Error: a system runs in .confd; stop it first" >&2; exit 1; fi
	@rm -rf .venv .confd dist build .mypy_cache .pytest_cache .ruff_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
