# `make check` is what a change must pass; it makes its own virtual environment the first time.

VENV ?= .venv
PYTHON ?= python3
BIN := $(VENV)/bin

.PHONY: check install lint types test slow torture bench examples clean

check: lint types test

# The strict editable mode is the one that mypy resolves; run `make install` again after adding a file.
install:
	test -d $(VENV) || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install -q -c constraints.txt -e '.[train,dev]' --config-settings editable_mode=strict
	touch $(VENV)/installed

$(VENV)/installed: pyproject.toml constraints.txt $(wildcard */*.py)
	$(MAKE) install

lint: $(VENV)/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/installed
	$(BIN)/mypy -p digitdet

# pytest, not `python -m pytest`: that would put the folder `datasets` on the path, under the name of another package.
# Two processes, a file each; without the passive policy one's waiting OpenMP threads would hold the other's cores.
test: $(VENV)/installed
	OMP_WAIT_POLICY=passive $(BIN)/pytest -n 2 --dist loadfile -m "not slow and not torture"

slow: $(VENV)/installed
	$(BIN)/pytest -m slow

# Twenty minutes; on the real MNIST and on mounts of its own, where these are allowed.
torture: $(VENV)/installed
	$(BIN)/python tests/torture/fuzz.py
	$(BIN)/pytest -m torture

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
