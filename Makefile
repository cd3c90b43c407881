# Everything runs in .venv, made from requirements.lock: nothing else of the machine is used but python3 and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

export NO_MKDOCS_2_WARNING := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# One date in every build of one commit, so that two builds are the same bytes.
export SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct 2>/dev/null || echo 0)

# The MiniGPT's products are too small to be shared among threads: one is faster, and steady on a busy machine.
export OPENBLAS_NUM_THREADS ?= 1

.PHONY: serve site test check lock clean

serve: $(READY)  ## set everything up and serve the site, rebuilt at every change
	$(BIN)/mkdocs serve

site: $(READY)  ## only build the site, into site/
	$(BIN)/mkdocs build --strict

test: $(READY) check  ## set everything up, a browser included, and pass all tests
	$(BIN)/python tests/browser.py
	$(BIN)/python -m pytest -n auto

check: $(READY)  ## style and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

# `-e .` is refused in pip's hash mode, so the project itself is installed apart, with nothing fetched.
$(READY): requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --no-compile --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@

lock:  ## write requirements.lock anew from pyproject.toml (needs uv)
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	  pyproject.toml --group site --group test -o requirements.lock

clean:  ## forget every build output, the kept results included
	rm -rf site .cache
