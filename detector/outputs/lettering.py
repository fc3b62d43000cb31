"""Text for drawings: OpenCV 5's typeface where there is one, its stroke font before that."""

from __future__ import annotations

from typing import Any

import cv2

from digitdet.common.types import Image

Colour = tuple[int, int, int]

_REGULAR, _BOLD = 400, 650  # weights of the variable typeface
_CAPITALS = 0.72  # height of a digit, as a share of the typeface's size
_STROKE_FONT = cv2.FONT_HERSHEY_SIMPLEX


class Lettering:
    """Measures and draws single lines of text of one size.

    Args:
        height: Of a digit, in pixels.
        typeface: False draws with the stroke font that every OpenCV has.
    """

    def __init__(self, height: int, typeface: bool = True) -> None:
        self.height = height
        # A face keeps the weight it was last used with, so that no two threads may share one; making it is cheap.
        self._face: Any = cv2.FontFace("sans") if typeface and hasattr(cv2, "FontFace") else None
        self._size = round(height / _CAPITALS)
        self._scale = cv2.getFontScaleFromHeight(_STROKE_FONT, height, 1)

    def width(self, text: str, bold: bool = False) -> int:
        """How wide a text is, in pixels."""
        if not text:
            return 0
        if self._face is None:
            return cv2.getTextSize(text, _STROKE_FONT, self._scale, self._thickness(bold))[0][0]
        weight = _BOLD if bold else _REGULAR
        return cv2.getTextSize((0, 0), text, (0, 0), self._face, self._size, weight)[2]

    def draw(self, canvas: Image, text: str, origin: tuple[int, int], colour: Colour, bold: bool = False) -> None:
        """Draw a text whose left end stands at `origin` (x, y), y at the foot of its digits, onto `canvas` in place."""
        if self._face is None:
            thickness = self._thickness(bold)
            cv2.putText(canvas, text, origin, _STROKE_FONT, self._scale, colour, thickness, cv2.LINE_AA)
        else:
            cv2.putText(canvas, text, origin, colour, self._face, self._size, _BOLD if bold else _REGULAR)

    def _thickness(self, bold: bool) -> int:
        return max(1, round(self._scale * (1.9 if bold else 1.1)))
