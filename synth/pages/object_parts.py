"""Parts of objects: words, small print, edges that are covered, and colours."""

from __future__ import annotations

import numpy as np

from digitdet.common.types import Box, FloatArray
from digitdet.synth.pages.page_draft import PageDraft, centre_of
from digitdet.synth.surfaces.fields import LUMA, pick_colour

_ARMS = ((90, 120, 170), (130, 160, 210), (50, 70, 110), (30, 30, 35), (120, 60, 30), (60, 50, 160))
# Letters in about the frequencies of English, without those that resemble digits.
_LETTERS = np.array(list("eeeeetttaaaaonnnnrrrhhhddcccuummfffppggwwyvk"))
# Height in pixels below which a line of words is drawn as a stripe: its letters could not be told apart.
_STRIPE_BELOW = 4.0


def made_up_words(rng: np.random.Generator, fewest: int, most: int) -> str:
    """Return some made-up words of two to nine letters."""
    count = int(rng.integers(fewest, most + 1))
    letters = "".join(_LETTERS[rng.integers(len(_LETTERS), size=9 * count)].tolist())
    words = [letters[9 * i : 9 * i + length] for i, length in enumerate(rng.integers(2, 10, count).tolist())]
    return " ".join(word.capitalize() for word in words) if rng.random() < 0.5 else " ".join(words).upper()


def plate_code(draft: PageDraft) -> str:
    """Return letters and digits as on a number plate; letters only if the picture may hold no digit."""
    parts = ["".join(_LETTERS[draft.rng.integers(len(_LETTERS), size=2)]).upper(), draft.text()]
    return " ".join(parts if draft.rng.random() < 0.6 else parts[::-1])


def write_inside(draft: PageDraft, text: str, box: Box, share: float, dark: bool) -> None:
    """Write words in the middle of a box, `share` of its height high; a stripe if they would be unreadable."""
    height = (box[3] - box[1]) * share
    room = 0.9 * (box[2] - box[0])
    if height >= _STRIPE_BELOW:
        line = draft.write(text, height, room)
        draft.put_left(line, centre_of(box)[0] - line.width / 2, centre_of(box)[1], dark)
    elif height > 1:
        _stripe(draft, box[0] + 0.1 * room, centre_of(box)[1], 0.8 * room, height, dark)


def small_print(draft: PageDraft, box: Box, height: float, dark: bool) -> None:
    """Fill a box with lines of words from the top, some of them left out."""
    rng, room = draft.rng, box[2] - box[0]
    pitch = height * rng.uniform(1.4, 2.2)
    for y in np.arange(box[1] + height / 2, box[3] - height / 2, pitch)[:8].tolist():
        if rng.random() < 0.2:
            continue
        if height >= _STRIPE_BELOW:
            draft.put_left(draft.write(made_up_words(rng, 1, 3), height, room), box[0], y, dark)
        elif height > 0.8:
            _stripe(draft, box[0], y, room * rng.uniform(0.3, 0.9), height, dark)


def _stripe(draft: PageDraft, left: float, y: float, width: float, height: float, dark: bool) -> None:
    """Draw a line of unreadably small words."""
    level = np.full(3, 30.0 if dark else 230.0)
    draft.rule(left, y, left + width, y, level, max(0.6 * height, 1.0), alpha=0.35)


def cover_edge(draft: PageDraft, body: Box, reach: float) -> None:
    """Cover an edge at the side of a body, at most `reach` pixels of it, with a slanted strip above the ink."""
    rng, tall = draft.rng, body[3] - body[1]
    upper, lower = rng.uniform(-0.3, 1, 2) * reach
    thick = rng.uniform(0.05, 0.3) * tall
    arm = np.array([[-thick, body[1]], [upper, body[1]], [lower, body[3]], [-thick, body[3]]])
    arm[:, 0] += body[0]
    if rng.random() < 0.5:
        arm[:, 0] = body[0] + body[2] - arm[:, 0]
    draft.add_shape(arm, colour_near(rng, _ARMS), above=True)


def colour_near(rng: np.random.Generator, palette: tuple[tuple[int, int, int], ...]) -> FloatArray:
    """Draw a colour (3,) BGR near one of a palette."""
    return pick_colour(rng, palette, spread=8)


def is_light(colour: FloatArray) -> bool:
    """Whether a body is light and takes dark ink."""
    return float(colour @ LUMA) > 125


def takes_dark_ink(rng: np.random.Generator, colour: FloatArray) -> bool:
    """Whether the words on a body are dark; on grey and bright colours both are common."""
    return is_light(colour) and (float(colour @ LUMA) > 200 or rng.random() < 0.5)


def contrasting(colour: FloatArray) -> FloatArray:
    """Return black or white, nearly, whichever stands out from a colour (3,) BGR."""
    return np.full(3, 20.0 if is_light(colour) else 240.0)
