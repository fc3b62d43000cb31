"""Digits as predictions for Label Studio; see "Import pre-annotated data" and "Local storage" in its documentation."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from digitdet import __version__
from digitdet.common.types import CLASS_NAMES, Box
from digitdet.reading.results import Digit, Reading

_FROM, _TO = "label", "image"  # the tags of the configuration that a box refers to
_COLOURS = ("0072b2", "e69f00", "009e73", "cc79a7", "56b4e9", "d55e00", "f0e442", "7f7f7f", "6a3d9a", "000000")


def label_config() -> str:
    """Return the labelling interface in XML: a picture and boxes of ten classes, with the hotkeys 0 to 9."""
    labels = "".join(
        f'    <Label value="{name}" background="#{colour}" hotkey="{name}"/>\n'
        for name, colour in zip(CLASS_NAMES, _COLOURS, strict=True)
    )
    return (
        f'<View>\n  <Image name="{_TO}" value="$image" zoom="true" zoomControl="true"/>\n'
        f'  <RectangleLabels name="{_FROM}" toName="{_TO}">\n{labels}  </RectangleLabels>\n</View>\n'
    )


def make_task(path: str, reading: Reading, digits: list[tuple[Digit, Box]], width: int, height: int) -> dict[str, Any]:
    """Return the task of a picture of `width` x `height` pixels as JSON types; boxes are xyxy in pixels.

    `path` is relative to the folder that Label Studio serves. The score is the lowest confidence of the numbers.
    """
    size = {"original_width": width, "original_height": height, "image_rotation": 0}
    link = {"from_name": _FROM, "to_name": _TO, "type": "rectanglelabels"}
    results = [
        {
            "id": f"digit{index}",
            **link,
            **size,
            "value": {**_percent(box, width, height), "rotation": 0, "rectanglelabels": [digit.text]},
            "score": round(digit.confidence, 4),
        }
        for index, (digit, box) in enumerate(digits)
    ]
    score = min((number.confidence for number in reading.numbers), default=0.0)
    prediction = {"model_version": f"digitdet {__version__}", "score": round(score, 4), "result": results}
    return {
        "data": {"image": f"/data/local-files/?d={quote(path, errors='surrogateescape')}"},
        "predictions": [prediction],
    }


def _percent(box: Box, width: int, height: int) -> dict[str, float]:
    """A box in percent of the picture's width and height."""
    left, top, right, bottom = box
    shares = {"x": left / width, "y": top / height, "width": (right - left) / width, "height": (bottom - top) / height}
    return {name: round(100 * share, 5) for name, share in shares.items()}
