"""From pictures to numbers: load pages, detect digits, read the strips of their lines, build numbers."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import numpy as np

from digitdet.common.errors import ImageError
from digitdet.common.parallel import Deadline, MapFunction, process_batches
from digitdet.common.types import Image
from digitdet.configs import ReadConfig
from digitdet.configs import replace as with_settings
from digitdet.detection.postprocess import Detections
from digitdet.detection.search import MultiScaleDetector
from digitdet.imaging.batches import LoadedPage, batch_frames, load_batches
from digitdet.imaging.images import ImageSource, load_image, named_errors, read_pages, source_name
from digitdet.imaging.inputs import Input, VideoSource, is_live, video_name
from digitdet.imaging.video import Frame, read_frames
from digitdet.reading.constraints import Constraints
from digitdet.reading.decoding import NumberDecoder
from digitdet.reading.digits_only import without_marks
from digitdet.reading.lattice import Lattice
from digitdet.reading.model import Model, load_model
from digitdet.reading.regions import Region
from digitdet.reading.results import UNFIT, Digit, Mark, Number, Reading
from digitdet.reading.rotation import (
    ROTATIONS,
    RotationChoice,
    choose_rotation,
    rotate_boxes_back,
    rotate_upright,
    upside_down_text,
)
from digitdet.reading.stability import stable_readings
from digitdet.reading.transcription import MAX_CROP_HEIGHT, transcribe

_CharacterT = TypeVar("_CharacterT", Digit, Mark)


class NumberReader:
    r"""Reads the numbers in pictures.

    The model is loaded once; use one reader for any number of pictures, from one thread at a time.

    Args:
        model: Run folder of `digitdet train`, the .onnx file of one of its networks, or a loaded model; None is
            the model that ships with the package.
        conf: Probability (0 to 1) from which a digit counts as present; None takes the value of `config`.
        constraints: Rules that every number must meet; None allows any number.
        config: All settings; None is the defaults.

    Attributes:
        config: The settings in use.
        workers: Number of threads, by default one for each core.

    Raises:
        ModelError: The model is missing, damaged, or holds other networks.
        ConfigError: `conf` is not within 0 to 1.
        TypeError: `constraints` or `config` is something else.

    Example:
        >>> from digitdet import Constraints, NumberReader
        >>> NumberReader().read("examples/chalk.jpg").texts  # doctest: +SKIP
        ['906749', '4', '13636', '6', '7999']
        >>> NumberReader(constraints=Constraints(digits="4-")).read("examples/chalk.jpg").texts  # doctest: +SKIP
        ['906749', '13636', '7999']
    """

    def __init__(
        self,
        model: str | os.PathLike[str] | Model | None = None,
        conf: float | None = None,
        constraints: Constraints | None = None,
        config: ReadConfig | None = None,
    ) -> None:
        if not isinstance(config, ReadConfig | None):
            raise TypeError(f"config: expected a ReadConfig, not {type(config).__name__}")
        if not isinstance(constraints, Constraints | None):
            raise TypeError(f"constraints: expected Constraints(...), not {type(constraints).__name__}")
        self.config = with_settings(config or ReadConfig(), confidence=conf)
        loaded = model if isinstance(model, Model) else load_model(None if model is None else Path(model))
        self._detector = MultiScaleDetector(loaded.detector, loaded.proposals, self.config)
        self._line_reader, self._second_reader = loaded.line_reader, loaded.second_reader
        self._decoder = NumberDecoder(self.config, constraints, self._line_reader.calibration.confidence)
        self.workers = os.cpu_count() or 1

    def read(self, source: ImageSource, regions: Sequence[Region] = ()) -> Reading:
        """Read one picture; of a file with several pages the first.

        Args:
            source: A path, a web address, the bytes of an image file, a PIL image, or a uint8 array: (H, W), (H, W, 3)
                BGR or (H, W, 4) BGRA.
            regions: Parts of the picture, each read by itself; none is the whole picture.

        Returns:
            The numbers with their digits and boxes; none if there is no digit.

        Raises:
            ImageError: The picture cannot be read, or a region lies outside it; the message begins with its path.
        """
        return self._read_page(source, regions)[0]

    def read_and_find(self, source: ImageSource) -> tuple[Reading, Detections]:
        """Return what `read` and `find` return for one picture; the detector runs only once.

        Raises:
            ImageError: As in `read`.
        """
        reading, parts = self._read_page(source)
        return reading, parts[0].found_on_page()

    def _read_page(self, source: ImageSource, regions: Sequence[Region] = ()) -> tuple[Reading, list[_ReadPart]]:
        with named_errors(source):
            page = next(read_pages(source, self.config.max_pixels))
        loaded = LoadedPage(source_name(source), page.image, page.number, page.count)
        with ThreadPoolExecutor(self.workers) as threads:
            transcribed = self._transcribe([loaded], regions, threads.map)
            reading = self._build_numbers(transcribed)[0]
        if reading.error is not None:
            with named_errors(source):
                raise ImageError(reading.error)
        return reading, transcribed[1]

    def read_many(
        self,
        sources: Iterable[ImageSource | Input],
        regions: Sequence[Region] = (),
        time_limit: float | None = None,
    ) -> Iterator[Reading]:
        """Read every page of many pictures, in order; the next pictures are decoded while the network runs.

        A picture that cannot be read gives a reading with the status 'error' and the reason; the others are read.

        Args:
            sources: As in `read`.
            regions: Parts of each picture to read.
            time_limit: Seconds from the start to the last reading; None is no limit.

        Raises:
            TimeLimitError: The limit is exceeded. Work in progress ends within about a second.
        """
        return (reading for _, reading in self.scan(sources, regions, time_limit))

    def scan(
        self,
        sources: Iterable[ImageSource | Input],
        regions: Sequence[Region] = (),
        time_limit: float | None = None,
    ) -> Iterator[tuple[Image | None, Reading]]:
        """Read as `read_many` does and yield each picture, (H, W, 3) uint8 BGR or None, with its reading."""
        batches = load_batches(sources, self.config.batch, self.config.max_pixels)
        return self._scan(batches, regions, Deadline(time_limit))

    def _scan(
        self, batches: Iterator[list[LoadedPage]], regions: Sequence[Region], deadline: Deadline
    ) -> Iterator[tuple[Image | None, Reading]]:
        results = process_batches(
            lambda batch, map_function: self._transcribe(batch, regions, deadline.limit(map_function)),
            batches,
            self.workers,
        )
        for batch, transcribed in results:
            deadline.check()
            for page, reading in zip(batch, self._build_numbers(transcribed), strict=True):
                yield page.image, reading

    def read_video(self, source: VideoSource, regions: Sequence[Region] = ()) -> Iterator[Reading]:
        """Read a video, and yield a reading whenever numbers become stable.

        Every `config.frame_step`-th frame is read. A number is stable when most of the last frames show it
        (`config.stable_frames`). Each reading has the numbers that are new, the frame in which they are read best
        (`page`) and its `time` in seconds.

        Args:
            source: The path of a video file, the number of a camera (from 0), which is read until the caller stops, or
                the address of a stream.
            regions: As in `read`.

        Raises:
            ImageError: The video cannot be opened, is damaged, or the camera has ended; the message begins with its
                name.
        """
        for _, reading in stable_readings(self.scan_frames(source, regions), self.config.stable_frames):
            if reading.error is not None:
                raise ImageError(f"{reading.source}: {reading.error}")
            if reading.numbers:
                yield reading

    def scan_frames(
        self, source: VideoSource, regions: Sequence[Region] = ()
    ) -> Iterator[tuple[Image | None, Reading]]:
        """Yield every frame of a video that is read, (H, W, 3) uint8 BGR, with its reading, stable or not.

        A video that cannot be read, or only in part, ends with a reading with the status 'error', without a frame.
        """
        name = video_name(source)
        frames = read_frames(source, self.config.frame_step, self.config.max_pixels)
        last = Reading(source=name, time=0.0)
        try:
            for batch, transcribed in self._process_frames(frames, source, regions):
                for loaded, last in zip(batch, self._build_numbers(transcribed), strict=True):
                    yield loaded.image, last
        except ImageError as error:
            yield None, replace(last, numbers=(), error=str(error))

    def _process_frames(
        self, frames: Iterator[Frame], source: VideoSource, regions: Sequence[Region]
    ) -> Iterator[tuple[list[LoadedPage], _Transcribed]]:
        """Transcribe the frames of a file in concurrent batches, and each frame of a camera as soon as it arrives."""
        name = video_name(source)
        if not is_live(source):
            batches = batch_frames(frames, name, self.config.batch)
            yield from process_batches(
                lambda batch, map_function: self._transcribe(batch, regions, map_function), batches, self.workers
            )
            return
        with ThreadPoolExecutor(self.workers) as threads:
            for batch in batch_frames(frames, name, 1):
                yield batch, self._transcribe(batch, regions, threads.map)

    def find(self, source: ImageSource) -> Detections:
        """Return the digits that the detector finds in one picture, before they become numbers, best score first.

        As in `read`, the picture is turned upright by `config.rotate`; the boxes are those on the picture as it is.
        """
        image = load_image(source, self.config.max_pixels)
        with ThreadPoolExecutor(self.workers) as threads:
            part = _PagePart(0, self._rotation(image, threads.map), image, (0, 0), None)
            found = self._detector.detect([part.upright()], map_function=threads.map)[0]
        return _ReadPart(part, found, []).found_on_page()

    def _transcribe(
        self, pages: Sequence[LoadedPage], regions: Sequence[Region], map_function: MapFunction
    ) -> _Transcribed:
        """Return a reading without numbers for each page, and what was read in each part of the pages."""
        if isinstance(regions, Region) or not all(isinstance(region, Region) for region in regions):
            raise TypeError("regions: expected a list of regions, such as [parse_region('10%,20%,50%,10%')]")
        readings: list[Reading] = []
        parts: list[_PagePart] = []
        for row, page in enumerate(pages):
            reading, of_page = self._plan(page, row, regions, map_function)
            readings.append(reading)
            parts += of_page
        images = [part.upright() for part in parts]
        found = self._detector.detect(images, map_function=map_function)
        read_parts = [
            _ReadPart(part, digits, transcribe(image, digits, self._line_reader, self._second_reader, map_function))
            for part, image, digits in zip(parts, images, found, strict=True)
        ]
        return readings, read_parts

    def _plan(
        self, page: LoadedPage, row: int, regions: Sequence[Region], map_function: MapFunction
    ) -> tuple[Reading, list[_PagePart]]:
        """Return a reading of a page without numbers, and the parts of the page to read; none if it has an error."""
        reading = Reading((), 0, 0, page.source, page.number, page.count, error=page.error, time=page.time)
        if page.image is None:
            return reading, []
        height, width = page.image.shape[:2]
        reading = replace(reading, width=width, height=height)
        names = [region.name or (str(region) if len(regions) > 1 else None) for region in regions]
        try:
            crops = [(*region.crop(page.image), name) for region, name in zip(regions, names, strict=True)]
        except ImageError as error:
            return replace(reading, error=str(error)), []
        rotation = self._rotation(page.image, map_function)
        parts = [_PagePart(row, rotation, *crop) for crop in crops or [(page.image, (0, 0), None)]]
        return replace(reading, rotation=rotation.rotation), parts

    def _build_numbers(self, transcribed: _Transcribed) -> list[Reading]:
        """Build the numbers of the readings from the lattices of their lines."""
        readings, parts = transcribed
        numbers: list[list[Number]] = [[] for _ in readings]
        for read_part in parts:
            part = read_part.part
            found = self._decoder.decode(read_part.lattices, is_crop=part.upright_height <= MAX_CROP_HEIGHT)
            if self.config.digits_only:
                found = tuple(without_marks(number, self.config.min_confidence) for number in found)
            numbers[part.row] += map(part.to_page, found)
        return [replace(one, numbers=self._chosen(found)) for one, found in zip(readings, numbers, strict=True)]

    def _chosen(self, numbers: Sequence[Number]) -> tuple[Number, ...]:
        """Return all numbers of a picture, or the one that the settings ask for, if possible a fitting one."""
        fitting = [number for number in numbers if number.status != UNFIT] or numbers
        if numbers and self.config.largest:
            return (max(fitting, key=lambda number: number.height),)
        if numbers and self.config.best:
            return (max(fitting, key=lambda number: number.confidence),)
        return tuple(numbers)

    def _rotation(self, image: Image, map_function: MapFunction) -> RotationChoice:
        if self.config.rotate != "auto":
            return RotationChoice(self.config.rotate, is_ambiguous=False)
        upright = [rotate_upright(image, rotation) for rotation in ROTATIONS]
        found = self._detector.detect(upright, quick=True, map_function=map_function)
        return choose_rotation(dict(zip(ROTATIONS, found, strict=True)))


@dataclass(frozen=True)
class _PagePart:
    """A part of a page that is read by itself."""

    row: int  # index of the page in its batch
    rotation: RotationChoice  # of the page
    image: Image  # the pixels as they are on the page
    offset: tuple[int, int]  # (x, y) of the top left pixel on the page
    region: str | None  # name of the region

    def upright(self) -> Image:
        return rotate_upright(self.image, self.rotation.rotation)

    @property
    def upright_height(self) -> int:
        """Height of the upright part in pixels, computed without rotating it."""
        return self.image.shape[1 if self.rotation.rotation in (90, 270) else 0]

    def to_page(self, number: Number) -> Number:
        """Map a number found in the upright part to the page: boxes, angle, region and upside-down text."""
        return replace(
            number,
            digits=self._on_page(number.digits),
            marks=self._on_page(number.marks),
            angle=number.angle + self.rotation.rotation,
            region=self.region,
            upside_down=upside_down_text(number.best) if self.rotation.is_ambiguous else None,
        )

    def _on_page(self, characters: tuple[_CharacterT, ...]) -> tuple[_CharacterT, ...]:
        """Map the boxes of digits or marks to the page."""
        height, width = self.image.shape[:2]
        boxes = rotate_boxes_back([one.box for one in characters], self.rotation.rotation, width, height)
        boxes = boxes.clip(0, [width, height] * 2) + np.array(self.offset * 2)
        return tuple(
            replace(one, box=(x0, y0, x1, y1)) for one, (x0, y0, x1, y1) in zip(characters, boxes.tolist(), strict=True)
        )


@dataclass(frozen=True)
class _ReadPart:
    """A part of a page, the digits found in it with their boxes on the upright part, and the lattices of its lines."""

    part: _PagePart
    found: Detections
    lattices: list[Lattice]

    def found_on_page(self) -> Detections:
        """Return the digits of a part that covers its whole page, with their boxes on the page before rotation."""
        height, width = self.part.image.shape[:2]
        boxes = rotate_boxes_back(self.found.boxes, self.part.rotation.rotation, width, height)
        return Detections(boxes.astype(np.float32), self.found.scores)


_Transcribed = tuple[list[Reading], list[_ReadPart]]
