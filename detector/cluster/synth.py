"""Composing on a Ray cluster, into a folder that all its machines share."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from digitdet.cluster.ray_session import map_on_cluster
from digitdet.configs import SynthConfig
from digitdet.synth.sources import Materials
from digitdet.synth.writer import Chunk, RunChunks, open_writer, stored_job


def run_with_ray(address: str | None = None) -> RunChunks:
    """Return the argument `run` of `write_dataset` that composes on a cluster, see `ray_session`; same pictures.

    The dataset folder must have the same path on every machine of the cluster.
    """

    def run(config: SynthConfig, materials: Materials, out: Path, chunks: Sequence[Chunk]) -> Iterator[Chunk]:
        with stored_job(config, materials, out.absolute()) as stored:
            yield from map_on_cluster(chunks, _make_worker, (stored,), address)

    return run


def _make_worker(stored: Path) -> Callable[[Chunk], Chunk]:
    return open_writer(stored).write
