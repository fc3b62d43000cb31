"""The HTTP API, called in-process without a network."""

import base64
import json
import re
import threading
import time
from pathlib import Path

import anyio
import cv2
import jsonschema
import numpy as np
import pytest

pytest.importorskip("fastapi")
from starlette.testclient import TestClient

from digitdet import NumberReader
from digitdet.common.errors import TimeLimitError
from digitdet.configs import ReadConfig
from digitdet.reading.check_digits import CHECKS
from digitdet.reading.model import load_model
from digitdet.web.app import create_app
from digitdet.web.service import Service
from digitdet.web.settings import ServeSettings

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "number.jpg"
CONTENT = EXAMPLE.read_bytes()
SCHEMA = json.loads((ROOT / "detector" / "outputs" / "reading.schema.json").read_text(encoding="utf-8"))


def post(client, content=CONTENT, address="/api/read", **query):
    return client.post(address, content=content, params=query)


def reason(response, status):
    """The one line of an error."""
    assert response.status_code == status
    assert list(response.json()) == ["error"]
    text = response.json()["error"]
    assert text
    assert "\n" not in text
    return text


# --- reading ---


def test_a_raw_body_is_read_like_the_file(client):
    response = post(client)
    assert response.status_code == 200
    assert response.json() == [NumberReader().read(CONTENT).to_dict()]
    jsonschema.Draft202012Validator(SCHEMA).validate(response.json()[0])


def test_a_form_with_a_file_is_read(client):
    for field, name in [("picture", "number.jpg"), ("anything", "../../etc/passwd"), ("file", "")]:
        files = {field: (name, CONTENT, "text/html")} if name else {field: CONTENT}
        assert client.post("/api/read", files=files).json() == post(client).json()


@pytest.mark.parametrize("kind", ["image/jpeg", "text/html", "application/x-www-form-urlencoded", "no type at all", ""])
def test_the_content_type_is_ignored(client, kind):
    response = client.post("/api/read", content=CONTENT, headers={"Content-Type": kind})
    assert response.json()[0]["numbers"][0]["best"] == "72366"
    assert response.headers["content-type"] == "application/json"


def test_every_page_is_read(client):
    pages = [np.full((60, 80, 3), shade, np.uint8) for shade in (200, 220, 240)]
    tiff = cv2.imencodemulti(".tiff", pages)[1].tobytes()
    assert [(one["page"], one["pages"]) for one in post(client, tiff).json()] == [(1, 3), (2, 3), (3, 3)]


def test_a_file_with_one_readable_page_is_read(client):
    pages = [np.full((60, 80, 3), 200, np.uint8), np.full((900, 900, 3), 200, np.uint8)]
    tiff = cv2.imencodemulti(".tiff", pages)[1].tobytes()
    small = TestClient(create_app(Service(load_model(), ServeSettings(max_pixels=100_000))))
    assert [one["status"] for one in post(small, tiff).json()] == ["empty", "error"]


def test_options_of_digitdet_read_apply(client):
    read = post(client, pattern=r"\d{2}-\d{3}", min_confidence=0).json()[0]
    assert read["numbers"][0]["text"] == "72-366"
    read = post(client, pattern=r"\d{2}-\d{3}", min_confidence=0, digits_only="true").json()[0]
    assert read["numbers"][0]["text"] == "72366"
    read = post(client, region=["left=0,0,50%,100%", "50%,0,50%,100%"]).json()[0]
    assert {number["region"] for number in read["numbers"]} == {"left", "50%,0,50%,100%"}
    assert post(client, allowed=["72366", "11111"]).json()[0]["numbers"][0]["status"] == "ok"
    assert post(client, previous="72300", max_step=100).json()[0]["numbers"][0]["status"] == "ok"
    assert post(client, digits=4, check="luhn").json()[0]["numbers"][0]["status"] == "unfit"
    assert post(client, conf="1").json()[0]["status"] == "empty"
    turned = cv2.imencode(".png", cv2.rotate(cv2.imread(str(EXAMPLE)), cv2.ROTATE_90_CLOCKWISE))[1].tobytes()
    for rotate in ("auto", "90"):
        read = post(client, turned, rotate=rotate).json()[0]
        assert (read["rotation"], read["numbers"][0]["best"]) == (90, "72366")


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("digits=", "digits: String should have at least 1 character"),
        ("digits=x", "expected 5, 4-6"),
        ("digits=4&digits=5", "expected one value, got several"),
        ("conf=2", "conf: Input should be less than or equal to 1"),
        ("conf=nan", "conf: Input should be a finite number"),
        ("min_confidence=-0.1", "min_confidence: Input should be greater than or equal to 0"),
        ("max_step=٣&previous=1", "max_step: Input should be a valid integer"),
        ("max_step=5", "previous"),
        ("max_step=99999999999999999999&previous=1", "max_step: Input should be less than or equal to"),
        ("rotate=45", "rotate: Input should be 'auto', '0', '90'"),
        ("digits_only=maybe", "digits_only: Input should be a valid boolean"),
        ("check=crc", "check: Input should be 'luhn'"),
        ("pattern=(", "pattern"),
        ("region=1,2,3", "region"),
        ("allowed=abc", "not a number"),
        ("model=/etc/passwd", "no such option"),
        ("&".join(["region=1,1,9,9"] * 101), "region: List should have at most 100 items"),
    ],
)
def test_wrong_options_are_reported_by_name(client, query, words):
    assert words in reason(client.post(f"/api/read?{query}", content=CONTENT), 400)


