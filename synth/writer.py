"""Write a dataset folder of composed pictures, in parallel and resumable, or a contact sheet of its first pictures.

The bytes do not depend on the number of workers.

The work is cut into chunks of pictures. A chunk's pictures and labels are written first, then one file in `.parts/`
that holds its lines of numbers.jsonl and marks the chunk as complete. When all chunks are complete, numbers.jsonl is
assembled, data.yaml is written last (a folder without it is incomplete), and `.parts/` is removed.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import pickle
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from digitdet.common.errors import DataError
from digitdet.common.files import write_atomically
from digitdet.common.interrupts import sigint_handler
from digitdet.common.run_folder import RunFolder
from digitdet.common.types import Image
from digitdet.configs import SynthConfig, parse_config
from digitdet.datasets.contact_sheet import contact_sheet
from digitdet.datasets.formats.numbers import NUMBERS_FILE, NumberTruth, PictureTruth, format_truth
from digitdet.datasets.formats.yolo import DATA_FILE, SPLITS, format_labels, labels_from_xyxy, write_data_file
from digitdet.synth.scene import Scene, SceneComposer
from digitdet.synth.sources import Materials

CONFIG_FILE = "synth.yaml"
_PARTS = ".parts"
_CHUNK = 50  # pictures: less than a second of work, so an interruption loses little
_MAX_WORKERS = 61  # the limit of ProcessPoolExecutor on Windows
_PREVIEW_PICTURES = 24
_PREVIEW_SIDES = (320, 480)  # pixels: the smallest and the largest cell of the contact sheet
_JPEG_QUALITY = 95  # high: visible compression is the job of the camera effects

Progress = Callable[[int], object]


@dataclass(frozen=True)
class Chunk:
    """Pictures `start` to `stop` (exclusive) of a split."""

    split: str
    start: int
    stop: int

    @property
    def part_name(self) -> str:
        """Name of the file in `.parts/` that marks this chunk as complete."""
        return f"{self.split}-{self.start:07d}.jsonl"


RunChunks = Callable[[SynthConfig, Materials, Path, Sequence[Chunk]], Iterator[Chunk]]
"""f(config, materials, out, chunks): write the chunks and yield each one when it is complete."""


def write_dataset(
    config: SynthConfig,
    materials: Materials,
    out: Path,
    workers: int = 0,
    progress: Progress = lambda _count: None,
    run: RunChunks | None = None,
) -> bool:
    """Compose a dataset into `out`, or resume an interrupted one.

    Args:
        config: The settings.
        materials: See `digitdet.synth.sources.load_materials`.
        out: The dataset folder; created if missing.
        workers: Number of processes; 0 starts one per core.
        progress: Called with the number of newly completed pictures.
        run: Writes the chunks elsewhere, e.g. `digitdet.cluster.synth.run_with_ray`.

    Returns:
        False if the folder already holds this dataset, complete.

    Raises:
        ConfigError: A look names an unknown ingredient.
        DataError: The folder holds something else, another process writes into it, or a worker process died.
        OSError: The folder cannot be written.
    """
    for split in used_splits(config):  # in a worker, the error would only be "a worker died"
        SceneComposer(config, materials.sources[split], materials.backgrounds[split])
    folder = RunFolder(
        out, "dataset", config, partial(parse_config, SynthConfig), CONFIG_FILE, DATA_FILE, scratch=_PARTS
    )
    with folder.locked():
        folder.require_free_or_same()
        if folder.is_finished:
            return False
        folder.claim()
        _write_rest(config, materials, folder, run or partial(_run_locally, workers), progress)
        return True


def write_preview(config: SynthConfig, materials: Materials, path: Path) -> int:
    """Write a contact sheet of the first training pictures, with their boxes, and return the number of pictures.

    Raises:
        ConfigError: A look names an unknown ingredient.
        DataError: OpenCV cannot write pictures with the suffix of `path`.
        OSError: `path` cannot be written.
    """
    if not path.suffix or not cv2.haveImageWriter(path.name):
        raise DataError(f"{path}: cannot write a picture with this suffix; use .jpg or .png")
    path.parent.mkdir(parents=True, exist_ok=True)
    composer = SceneComposer(config, materials.sources["train"], materials.backgrounds["train"])
    count = min(_PREVIEW_PICTURES, config.split_counts()["train"])
    scenes = [composer.compose(picture_rng(config.seed, "train", index)) for index in range(count)]
    images, boxes = [scene.image for scene in scenes], [scene.boxes for scene in scenes]
    # Large pictures have digits that would be too small to see in the usual cells.
    cell = int(np.clip(max(max(image.shape[:2]) for image in images), *_PREVIEW_SIDES))
    sheet = contact_sheet(images, boxes, [scene.labels for scene in scenes], cell=cell)
    write_atomically(path, cv2.imencode(path.suffix, sheet)[1].tobytes())
    return count


def _write_rest(
    config: SynthConfig, materials: Materials, folder: RunFolder, run: RunChunks, progress: Progress
) -> None:
    """Write the missing chunks, then the files that complete the dataset."""
    out = folder.path
    for split in used_splits(config):
        (out / "images" / split).mkdir(parents=True, exist_ok=True)
        (out / "labels" / split).mkdir(parents=True, exist_ok=True)
    chunks = plan_chunks(config)
    done = {chunk for chunk in chunks if (out / _PARTS / chunk.part_name).is_file()}
    progress(sum(chunk.stop - chunk.start for chunk in done))
    left = [chunk for chunk in chunks if chunk not in done]
    for chunk in run(config, materials, out, left) if left else ():
        progress(chunk.stop - chunk.start)
    parts = [(out / _PARTS / chunk.part_name).read_text(encoding="utf-8") for chunk in chunks]
    folder.write(NUMBERS_FILE, "".join(parts))
    write_data_file(out, used_splits(config))
    folder.finish(None)


def plan_chunks(config: SynthConfig) -> list[Chunk]:
    """Return the chunks of the whole dataset, in the order of numbers.jsonl."""
    return [
        Chunk(split, start, min(start + _CHUNK, count))
        for split, count in config.split_counts().items()
        for start in range(0, count, _CHUNK)
    ]


def used_splits(config: SynthConfig) -> list[str]:
    """Return the splits that have pictures."""
    return [split for split, count in config.split_counts().items() if count]


def picture_rng(seed: int, split: str, index: int) -> np.random.Generator:
    """Return the random generator of one picture; any worker composes the same picture from it."""
    return np.random.default_rng([seed, SPLITS.index(split), index])


def _run_locally(
    workers: int, config: SynthConfig, materials: Materials, out: Path, chunks: Sequence[Chunk]
) -> Iterator[Chunk]:
    """Write chunks in `workers` processes of this machine; 0 starts one per core."""
    count = min(workers or os.cpu_count() or 1, len(chunks), _MAX_WORKERS)
    if count == 1:
        yield from map(ChunkWriter(config, materials, out).write, chunks)
        return
    with stored_job(config, materials, out) as stored:
        yield from _in_processes(stored, out, chunks, count)


@contextlib.contextmanager
def stored_job(config: SynthConfig, materials: Materials, out: Path) -> Iterator[Path]:
    """Store the arguments of a `ChunkWriter` in a file of the dataset folder, from which every worker loads them."""
    # Passing them through the pipes of the processes would start the workers one after the other.
    stored = out / _PARTS / f".materials.{os.getpid()}.tmp"
    try:
        stored.write_bytes(pickle.dumps((config, materials, out)))
        yield stored
    finally:
        stored.unlink(missing_ok=True)


def open_writer(stored: Path) -> ChunkWriter:
    """Return the writer of a worker process from the file of `stored_job`."""
    return ChunkWriter(*pickle.loads(stored.read_bytes()))  # noqa: S301 (written by this command)


def _in_processes(stored: Path, out: Path, chunks: Sequence[Chunk], workers: int) -> Iterator[Chunk]:
    # spawn: a forked process would inherit the threads of OpenCV in an undefined state.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, context, initializer=_start_worker, initargs=(stored,))
    others = set(multiprocessing.active_children())
    try:
        # A terminal sends Ctrl-C to all processes of a command; the workers inherit that it is ignored.
        with sigint_handler(signal.SIG_IGN):
            futures = [pool.submit(_write_in_worker, chunk) for chunk in chunks]
        for future in as_completed(futures):
            yield future.result()
    except BrokenProcessPool as error:
        raise DataError(f"{out}: a worker died (out of memory?); run the same command again to resume") from error
    except BaseException:  # Ctrl-C in particular: do not wait for the chunks in progress
        for worker in set(multiprocessing.active_children()) - others:
            worker.terminate()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


_worker: ChunkWriter


def _start_worker(stored: Path) -> None:
    global _worker
    threading.Thread(target=_exit_with_parent, daemon=True).start()
    _worker = open_writer(stored)


def _exit_with_parent() -> None:
    """End this worker when its parent was killed; it would wait for work forever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _write_in_worker(chunk: Chunk) -> Chunk:
    return _worker.write(chunk)


