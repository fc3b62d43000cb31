import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Server:
    """A running `digitdet serve`, and the folder of its corrections."""

    url: str
    corrections: Path


@pytest.fixture(scope="package")
def server(tmp_path_factory):
    """A server in a process of its own, as its users have it."""
    folder = tmp_path_factory.mktemp("page")
    corrections = folder / "corrections"
    command = [sys.executable, "-m", "digitdet", "serve", "--port", "0", "--corrections", str(corrections)]
    with (folder / "requests.log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.PIPE, text=True)
    try:
        yield Server(re.search(r"http://[^ ]+", process.stderr.readline())[0], corrections)
    finally:
        process.kill()
        process.communicate()


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
