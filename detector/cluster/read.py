"""Reading pictures on a Ray cluster in shards. An interrupted reading is resumed.

The folder of results:

    job.json                     the pictures and settings; a reading resumes only if they are the same
    readings-00000.jsonl, ...    one file per shard, in order, as `digitdet read --format jsonl` writes it
    readings-00000.parquet, ...  the same as a table; written after the .jsonl, it marks the shard as finished
    summary.json                 number of pages by status; written last
"""

from __future__ import annotations

import hashlib
import io
import json
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from digitdet.cluster.parquet import to_parquet
from digitdet.cluster.ray_session import map_on_cluster
from digitdet.cluster.storage import Folder, StoredInput
from digitdet.common.errors import DataError
from digitdet.configs import ReadConfig
from digitdet.imaging.process import use_one_thread
from digitdet.outputs.formats import write_results
from digitdet.reader import NumberReader
from digitdet.reading.constraints import Constraints
from digitdet.reading.model import Model, load_model
from digitdet.reading.regions import Region

_JOB_FILE, _SUMMARY_FILE = "job.json", "summary.json"


@dataclass(frozen=True)
class Job:
    """Settings that are sent to every worker; `networks` is the content of the model files that are not shipped."""

    out: Folder
    config: ReadConfig
    constraints: Constraints
    regions: tuple[Region, ...]
    networks: Mapping[str, bytes]  # by file name


@dataclass(frozen=True)
class Shard:
    """Some of the pictures, and the name of their result files without suffix."""

    stem: str
    pictures: tuple[StoredInput, ...]


def read_with_ray(
    job: Job,
    pictures: Sequence[StoredInput],
    identity: Mapping[str, Any],
    shard_size: int,
    address: str | None,
    progress: Callable[[int], object],
) -> Counter[str]:
    """Read pictures on a cluster, or resume an interrupted reading, and return the number of pages by status.

    `identity` is everything that determines the results, see `outputs.result_file.run_identity`. A shard, `shard_size`
    pictures, is the unit of work and of resuming. `progress` is called with the number of newly finished pictures.

    Raises:
        DigitdetError: The folder holds another reading, there is no cluster, or a worker failed.
    """
    shards = [
        Shard(f"readings-{number:05d}", tuple(pictures[start : start + shard_size]))
        for number, start in enumerate(range(0, len(pictures), shard_size))
    ]
    inputs = hashlib.sha256(json.dumps(identity["inputs"]).encode("utf-8", "backslashreplace")).hexdigest()
    present = _claim(job.out, {**identity, "inputs": inputs, "shard": shard_size})
    counts: Counter[str] = Counter()
    missing = []
    for shard in shards:
        if f"{shard.stem}.parquet" in present:
            counts += _count(map(json.loads, job.out.read(f"{shard.stem}.jsonl").splitlines()))
            progress(len(shard.pictures))
        else:
            missing.append(shard)
    for shard, statuses in map_on_cluster(missing, ShardReader, (job,), address) if missing else ():
        counts += statuses
        progress(len(shard.pictures))
    for name in job.out.names():
        if name.endswith(".tmp"):  # left by a worker that was killed
            job.out.remove(name)
    if _SUMMARY_FILE not in present:
        summary = {"pictures": len(pictures), "pages": sum(counts.values()), **dict(sorted(counts.items()))}
        job.out.write(_SUMMARY_FILE, (json.dumps(summary, indent=2) + "\n").encode())
    return counts


class ShardReader:
    """Reads shards in a worker process."""

    def __init__(self, job: Job) -> None:
        use_one_thread()  # there is a worker for every core
        self._job = job
        self._reader = NumberReader(_load(job.networks), None, job.constraints, job.config)
        self._reader.workers = 1

    def __call__(self, shard: Shard) -> tuple[Shard, Counter[str]]:
        """Read a shard, write its files, and return it with the number of pages by status."""
        stream = io.StringIO()
        write_results(self._reader.read_many(shard.pictures, self._job.regions), "jsonl", stream)
        text = stream.getvalue()
        records = [json.loads(line) for line in text.splitlines()]
        self._job.out.write(f"{shard.stem}.jsonl", text.encode("utf-8"))
        self._job.out.write(f"{shard.stem}.parquet", to_parquet(records))
        return shard, _count(records)


def _load(networks: Mapping[str, bytes]) -> Model:
    with tempfile.TemporaryDirectory() as folder:
        for name, content in networks.items():
            (Path(folder) / name).write_bytes(content)
        return load_model(Path(folder) if networks else None)


def _count(records: Iterable[dict[str, Any]]) -> Counter[str]:
    return Counter(record["status"] for record in records)


def _claim(out: Folder, identity: Mapping[str, Any]) -> set[str]:
    """Claim the folder, and return the names of the files in it.

    `RunFolder` serves local folders only: object stores have neither locks nor renaming.
    """
    out.make()
    job = (json.dumps(identity, sort_keys=True, indent=1) + "\n").encode("utf-8", "backslashreplace")
    present = out.names()
    if _JOB_FILE in present:
        if out.read(_JOB_FILE) != job:
            raise DataError(
                f"{out.name}: holds a reading of other pictures or settings (see {_JOB_FILE}); choose another --out"
            )
    elif present:
        raise DataError(f"{out.name}: is not empty and holds no reading; choose another --out")
    else:
        out.write(_JOB_FILE, job)
    return present
