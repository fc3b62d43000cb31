"""Readings as Python shows them: short, in notebooks, in windows, and as tables of pandas."""

import base64
import re
import sys
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from digitdet import Alternative, Digit, Number, Reading, to_pandas
from digitdet.common.errors import ImageError, MissingExtraError
from digitdet.outputs import display
from digitdet.outputs.formats import CSV_COLUMNS

NUMBER = Number("42", 0.5, (Digit("4", 0.9, (5, 5, 20, 35)), Digit("2", 0.6, (25, 5, 40, 35))), "unsure", (1,))
IMAGE = np.full((60, 80, 3), 200, np.uint8)


@pytest.fixture
def reading(tmp_path):
    cv2.imwrite(str(tmp_path / "a&b.png"), IMAGE)
    return Reading((NUMBER,), 80, 60, str(tmp_path / "a&b.png"))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (NUMBER, "<Number 4? unsure 0.50>"),
        (Reading((NUMBER,) * 2, 80, 60), "<Reading: unsure, 42 42>"),
        (Reading((NUMBER,) * 11, 80, 60), f"<Reading: unsure,{' 42' * 10} ...>"),
        (Reading((), 80, 60, "a.tif", 2, 3), "<Reading of a.tif, page 2: empty>"),
        (Reading((NUMBER,), 80, 60, "a.mp4", 7, 9, time=1.25), "<Reading of a.mp4 at 1.2 s: unsure, 42>"),
        (Reading(source="a.png", error="it is empty"), "<Reading of a.png: error, it is empty>"),
    ],
)
def test_repr_is_short(value, expected):
    assert repr(value) == expected


def test_a_notebook_shows_the_numbers_and_the_picture_of_a_file(reading):
    page = reading._repr_html_()
    assert "a&amp;b.png: unsure, 42" in page
    assert "<td>42</td><td>unsure</td><td>50%</td><td></td>" in page
    (content,) = re.findall(r'src="data:image/jpeg;base64,([^"]+)"', page)
    drawing = cv2.imdecode(np.frombuffer(base64.b64decode(content), np.uint8), cv2.IMREAD_COLOR)
    assert max(drawing.shape) <= 1000 and drawing.std() > 10


def test_a_large_picture_is_stored_small(tmp_path):
    cv2.imwrite(str(tmp_path / "large.png"), cv2.resize(IMAGE, (3200, 2400)))
    page = Reading((NUMBER,), 3200, 2400, str(tmp_path / "large.png"))._repr_html_()
    assert 1000 < len(page) < 100_000


@pytest.mark.parametrize(
    "changes",
    [{"source": None}, {"source": "gone.png"}, {"width": 81}, {"time": 1.0}, {"error": "damaged", "numbers": ()}],
)
def test_a_notebook_shows_numbers_without_a_picture(reading, changes):
    fields = {**{name: getattr(reading, name) for name in reading.__dataclass_fields__}, **changes}
    page = Reading(**fields)._repr_html_()
    assert "<img" not in page and ("<td>42</td>" in page or "damaged" in page)


def test_other_readings_are_in_the_table():
    number = Number("1", 0.7, NUMBER.digits[:1], alternatives=(Alternative("<7", 0.21),))
    assert "<td>&lt;7 (21%)</td>" in Reading((number,), 80, 60)._repr_html_()


def test_show_opens_a_window(reading, monkeypatch):
    shown = []
    window = SimpleNamespace(show=lambda *given: shown.append(given), close=lambda: shown.append("closed"))
    monkeypatch.setattr(display, "Window", lambda: window)
    reading.show()
    nameless = Reading(reading.numbers, 80, 60)
    nameless.show(IMAGE)
    assert np.array_equal(shown[0][0], IMAGE) and shown[1] == "closed"
    assert shown[2][0] is IMAGE or np.array_equal(shown[2][0], IMAGE)
    with pytest.raises(ImageError, match="the picture was not kept: pass it"):
        nameless.show()
    with pytest.raises(ImageError, match="it has 80 x 59 pixels, the picture that was read 80 x 60"):
        nameless.show(IMAGE[1:])


def test_show_displays_in_a_notebook(reading, monkeypatch):
    shown = []
    shell = SimpleNamespace(kernel=None)
    module = SimpleNamespace(HTML=str, display=shown.append)
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell, display=module))
    Reading(reading.numbers, 80, 60).show(IMAGE)
    (page,) = shown
    assert "<img" in page and "<td>42</td>" in page


def test_tables_of_pandas(reading):
    pytest.importorskip("pandas", reason="pandas is not installed")
    table = to_pandas([reading, Reading(source="gone.png", error="missing")])
    assert tuple(table.columns) == CSV_COLUMNS
    assert table["text"].tolist()[0] == "42" and table["left"].tolist()[0] == 5.0
    assert table["status"].tolist() == ["unsure", "error"]
    assert reading.to_pandas().equals(to_pandas([reading]))


def test_without_pandas_the_error_names_the_command(reading, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(MissingExtraError, match="to_pandas needs the package 'pandas': pip install pandas"):
        reading.to_pandas()
