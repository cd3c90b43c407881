# Everything runs in .venv, made from requirements.lock: nothing else of the machine is used but python3 and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# But for the comparison with the transformers library, which has an environment of its own.
PEERS := .venv-peers
TORCH := 2.13.0
PEERS_READY := $(PEERS)/.ready-torch-$(TORCH)

export NO_MKDOCS_2_WARNING := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# One date in every build of one commit, so that two builds are the same bytes.
export SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct 2>/dev/null || echo 0)

# What Python compiles is kept in the environment: the live server watches the folders of the sources.
export PYTHONDONTWRITEBYTECODE :=
export PYTHONPYCACHEPREFIX := $(CURDIR)/$(VENV)/bytecode

# The MiniGPT's products are too small to be shared among threads: one is faster, and steady on a busy machine.
export OPENBLAS_NUM_THREADS ?= 1

.PHONY: serve site pdf test test-all check peers bench measure mutate time golden font lock clean

serve: $(READY)  ## set everything up and serve the site, rebuilt at every change
	$(BIN)/mkdocs serve

site: $(READY)  ## only build the site, into site/
	$(BIN)/mkdocs build --strict

pdf: site  ## the whole book as one PDF a language, into build/; PAPER=Letter for that paper
	$(BIN)/python -m figures_src.pdf.printing $(or $(PAPER),A4)

# All tests of one file run in one process, so that what they share is computed once. The longest takes six minutes; one
# that hangs fails, and says where.
PYTEST := $(BIN)/python -m pytest -n auto --dist loadfile --timeout 1200

test: $(READY) check  ## set everything up, a browser included, and pass the fast tests
	$(BIN)/python -m tests.browser
	$(PYTEST) -m "not slow"

test-all: $(READY) check  ## pass the slow tests too, with many examples for each property; TESTS names some
	$(BIN)/python -m tests.browser
	$(PYTEST) --hypothesis-profile thorough $(TESTS)

# Models are folders of this tree or made on the way: nothing is fetched, and nothing is left in the tree. The other
# tests' conftest.py, which prepares builds of the site, stays out.
WITH_PEERS := HF_HUB_OFFLINE=1 PYTHONDONTWRITEBYTECODE= PYTHONPYCACHEPREFIX=$(CURDIR)/$(PEERS)/bytecode PYTHONPATH=.:tests $(PEERS)/bin/python

peers: $(PEERS_READY)  ## compare with the transformers library, live and as the golden files keep it
	$(WITH_PEERS) -m pytest -p no:cacheprovider --confcutdir tests/peers -vv tests/peers tests/test_golden.py

bench: $(PEERS_READY)  ## measure speed against the roofline and against torch and transformers; some minutes
	$(WITH_PEERS) -m kvlab bench

# With the peers where their environment is there already: a record says what was measured, and what was not.
measure: $(READY)  ## take the measurements that pages quote anew, and thoroughly
	$(if $(wildcard $(PEERS_READY)),$(WITH_PEERS),$(BIN)/python) -m kvlab measure

golden: $(PEERS_READY)  ## write the golden files and the defaults of config.json anew from the transformers library
	$(WITH_PEERS) tests/peers/defaults.py
	$(WITH_PEERS) tests/peers/golden.py
	$(WITH_PEERS) tests/peers/golden_caches.py

mutate: $(READY)  ## change one thing at a time, rebuild, and look for what stands though it is false; TESTS names some
	PYTHONPATH=tests:. $(BIN)/python tests/mutate.py $(TESTS)

time: $(READY)  ## print what the builds and the live server cost, beside what they may; some minutes
	$(BIN)/python -m figures_src.build.timing

check: $(READY)  ## style, which module may import which, and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports --no-cache
	$(BIN)/mypy

# `-e .` is refused in pip's hash mode, so the project itself is installed apart, with nothing fetched.
$(READY): requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --no-compile --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@

# Torch comes last and without dependencies, or pip would fetch some gigabytes of CUDA libraries for its Linux build. It
# has no hash, since which build pip is offered differs between machines; the import says whether it is one that runs.
$(PEERS_READY): requirements-peers.lock
	$(PYTHON) -m venv $(PEERS)
	$(PEERS)/bin/pip install --quiet --no-compile --require-hashes -r requirements-peers.lock
	$(PEERS)/bin/pip install --quiet --no-compile --no-deps torch==$(TORCH)
	$(PEERS)/bin/python -c "import torch, transformers"
	@touch $@

font:  ## cut the font of the formulas anew (needs uv)
	uv run --no-project figures_src/theme/cut_font.py

LOCK := uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header

lock:  ## write both locks anew from pyproject.toml (needs uv)
	$(LOCK) pyproject.toml --group site --group test -o requirements.lock
	$(LOCK) pyproject.toml --group peers --constraint requirements.lock -o requirements-peers.lock

clean:  ## forget every build output, the kept results included
	rm -rf site build .cache
