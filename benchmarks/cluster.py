"""Compare reading with Ray to reading without: the same rows, the time it takes, and what killed processes change.

    python benchmarks/cluster.py [--count 10000] [--folder DIR]

The pictures come from all real sets in turn. They are read without Ray, with Ray on one node, with one worker
killed, with the command killed and started again, and on two nodes simulated on this machine with half of its cores
each. Every row must be that of reading without Ray, with at most rounding differences in its confidences. Needs psutil.
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
from shared import mixed_pictures

_SHARD = 250
_EMPTY = 1000  # shards without pictures, to measure the driver
_WORKER = "ShardReader"

Disturb = Callable[[subprocess.Popen[bytes]], None]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--count", type=int, default=10_000, help="pictures")
    parser.add_argument("--folder", type=Path, help="folder for the results; default: a temporary one")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.folder or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        pictures = mixed_pictures(options.count)
        (folder / "list.txt").write_bytes(b"\0".join(os.fsencode(path) for path in pictures))
        measure(folder, len(pictures))


def measure(folder: Path, count: int) -> None:
    listed = ["--from-file", str(folder / "list.txt")]
    local = folder / "local.jsonl"
    report("without Ray", count, run([*listed, "--format", "jsonl", "--out", str(local)]), "")
    rows = [json.loads(line) for line in local.read_text(encoding="utf-8").splitlines()]

    def measure_ray(name: str, address: str = "local", disturb: Disturb | None = None) -> None:
        out = folder / name.replace(" ", "-").replace(",", "")
        command = [*listed, "--ray", address, "--shard", str(_SHARD), "--out", str(out)]
        report(name, count, run(command, disturb), compare(rows, out))

    measure_driver(folder)
    measure_ray("ray, one node")
    measure_ray("ray, a worker killed", disturb=kill_a_worker)
    measure_ray("ray, the driver killed", disturb=kill_the_driver)
    from ray.cluster_utils import Cluster

    cores = max((os.cpu_count() or 2) // 2, 1)
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": cores})
    cluster.add_node(num_cpus=cores)
    try:
        measure_ray("ray, two nodes", cluster.address)
    finally:
        cluster.shutdown()


def measure_driver(folder: Path) -> None:
    """Print how many empty shards per second the driver hands out."""
    (folder / "nothing.txt").write_text("".join(f"{number}.none\n" for number in range(_EMPTY)))
    listed = ["--from-file", str(folder / "nothing.txt"), "--ray", "local", "--shard"]
    few = run([*listed, str(_EMPTY), "--out", str(folder / "few")])
    many = run([*listed, "1", "--out", str(folder / "many")])
    print(f"start and end of Ray {few:.1f} s; {_EMPTY / (many - few):.0f} empty shards per second", flush=True)


def run(options: list[str], disturb: Disturb | None = None) -> float:
    """Return the seconds of `digitdet read`; a command that was killed is started again."""
    start = time.monotonic()
    while True:
        command = [sys.executable, "-m", "digitdet", "read", *options]
        process = subprocess.Popen(command, stderr=subprocess.PIPE, start_new_session=True)
        if disturb:
            wait_for_shards(process, Path(options[options.index("--out") + 1]))
            disturb(process)
        messages = process.communicate()[1].decode()
        if process.returncode >= 0:
            break
        disturb = None
    if process.returncode not in (0, 1) or "Error" in messages.splitlines()[-1]:
        sys.exit(messages)
    return time.monotonic() - start


def wait_for_shards(process: subprocess.Popen[bytes], out: Path) -> None:
    while process.poll() is None and len(list(out.glob("*.parquet"))) < 3:
        time.sleep(0.1)


def kill_a_worker(process: subprocess.Popen[bytes]) -> None:
    workers = [child for child in psutil.Process(process.pid).children(recursive=True) if _WORKER in _name(child)]
    print(f"  {len(workers)} workers; one is killed", flush=True)
    workers[0].kill()


def kill_the_driver(process: subprocess.Popen[bytes]) -> None:
    others = psutil.Process(process.pid).children(recursive=True)
    os.kill(process.pid, signal.SIGKILL)
    gone, left = psutil.wait_procs(others, timeout=30)
    print(f"  the driver is killed; {len(gone)} of its processes end, {len(left)} do not", flush=True)


def _name(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def compare(rows: list[dict[str, Any]], out: Path) -> str:
    """Compare the readings in a folder with those of reading without Ray; end the program if rows are missing."""
    import pyarrow.parquet as pq

    lines = [line for path in sorted(out.glob("*.jsonl")) for line in path.read_text(encoding="utf-8").splitlines()]
    found = [json.loads(line) for line in lines]
    if [(row["image"], row["page"]) for row in found] != [(row["image"], row["page"]) for row in rows]:
        sys.exit(f"{out}: the rows are not those of reading without Ray, once each and in order")
    table = [row for path in sorted(out.glob("*.parquet")) for row in pq.read_table(path).to_pylist()]
    if table != found:
        sys.exit(f"{out}: Parquet and JSONL differ")
    same = sum(ours == theirs for ours, theirs in zip(found, rows, strict=True))
    texts = sum(_texts(ours) == _texts(theirs) for ours, theirs in zip(found, rows, strict=True))
    return f"{texts} of {len(rows)} rows with the same numbers, {same} identical"


def _texts(row: dict[str, Any]) -> list[tuple[str, str]]:
    return [(number["text"], number["status"]) for number in row["numbers"]]


def report(name: str, count: int, seconds: float, remark: str) -> None:
    print(f"{name:24} {seconds:7.1f} s {count / seconds:7.1f} per second  {remark}", flush=True)


if __name__ == "__main__":
    main()
