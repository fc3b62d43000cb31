"""Measure the server under load: throughput and latency with one and with many clients, and check every answer.

    python benchmarks/serve.py [--clients 20] [--seconds 60]

The clients send the pictures of examples/ and of the web page in turn. An answer is right if it equals the reader's
reading of the file. Server and clients share the machine.
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
    """What the clients measured: seconds of each request, wrong answers, refused requests."""

    waits: list[float] = field(default_factory=list)
    wrong: int = 0
    refused: int = 0


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--clients", type=int, default=20, help="clients at once")
    parser.add_argument("--seconds", type=float, default=60, help="length of each load")
    arguments = parser.parse_args()
    folders = (_ROOT / "examples", _ROOT / "detector" / "web" / "static" / "examples")
    contents = [path.read_bytes() for folder in folders for path in sorted(folder.glob("*.jpg"))]
    reader = NumberReader()
    expected = [(content, [json.loads(json.dumps(reader.read(content).to_dict()))]) for content in contents]
    server = subprocess.Popen(
        [sys.executable, "-m", "digitdet", "serve", "--port", "0"], stderr=subprocess.PIPE, text=True
    )
    try:
        assert server.stderr is not None
        address = next(
            urlsplit(word).netloc for line in server.stderr for word in line.split() if word.startswith("http://")
        )
        put_load(address, expected, 1, 2)  # warm up
        for count in (1, arguments.clients):
            load = put_load(address, expected, count, arguments.seconds)
            middle, late = np.percentile(load.waits, [50, 95]) * 1000
            print(
                f"{count:3} clients: {len(load.waits)} answers, {len(load.waits) / arguments.seconds:.1f} per second, "
                f"{load.wrong} wrong, {load.refused} refused; median {middle:.0f} ms, p95 {late:.0f} ms"
            )
            if load.wrong:
                sys.exit("wrong answers")
    finally:
        server.terminate()
        server.wait()


def put_load(address: str, expected: list[tuple[bytes, list[object]]], clients: int, seconds: float) -> Load:
    """Run clients that each send the next picture as soon as the last one is answered."""
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
                    load.refused += 1
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
