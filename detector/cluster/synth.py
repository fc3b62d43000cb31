"""Composing on a Ray cluster: the same chunks, written by workers anywhere into one shared folder."""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from digitdet.cluster.cluster import joined, plain_errors
from digitdet.configs import SynthConfig
from digitdet.synth.sources import Materials
from digitdet.synth.writer import Chunk, RunChunks, open_writer, stored_job


def run_with_ray(address: str | None = None) -> RunChunks:
    """What `write_dataset` takes as `run`: every picture has a random generator of its own, so the bytes are the same.

    The dataset folder must be there, under the same path, on every machine of the cluster.

    Args:
        address: Of the cluster, see `cluster.joined`.
    """

    def run(config: SynthConfig, materials: Materials, out: Path, chunks: Sequence[Chunk]) -> Iterator[Chunk]:
        import ray.data

        out = out.absolute()
        rows = [{"chunk": pickle.dumps(chunk)} for chunk in chunks]
        with stored_job(config, materials, out) as stored, joined(address) as cores, plain_errors():
            written = (
                ray.data.from_items(rows, override_num_blocks=len(rows))
                .map(_Composer, fn_constructor_args=(stored,), num_cpus=1, concurrency=(1, min(cores, len(rows))))
                .iter_rows()
            )
            for row in written:
                yield pickle.loads(row["chunk"])  # noqa: S301 (our own)

    return run


class _Composer:
    """Writes chunks; one lives in each worker process."""

    def __init__(self, stored: Path) -> None:
        self._writer = open_writer(stored)

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        self._writer.write(pickle.loads(row["chunk"]))  # noqa: S301 (the driver's own)
        return row