def test_options_may_be_fields_of_a_form(client):
    form = {"pattern": r"\d{2}-\d{3}", "min_confidence": "0", "allowed": ["72366", "11111"]}
    response = client.post("/api/read?digits=5", data=form, files={"picture": CONTENT})
    assert response.json() == post(client, digits=5, **form).json()
    assert response.json()[0]["numbers"][0]["text"] == "72-366"
    assert client.post("/api/page", data={"page": "1"}, files={"picture": CONTENT}).status_code == 200


def test_options_may_be_beside_a_picture_in_base64(client):
    text = base64.b64encode(CONTENT).decode()
    expected = post(client, digits=5, conf=0.4, digits_only="true", rotate=0, region=["0,0,50%,100%"]).json()
    options = {"digits": 5, "conf": 0.4, "digits_only": True, "rotate": 0, "region": ["0,0,50%,100%"], "check": None}
    for picture in (text, f"data:image/jpeg;base64,{text}", base64.encodebytes(CONTENT).decode()):
        assert client.post("/api/read", json={"picture": picture, **options}).json() == expected
    assert client.post("/api/page", json={"picture": text, "page": 1}).headers["content-type"] == "image/png"


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"min_confidence": "2"}, "min_confidence: Input should be less"),
        ({"model": "/etc/passwd"}, "model: there is no such option"),
        ({"conf": "0.5"}, "conf: expected one value, got several"),
        ({"digits": ["4", "5"]}, "digits: expected one value, got several"),
    ],
)
def test_wrong_fields_are_reported_by_name(client, fields, words):
    form = client.post("/api/read?conf=0.4", data=fields, files={"picture": CONTENT})
    assert words in reason(form, 400)
    text = base64.b64encode(CONTENT).decode()
    assert words in reason(client.post("/api/read?conf=0.4", json={"picture": text, **fields}), 400)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (CONTENT, "not a JSON object"),
        (b"", "not a JSON object"),
        (b'{"picture": "\xff"}', "not a JSON object"),
        (b"[" * 100_000, "not a JSON object"),
        (b'{"picture": "aGk=", "region": {"x": 1}}', "not a JSON object"),
        (b'{"digits": 4}', "picture: is missing"),
        (b'{"picture": 4}', "picture: is missing"),
        (b'{"picture": "a b"}', "picture: is not base64"),
        ('{"picture": "é"}'.encode(), "picture: is not base64"),
        (b'{"picture": ""}', "empty"),
    ],
)
def test_wrong_json_is_rejected(client, body, words):
    response = client.post("/api/read", content=body, headers={"Content-Type": "application/json; charset=utf-8"})
    assert words in reason(response, 400)


def test_uploads_that_are_no_picture_are_rejected(client):
    assert "not a" in reason(post(client, b"hello"), 422)
    assert "empty" in reason(post(client, b""), 400)
    assert "empty" in reason(client.post("/api/read", files={"picture": b""}), 400)


