"""The web page in a headless browser."""

import json
import re
import shutil
import socket
import threading
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("fastapi")
sync_api = pytest.importorskip("playwright.sync_api")
import uvicorn

from digitdet.datasets.formats.yolo import read_labels
from digitdet.reading.model import load_model
from digitdet.web.app import create_app
from digitdet.web.limits import ServeSettings
from digitdet.web.service import Service

expect = sync_api.expect
expect.set_options(timeout=20_000)  # ms: generous, for busy machines
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
EXAMPLE = Path(__file__).parents[2] / "examples" / "number.jpg"
PHONE = {"viewport": {"width": 390, "height": 780}, "has_touch": True, "is_mobile": True, "device_scale_factor": 2}

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")


class Server:
    """A server on a free port, in a thread."""

    def __init__(self, corrections):
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


@pytest.fixture(scope="module")
def browser():
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with Server(tmp_path_factory.mktemp("page") / "corrections") as server:
        yield server


@pytest.fixture
def open_page(browser, server):
    """Open the page; at the end, check that the console has no errors and no other host was contacted."""
    contexts, errors, hosts = [], [], set()

    def open_(url=server.url, **how):
        context = browser.new_context(**how)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("request", lambda request: hosts.add(request.url.split("/")[2]) if "//" in request.url else None)
        page.goto(url)
        page.wait_for_selector("#examples img")
        return page

    open_.errors = errors
    yield open_
    for context in contexts:
        context.close()
    assert errors == []
    assert hosts <= {server.url.split("/")[2]}


def numbers(page):
    """The numbers on the page, after reading."""
    expect(page.locator("#status")).to_have_text(re.compile("read|found"))
    return page.locator("#numbers output").all_inner_texts()


def labels(page):
    """The descriptions of the digits' boxes."""
    return [one.get_attribute("aria-label") for one in page.locator("#overlay g").all()]


def choose(page, path=EXAMPLE):
    page.set_input_files("#file", str(path))
    return numbers(page)


def test_a_chosen_picture_is_read_and_its_digits_are_marked(open_page):
    page = open_page()
    assert choose(page) == ["72366"]
    assert page.locator("#overlay g").count() == 5
    picture, box = page.locator("#picture").bounding_box(), page.locator("#overlay g rect").first.bounding_box()
    assert abs((box["x"] - picture["x"]) / picture["width"] - 53.77 / 640) < 0.02
    page.locator("#overlay g").first.hover()
    assert page.inner_text("#digit-title") == "Digit 7"
    highest = re.search(r"([\d.]+)%", page.inner_text("#probabilities"))
    assert float(highest.group(1)) > 99


def test_a_picture_can_be_dropped_and_pasted(open_page):
    page = open_page()
    data = json.dumps(list(EXAMPLE.read_bytes()))
    make = f"""() => {{
        const transfer = new DataTransfer();
        transfer.items.add(new File([new Uint8Array({data})], "x.jpg", {{ type: "image/jpeg" }}));
        return transfer;
    }}"""
    page.dispatch_event("#drop", "drop", {"dataTransfer": page.evaluate_handle(make)})
    assert numbers(page) == ["72366"]
    page.set_input_files("#file", [])
    page.reload()
    page.evaluate(
        f"() => document.dispatchEvent(new ClipboardEvent('paste', {{ clipboardData: ({make})(), bubbles: true }}))"
    )
    assert numbers(page) == ["72366"]


def test_examples_are_read(open_page):
    page = open_page()
    for button in page.locator("#examples button").all():
        page.evaluate("document.getElementById('status').textContent = ''")
        button.click()
        assert numbers(page), button.inner_html()


def write_seven_and_one(page):
    page.click("#tab-draw")
    sheet = page.locator("#canvas").bounding_box()
    left, top, size = sheet["x"] + 0.25 * sheet["width"], sheet["y"] + 0.2 * sheet["height"], 0.6 * sheet["height"]

    def stroke(*points):
        (x, y), *others = [(left + px * size, top + py * size) for px, py in points]
        page.mouse.move(x, y)
        page.mouse.down()
        for px, py in others:
            page.mouse.move(px, py, steps=6)
        page.mouse.up()

    for _ in range(2):
        stroke((0, 0.02), (0.55, 0), (0.2, 1))
        left += size
        stroke((0.1, 0.2), (0.3, 0), (0.3, 1))
        left += 0.8 * size


def test_written_digits_are_read_automatically(open_page):
    page = open_page()
    write_seven_and_one(page)
    assert numbers(page) == ["7171"]
    page.click("#undo")
    expect(page.locator("#numbers output")).to_have_text("717")
    page.click("#clear")
    assert page.locator("#result").is_hidden()


