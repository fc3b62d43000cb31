"""Reading many pictures with Ray beside the local engine: the same rows, what it costs, and what kills do.

    python benchmarks/scale.py [--count 10000] [--folder DIR]

The pictures are those of data/real (found by DIGITDET_DATA), all sets in turn. They are read by the local engine, with
Ray on one node, and with Ray on two nodes that are simulated on this machine, each with half of its cores; then once
more with a worker killed in the middle, and with the whole command killed and started again. Every reading must be the
local engine's, row for row: the same texts, and confidences that differ by rounding at most.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
from throughput import mixed_pictures

from digitdet.datasets.mnist import DATA_VARIABLE

_SHARD = 250
_EMPTY = 1000  # shards
_WORKER = "ShardReader"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--count", type=int, default=10_000, help="pictures")
    parser.add_argument("--folder", type=Path, help="for the results; else a temporary one")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.folder or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        pictures = mixed_pictures(Path(os.environ[DATA_VARIABLE]) / "real", options.count)
        (folder / "list.txt").write_bytes(b"\0".join(os.fsencode(path) for path in pictures))
        measure(folder, len(pictures))


def measure(folder: Path, count: int) -> None:
    listed = ["--from-file", str(folder / "list.txt")]
    local = folder / "local.jsonl"
    seconds = run([*listed, "--format", "jsonl", "--out", str(local)])
    rows = [json.loads(line) for line in local.read_text(encoding="utf-8").splitlines()]
    report("local engine", count, seconds, "")

    def ray(name: str, address: str = "", disturb: Callable[[subprocess.Popen[bytes]], None] | None = None) -> None:
        out = folder / name.replace(" ", "-").replace(",", "")
        joined = ["--address", address] if address else []
        command = [*listed, "--engine", "ray", "--shard", str(_SHARD), "--out", str(out), *joined]
        report(name, count, run(command, disturb), compare(rows, out))

    handed_out(folder)
    ray("ray, one node")
    ray("ray, a worker killed", disturb=kill_a_worker)
    ray("ray, the driver killed", disturb=kill_the_driver)
    from ray.cluster_utils import Cluster

    cores = max((os.cpu_count() or 2) // 2, 1)
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": cores})
    cluster.add_node(num_cpus=cores)
    try:
        ray("ray, two nodes", cluster.address)
    finally:
        cluster.shutdown()


def handed_out(folder: Path) -> None:
    """How many shards a second pass through the driver when there is nothing to read in them."""
    (folder / "nothing.txt").write_text("".join(f"{number}.none\n" for number in range(_EMPTY)))
    listed = ["--from-file", str(folder / "nothing.txt"), "--engine", "ray", "--shard"]
    few = run([*listed, str(_EMPTY), "--out", str(folder / "few")])
    many = run([*listed, "1", "--out", str(folder / "many")])
    print(f"start and end of Ray {few:.1f} s; {_EMPTY / (many - few):.0f} empty shards a second", flush=True)


def run(options: list[str], disturb: Callable[[subprocess.Popen[bytes]], None] | None = None) -> float:
    """Seconds of `digitdet read`; a command that was killed is started again."""
    start = time.monotonic()
    while True:
        command = [sys.executable, "-m", "digitdet", "read", *options]
        process = subprocess.Popen(command, stderr=subprocess.PIPE, start_new_session=True)
        if disturb:
            disturb(process)
        told = process.communicate()[1].decode()
        if process.returncode >= 0:
            break
        disturb = None
    if process.returncode not in (0, 1) or "Error" in told.splitlines()[-1]:
        sys.exit(told)
    return time.monotonic() - start


def kill_a_worker(process: subprocess.Popen[bytes]) -> None:
    """Wait until a shard is done, then kill -9 one of those that read."""
    _wait_for_a_shard(process)
    workers = [child for child in psutil.Process(process.pid).children(recursive=True) if _WORKER in _name(child)]
    print(f"  {len(workers)} workers; one is killed", flush=True)
    workers[0].kill()


def kill_the_driver(process: subprocess.Popen[bytes]) -> None:
    """Wait until a shard is done, then kill -9 the command itself."""
    _wait_for_a_shard(process)
    others = psutil.Process(process.pid).children(recursive=True)
    os.kill(process.pid, signal.SIGKILL)
    gone, left = psutil.wait_procs(others, timeout=30)
    print(f"  the driver is killed; {len(gone)} processes follow, {len(left)} do not", flush=True)


def _wait_for_a_shard(process: subprocess.Popen[bytes]) -> None:
    arguments = list(map(str, process.args))  # type: ignore[call-overload]
    out = Path(arguments[arguments.index("--out") + 1])
    while process.poll() is None and len(list(out.glob("*.parquet"))) < 3:
        time.sleep(0.1)


def _name(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def compare(rows: list[dict[str, Any]], out: Path) -> str:
    """Whether the readings in a folder are those of the local engine."""
    import pyarrow.parquet as pq

    lines = [line for path in sorted(out.glob("*.jsonl")) for line in path.read_text(encoding="utf-8").splitlines()]
    found = [json.loads(line) for line in lines]
    if [(row["image"], row["page"]) for row in found] != [(row["image"], row["page"]) for row in rows]:
        sys.exit(f"{out}: not every picture is there once, in order")
    table = [row for path in sorted(out.glob("*.parquet")) for row in pq.read_table(path).to_pylist()]
    if table != found:
        sys.exit(f"{out}: Parquet and JSONL differ")
    same = sum(ours == theirs for ours, theirs in zip(found, rows, strict=True))
    texts = sum(_texts(ours) == _texts(theirs) for ours, theirs in zip(found, rows, strict=True))
    return f"{texts} of {len(rows)} rows with the same numbers, {same} to the last decimal"


def _texts(row: dict[str, Any]) -> list[tuple[str, str]]:
    return [(number["text"], number["status"]) for number in row["numbers"]]


def report(name: str, count: int, seconds: float, remark: str) -> None:
    print(f"{name:24} {seconds:7.1f} s {count / seconds:7.1f} a second  {remark}", flush=True)


if __name__ == "__main__":
    main()
