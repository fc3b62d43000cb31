# `make check` runs every check; the first call creates the virtual environment.

VENV ?= .venv
PYTHON ?= python3
BIN := $(VENV)/bin

.PHONY: check install lint links types docs test test-training test-others test-web slow torture bench examples dist extras clean

check: lint types docs test

install:
	test -d $(VENV) || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install -q -c constraints.txt -e '.[train,dev]'
	touch $(VENV)/installed

$(VENV)/installed: pyproject.toml constraints.txt
	$(MAKE) install

lint: $(VENV)/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

# Type checkers and mkdocstrings need a folder called digitdet: build/types has one, made of links, which editors find through
# pyproject.toml.
links: $(VENV)/installed
	rm -rf build/types && mkdir -p build/types/digitdet
	ln -s $(CURDIR)/detector/* $(CURDIR)/configs $(CURDIR)/datasets $(CURDIR)/synth build/types/digitdet

types: links
	$(BIN)/python -m mypy -p digitdet

# The documentation site, in build/site; a broken link or anchor is an error.
docs: links
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build

# Three processes of one thread, of which the first two take about as long as each other on two cores.
test: $(VENV)/installed
	OMP_NUM_THREADS=1 $(MAKE) -k -j 3 test-training test-others test-web

TRAINING := tests/synth tests/training tests/classifiers tests/cluster

test-training:
	$(BIN)/python -m pytest -q $(TRAINING)

test-others:
	$(BIN)/python -m pytest -q $(TRAINING:%=--ignore %) --ignore tests/web

test-web:
	$(BIN)/python -m pytest -q tests/web

slow: $(VENV)/installed
	$(BIN)/python -m pytest -m slow

# Takes twenty minutes.
torture: $(VENV)/installed
	$(BIN)/python tests/torture/fuzz.py
	$(BIN)/python -m pytest -m torture

# Run on an idle machine; peers that are not installed are skipped. DIGITDET_DATA must contain mnist/ and real/.
bench: $(VENV)/installed
	$(BIN)/python benchmarks/read_speed.py
	$(BIN)/python benchmarks/throughput.py
	$(BIN)/python benchmarks/memory.py
	$(BIN)/python benchmarks/synth_speed.py
	$(BIN)/python benchmarks/train_speed.py
	$(BIN)/python benchmarks/serve.py

examples: $(VENV)/installed
	$(BIN)/python examples/compose.py

# Wheel and source distribution, with the same bytes for the same commit.
dist: $(VENV)/installed
	rm -rf build/lib build/bdist.* dist *.egg-info
	SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct) $(BIN)/python -m build
	$(BIN)/python -m twine check --strict dist/*

# Installs the wheel with each extra in a new environment and tries it; downloads gigabytes, takes half an hour.
extras: dist
	$(BIN)/python tests/try_extras.py dist/*.whl

clean:
	rm -rf build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
