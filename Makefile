# `make` alone lists the verbs: each line that carries a `##`.
.DEFAULT_GOAL := help
.PHONY: help demo test test-slow check format sample-data benchmark clean

export PIP_DISABLE_PIP_VERSION_CHECK = 1

BIN := .venv/bin
# Not compiled in advance: only what is used is compiled, when first used, which halves the set-up.
INSTALL := $(BIN)/python -m pip install --quiet --no-compile --constraint constraints.txt
DEVELOPMENT_INSTALL := $(INSTALL) --no-build-isolation --editable

# The first Python >= 3.11 on this machine that can make a virtual environment; looked for only when one is made.
PYTHON = $(shell for name in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	$$name -c 'import ensurepip, venv, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$name && break; done)

help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*## *\(.*\)/make \1 \2/p' Makefile | awk '{ printf "%-5s%-13s", $$1, $$2; $$1 = $$2 = ""; print }'

demo: .venv/.can-run  ## analyse sample_data/: reports here, files in demo_output/
	@mkdir -p demo_output
	@failed=0; for recording in sample_data/*.edf sample_data/*.bdf sample_data/*/; do \
		test -e "$$recording" || continue; recording="$${recording%/}"; \
		config="$${recording%.*}.toml"; test -e "$$config" || config=; \
		events="$${recording%.*}.events.csv"; test -e "$$events" || events=; \
		$(BIN)/lsr analyze "$$recording" $${config:+--config "$$config"} $${events:+--events "$$events"} \
			--out demo_output || failed=1; \
		echo; echo; \
	done; \
	echo "JSON and CSV of every recording are in demo_output/."; exit $$failed

test: .venv/.can-test  ## run the tests
	$(BIN)/python -m pytest --quiet --numprocesses auto --dist loadfile -m "not slow"

test-slow: .venv/.can-check  ## run the long ones: samples, drawn files, browser
	$(BIN)/python -m pytest --quiet --numprocesses auto --dist loadfile -m slow

check: .venv/.can-check  ## format, lint, types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: .venv/.can-check  ## put the code into shape
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

sample-data: .venv/.can-run  ## draw sample_data/ again, bit for bit the same
	$(BIN)/python -m lsr.synthetic.sample_data sample_data

benchmark: .venv/.can-benchmark  ## accuracy and speed, one table each
	@for benchmark in benchmarks/[a-z]*.py; do test ! -e "$$benchmark" || $(BIN)/python "$$benchmark" || exit 1; done

clean:  ## remove everything that make made
	rm -rf .venv demo_output build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/.can-run: constraints.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo "lsr needs Python 3.11 or later, with its venv and ensurepip modules; found none." \
		"Install it (on Debian and Ubuntu: python3 and python3-venv), then run make again." >&2; exit 1; }
	@echo "Setting up .venv with $(PYTHON) (once) ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(INSTALL) setuptools
	@$(DEVELOPMENT_INSTALL) .
	@touch $@

.venv/.can-test: .venv/.can-run
	@echo "Adding what the tests need (once) ..."
	@$(DEVELOPMENT_INSTALL) '.[test]'
	@touch $@

.venv/.can-check: .venv/.can-test
	@echo "Adding what the checks and the browser tests need (once) ..."
	@$(DEVELOPMENT_INSTALL) '.[dev]'
	@touch $@

.venv/.can-benchmark: .venv/.can-run
	@echo "Adding the detectors to compare with (once) ..."
	@$(DEVELOPMENT_INSTALL) '.[benchmark]' || echo "Not all could be installed; those that are missing are named." >&2
	@touch $@
