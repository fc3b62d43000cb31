"""Numbers in a video: those that are read alike in several frames, each reported once."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Iterator
from dataclasses import replace

from digitdet.common.types import Image
from digitdet.reading.results import OK, UNFIT, Number, Reading

_Frame = tuple[Image | None, Reading]
_Key = tuple[str | None, str, int]  # region, text, and how many equal ones are before it in the frame


def stable_readings(frames: Iterable[_Frame], count: int) -> Iterator[_Frame]:
    """Yield a frame whenever numbers become stable: when most of the last 2 * `count` - 1 frames show them.

    A number is known by its text, so the camera may move. It is reported again when it has been out of sight for that
    many frames, or when it was unsure and is no longer. Unfit numbers are left out.

    Args:
        frames: Images and readings of the frames that were read, in order. Those with an error are passed on.
        count: Number of frames in which a number must be read, from 1.

    Yields:
        A frame and its reading with the new stable numbers alone: of the last frames, the one in which they are read
        with the highest confidence. At the end of a video without any, the last frame without numbers.
    """
    window: deque[tuple[Image | None, Reading, dict[_Key, Number]]] = deque(maxlen=2 * count - 1)
    reported: dict[_Key, str] = {}  # with their status
    last: _Frame | None = None
    yielded_page = 0  # number of the last frame that was yielded: frames stay in order
    is_reported = False
    for image, reading in frames:
        if reading.error is not None:
            is_reported = True
            yield image, reading
            continue
        last = image, reading
        window.append((image, reading, _numbers(reading)))
        frames_with = Counter(key for _, _, numbers in window for key in numbers)
        reported = {key: status for key, status in reported.items() if key in frames_with}
        new = [
            key
            for key, number in window[-1][2].items()
            if frames_with[key] >= count and (key not in reported or number.status == OK != reported[key])
        ]
        if new:
            shown = [one for one in window if one[1].page >= yielded_page and all(key in one[2] for key in new)]
            sure = [key for key in new if window[-1][2][key].status == OK]
            best = max(
                (one for one in shown if all(one[2][key].status == OK for key in sure)),
                key=lambda one: min(one[2][key].confidence for key in new),
            )
            reported.update({key: best[2][key].status for key in new})
            yielded_page, is_reported = best[1].page, True
            yield best[0], replace(best[1], numbers=tuple(best[2][key] for key in new))
    if last is not None and not is_reported:
        yield last[0], replace(last[1], numbers=())


def _numbers(reading: Reading) -> dict[_Key, Number]:
    seen: Counter[tuple[str | None, str]] = Counter()
    numbers = {}
    for number in reading.numbers:
        if number.status != UNFIT:
            name = number.region, number.best
            numbers[(*name, seen[name])] = number
            seen[name] += 1
    return numbers
