"""The HTTP server under generated and damaged requests."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

pytest.importorskip("fastapi")

# A schema cannot say which bytes are a picture, and which texts are valid patterns, regions or numbers.
NOT_IN_A_SCHEMA = "positive_data_acceptance"
GROWTH = 50  # MB


@pytest.fixture
def serve(command, tmp_path):
    """Returns a function that starts a server and returns its process and address."""

    def start(*options):
        server = command("serve", "--port", 0, *options)
        line = server.process.stderr.readline()
        return server.process, re.search(r"http://[\d.:]+", line)[0]

    return start


def post(address, content):
    request = urllib.request.Request(address, data=content, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=120) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def resident(process):
    """Resident memory in megabytes."""
    pages = int(Path(f"/proc/{process.pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def test_requests_made_from_the_description(serve, tmp_path):
    schemathesis = Path(sys.executable).with_name("schemathesis")
    if not schemathesis.exists():
        pytest.skip("Schemathesis is not installed")
    _, address = serve("--corrections", tmp_path / "corrections")
    hooks = {"SCHEMATHESIS_HOOKS": "web_pictures", "PYTHONPATH": str(Path(__file__).parent)}
    run = subprocess.run(
        [
            *(str(schemathesis), "run", f"{address}/openapi.json", "--max-examples", "100", "--seed", "1"),
            *("--exclude-checks", NOT_IN_A_SCHEMA, "--suppress-health-check", "all", "--no-color"),
        ],
        cwd=tmp_path,
        env={**os.environ, **hooks, "PYTHONPATH": os.pathsep.join([hooks["PYTHONPATH"], *sys.path])},
        capture_output=True,
        text=True,
    )
    print(run.stdout)
    assert run.returncode == 0, run.stdout[-4000:]
    assert int(re.search(r"(\d+) generated", run.stdout)[1]) > 500


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads /proc")
def test_broken_pictures(serve):
    data = os.environ.get("DIGITDET_DATA")
    if data is None:
        pytest.skip("DIGITDET_DATA is not set")
    broken = [path for path in sorted((Path(data) / "images" / "bad").rglob("*")) if path.is_file()]
    assert len(broken) > 100
    process, address = serve()
    for path in sorted((Path(__file__).parents[2] / "examples").glob("*.jpg")):  # warm up the reader
        post(f"{address}/api/read", path.read_bytes())
    before = resident(process)
    statuses = set()
    for _ in range(2):
        for path in broken:
            for what in ("read", "page"):
                status, answer = post(f"{address}/api/{what}", path.read_bytes())
                assert status < 500, (path, answer)
                assert status == 200 or "\n" not in json.loads(answer)["error"]
                statuses.add(status)
    grown = resident(process) - before
    print(f"{len(broken)} files four times: statuses {sorted(statuses)}, {grown:.1f} MB more than before")
    assert {400, 422} <= statuses
    assert grown < GROWTH
