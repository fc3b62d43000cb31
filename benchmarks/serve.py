"""A server under load: many clients at once beside one, how long each waits, and whether every answer is right.

    python benchmarks/serve.py [--clients 20] [--seconds 60]

The pictures are those of examples/ and of the page, in turn. An answer is right if it is just what the reader gives for
the file. Server and clients share the machine and come by loopback.
"""

from __future__ import annotations

import argparse
import http.client
import json
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from itertools import cycle, islice
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np

from digitdet import NumberReader

_ROOT = Path(__file__).parents[1]


@dataclass
class Load:
    """What the clients of one load have seen."""

    waits: list[float] = field(default_factory=list)  # seconds
    wrong: int = 0
    failed: int = 0


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--clients", type=int, default=20, help="at once")
    parser.add_argument("--seconds", type=float, default=60, help="of each load")
    arguments = parser.parse_args()
    contents = [path.read_bytes() for folder in ("examples", "web/static/examples") for path in pictures(folder)]
    reader = NumberReader()
    expected = [(content, [json.loads(json.dumps(reader.read(content).to_dict()))]) for content in contents]
    server = subprocess.Popen(
        [sys.executable, "-m", "digitdet", "serve", "--port", "0"], stderr=subprocess.PIPE, text=True
    )
    try:
        assert server.stderr is not None
        address = urlsplit(server.stderr.readline().split()[3]).netloc
        put_load(address, expected, 1, 2)  # warm
        alone = None
        for count in (1, arguments.clients):
            load = put_load(address, expected, count, arguments.seconds)
            middle, late = np.percentile(load.waits, [50, 95]) * 1000
            alone = alone or late
            print(
                f"{count:3} clients: {len(load.waits)} answers, {len(load.waits) / arguments.seconds:.1f} a second, "
                f"{load.wrong} wrong, {load.failed} refused; median {middle:.0f} ms, p95 {late:.0f} ms "
                f"({late / alone:.1f} times that of one)"
            )
            if load.wrong:
                sys.exit("wrong answers")
    finally:
        server.terminate()
        server.wait()


def pictures(folder: str) -> list[Path]:
    return sorted((_ROOT / folder).glob("*.jpg"))


def put_load(address: str, expected: list[tuple[bytes, list[object]]], clients: int, seconds: float) -> Load:
    """So many clients, each of whom sends the next picture when it has the answer to the last."""
    load, lock = Load(), threading.Lock()
    end = time.monotonic() + seconds

    def client(number: int) -> None:
        connection = http.client.HTTPConnection(address, timeout=60)
        for content, right in islice(cycle(expected), number % len(expected), None):
            start = time.monotonic()
            if start >= end:
                break
            connection.request("POST", "/api/read", content, {"Content-Type": "application/octet-stream"})
            answer = connection.getresponse()
            body = answer.read()
            with lock:
                load.waits.append(time.monotonic() - start)
                if answer.status != 200:
                    load.failed += 1
                elif json.loads(body) != right:
                    load.wrong += 1
        connection.close()

    threads = [threading.Thread(target=client, args=[number]) for number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return load


if __name__ == "__main__":
    main()
