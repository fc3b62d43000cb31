"""Progress of `digitdet read`: a line on the terminal, messages and a closing summary, all on stderr."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import click

from digitdet.cli.options import echo_error
from digitdet.imaging.inputs import Input, is_live
from digitdet.reading.results import EMPTY, ERROR, UNFIT, UNSURE, Number, Reading

if TYPE_CHECKING:
    from digitdet.outputs.batch import Pairs

QUIET, NORMAL, VERBOSE = -1, 0, 1


class Progress:
    """Counts readings, and tells about them on stderr.

    The line of progress is erased before anything else is written, also to stdout, which may be the same terminal.

    Args:
        inputs: Pictures and videos to read; with a video or several pictures, there are a line of progress and a
            summary.
        verbosity: QUIET leaves only errors, VERBOSE adds a line for every number.
        done: Number of pictures that were read before an interruption.
    """

    def __init__(self, inputs: Sequence[Input], verbosity: int = NORMAL, done: int = 0) -> None:
        self.statuses: set[str] = set()
        self._total = len(inputs)
        self._verbosity = verbosity
        self._is_long = done + len(inputs) > 1 or any(one.video is not None for one in inputs)
        self._has_line = self._is_long and verbosity > QUIET and sys.stderr.isatty()
        self._start = time.monotonic()
        self._pictures = self._videos = self._numbers = self._unsure = self._errors = 0
        self._share = 0.0  # of the present video that is read
        live = [one.path for one in inputs if one.video is not None and is_live(one.video)]
        self._camera = live[0] if live else None

    def watch(self, readings: Iterable[Reading]) -> Iterator[Reading]:
        """Yield readings; after each was used, count it and print the messages about it."""
        self._draw()
        try:
            for reading in readings:
                self._erase()
                yield reading
                self._count(reading)
                self._tell(reading)
                self._draw()
        finally:
            self._erase()

    def watch_frames(self, pairs: Pairs) -> Pairs:
        """Yield pictures or all frames of a video, with their readings, and show how much of the video is read."""
        is_video = False
        for image, reading in pairs:
            if reading.time is not None:
                is_video = True
                self._share = reading.page / reading.pages
                self._draw()
            yield image, reading
        self._videos += is_video
        self._share = 0.0

    def resume(self, done: int, statuses: Collection[str]) -> None:
        """Take over the statuses of the `done` pictures that were read before an interruption, and print the count."""
        self.statuses.update(statuses)
        if done and self._verbosity > QUIET:
            names = {ERROR: "errors", UNSURE: "uncertain numbers"}
            problems = [name for status, name in names.items() if status in statuses]
            among = f", among them {' and '.join(problems)}" if problems else ""
            echo_error(f"continues after {_count(done, 'picture')}{among}")

    def summarise(self) -> None:
        """Print what was read, if there were several pictures or a video."""
        if self._is_long and self._verbosity > QUIET:
            seconds = time.monotonic() - self._start
            files = [_count(self._pictures, "picture")] if self._pictures or not self._videos else []
            files += [_count(self._videos, "video")] if self._videos else []
            numbers = f"{_count(self._numbers, 'number')} ({self._unsure} uncertain)"
            errors = f"{_count(self._errors, 'error')} in {seconds:.1f} s"
            echo_error(", ".join([*files, numbers, errors]))

    def _count(self, reading: Reading) -> None:
        self.statuses.add(reading.status)
        # An error ends a file, whichever of its pages it is on. Videos are counted at their end.
        self._pictures += reading.time is None and (reading.status == ERROR or reading.page == reading.pages)
        self._errors += reading.status == ERROR
        kept = [number for number in reading.numbers if number.status != UNFIT]
        self._numbers += len(kept)
        self._unsure += sum(number.status == UNSURE for number in kept)

    def _tell(self, reading: Reading) -> None:
        source = _describe_place(reading)
        if reading.status == ERROR:
            echo_error(f"Error: {source}: {reading.error}")
        if self._verbosity == QUIET:
            return
        if reading.status == EMPTY:
            echo_error(f"{source}: {'no digits found' if reading.time is None else 'no number was stable'}")
        for number in reading.numbers:
            if number.status == UNFIT:
                echo_error(f"{source}: {number.best} does not meet the constraints")
            elif number.status == UNSURE:
                echo_error(f"{source}: {_doubt(number)}")
            if self._verbosity == VERBOSE:
                echo_error(f"{source}: {_describe(number)}")

    def _draw(self) -> None:
        if self._has_line:
            files, seconds = self._pictures + self._videos, time.monotonic() - self._start
            done = files + self._share
            line = f"reading {files}/{self._total}, {_count(self._numbers, 'number')}"
            if self._camera:
                line = (
                    f"reading {self._camera}, {_count(self._numbers, 'number')}, {_duration(seconds)} (Ctrl-C to end)"
                )
            elif done:
                line += f", {_duration(seconds * max(0.0, self._total - done) / done)} left"
            columns = shutil.get_terminal_size().columns - 1
            self._write(line[:columns].ljust(columns))

    def _erase(self) -> None:
        if self._has_line:
            self._write(" " * (shutil.get_terminal_size().columns - 1))
            self._write("")

    def _write(self, line: str) -> None:
        click.echo(f"\r{line}", err=True, nl=False)


def _count(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _duration(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{seconds:02d}" if minutes >= 60 else f"{minutes}:{seconds:02d}"


def _describe_place(reading: Reading) -> str:
    """The file, with the page of several or the time in a video; errors and missing numbers concern a whole video."""
    if reading.time is not None and reading.numbers:
        return f"{reading.source}, {reading.time:.1f} s"
    if reading.time is None and reading.pages > 1:
        return f"{reading.source}, page {reading.page}"
    return str(reading.source)


def _describe(number: Number) -> str:
    """The most probable text of a number, where it is, and the other candidates."""
    left, top, right, bottom = (round(float(value)) for value in number.box)
    place = f"{right - left} x {bottom - top} px at {left},{top}"
    return f"{number.best} with {number.confidence:.0%}, {place}{_others(number)}"


def _doubt(number: Number) -> str:
    """The most probable text of an uncertain number, its doubtful digits as ?, and what it may be instead."""
    return f"{number.best} is uncertain ({number.confidence:.0%}): {number.masked_text}{_others(number)}"


def _others(number: Number) -> str:
    others = ", ".join(f"{other.text} {other.confidence:.0%}" for other in number.alternatives)
    return f"; or {others}" if others else ""
