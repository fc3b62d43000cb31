"""The HTTP API, called in-process without a network."""

import importlib.util
import json
import re
import threading
import time
from pathlib import Path

import cv2
import jsonschema
import numpy as np
import pytest

pytest.importorskip("fastapi")
from starlette.testclient import TestClient

from digitdet import NumberReader
from digitdet.common.errors import DataError, TimeLimitError
from digitdet.configs import ReadConfig
from digitdet.datasets.formats.yolo import check_dataset, list_images, read_labels
from digitdet.detection.detector import OnnxDetector
from digitdet.reading.check_digits import CHECKS
from digitdet.web.app import create_app
from digitdet.web.corrections import CorrectionFolder
from digitdet.web.limits import ServeSettings
from digitdet.web.service import Service

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "number.jpg"
CONTENT = EXAMPLE.read_bytes()
SCHEMA = json.loads((ROOT / "detector" / "outputs" / "reading.schema.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def detector():
    return OnnxDetector(None)


@pytest.fixture(scope="module")
def make_client(detector):
    def make(hosts=("testserver",), **settings):
        return TestClient(create_app(Service(detector, ServeSettings(**settings)), hosts))

    return make


@pytest.fixture(scope="module")
def client(make_client):
    return make_client()


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


@pytest.mark.parametrize("kind", ["image/jpeg", "text/html", "application/json", "no type at all", ""])
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
    small = TestClient(create_app(Service(OnnxDetector(None), ServeSettings(max_pixels=100_000))))
    assert [one["status"] for one in post(small, tiff).json()] == ["empty", "error"]


def test_options_of_digitdet_read_apply(client):
    read = post(client, pattern=r"\d{2}-\d{3}", min_confidence=0).json()[0]
    assert read["numbers"][0]["text"] == "72-366"
    read = post(client, region=["left=0,0,50%,100%", "50%,0,50%,100%"]).json()[0]
    assert {number["region"] for number in read["numbers"]} == {"left", "50%,0,50%,100%"}
    assert post(client, allowed=["72366", "11111"]).json()[0]["numbers"][0]["status"] == "ok"
    assert post(client, previous="72300", max_step=100).json()[0]["numbers"][0]["status"] == "ok"
    assert post(client, digits=4, check="luhn").json()[0]["numbers"][0]["status"] == "unfit"
    assert post(client, conf="0.99999").json()[0]["status"] == "empty"
    turned = cv2.imencode(".png", cv2.rotate(cv2.imread(str(EXAMPLE)), cv2.ROTATE_90_CLOCKWISE))[1].tobytes()
    for rotate in ("auto", "90"):
        read = post(client, turned, rotate=rotate, tiles="never").json()[0]
        assert (read["rotation"], read["numbers"][0]["best"]) == (90, "72366")


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("digits=", "digits: String should have at least 1 character"),
        ("digits=x", "expected 5, 4-6"),
        ("digits=4&digits=5", "given 2 times"),
        ("conf=2", "conf: Input should be less than or equal to 1"),
        ("conf=nan", "conf: Input should be a finite number"),
        ("min_confidence=-0.1", "min_confidence: Input should be greater than or equal to 0"),
        ("max_step=٣&previous=1", "max_step: Input should be a valid integer"),
        ("max_step=5", "previous"),
        ("max_step=99999999999999999999&previous=1", "max_step: Input should be less than or equal to"),
        ("rotate=45", "rotate: Input should be 'auto', '0', '90'"),
        ("tiles=some", "tiles: Input should be 'auto', 'never' or 'always'"),
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


def test_requests_beyond_the_queue_are_rejected(detector, make_client):
    entered, leave = threading.Event(), threading.Event()

    class Slow(Service):
        def read(self, *_arguments):
            entered.set()
            assert leave.wait(20)
            return []

    with TestClient(create_app(Slow(detector, ServeSettings(at_once=1, queue=1)))) as client:
        waiting = [threading.Thread(target=post, args=[client]) for _ in range(2)]
        waiting[0].start()
        assert entered.wait(20)
        waiting[1].start()
        deadline = time.monotonic() + 20
        while (response := post(client, b"")).status_code != 503:  # until the second request waits
            assert time.monotonic() < deadline
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
    assert "given 2 times" in reason(client.post("/api/page?page=1&page=1", content=CONTENT), 400)
    assert "no such option" in reason(post(client, address="/api/page", conf=0.5), 400)


# --- corrections ---


def correct(client, digits, content=CONTENT, **fields):
    text = digits if isinstance(digits, str) else json.dumps(digits)
    form = {"digits": text, **{name: str(value) for name, value in fields.items()}}
    return client.post("/api/corrections", data=form, files={"picture": ("../../x.jpg", content)})


def digits_of(reading):
    return [{"digit": digit["text"], "box": digit["box"]} for n in reading["numbers"] for digit in n["digits"]]


def other_picture(shade):
    return cv2.imencode(".png", np.full((40, 60, 3), shade, np.uint8))[1].tobytes()


def test_corrections_become_a_valid_dataset(make_client, tmp_path):
    folder = tmp_path / "mine"
    client = make_client(corrections=folder)
    assert client.get("/api/health").json()["corrections"] is True
    digits = digits_of(post(client).json()[0])
    digits[0]["digit"] = "1"
    saved = correct(client, digits)
    assert saved.status_code == 201
    assert (saved.json()["digits"], saved.json()["pictures"]) == (5, 1)
    picture = folder / saved.json()["picture"]
    assert picture.read_bytes() == CONTENT
    assert picture.parent == folder / "images" / "train"
    labels = read_labels(folder / "labels" / "train" / f"{picture.stem}.txt")
    assert labels.classes.tolist() == [1, 2, 3, 6, 6]
    left, _, right, _ = digits[0]["box"]
    assert labels.boxes[0][0] == pytest.approx((left + right) / 2 / 640, abs=1e-4)

    assert correct(client, [], other_picture(200)).json()["picture"].startswith("images/val/")
    assert check_dataset(folder / "data.yaml", decode=True) == []

    again = correct(client, digits[1:]).json()  # the same picture again replaces its label
    assert (again["picture"], again["digits"], again["pictures"]) == (saved.json()["picture"], 4, 2)
    assert read_labels(folder / "labels" / "train" / f"{picture.stem}.txt").classes.tolist() == [2, 3, 6, 6]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine"]


def test_a_rotated_page_is_saved_upright(make_client, tmp_path):
    client = make_client(corrections=tmp_path)
    upright = cv2.imread(str(EXAMPLE))
    turned = cv2.imencode(".png", cv2.rotate(upright, cv2.ROTATE_90_CLOCKWISE))[1].tobytes()
    reading = post(client, turned, rotate=90).json()[0]
    saved = correct(client, digits_of(reading), turned, rotation=90).json()
    assert np.array_equal(cv2.imread(str(tmp_path / saved["picture"])), upright)
    labels = read_labels(tmp_path / saved["picture"].replace("images", "labels").replace(".png", ".txt"))
    assert labels.classes.tolist() == [7, 2, 3, 6, 6]
    assert (np.diff(labels.boxes[:, 0]) > 0).all()  # from left to right again


def test_a_later_page_is_saved(make_client, tmp_path):
    client = make_client(corrections=tmp_path)
    pages = [np.full((60, 80, 3), shade, np.uint8) for shade in (200, 220)]
    tiff = cv2.imencodemulti(".tiff", pages)[1].tobytes()
    saved = correct(client, [{"digit": "4", "box": [10, 10, 20, 30]}], tiff, page=2).json()
    assert np.array_equal(cv2.imread(str(tmp_path / saved["picture"])), pages[1])


def test_wrong_corrections_are_rejected_and_nothing_is_saved(make_client, tmp_path):
    client = make_client(corrections=tmp_path)
    good = {"digit": "4", "box": [10, 10, 20, 30]}
    for digits, words in [
        ("", "JSON"),
        ("{", "JSON"),
        ("[" * 5000, "JSON"),
        ({"digit": "4"}, "list"),
        ([{"digit": "42", "box": [1, 2, 3, 4]}], "digit"),
        ([{"digit": "٣", "box": [1, 2, 3, 4]}], "digit"),
        ([{"digit": "4", "box": [1, 2, 3]}], "box.3: Field required"),
        ([{"digit": "4", "box": [1, 2, 3, "4"]}], "box.3: Input should be a valid number"),
        ('[{"digit": "4", "box": [1, 2, 3, NaN]}]', "box.3: Input should be a finite number"),
        ([{**good, "more": 1}], "more"),
        ([good, good], "twice"),
        ([{"digit": "4", "box": [9000, 10, 9020, 30]}], "outside"),
        ([{"digit": "4", "box": [20, 30, 10, 10]}], "outside"),
        ([{"digit": "4", "box": [0, 0, 1e308, 1e308]}] * 2001, "at most 2000 items"),
    ]:
        assert re.search(words, reason(correct(client, digits), 400)), digits
    assert "rotation" in reason(correct(client, [good], rotation=45), 400)
    assert "page" in reason(correct(client, [good], page="x"), 400)
    assert "digits: Field required" in reason(client.post("/api/corrections", files={"picture": CONTENT}), 400)
    assert "no page 3" in reason(correct(client, [good], page=3), 422)
    assert reason(correct(client, [good], b"hello"), 422)
    assert list_images(tmp_path / "images" / "train") == []
    assert list((tmp_path / "labels").rglob("*.txt")) == []


def test_without_a_folder_no_corrections_are_saved(client):
    assert client.get("/api/health").json()["corrections"] is False
    assert "--corrections" in reason(correct(client, []), 404)


def test_a_folder_with_other_files_is_rejected_and_unchanged(tmp_path):
    (tmp_path / "letters.txt").write_text("dear")
    with pytest.raises(DataError, match="holds no dataset"):
        CorrectionFolder(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["letters.txt"]
    CorrectionFolder(tmp_path / "new")
    CorrectionFolder(tmp_path / "new")  # accepts its own folder


def test_a_full_disk_is_reported(detector, tmp_path, monkeypatch):
    client = TestClient(create_app(Service(detector, ServeSettings(corrections=tmp_path))))

    def full(*_arguments, **_more):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("digitdet.web.corrections.write_atomically", full)
    assert "No space left" in reason(correct(client, []), 507)


# --- security ---


def test_requests_from_other_sites_are_rejected(make_client, tmp_path):
    client = make_client(corrections=tmp_path)
    for headers in (
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://testserver:9000"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ):
        assert "another site" in reason(client.post("/api/read", content=CONTENT, headers=headers), 403)
    own = {"Origin": "http://testserver", "Sec-Fetch-Site": "same-origin"}
    assert client.post("/api/read", content=CONTENT, headers=own).status_code == 200


def test_only_allowed_host_names_are_answered(client):
    assert client.get("/api/health", headers={"Host": "evil.example"}).status_code == 400
    assert client.get("/", headers={"Host": "testserver:8000"}).status_code == 200


@pytest.mark.parametrize("address", ["/", "/docs", "/api/health", "/static/app.js", "/static/examples/meter.jpg"])
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
    assert set(description["paths"]) == {"/api/read", "/api/page", "/api/corrections", "/api/health"}
    for path in ("/api/read", "/api/page"):
        content = description["paths"][path]["post"]["requestBody"]["content"]
        assert set(content) == {"application/octet-stream", "multipart/form-data"}
        assert "picture" in content["multipart/form-data"]["schema"]["properties"]
    references = set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(description)))
    assert references <= set(description["components"]["schemas"])


def test_the_page_has_the_options_of_the_api(client):
    page = client.get("/").text
    offered = set(re.findall(r"<option>(\w+)</option>", page))
    assert offered == set(CHECKS)
    defaults = dict(re.findall(r'name="(\w+)" type="range".*?data-default="([\d.]+)"', page))
    config = ReadConfig()
    assert {name: float(value) for name, value in defaults.items()} == {
        "conf": config.confidence,
        "min_confidence": config.min_confidence,
    }
    parameters = client.get("/openapi.json").json()["paths"]["/api/read"]["post"]["parameters"]
    described = {one["name"]: one["schema"].get("default") for one in parameters}
    assert described["conf"] == config.confidence
    assert described["min_confidence"] == config.min_confidence
    fields = set(re.findall(r'<(?:input|select|textarea)(?: id="\w+")? name="(\w+)"', page))
    assert fields == set(described)


def test_nothing_is_loaded_from_other_hosts(client):
    for path in (ROOT / "detector" / "web" / "static").iterdir():
        if path.is_file():
            found = re.findall(r"(?:https?:)?//[\w.-]+\.\w+", path.read_text(encoding="utf-8"))
            assert [one for one in found if "www.w3.org" not in one] == [], path


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("ultralytics") is None, reason="the training packages are not installed")
def test_corrections_can_be_trained_on(make_client, tmp_path):
    from digitdet.configs import load_preset, replace
    from digitdet.configs.train import TrainConfig
    from digitdet.training.run import train_run

    client = make_client(corrections=tmp_path / "mine")
    for path in [
        *sorted(EXAMPLE.parent.glob("*.jpg")),
        *sorted((ROOT / "detector" / "web" / "static" / "examples").glob("*.jpg")),
    ]:
        reading = post(client, path.read_bytes()).json()[0]
        assert correct(client, digits_of(reading), path.read_bytes()).status_code == 201
    config = replace(load_preset(TrainConfig, "train", "tune"), start="shipped", epochs=1)
    run = train_run(config, tmp_path / "mine", tmp_path / "run", lambda _line: None)
    assert run.metrics["detection"]["map50"] > 0.9
    read = NumberReader(run.folder / "model.onnx").read(EXAMPLE)
    assert [number.best for number in read.numbers] == ["72366"]
