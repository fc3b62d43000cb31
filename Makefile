# `make check` is what a change must pass; it makes its own virtual environment the first time.

VENV ?= .venv
PYTHON ?= python3
BIN := $(VENV)/bin

.PHONY: check install lint types test slow torture bench examples clean

check: lint types test

install:
	test -d $(VENV) || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install -q -c constraints.txt -e '.[train,dev]'
	touch $(VENV)/installed

$(VENV)/installed: pyproject.toml constraints.txt
	$(MAKE) install

lint: $(VENV)/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

# Type checkers look for a folder called digitdet: build/types has one, of links. Editors find it through pyproject.toml.
types: $(VENV)/installed
	rm -rf build/types && mkdir -p build/types/digitdet
	ln -s $(CURDIR)/detector/* $(CURDIR)/configs $(CURDIR)/datasets $(CURDIR)/synth build/types/digitdet
	$(BIN)/python -m mypy -p digitdet

# Two processes, a file each; without the passive policy one's waiting OpenMP threads would hold the other's cores.
test: $(VENV)/installed
	OMP_WAIT_POLICY=passive $(BIN)/python -m pytest -n 2 --dist loadfile -m "not slow and not torture"

slow: $(VENV)/installed
	$(BIN)/python -m pytest -m slow

# Twenty minutes; on the real MNIST and on mounts of its own, where these are allowed.
torture: $(VENV)/installed
	$(BIN)/python tests/torture/fuzz.py
	$(BIN)/python -m pytest -m torture

# On a quiet machine; the peers that are not installed are left out.
bench: $(VENV)/installed
	$(BIN)/python benchmarks/read_speed.py
	$(BIN)/python benchmarks/throughput.py
	$(BIN)/python benchmarks/memory.py
	$(BIN)/python benchmarks/synth_speed.py
	$(BIN)/python benchmarks/train_speed.py
	$(BIN)/python benchmarks/time_to_accuracy.py
	$(BIN)/python benchmarks/serve.py

examples: $(VENV)/installed
	$(BIN)/python examples/compose.py

clean:
	rm -rf build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