def test_a_wrong_digit_can_be_corrected_by_mouse(open_page, server):
    page = open_page()
    choose(page)
    page.locator("#overlay g").nth(1).click()
    page.locator("#overlay g").nth(3).hover()  # on the way to the field
    assert page.inner_text("#digit-title") == "Digit 2"
    page.fill("#right", "4")
    expect(page.locator("#saved")).to_contain_text("Saved with 5 digits")
    assert page.locator("#numbers output").all_inner_texts() == ["74366"]
    page.locator("#overlay g").nth(4).click()
    page.click("#remove")
    expect(page.locator("#saved")).to_contain_text("Saved with 4 digits")
    assert page.locator("#numbers output").all_inner_texts() == ["7436"]
    (label,) = (server.corrections / "labels").rglob("*.txt")
    assert read_labels(label).classes.tolist() == [7, 4, 3, 6]
    page.click("summary")
    page.fill("[name=digits]", "5")
    expect(page.locator("#numbers output")).to_have_text("72366")
    expect(page.locator("#saved")).to_contain_text("without your corrections")


def test_a_corrected_number_keeps_its_marks(open_page):
    page = open_page()
    corrected = """async ([best, changes]) => {
        const { Page } = await import("/static/page.js");
        const digits = [...best.replace(/[^0-9]/g, "")].map((text, index) => ({
            text, box: [index, 0, index + 1, 1], confidence: 0.9, alternatives: [],
        }));
        const number = { text: best, best, digits, status: "ok", confidence: 0.9, doubtful: [], alternatives: [] };
        const page = new Page({ numbers: [number] });
        const all = [...page.digits];
        changes.forEach((text, index) => (text ? page.rename(all[index], text) : page.remove(all[index])));
        return page.numbers().map((one) => one.text);
    }"""
    for best, changes, expected in [
        ("-3.14", ["3", "7", "4"], ["-3.74"]),
        ("-3.14", ["", "1", "4"], ["-14"]),
        ("1,234.5", ["1", "2", "3", "4", ""], ["1,234"]),
        ("1/2/3", ["1", "", "3"], ["1/3"]),
        ("12-34", ["", "", "3", "4"], ["34"]),
        ("INV 1-2", ["", "3"], ["INV 3"]),
        ("3.1", ["", ""], []),
    ]:
        assert page.evaluate(corrected, [best, changes]) == expected, best


def test_a_missed_digit_can_be_added(open_page, server):
    page = open_page()
    choose(page)
    page.click("#add-digit")
    page.locator("#stage").scroll_into_view_if_needed()
    stage = page.locator("#picture").bounding_box()
    page.mouse.move(stage["x"] + 0.02 * stage["width"], stage["y"] + 0.7 * stage["height"])
    page.mouse.down()
    page.mouse.move(stage["x"] + 0.08 * stage["width"], stage["y"] + 0.95 * stage["height"], steps=4)
    page.mouse.up()
    page.keyboard.type("9")
    expect(page.locator("#saved")).to_contain_text("Saved with 6 digits")
    assert page.locator("#numbers output").all_inner_texts() == ["72366", "9"]
    (label,) = (server.corrections / "labels").rglob("*.txt")
    assert read_labels(label).classes.tolist() == [7, 2, 3, 6, 6, 9]


def test_everything_works_by_keyboard(open_page, server):
    page = open_page()

    def tab_to(selector):
        for _ in range(60):
            page.keyboard.press("Tab")
            if page.evaluate("selector => document.activeElement.matches(selector)", selector):
                return
        raise AssertionError(f"{selector} is not reached")

    tab_to("#tab-picture")
    page.keyboard.press("ArrowRight")
    assert page.locator("#panel-draw").is_visible()
    page.keyboard.press("ArrowLeft")
    tab_to("#file")
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Space")
    chooser.value.set_files(str(EXAMPLE))
    assert numbers(page) == ["72366"]
    tab_to("#overlay g")
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')").startswith("2, ")
    page.keyboard.press("5")
    expect(page.locator("#saved")).to_contain_text("Saved with 5")
    assert page.locator("#numbers output").all_inner_texts() == ["75366"]
    page.keyboard.press("Delete")
    expect(page.locator("#saved")).to_contain_text("Saved with 4")
    tab_to("summary")
    page.keyboard.press("Enter")
    tab_to("[name=digits]")
    page.keyboard.type("4")
    expect(page.locator("#numbers .unfit")).to_have_count(1)


