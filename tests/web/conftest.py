import re
import shutil
import socket
import threading
import time
from pathlib import Path

import cv2
import pytest

from digitdet.reading.model import load_model

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
EXAMPLE = Path(__file__).parents[2] / "examples" / "number.jpg"


@pytest.fixture(scope="module")
def model():
    return load_model()


@pytest.fixture(scope="module")
def make_client(model):
    from starlette.testclient import TestClient  # here: the tests are skipped where the extra is not installed

    from digitdet.web.app import create_app
    from digitdet.web.service import Service
    from digitdet.web.settings import ServeSettings

    def make(hosts=("testserver",), **settings):
        return TestClient(create_app(Service(model, ServeSettings(**settings)), hosts))

    return make


@pytest.fixture(scope="module")
def client(make_client):
    return make_client()


class Server:
    """A server on a free port, in a thread."""

    def __init__(self, corrections):
        import uvicorn

        from digitdet.web.app import create_app
        from digitdet.web.service import Service
        from digitdet.web.settings import ServeSettings

        self.corrections = corrections
        service = Service(load_model(), ServeSettings(corrections=corrections))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._server = uvicorn.Server(uvicorn.Config(create_app(service, ("127.0.0.1",)), log_level="error"))
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._listener]})

    def __enter__(self):
        self._thread.start()
        while not self._server.started:
            time.sleep(0.01)
        return self

    def __exit__(self, *_):
        self._server.should_exit = True
        self._thread.join()
        self._listener.close()


@pytest.fixture(scope="package")
def server(tmp_path_factory):
    with Server(tmp_path_factory.mktemp("page") / "corrections") as server:
        yield server


@pytest.fixture(scope="package")
def browser(tmp_path_factory):
    """A browser whose camera sees the example picture."""
    if CHROMIUM is None:
        pytest.skip("no Chromium is installed")
    from playwright.sync_api import sync_playwright

    film = tmp_path_factory.mktemp("camera") / "film.mjpeg"
    film.write_bytes(cv2.imencode(".jpg", cv2.imread(str(EXAMPLE)))[1].tobytes() * 2)
    camera = ["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"]
    args = ["--no-sandbox", *camera, f"--use-file-for-fake-video-capture={film}"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=args)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def context(browser):
    """A window of usual size; the pages in it share their process and their cache."""
    context = browser.new_context()
    yield context
    context.close()


@pytest.fixture
def open_page(browser, context, server):
    """Open the page; at the end, check that the console has no errors and no other host was contacted."""
    opened, errors, hosts = [], [], set()

    def open_(url=server.url, **how):
        page = browser.new_page(**how) if how else context.new_page()
        opened.append(page)
        page.set_default_timeout(20_000)
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("request", lambda request: hosts.add(request.url.split("/")[2]) if "//" in request.url else None)
        page.goto(url)
        page.wait_for_selector("#examples img")
        return page

    open_.errors = errors
    yield open_
    for page in opened:
        page.close()
    assert errors == []
    assert hosts <= {server.url.split("/")[2]}


@pytest.fixture
def numbers():
    """A function that gives the numbers on a page, after reading."""
    from playwright.sync_api import expect

    expect.set_options(timeout=20_000)  # ms: generous, for busy machines

    def numbers(page):
        expect(page.locator("#status")).to_have_text(re.compile("read|found"))
        return page.locator("#numbers .value .text").all_inner_texts()

    return numbers


@pytest.fixture
def choose(numbers):
    """A function that opens a picture on a page and gives its numbers."""

    def choose(page, path=EXAMPLE):
        page.set_input_files("#file", str(path))
        return numbers(page)

    return choose
