# The verbs of this repository. CI runs these and nothing else.
#
#   make demo     stamp a real file, verify it, flip one bit, see it refuted
#   make test     every test and every example in the docs, but those of the next two
#   make engines  put the programs of the field that some tests start into .engines/
#   make test-engines  the tests against those real programs
#   make quick    the tests without the slow ones
#   make lint     style, types and the layer rule
#   make format   let the formatter have its way
#   make docs     check that the docs cover the code and that their links resolve
#   make bench    ratios against named peers, in one run
#   make clean    back to a fresh clone
#
# Needed beforehand: make, and a python3 that is 3.11 or newer and has venv.

PYTHON ?= python3
BIN := .venv/bin

# The constraints hold for the packages that build this one, too: older versions of pip read
# PIP_CONSTRAINT there, newer ones PIP_BUILD_CONSTRAINT.
INSTALL := PIP_CONSTRAINT=constraints.txt PIP_BUILD_CONSTRAINT=constraints.txt \
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

# Programs of the field that we test against, as released; never vendored, never shipped.
KUBO := v0.42.0
BTCD := v0.26.0
OTS := 0.7.2
GO := GOFLAGS=-buildvcs=false GOTOOLCHAIN=auto go

.PHONY: help demo test engines test-engines quick lint format docs bench clean

help:
	@sed -n 's/^#   //p' Makefile

demo: .venv/.base
	@sh examples/demo.sh

test: .venv/.dev
	$(BIN)/python -m pytest -q -m "not engine"

engines: .engines/bin/btcd .engines/bin/ipfs .engines/bin/ots

test-engines: .venv/.dev
	$(BIN)/python -m pytest -q -m engine

quick: .venv/.dev
	$(BIN)/python -m pytest -q -m "not slow and not engine"

lint: .venv/.dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

format: .venv/.dev
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

docs: .venv/.dev
	$(BIN)/python -m pytest -q tests/test_docs.py tests/test_tidy.py

bench: .venv/.dev
	$(BIN)/python -m benchmarks

clean:
	rm -rf .venv .demo .engines .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache build dist
	find src tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

.engines/bin/btcd:
	GOBIN="$(CURDIR)/.engines/bin" $(GO) install github.com/btcsuite/btcd@$(BTCD)

# kubo's go.mod excludes a version, which `go install` refuses: build a copy of the module instead.
.engines/bin/ipfs:
	rm -rf .engines/kubo && mkdir -p .engines/bin
	cp -r "$$($(GO) mod download -json github.com/ipfs/kubo@$(KUBO) | sed -n 's/^\t"Dir": "\(.*\)",$$/\1/p')" .engines/kubo
	chmod -R u+w .engines/kubo
	cd .engines/kubo && $(GO) build -o ../bin/ipfs ./cmd/ipfs
	rm -rf .engines/kubo

# The stock OpenTimestamps client, in an environment of its own.
.engines/bin/ots: constraints.txt
	$(PYTHON) -m venv .engines/ots
	mkdir -p .engines/bin
	PIP_CONSTRAINT=constraints.txt .engines/ots/bin/python -m pip install --quiet \
		--disable-pip-version-check -c constraints.txt opentimestamps-client==$(OTS)
	ln -sf ../ots/bin/ots $@
	@touch -h $@

# What a user installs.
.venv/.base: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "python3 must be 3.11 or newer")'
	$(PYTHON) -m venv .venv
	$(INSTALL) -e .
	@touch $@

# What a developer adds.
.venv/.dev: .venv/.base
	$(INSTALL) -e '.[dev]'
	@touch $@