def test_a_form_without_a_file_or_with_two_is_rejected(client):
    form = {"Content-Type": "multipart/form-data; boundary=x"}
    empty = b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\nb\r\n--x--\r\n'
    assert "no file" in reason(client.post("/api/read", content=empty, headers=form), 400)
    assert "files" in reason(client.post("/api/read", files=[("a", CONTENT), ("b", CONTENT)]), 400)
    assert reason(client.post("/api/read", content=b"--y", headers=form), 400)
    assert reason(client.post("/api/read", content=CONTENT, headers={"Content-Type": "multipart/form-data"}), 400)


# --- limits ---


def test_uploads_above_the_limit_are_rejected_with_and_without_content_length(make_client):
    client = make_client(max_bytes=1000)
    taken = []

    def stream():
        for _ in range(50):
            taken.append(1)
            yield b"x" * 100

    assert "0.001 MB" in reason(client.post("/api/read", content=b"x" * 1001), 413)
    assert "limit" in reason(client.post("/api/read", content=stream()), 413)
    assert "limit" in reason(client.post("/api/read", files={"picture": b"x" * 2000}), 413)
    assert reason(client.post("/api/read", content=b"x" * 1000), 422)  # small enough, but no picture


def test_pictures_with_too_many_pixels_are_rejected(make_client):
    small = make_client(max_pixels=10_000)
    assert "above the limit of 0.01 million" in reason(post(small), 422)
    assert "above the limit" in reason(post(small, address="/api/page"), 422)


def test_reading_stops_at_the_time_limit(make_client):
    slow = make_client(time_limit=1e-9)
    response = post(slow)
    assert "longer than 1e-09 s" in reason(response, 503)
    assert response.headers["retry-after"]
    pages = [np.full((60, 80), shade, np.uint8) for shade in (200, 220, 240)]
    tiff = cv2.imencodemulti(".tiff", pages)[1].tobytes()
    assert "longer" in reason(post(slow, tiff, address="/api/page", page=3), 503)


def test_reading_stops_at_the_time_limit_in_python():
    with pytest.raises(TimeLimitError, match="longer than 0 s"):
        list(NumberReader().read_many([CONTENT], time_limit=0))


def test_requests_beyond_the_queue_are_rejected(model, make_client):
    entered, leave = threading.Event(), threading.Event()

    class Slow(Service):
        def read(self, *_arguments):
            entered.set()
            assert leave.wait(120)
            return []

    with TestClient(create_app(Slow(model, ServeSettings(at_once=1, queue=1)))) as client:
        waiting = [threading.Thread(target=post, args=[client]) for _ in range(2)]
        waiting[0].start()
        assert entered.wait(120)
        waiting[1].start()
        while (response := post(client, b"")).status_code != 503:  # until the second request waits
            time.sleep(0.01)
        assert "too many" in reason(response, 503)
        assert client.get("/api/health").status_code == 200  # needs no slot
        leave.set()
        for thread in waiting:
            thread.join()
        assert post(client).json() == []


# --- pages as PNG ---


def test_a_page_is_converted_to_png(client):
    response = post(client, address="/api/page")
    assert response.headers["content-type"] == "image/png"
    picture = cv2.imdecode(np.frombuffer(response.content, np.uint8), cv2.IMREAD_COLOR)
    assert np.array_equal(picture, cv2.imread(str(EXAMPLE)))
    assert "no page 2" in reason(post(client, address="/api/page", page=2), 422)
    assert "page: Input should be greater" in reason(post(client, address="/api/page", page=0), 400)
    assert "expected one value" in reason(client.post("/api/page?page=1&page=1", content=CONTENT), 400)
    assert "no such option" in reason(post(client, address="/api/page", conf=0.5), 400)


# --- security ---


