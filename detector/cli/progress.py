"""Progress of `digitdet read`: a line on the terminal, messages and a closing summary, all on stderr."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Iterable, Iterator

import click

from digitdet.cli.options import echo_error
from digitdet.reading.results import EMPTY, ERROR, UNFIT, UNSURE, Number, Reading

QUIET, NORMAL, VERBOSE = -1, 0, 1


class Progress:
    """Counts readings, and tells about them on stderr.

    The line of progress is erased before anything else is written, also to stdout, which may be the same terminal.

    Args:
        total: Number of picture files to read; with more than one, there are a line of progress and a summary.
        verbosity: QUIET leaves only errors, VERBOSE adds a line for every number.
    """

    def __init__(self, total: int, verbosity: int = NORMAL) -> None:
        self.statuses: set[str] = set()
        self._total = total
        self._verbosity = verbosity
        self._has_line = total > 1 and verbosity > QUIET and sys.stderr.isatty()
        self._start = time.monotonic()
        self._pictures = self._numbers = self._unsure = self._errors = 0

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

    def summarise(self) -> None:
        """Print what was read, if there were several pictures."""
        if self._total > 1 and self._verbosity > QUIET:
            seconds = time.monotonic() - self._start
            numbers = f"{_count(self._numbers, 'number')} ({self._unsure} uncertain)"
            errors = f"{_count(self._errors, 'error')} in {seconds:.1f} s"
            echo_error(f"{_count(self._pictures, 'picture')}, {numbers}, {errors}")

    def _count(self, reading: Reading) -> None:
        self.statuses.add(reading.status)
        # An error ends a file, whichever of its pages it is on.
        self._pictures += reading.status == ERROR or reading.page == reading.pages
        self._errors += reading.status == ERROR
        kept = [number for number in reading.numbers if number.status != UNFIT]
        self._numbers += len(kept)
        self._unsure += sum(number.status == UNSURE for number in kept)

    def _tell(self, reading: Reading) -> None:
        source = f"{reading.source}, page {reading.page}" if reading.pages > 1 else reading.source
        if reading.status == ERROR:
            echo_error(f"Error: {source}: {reading.error}")
        if self._verbosity == QUIET:
            return
        if reading.status == EMPTY:
            echo_error(f"{source}: no digits found")
        for number in reading.numbers:
            if number.status == UNFIT:
                echo_error(f"{source}: {number.best} does not meet the constraints")
            elif number.status == UNSURE:
                echo_error(f"{source}: {_doubt(number)}")
            if self._verbosity == VERBOSE:
                echo_error(f"{source}: {_describe(number)}")

    def _draw(self) -> None:
        if self._has_line:
            done, seconds = self._pictures, time.monotonic() - self._start
            line = f"reading {done}/{self._total}, {_count(self._numbers, 'number')}"
            if done:
                line += f", {_duration(seconds * (self._total - done) / done)} left"
            self._write(line[: shutil.get_terminal_size().columns - 1])

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
