"""Reading on a Ray cluster: pictures in shards, each of which becomes a JSONL and a Parquet file, once.

The folder of results, when it is done:

    job.json                     what is read and how: a reading goes on only where all of it is the same
    readings-00000.jsonl, ...    as `digitdet read --format jsonl` writes them, so many pictures a file, in order
    readings-00000.parquet, ...  the same, a row a page; written after its .jsonl: it says "this shard is done"
    summary.json                 how many pictures came to what; written last
"""

from __future__ import annotations

import hashlib
import io
import json
import pickle
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from digitdet.cluster.cluster import joined, plain_errors
from digitdet.cluster.storage import Folder, StoredInput
from digitdet.cluster.table import to_parquet
from digitdet.common.errors import DataError
from digitdet.configs import ReadConfig
from digitdet.detection.detector import OnnxDetector
from digitdet.imaging.images import use_one_thread
from digitdet.outputs.formats import write_results
from digitdet.reader import NumberReader
from digitdet.reading.constraints import Constraints
from digitdet.reading.regions import Region

JOB_FILE, SUMMARY_FILE = "job.json", "summary.json"


@dataclass(frozen=True)
class Job:
    """How pictures are read, wherever that is; it is sent to every worker.

    Args:
        out: The folder of results.
        config: The settings.
        constraints: What every number must be.
        regions: Parts of each picture to read.
        model: The content of a model.onnx; None is the one that ships, which every machine has.
    """

    out: Folder
    config: ReadConfig = field(default_factory=ReadConfig)
    constraints: Constraints = field(default_factory=Constraints)
    regions: tuple[Region, ...] = ()
    model: bytes | None = None


@dataclass(frozen=True)
class Shard:
    """A part of the pictures, by its number."""

    number: int
    pictures: tuple[StoredInput, ...]

    @property
    def stem(self) -> str:
        """Of its files."""
        return f"readings-{self.number:05d}"


def read_with_ray(
    job: Job,
    pictures: Sequence[StoredInput],
    identity: Mapping[str, Any],
    shard_size: int,
    address: str | None = None,
    progress: Callable[[int], object] = lambda _count: None,
) -> Counter[str]:
    """Read pictures on a cluster, or go on with a reading that was interrupted.

    Args:
        job: How.
        pictures: What.
        identity: What decides the results, see `outputs.result_file.run_identity`.
        shard_size: Pictures in one shard: what is lost with a worker, and what one file holds.
        address: Of the cluster, see `cluster.joined`.
        progress: Called with the number of pictures that are newly there.

    Returns:
        How many pages have which status.

    Raises:
        DataError: The folder holds another reading, or cannot be used.
        DigitdetError: There is no cluster, or a worker cannot go on.
    """
    shards = [
        Shard(number, tuple(pictures[start : start + shard_size]))
        for number, start in enumerate(range(0, len(pictures), shard_size))
    ]
    present = _claim(job.out, {**identity, "inputs": _digest(identity["inputs"]), "shard": shard_size})
    counts: Counter[str] = Counter()
    left = []
    for shard in shards:
        if f"{shard.stem}.parquet" not in present:
            left.append(shard)
            continue
        counts += _count(map(json.loads, job.out.read(f"{shard.stem}.jsonl").splitlines()))
        progress(len(shard.pictures))
    if left:
        with joined(address) as cores, plain_errors():
            for finished in _run(job, left, cores):
                counts += Counter(json.loads(finished["counts"]))
                progress(int(finished["pictures"]))
    for name in job.out.names():
        if name.endswith(".tmp"):  # of a worker that was killed
            job.out.remove(name)
    if SUMMARY_FILE not in present:
        summary = {"pictures": len(pictures), "pages": sum(counts.values()), **dict(sorted(counts.items()))}
        job.out.write(SUMMARY_FILE, (json.dumps(summary, indent=2) + "\n").encode())
    return counts


def _run(job: Job, shards: Sequence[Shard], cores: int) -> Iterator[dict[str, Any]]:
    """What became of each shard, as they are done. A worker that dies is replaced, and its shard begun anew."""
    import ray.data

    # As bytes: the names of files need not be text, which is all that Arrow would take.
    rows = [{"shard": pickle.dumps(shard)} for shard in shards]
    yield from (
        ray.data.from_items(rows, override_num_blocks=len(rows))
        .map(ShardReader, fn_constructor_args=(job,), num_cpus=1, concurrency=(1, min(cores, len(rows))))
        .iter_rows()
    )


class ShardReader:
    """Reads shards; one lives in each worker process, with a model of its own."""

    def __init__(self, job: Job) -> None:
        use_one_thread()  # there is a worker for every core
        self._job = job
        self._reader = NumberReader(_load(job.model), None, job.constraints, job.config)
        self._reader.workers = 1

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        """Read a shard and write its files; gives how many pages came to what."""
        shard: Shard = pickle.loads(row["shard"])  # noqa: S301 (the driver's own)
        stream = io.StringIO()
        write_results(self._reader.read_many(shard.pictures, self._job.regions), "jsonl", stream)
        text = stream.getvalue()
        records = [json.loads(line) for line in text.splitlines()]
        self._job.out.write(f"{shard.stem}.jsonl", text.encode("utf-8"))
        self._job.out.write(f"{shard.stem}.parquet", to_parquet(records))
        return {"pictures": len(shard.pictures), "counts": json.dumps(_count(records))}


def _digest(value: Any) -> str:
    """A million names would make a long file."""
    return hashlib.sha256(json.dumps(value).encode("utf-8", "backslashreplace")).hexdigest()


def _load(model: bytes | None) -> OnnxDetector:
    if model is None:
        return OnnxDetector(None)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        path.write_bytes(model)
        return OnnxDetector(path)


def _count(records: Iterable[dict[str, Any]]) -> Counter[str]:
    return Counter(record["status"] for record in records)


def _claim(out: Folder, identity: Mapping[str, Any]) -> set[str]:
    """The files that are in the folder by now, which is this reading's own.

    Raises:
        DataError: It holds something else.
    """
    out.make()
    job = (json.dumps(identity, sort_keys=True, indent=1) + "\n").encode("utf-8", "backslashreplace")
    present = out.names()
    if JOB_FILE in present:
        if out.read(JOB_FILE) != job:
            raise DataError(f"{out.name}: holds a reading of other pictures or settings; choose another --out")
    elif present:
        raise DataError(f"{out.name}: is not empty and holds no reading; choose another --out")
    else:
        out.write(JOB_FILE, job)
    return present
