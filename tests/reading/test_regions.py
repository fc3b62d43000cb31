"""Regions: the notation, and the parts of pictures that they select."""

import numpy as np
import pytest

from digitdet.common.errors import ConfigError, ImageError
from digitdet.reading.regions import Length, Region, parse_region


@pytest.mark.parametrize(
    ("text", "size", "bounds", "name"),
    [
        ("10,20,30,40", (200, 100), (10, 20, 40, 60), None),
        ("0,0,1,1", (200, 100), (0, 0, 1, 1), None),
        ("10%,20%,50%,10%", (200, 100), (20, 20, 120, 30), None),
        ("total=10%,20,50%,8", (200, 100), (20, 20, 120, 28), "total"),
        (" net total = 1 , 2 , 3 , 4 ", (200, 100), (1, 2, 4, 6), "net total"),
        ("a=b=1,2,3,4", (200, 100), (1, 2, 4, 6), "a=b"),
        ("1.5,.5,10.,10", (200, 100), (2, 0, 12, 10), None),
        ("0%,0%,100%,100%", (7, 5), (0, 0, 7, 5), None),
        ("150,50,999,999", (200, 100), (150, 50, 200, 100), None),
        ("90%,90%,20%,20%", (200, 100), (180, 90, 200, 100), None),
        ("33.3%,0,33.4%,10", (1000, 100), (333, 0, 667, 10), None),
        ("199,99,1,1", (200, 100), (199, 99, 200, 100), None),
    ],
)
def test_bounds(text, size, bounds, name):
    region = parse_region(text)
    assert region.bounds(*size) == bounds
    assert region.name == name


@pytest.mark.parametrize(
    "text",
    ["", "1,2,3", "1,2,3,4,5", "a,b,c,d", "1,2,3,4px", "-1,2,3,4", "1,2,-3,4", "1;2;3;4", "nan,1,2,3", "inf,1,2,3",
     "1e3,1,2,3", "%,1,2,3", "1,2,,4", "=1,2,3,4", "1%%,2,3,4", "٣,1,2,3", f"{'9' * 400},0,5,5"],
)  # fmt: skip
def test_invalid_notation_is_refused_with_the_remedy(text):
    with pytest.raises(ConfigError, match="x,y,width,height") as caught:
        parse_region(text)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["1,2,0,4", "1,2,3,0", "1,2,0%,4", "100%,0,5,5", "0,120%,5,5"])
def test_regions_outside_every_picture_are_refused(text):
    with pytest.raises(ConfigError):
        parse_region(text)


@pytest.mark.parametrize("text", ["200,0,10,10", "0,100,10,10", "5,5,0.2,0.2", "total=1000,1000,5,5"])
def test_outside_this_picture(text):
    with pytest.raises(ImageError, match="200 x 100") as caught:
        parse_region(text).bounds(200, 100)
    assert text in str(caught.value)


def test_crop_is_a_view_with_its_place():
    image = np.arange(200 * 100 * 3, dtype=np.uint32).astype(np.uint8).reshape(100, 200, 3)
    view, (x, y) = parse_region("50%,10,20,20%").crop(image)
    assert (x, y) == (100, 10)
    assert view.shape == (20, 20, 3)
    assert np.shares_memory(view, image)
    assert np.array_equal(view, image[10:30, 100:120])


@pytest.mark.parametrize("text", ["total=10%,20,50%,8", "1.5,2,3,4"])
def test_a_region_is_formatted_as_it_was_written(text):
    assert str(parse_region(text)) == text
    assert parse_region(str(parse_region(text))) == parse_region(text)


def test_a_region_made_in_python():
    assert Region(Length(10), Length(20), Length(30), Length(40), "total") == parse_region("total=10,20,30,40")
    assert Region(Length(-50), Length(-10, is_percent=True), Length(80), Length(30)).bounds(200, 100) == (0, 0, 30, 20)
    with pytest.raises(ConfigError, match="finite"):
        Length(float("nan"))