def test_requests_from_other_sites_are_rejected(make_client, tmp_path):
    client = make_client(corrections=tmp_path)
    for headers in (
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://["},
        {"Origin": "http://testserver:9000"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ):
        assert "another site" in reason(client.post("/api/read", content=CONTENT, headers=headers), 403)
    own = {"Origin": "http://testserver", "Sec-Fetch-Site": "same-origin"}
    assert client.post("/api/read", content=CONTENT, headers=own).status_code == 200


def test_only_allowed_host_names_are_answered(client):
    for host in ("evil.example", "evil.example:8000", "[::1", ""):
        assert "this host name" in reason(client.get("/api/health", headers={"Host": host}), 400)
    assert client.get("/", headers={"Host": "testserver:8000"}).status_code == 200


@pytest.mark.parametrize("host", ["[::1]", "[::1]:8000", "LOCALHOST:8000"])
def test_local_names_are_answered(make_client, host):
    client = make_client(hosts=("::1", "localhost"))
    assert client.get("/api/health", headers={"Host": host}).status_code == 200


def test_nothing_is_read_for_a_client_that_has_disconnected(model, monkeypatch):
    read = []
    monkeypatch.setattr(Service, "read", lambda *_arguments: read.append(1) or [])
    app = create_app(Service(model, ServeSettings()))

    def post_and(leave):
        received = [{"type": "http.request", "body": CONTENT, "more_body": False}]
        sent = []

        async def receive():
            if received:
                return received.pop()
            if not leave:
                await anyio.sleep_forever()
            return {"type": "http.disconnect"}

        async def send(message):
            sent.append(message)

        scope = {"type": "http", "method": "POST", "path": "/api/read", "raw_path": b"/api/read", "query_string": b""}
        scope |= {"headers": [], "http_version": "1.1", "scheme": "http", "server": ("testserver", 80)}
        anyio.run(app, scope, receive, send)
        return sent[0]["status"]

    assert post_and(leave=True) == 400
    assert not read
    assert post_and(leave=False) == 200
    assert read


@pytest.mark.parametrize("address", ["/", "/docs", "/api/health", "/static/js/app.js", "/static/examples/meter.jpg"])
def test_every_response_has_a_strict_policy(client, address):
    response = client.get(address)
    assert response.status_code == 200
    assert "default-src 'none'" in response.headers["content-security-policy"]
    assert response.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("address", ["/nothing", "/static/../app.py", "/static/%2e%2e/app.py", "/docs/swagger/../x"])
def test_missing_pages_are_not_found(client, address):
    assert reason(client.get(address), 404)


def test_other_methods_are_not_allowed(client):
    assert client.head("/api/health").status_code == 200
    response = client.get("/api/read")
    assert reason(response, 405)
    assert response.headers["allow"] == "POST"


# --- OpenAPI and the page ---


def test_openapi_describes_this_server(make_client):
    description = make_client(max_bytes=5_000_000).get("/openapi.json").json()
    assert description["openapi"] == "3.1.0"
    assert "5 MB" in json.dumps(description)
    assert set(description["paths"]) == {"/api/read", "/api/page", "/api/corrections", "/api/health", "/metrics"}
    for path in ("/api/read", "/api/page"):
        content = description["paths"][path]["post"]["requestBody"]["content"]
        assert set(content) == {"application/octet-stream", "multipart/form-data", "application/json"}
        names = {"picture"} | {one["name"] for one in description["paths"][path]["post"]["parameters"]}
        assert set(content["multipart/form-data"]["schema"]["properties"]) == names
    references = set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(description)))
    assert references <= set(description["components"]["schemas"])


def test_the_page_has_the_options_of_the_api(client):
    options = client.get("/static/js/options.js").text
    fields = dict(re.findall(r'name: "(\w+)"(.*?)(?=name: "|\Z)', options, re.S))
    assert set(re.findall(r'\["(\w+)", "', fields["check"])) == set(CHECKS)
    config = ReadConfig()
    defaults = {"conf": config.confidence, "min_confidence": config.min_confidence}
    shown = {name: re.search(r'initial: "([\d.]+)"', fields[name]) for name in defaults}
    assert {name: float(match[1]) for name, match in shown.items() if match} == defaults
    parameters = client.get("/openapi.json").json()["paths"]["/api/read"]["post"]["parameters"]
    described = {one["name"]: one["schema"].get("default") for one in parameters}
    assert {name: described[name] for name in defaults} == defaults
    chosen = set(re.findall(r'\["(\w+)", "', fields.pop("choice")))  # the page has one field for both
    assert set(fields) | chosen == set(described)


def test_nothing_is_loaded_from_other_hosts(client):
    for path in (ROOT / "detector" / "web" / "static").iterdir():
        if path.is_file():
            found = re.findall(r"(?:https?:)?//[\w.-]+\.\w+", path.read_text(encoding="utf-8"))
            assert [one for one in found if "www.w3.org" not in one] == [], path
