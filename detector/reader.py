"""Reading pictures from end to end: load, find the digits, put them together, say how sure."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from digitdet.common.errors import ImageError, TimeLimitError
from digitdet.common.types import Image
from digitdet.configs import ReadConfig
from digitdet.configs import replace as with_settings
from digitdet.detection.detector import OnnxDetector
from digitdet.detection.postprocess import NmsResult
from digitdet.detection.search import MultiScaleDetector
from digitdet.detection.tiles import Run
from digitdet.imaging.images import ImageSource, load_image, read_pages
from digitdet.imaging.inputs import Input
from digitdet.imaging.pages import Page
from digitdet.reading.calibration import parse_calibration
from digitdet.reading.constraints import Constraints
from digitdet.reading.numbers import NumberBuilder
from digitdet.reading.regions import Region
from digitdet.reading.results import Number, Reading
from digitdet.reading.rotation import (
    ROTATIONS,
    RotationChoice,
    boxes_to_picture,
    choose_rotation,
    turned_back,
    upside_down_text,
)

# Decoded pictures wait for each other until a batch is full, but not with more pixels than this: 120 MB.
_BATCH_PIXELS = 40_000_000


@dataclass(frozen=True)
class _Sheet:
    """A page to be read, or the reason why it cannot be."""

    source: str | None
    page: Page | None
    error: str | None = None
    place: tuple[int, int] = (1, 1)  # of a page that is missing: its number, and how many there are


class NumberReader:
    r"""Reads the numbers in pictures.

    The model is loaded once; a reader can be used for any number of pictures, by one thread at a time.

    Args:
        model: Path of an .onnx file from `digitdet train`, or one that is loaded; None is the model that ships with the
            package.
        conf: Probability (0 to 1) from which a digit counts as there; None keeps that of `config`.
        constraints: What every number must be; None is any number.
        config: All settings; None is the defaults.

    Raises:
        ModelError: The model is missing, damaged, or not a digit detector.
        ConfigError: `conf` is not within 0 to 1.

    Example:
        >>> from digitdet import Constraints, NumberReader
        >>> NumberReader().read("examples/chalk.jpg").texts  # doctest: +SKIP
        ['906749', '4', '13636', '6', '7999']
        >>> NumberReader(constraints=Constraints(digits="4-")).read("examples/chalk.jpg").texts  # doctest: +SKIP
        ['906749', '13636', '7999']
    """

    def __init__(
        self,
        model: str | os.PathLike[str] | OnnxDetector | None = None,
        conf: float | None = None,
        constraints: Constraints | None = None,
        config: ReadConfig | None = None,
    ) -> None:
        self.config = with_settings(config or ReadConfig(), confidence=conf)
        self._finder = MultiScaleDetector(Path(model) if isinstance(model, (str, os.PathLike)) else model, self.config)
        calibration = parse_calibration(self._finder.detector.calibration, self._finder.detector.name)
        self._builder = NumberBuilder.of_config(calibration, self.config, constraints or None)
        self.workers = max(os.cpu_count() or 1, 1)
        """Threads: of one picture they share the passes; of many, each has a batch."""

    def read(self, source: ImageSource, regions: Sequence[Region] = ()) -> Reading:
        """Read one picture; of a file with several pages the first.

        Args:
            source: A path, the bytes of an image file, or a uint8 array: (H, W), (H, W, 3) BGR or (H, W, 4) BGRA.
            regions: Parts of the picture to read, each on its own; none is all of it.

        Returns:
            The numbers with their digits and boxes; none if there is no digit.

        Raises:
            ImageError: The picture cannot be read, or a region lies outside it.
        """
        page = next(read_pages(source, self.config.max_pixels))
        with ThreadPoolExecutor(self.workers) as threads:
            reading = self._build(self._find([_Sheet(_name(source), page)], regions, threads.map))[0]
        if reading.error is not None:
            raise ImageError(reading.error)
        return reading

    def read_many(
        self,
        sources: Iterable[ImageSource | Input],
        regions: Sequence[Region] = (),
        time_limit: float | None = None,
    ) -> Iterator[Reading]:
        """Read pictures in order, every page of each; the next ones are decoded while the network is at work.

        A picture that cannot be read gives a reading with the status 'error' and the reason, and the others go on.

        Args:
            sources: As `read` takes them.
            regions: Parts of each picture to read.
            time_limit: Seconds from the call to the last reading; None is no limit.

        Raises:
            TimeLimitError: It took longer. What was under way is given up within about a second.
        """
        return (reading for _, reading in self.scan(sources, regions, time_limit))

    def scan(
        self,
        sources: Iterable[ImageSource | Input],
        regions: Sequence[Region] = (),
        time_limit: float | None = None,
    ) -> Iterator[tuple[Image | None, Reading]]:
        """`read_many` with each picture, (H, W, 3) uint8 BGR, beside its reading: for those who draw or cut it."""
        for batch, found in self._find_batches(sources, regions, time_limit):
            for sheet, reading in zip(batch, self._build(found), strict=True):
                yield (sheet.page.image if sheet.page else None), reading

    def find(self, source: ImageSource) -> NmsResult:
        """The digits of one picture before they are put together, with the boxes that they have beaten.

        Raises:
            ImageError: The picture cannot be read.
        """
        return self._finder.detect([load_image(source, self.config.max_pixels)])[0]

    def _find_batches(
        self, sources: Iterable[ImageSource | Input], regions: Sequence[Region], time_limit: float | None
    ) -> Iterator[tuple[list[_Sheet], _Found]]:
        """Batches of pages in order, each with what was found on it: while one is worked on, the next is decoded, and
        others are in the network.
        """
        within = _within(time_limit)
        batches = self._batches(sources)
        under_way: deque[tuple[list[_Sheet], Future[_Found]]] = deque()
        with (
            ThreadPoolExecutor(1) as decoder,
            ThreadPoolExecutor(self.workers) as finders,
            ThreadPoolExecutor(self.workers) as passes,
        ):
            try:
                decoded: Future[list[_Sheet] | None] | None = decoder.submit(next, batches, None)
                while decoded or under_way:
                    while decoded and len(under_way) <= self.workers and not (under_way and under_way[0][1].done()):
                        batch = decoded.result()
                        decoded = decoder.submit(next, batches, None) if batch else None
                        if batch:
                            is_alone = len(batch) == 1 and not under_way
                            run = within(passes.map if is_alone else map)
                            under_way.append((batch, finders.submit(self._find, batch, regions, run)))
                    if under_way:
                        batch, found = under_way.popleft()
                        yield batch, found.result()
            finally:  # whoever asks for no more shall not wait for what is in the queues
                finders.shutdown(wait=False, cancel_futures=True)

    def _batches(self, sources: Iterable[ImageSource | Input]) -> Iterator[list[_Sheet]]:
        batch: list[_Sheet] = []
        pixels = 0
        for sheet in self._sheets(sources):
            batch.append(sheet)
            pixels += sheet.page.image.shape[0] * sheet.page.image.shape[1] if sheet.page else 0
            if len(batch) >= self.config.batch or pixels >= _BATCH_PIXELS:
                yield batch
                batch, pixels = [], 0
        if batch:
            yield batch

    def _sheets(self, sources: Iterable[ImageSource | Input]) -> Iterator[_Sheet]:
        for source in sources:
            name = source.path if isinstance(source, Input) else _name(source)
            place = (1, 1)
            try:
                for page in read_pages(_content(source), self.config.max_pixels):
                    yield _Sheet(name, page)
                    place = (page.number + 1, page.count)
            except ImageError as error:
                yield _Sheet(name, None, str(error), place)

    def _find(self, sheets: Sequence[_Sheet], regions: Sequence[Region], run: Run = map) -> _Found:
        """The digits on each page, a reading without numbers for it, those that failed among them."""
        readings: list[Reading] = []
        parts: list[_Part] = []
        for row, sheet in enumerate(sheets):
            if sheet.page is None:
                number, count = sheet.place
                readings.append(Reading(source=sheet.source, page=number, pages=count, error=sheet.error))
                continue
            height, width = sheet.page.image.shape[:2]
            reading = Reading((), width, height, sheet.source, sheet.page.number, sheet.page.count)
            try:
                cuts = _cut_regions(sheet.page.image, regions)
            except ImageError as error:
                readings.append(replace(reading, error=str(error)))
                continue
            turn = self._turn(sheet.page.image)
            parts += [_Part(row, turn, cut) for cut in cuts]
            readings.append(replace(reading, rotation=turn.rotation))
        return _Found(readings, parts, self._finder.detect([part.upright() for part in parts], run=run))

    def _build(self, found: _Found) -> list[Reading]:
        """The readings with their numbers."""
        readings = found.readings
        for part, places in zip(found.parts, found.places, strict=True):
            numbers = tuple(part.bring_home(number) for number in self._builder.build(places))
            readings[part.row] = replace(readings[part.row], numbers=readings[part.row].numbers + numbers)
        return readings

    def _turn(self, image: Image) -> RotationChoice:
        if self.config.rotate != "auto":
            return RotationChoice(self.config.rotate, is_ambiguous=False)
        turned = [turned_back(image, rotation) for rotation in ROTATIONS]
        found = self._finder.detect(turned, quick=True)
        return choose_rotation({rotation: one.digits for rotation, one in zip(ROTATIONS, found, strict=True)})


@dataclass(frozen=True)
class _Found:
    """What was found on the pages of a batch: a reading for each, and the digits of each part of any of them."""

    readings: list[Reading]
    parts: list[_Part]
    places: list[NmsResult]


@dataclass(frozen=True)
class _Cut:
    """A part of a page: its pixels, where it begins, and the name of its region."""

    view: Image
    offset: tuple[int, int]
    name: str | None


@dataclass(frozen=True)
class _Part:
    """A part of the page in a `row` of the batch, and how that page lies."""

    row: int
    turn: RotationChoice
    cut: _Cut

    def upright(self) -> Image:
        return turned_back(self.cut.view, self.turn.rotation)

    def bring_home(self, number: Number) -> Number:
        """A number that was found in the part set upright, as one of the page as it lies."""
        height, width = self.cut.view.shape[:2]
        boxes = boxes_to_picture([digit.box for digit in number.digits], self.turn.rotation, width, height)
        boxes += np.array(self.cut.offset * 2)
        digits = tuple(
            replace(digit, box=(x0, y0, x1, y1))
            for digit, (x0, y0, x1, y1) in zip(number.digits, boxes.tolist(), strict=True)
        )
        return replace(
            number,
            digits=digits,
            angle=number.angle + self.turn.rotation,
            region=self.cut.name,
            upside_down=upside_down_text(number.best) if self.turn.is_ambiguous else None,
        )


def _within(time_limit: float | None) -> Callable[[Run], Run]:
    """What makes a `Run` end with an error when so many seconds from now are over."""
    if time_limit is None:
        return lambda run: run
    deadline = time.monotonic() + time_limit

    def limit(run: Run) -> Run:
        def limited(function: Callable[[Any], Any], items: Iterable[Any]) -> Iterable[Any]:
            def checked(item: Any) -> Any:
                if time.monotonic() > deadline:
                    raise TimeLimitError(f"reading takes longer than {time_limit:g} s; send less, or a smaller picture")
                return function(item)

            return run(checked, items)

        return limited

    return limit


def _cut_regions(image: Image, regions: Sequence[Region]) -> list[_Cut]:
    if not regions:
        return [_Cut(image, (0, 0), None)]
    # A region without a name is named by where it is, unless it is the only one.
    return [_Cut(*region.crop(image), region.name or (str(region) if len(regions) > 1 else None)) for region in regions]


def _content(source: ImageSource | Input) -> ImageSource:
    if not isinstance(source, Input):
        return source
    if source.error is not None:
        raise ImageError(source.error)
    return source.source()


def _name(source: ImageSource) -> str | None:
    return os.fspath(source) if isinstance(source, (str, os.PathLike)) else None
