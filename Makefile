# Gatehouse: what a person types. Each target says what it does and installs what it needs.
# Everything made lies in .venv and .gatehouse; `make clean` removes both.

PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3.13 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
HOME_DIR := $(CURDIR)/.gatehouse
ARGS ?=
FUZZ_S ?= 60
WORKERS ?= 3
DATA ?= ../shared/data
PACKS ?= mobilefacenet mobilefacenet-int8 dlib dlib-int8
# Compiled before many short programs of ours run.
OURS := agent contract devices models provisioning rules station
export GATEHOUSE_HOME := $(HOME_DIR)

.PHONY: help demo test lint bench soak fuzz clean lock sbom audit docs accuracy

help:
	@echo "make demo   a whole site on this machine (make demo ARGS=\"--once --json\")"
	@echo "make test   install what tests need, then lint and run every test"
	@echo "make lint   formatting, types, import contracts"
	@echo "make bench  figures against peers and floors (docs/benchmarks.md)"
	@echo "make soak   faults for a long time"
	@echo "make fuzz   every parser by coverage, FUZZ_S seconds each (docs/security.md)"
	@echo "make docs   renew docs/contract.md and docs/states.md from the code"
	@echo "make accuracy  renew the figures in docs/accuracy.md (DATA=folder of evaluation photos)"
	@echo "make sbom   CycloneDX bills of material into .gatehouse/sbom"
	@echo "make audit  known vulnerabilities of what is locked (ends with 69 when nobody could say)"
	@echo "make lock   renew the hash-locked requirements"
	@echo "make clean  remove everything that was made"

demo: $(VENV)/.demo
	@./provisioning/apt.sh mosquitto
	@$(BIN)/python -m compileall -q $(OURS)
	$(BIN)/gatehouse demo $(ARGS)

test: $(VENV)/.dev
	@./provisioning/apt.sh mosquitto ffmpeg gir1.2-gst-rtsp-server-1.0 python3-gi \
		gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad strace \
		iproute2 util-linux faketime rabbitmq-server
	@$(MAKE) --no-print-directory lint
	@$(BIN)/gatehouse models fetch
	@$(BIN)/python -m compileall -q $(OURS)
	@made=$$(mktemp -d /tmp/gh-XXXXXX); echo "running every test, $(WORKERS) at a time (in $$made)"; \
		$(BIN)/python -m pytest -n $(WORKERS) --no-loadscope-reorder --basetemp=$$made $(ARGS); \
		code=$$?; rm -rf $$made; exit $$code

lint: $(VENV)/.dev
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

bench: $(VENV)/.dev
	@./provisioning/apt.sh mosquitto ffmpeg
	@$(BIN)/gatehouse models fetch
	$(BIN)/python -m bench $(ARGS)

soak: $(VENV)/.dev
	@./provisioning/apt.sh mosquitto ffmpeg strace iproute2 util-linux faketime rabbitmq-server
	$(BIN)/python -m pytest -m soak $(ARGS)

fuzz: $(VENV)/.dev requirements/fuzz.lock
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements/fuzz.lock
	$(BIN)/python -m tests.tools.fuzz all $(FUZZ_S)

docs: $(VENV)/.dev
	$(BIN)/python -m contract.document docs/contract.md
	$(BIN)/python -m supply.states docs/states.md

accuracy: $(VENV)/.dev
	$(BIN)/python -m supply.accuracy docs/accuracy.md $(DATA) $(PACKS)

sbom: $(VENV)/.dev
	@$(BIN)/python -m supply.sbom $(HOME_DIR)/sbom

audit: $(VENV)/.dev
	@$(BIN)/python -m supply.advisories $(ARGS) requirements/gate.lock requirements/demo.lock \
		requirements/dev.lock requirements/fuzz.lock

lock: $(VENV)/.dev
	@for set in gate:vision,convert demo:vision,convert,station,demo dev:vision,convert,station,demo,reference,dev; do \
		extras=$$(echo "$${set#*:}" | sed 's/^/--extra /; s/,/ --extra /g'); \
		echo "requirements/$${set%%:*}.lock"; \
		$(BIN)/uv pip compile -q setup.cfg $$extras --universal --python-version 3.11 --upgrade \
			--generate-hashes --no-header --no-annotate -o requirements/$${set%%:*}.lock; \
	done
	@echo "requirements/fuzz.lock"
	@echo "atheris==3.0.0" | $(BIN)/uv pip compile -q - --universal --python-version 3.11 --upgrade \
		--generate-hashes --no-header --no-annotate -o requirements/fuzz.lock

clean:
	rm -rf $(VENV) .gatehouse .mypy_cache .ruff_cache .import_linter_cache .hypothesis build \
		gatehouse.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/bin/python:
	@./provisioning/apt.sh --module venv python3-venv
	@echo "making $(VENV) with $(PYTHON)"
	$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: requirements/demo.lock setup.cfg | $(VENV)/bin/python
	@echo "installing gatehouse and what the demo needs (hash-locked)"
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r $<
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: requirements/dev.lock setup.cfg | $(VENV)/bin/python
	@echo "installing gatehouse and what development needs (hash-locked)"
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r $<
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@