class ChunkWriter:
    """Composes and writes chunks; every worker process has one."""

    def __init__(self, config: SynthConfig, materials: Materials, out: Path) -> None:
        cv2.setNumThreads(1)  # the workers already share the cores
        self._config = config
        self._out = out
        self._composers = {
            split: SceneComposer(config, materials.sources[split], materials.backgrounds[split])
            for split in used_splits(config)
        }

    def write(self, chunk: Chunk) -> Chunk:
        """Write the pictures and labels of a chunk, then its part file."""
        # Only the part file is written atomically: a chunk without one is written again as a whole.
        lines = []
        for index in range(chunk.start, chunk.stop):
            scene = self._composers[chunk.split].compose(picture_rng(self._config.seed, chunk.split, index))
            name = f"{chunk.split}/{index:06d}"
            height, width = scene.image.shape[:2]
            labels = labels_from_xyxy(scene.labels, scene.boxes, width, height)
            _write_file(f"{self._out}/images/{name}.jpg", _encode(scene.image))
            _write_file(f"{self._out}/labels/{name}.txt", format_labels(labels).encode("utf-8"))
            lines.append(format_truth(_picture_truth(scene, f"images/{name}.jpg", chunk.split)))
        write_atomically(self._out / _PARTS / chunk.part_name, "".join(lines))
        return chunk


def _encode(image: Image) -> bytes:
    """Return a picture as a JPEG file."""
    return bytes(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])[1])


def _write_file(path: str, content: bytes) -> None:
    """Write a file of an incomplete chunk; it need not be atomic."""
    with open(path, "wb") as file:  # noqa: PTH123  (creating a Path takes as long as writing)
        file.write(content)


def _picture_truth(scene: Scene, image: str, split: str) -> PictureTruth:
    numbers = []
    for rows in scene.numbers:
        text = "".join(str(scene.labels[row]) for row in rows)
        boxes = [(float(x0), float(y0), float(x1), float(y1)) for x0, y0, x1, y1 in scene.boxes[list(rows)]]
        numbers.append(NumberTruth(text, tuple(boxes), scene.source))
    return PictureTruth(image, split, tuple(numbers), scene.look, scene.lines)
