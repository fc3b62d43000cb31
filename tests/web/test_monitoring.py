"""What an operator sees of the requests: the log, the metrics, and faults of the server."""

import logging
import re
from pathlib import Path

import pytest

pytest.importorskip("fastapi")
from starlette.testclient import TestClient

from digitdet.web.app import create_app
from digitdet.web.service import Service
from digitdet.web.settings import ServeSettings

CONTENT = (Path(__file__).parents[2] / "examples" / "number.jpg").read_bytes()


def samples(client):
    """The values of /metrics by name and labels."""
    response = client.get("/metrics")
    assert response.headers["content-type"].startswith("text/plain; version=0.0.4")
    lines = response.text.splitlines()
    assert all(
        re.fullmatch(r"# (HELP|TYPE) \w+ .+|\w+(\{\w+=\"[^\"]*\"(,\w+=\"[^\"]*\")*\})? \S+", line) for line in lines
    )
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines if line[0] != "#")}


def test_metrics_count_requests_by_route_and_status(make_client):
    client = make_client()
    for content in (CONTENT, CONTENT, b"hello"):
        client.post("/api/read", content=content)
    for path in ("/static/js/app.js", "/nothing", "/other/nothing"):
        client.get(path)
    client.request("BREW", "/api/read")
    found = samples(client)
    assert found['digitdet_requests_total{method="POST",route="/api/read",status="200"}'] == 2
    assert found['digitdet_requests_total{method="POST",route="/api/read",status="422"}'] == 1
    assert found['digitdet_requests_total{method="GET",route="other",status="404"}'] == 2
    assert not any("nothing" in name or "BREW" in name for name in found)  # clients cannot add series
    buckets = [
        value for name, value in found.items() if name.startswith('digitdet_request_seconds_bucket{route="/api/read"')
    ]
    assert buckets == sorted(buckets)
    assert buckets[-1] == found['digitdet_request_seconds_count{route="/api/read"}'] >= 3
    assert found['digitdet_request_seconds_sum{route="/api/read"}'] > 0
    assert found["digitdet_requests_in_progress"] == 1


def test_every_request_is_one_line_of_the_log(client, caplog):
    caplog.set_level(logging.INFO, "digitdet.web.requests")
    client.post("/api/read?digits=5", content=CONTENT)
    client.get("/a%0Ab")
    client.get("/", headers={"Host": "evil.example"})
    lines = [record.getMessage() for record in caplog.records if record.name == "digitdet.web.requests"]
    expected = [r"POST /api/read 200 \d+ ms", r"GET /a%0Ab 404 \d+ ms", r"GET / 400 \d+ ms"]
    assert all(re.fullmatch(*pair) for pair in zip(expected, lines, strict=True)), lines


def test_faults_of_the_server_are_json_and_logged(model, caplog):
    class Faulty(Service):
        def read(self, *_arguments):
            raise RuntimeError("a fault")

    client = TestClient(create_app(Faulty(model, ServeSettings())))
    response = client.post("/api/read", content=CONTENT)
    assert response.status_code == 500
    assert response.json() == {"error": "internal error; the server's log has it"}
    (record,) = (record for record in caplog.records if record.name == "digitdet.web.errors")
    assert record.getMessage() == "POST /api/read failed"
    assert str(record.exc_info[1]) == "a fault"
    assert samples(client)['digitdet_requests_total{method="POST",route="/api/read",status="500"}'] == 1
