"""The notebooks in examples/ are valid, run, and do what their text says."""

import contextlib
import io
import json
import re
from pathlib import Path

import numpy as np
import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"
NOTEBOOK = EXAMPLES / "reading.ipynb"


def caption():
    lines = (NOTEBOOK.parent / "numbers.txt").read_text(encoding="utf-8").splitlines()
    return next(line.split()[1:] for line in lines if line.startswith("page.jpg "))


def run_cells(path, compare=False):
    """Run the code cells of a notebook and return its namespace; with `compare`, check what they print."""
    namespace = {}
    for row, cell in enumerate(json.loads(path.read_text(encoding="utf-8"))["cells"]):
        if cell["cell_type"] == "code":
            printed = io.StringIO()
            # Ultralytics, which other tests import, changes how NumPy prints.
            with np.printoptions(formatter=None, linewidth=75), contextlib.redirect_stdout(printed):
                exec(compile("".join(cell["source"]), f"{path.name}, cell {row}", "exec"), namespace)
            if compare:
                stored = "".join("".join(output.get("text", "")) for output in cell["outputs"])
                assert without_decimals(printed.getvalue()) == without_decimals(stored), f"cell {row}"
    return namespace


def without_decimals(text):
    """The text without percentages and decimal numbers, which differ a little between machines."""
    return re.sub(r" *[-+]?\d+(\.\d+%|%|\.\d*)", "#", text)


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.ipynb")), ids=lambda path: path.stem)
def test_notebook_is_valid_and_holds_outputs(path):
    nbformat = pytest.importorskip("nbformat", reason="nbformat is not installed: pip install '.[dev]'")
    notebook = nbformat.read(path, nbformat.NO_CONVERT)
    nbformat.validate(notebook)
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    counts = [cell.execution_count for cell in cells]
    assert counts == list(range(1, len(cells) + 1))
    for cell in cells:
        kinds = {output.output_type for output in cell.outputs}
        assert ("print(" in cell.source) <= ("stream" in kinds), cell.id
        assert ("plt.show()" in cell.source) <= ("display_data" in kinds), cell.id
        assert "error" not in kinds, cell.id
    assert path.stat().st_size < 600_000


@pytest.mark.parametrize("folder", [NOTEBOOK.parent, NOTEBOOK.parents[1]], ids=["in examples", "at the top"])
def test_notebook_runs_and_reads_what_the_caption_says(folder, monkeypatch):
    matplotlib = pytest.importorskip("matplotlib", reason="Matplotlib is not installed: pip install '.[train]'")
    monkeypatch.chdir(folder)
    matplotlib.use("agg")
    from matplotlib import pyplot

    shown = []
    monkeypatch.setattr(pyplot, "show", lambda: (shown.extend(pyplot.get_fignums()), pyplot.close("all")))
    names = run_cells(NOTEBOOK, compare=True)

    numbers = caption()
    digits = sorted("".join(numbers))
    assert [number.best for number in names["reading"].numbers] == numbers
    assert sorted(str(digit) for digit in names["sure"].labels) == digits
    assert sorted(names["naive"]) == digits and names["naive"] != "".join(numbers)
    found = ["".join(str(names["sure"].labels[row]) for row in line.digits) for line in names["lines"]]
    assert "".join(found) == "".join(numbers)
    assert names["same"]
    assert names["fitting"] == [number for number in numbers if number in names["invoices"]]
    # Numbers that do not fit may be split differently than on the page, but no digit is missing.
    assert "".join(names["unfit"]) == "".join(number for number in numbers if number not in names["invoices"])
    assert len(shown) == 5
    image, drawing = names["image"], names["drawing"]
    assert drawing.shape[0] >= image.shape[0] and drawing.dtype == image.dtype == np.uint8
    assert drawing.shape != image.shape or not np.array_equal(drawing, image)


@pytest.fixture
def drawn_mnist(make_digits, monkeypatch):
    """Replace MNIST by drawn digits, and count figures instead of showing them."""
    for package in ("matplotlib", "sklearn", "torch"):
        pytest.importorskip(package, reason=f"{package} is not installed: pip install '.[classify]'")
    import matplotlib
    from matplotlib import pyplot

    from digitdet.datasets import mnist

    matplotlib.use("agg")
    shown = []
    monkeypatch.setattr(pyplot, "show", lambda: (shown.extend(pyplot.get_fignums()), pyplot.close("all")))
    parts = {name: make_digits(per_label, seed=count) for count, (name, per_label) in enumerate(SIZES.items())}
    monkeypatch.setattr(mnist, "load_split_digits", lambda: parts)
    return shown


SIZES = {"train": 20, "val": 10, "test": 10}


def test_the_notebook_of_digits_trains_what_it_says(drawn_mnist):
    names = run_cells(EXAMPLES / "digits.ipynb")
    assert set(names["right"]) == {"knn-raw", "knn", "svm", "cnn"}
    assert min(names["right"][name] for name in ("knn-raw", "knn", "svm")) > 0.8
    assert len(names["log"]) == 4
    assert len(drawn_mnist) == 3


def test_the_notebook_of_errors_finds_them(drawn_mnist):
    names = run_cells(EXAMPLES / "digit_errors.ipynb")
    for name, result in names["results"].items():
        assert len(names["wrong"][name]) == result.scores.digits - result.scores.right
    assert names["both"] <= names["wrong"]["knn"]
    assert 0.5 < names["together"] <= 1
    assert len(drawn_mnist) == 3