def test_options_are_applied(open_page):
    page = open_page()
    choose(page)
    page.click("summary")
    page.fill("[name=pattern]", r"\d{2}-\d{3}")
    expect(page.locator("#numbers output")).to_have_text("72-366")
    page.check("[name=digits_only]")
    expect(page.locator("#numbers output")).to_have_text("72366")
    page.uncheck("[name=digits_only]")
    expect(page.locator("#numbers output")).to_have_text("72-366")
    page.click("[type=reset]")
    expect(page.locator("#numbers output")).to_have_text("72366")
    page.fill("[name=min_confidence]", "1")
    expect(page.locator("#numbers .doubt")).to_have_text(re.compile(r"Doubtful: [\d?]*\?[\d?]*; or \S+ \d"))
    assert page.locator("#numbers output").inner_text() == "72366"
    doubtful = page.locator("#numbers mark").all_inner_texts()
    assert doubtful == [one.split(",")[0] for one in labels(page) if "doubtful" in one]
    page.check("[name=strict]")
    expect(page.locator("#numbers output")).to_contain_text("?")
    page.click("[type=reset]")
    expect(page.locator("#numbers output")).to_have_text("72366")
    page.click("#mark-region")
    page.locator("#stage").scroll_into_view_if_needed()
    stage = page.locator("#picture").bounding_box()
    page.mouse.move(stage["x"] + 1, stage["y"] + 1)
    page.mouse.down()
    page.mouse.move(stage["x"] + 0.415 * stage["width"], stage["y"] + stage["height"] - 1, steps=4)
    page.mouse.up()
    expect(page.locator("#numbers output")).to_have_text("72")
    page.click("#whole")
    expect(page.locator("#numbers output")).to_have_text("72366")


def test_formats_that_browsers_do_not_support_are_shown(open_page, tmp_path):
    page = open_page()
    picture = cv2.imread(str(EXAMPLE))
    cv2.imwritemulti(str(tmp_path / "scan.tif"), [picture, np.flipud(np.full_like(picture, 220)).copy()])
    assert choose(page, tmp_path / "scan.tif") == ["72366"]
    assert page.evaluate("document.getElementById('picture').naturalWidth") == 640
    page.click("#next-page")
    expect(page.locator("#page-shown")).to_contain_text("Page 2 of 2")
    expect(page.locator("#overlay g")).to_have_count(0)
    page.click("#previous-page")
    expect(page.locator("#overlay g")).to_have_count(5)


def test_numbers_can_be_copied_and_the_reading_downloaded(open_page):
    page = open_page(permissions=["clipboard-read", "clipboard-write"])
    choose(page)
    page.click("#copy")
    expect(page.locator("#status")).to_contain_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == "72366"
    with page.expect_download() as download:
        page.click("#download")
    reading = json.loads(Path(download.value.path()).read_text(encoding="utf-8"))
    assert reading[0]["numbers"][0]["best"] == "72366"


def test_unreadable_pictures_are_reported(open_page, tmp_path):
    page = open_page()
    (tmp_path / "x.jpg").write_bytes(b"hello")
    page.set_input_files("#file", str(tmp_path / "x.jpg"))
    page.wait_for_selector("#status.error")
    assert "not a" in page.inner_text("#status")
    assert page.locator("#result").is_hidden()
    assert all("422" in error for error in open_page.errors)
    open_page.errors.clear()  # Chromium logs every such response


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_a_phone(open_page, scheme):
    page = open_page(color_scheme=scheme, **PHONE)
    assert choose(page) == ["72366"]
    page.locator("#overlay g").nth(2).tap()
    assert page.inner_text("#digit-title") == "Digit 3"
    assert page.locator("label.button", has_text="Take a photo").is_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    for button in page.locator("button:visible, .button:visible").all():
        box = button.bounding_box()
        assert box["height"] >= 40, button.inner_text()


def test_every_control_has_an_accessible_name(open_page):
    page = open_page()
    choose(page)
    page.click("summary")
    unnamed = page.evaluate(
        """() => [...document.querySelectorAll("button, input, select, textarea, a, canvas, img, svg")]
            .filter((one) => !one.labels?.length && !one.textContent.trim())
            .filter((one) => !one.getAttribute("aria-label") && !one.alt && !one.querySelector("img[alt]"))
            .map((one) => one.outerHTML)"""
    )
    assert unnamed == []


def test_the_documentation_is_shown(open_page, server):
    page = open_page()
    page.goto(f"{server.url}/docs")
    page.wait_for_selector("#operations-default-read")
    assert page.locator(".opblock").count() == 5
