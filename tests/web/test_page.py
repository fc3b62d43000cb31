"""The web page in a headless browser: opening pictures, and the options."""

import csv
import io
import json
import re
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("fastapi")
expect = pytest.importorskip("playwright.sync_api").expect

from digitdet.outputs.formats import CSV_COLUMNS

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "number.jpg"
STYLE = ROOT / "detector" / "web" / "static" / "style.css"
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True, "device_scale_factor": 2}


def test_after_reading_the_sources_are_folded_and_the_numbers_come_first(open_page, choose):
    page = open_page()
    assert choose(page) == ["72366"]
    assert page.locator(".source").is_hidden()
    assert page.locator("#numbers").bounding_box()["x"] < page.locator("#overlay, .stage").first.bounding_box()["x"]
    page.click("#new-picture")
    assert page.locator(".source").is_visible()
    page.click("#fold")
    assert page.locator(".source").is_hidden()
    assert page.evaluate("document.activeElement.id") == "new-picture"


def test_a_picture_can_be_dropped_and_pasted(open_page, numbers):
    page = open_page()
    data = json.dumps(list(EXAMPLE.read_bytes()))
    make = f"""() => {{
        const transfer = new DataTransfer();
        transfer.items.add(new File([new Uint8Array({data})], "x.jpg", {{ type: "image/jpeg" }}));
        return transfer;
    }}"""
    transfer = page.evaluate_handle(make)
    page.dispatch_event("body", "dragover", {"dataTransfer": transfer})
    assert page.locator(".dropping").is_visible()
    page.dispatch_event("body", "drop", {"dataTransfer": transfer})
    assert numbers(page) == ["72366"]
    assert page.locator(".dropping").count() == 0
    page.reload()
    page.evaluate(
        f"() => document.dispatchEvent(new ClipboardEvent('paste', {{ clipboardData: ({make})(), bubbles: true }}))"
    )
    assert numbers(page) == ["72366"]


def test_examples_are_read(open_page, numbers):
    page = open_page()
    for name in page.locator("#examples button").all_inner_texts():
        page.locator("#examples button", has_text=name).click()
        assert numbers(page), name
        page.reload()  # the status of the last reading must not stand for that of the next


def write_seven_and_one(page):
    page.click("#tab-draw")
    sheet = page.locator(".paper").bounding_box()
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


def test_written_digits_are_read_while_the_paper_stays(open_page, numbers):
    page = open_page()
    write_seven_and_one(page)
    assert numbers(page) == ["7171"]
    page.click("#undo-stroke")
    expect(page.locator("#numbers .value .text")).to_have_text("717")
    page.click("#clear")
    assert page.locator("#result").count() == 0


def test_the_live_camera_reads_the_steady_number(open_page, numbers):
    page = open_page()
    page.click("#tab-camera")
    expect(page.locator("#live-number.steady")).to_have_text("72366")
    expect(page.locator("#live-state")).to_contain_text("Steady")
    assert page.locator(".camera rect").count() == 1
    page.click("#keep")
    assert numbers(page) == ["72366"]
    assert page.evaluate("document.querySelector('video').srcObject") is None
    assert page.inner_text(".name") == "camera.jpg"


def test_without_permission_the_camera_says_what_to_do(open_page):
    page = open_page()
    deny = "navigator.mediaDevices.getUserMedia = async () => { throw new DOMException('', 'NotAllowedError'); }"
    page.evaluate(f"() => {{ {deny} }}")
    page.click("#tab-camera")
    expect(page.locator("#panel-camera [role=alert]")).to_contain_text("Allow it for this page")


def test_a_number_is_steady_after_equal_readings_in_a_row(open_page):
    steady = """async (texts) => {
        const { SteadyNumber } = await import("/static/js/camera.js");
        const steady = new SteadyNumber(3);
        const number = (best) => ({ best, status: best === "unsure" ? "unsure" : "ok", box: [0, 0, 1, 1] });
        return texts.map((text) => steady.add({ numbers: text ? [number(text)] : [] }).isSteady);
    }"""
    page = open_page()
    assert page.evaluate(steady, ["1", "1", "2", "2", "2", "2"]) == [False, False, False, False, True, True]
    assert page.evaluate(steady, ["1", "1", "", "1"]) == [False] * 4
    assert page.evaluate(steady, ["unsure"] * 4) == [False] * 4


def test_several_pictures_give_a_table_and_csv(open_page, tmp_path):
    page = open_page()
    (tmp_path / "broken.jpg").write_bytes(b"hello")
    meter = STYLE.parent / "examples" / "meter.jpg"
    page.set_input_files("#file", [str(EXAMPLE), str(tmp_path / "broken.jpg"), str(meter)])
    expect(page.locator("#status")).to_have_text("2 numbers read in 3 pictures. 1 of 3 pictures could not be read.")
    rows = page.locator("tbody tr")
    assert page.inner_text(".pictures h2 .soft") == "1 not read"
    assert page.locator("tbody th").all_inner_texts() == ["number.jpg", "broken.jpg", "meter.jpg"]
    found = page.locator("tbody td:nth-child(2)").all_inner_texts()
    assert found == ["72366", "Not a picture in a known format, or damaged.", "249202"]
    rows.nth(2).click()
    expect(page.locator("#numbers .value .text")).to_have_text("249202")
    page.locator("#numbers [title=Edit]").click()
    page.fill("#edit", "249203")
    page.keyboard.press("Enter")
    with page.expect_download() as download:
        page.click("#csv")
    table = list(csv.DictReader(io.StringIO(Path(download.value.path()).read_text(encoding="utf-8"))))
    assert [(row["image"], row["text"], row["status"]) for row in table] == [
        ("number.jpg", "72366", "ok"),
        ("broken.jpg", "", "error"),
        ("meter.jpg", "249203", "ok"),
    ]
    assert tuple(table[0]) == CSV_COLUMNS
    with page.expect_download() as download:
        page.click("#json")
    readings = json.loads(Path(download.value.path()).read_text(encoding="utf-8"))
    assert [(one["image"], one["status"], len(one["numbers"])) for one in readings] == [
        ("number.jpg", "ok", 1),
        ("broken.jpg", "error", 0),
        ("meter.jpg", "ok", 1),
    ]
    assert readings[1].keys() == readings[0].keys()
    assert readings[1]["schema"] == readings[0]["schema"]
    rows.nth(1).click()
    assert page.locator("#error").is_visible()
    open_page.errors.clear()  # Chromium logs every response of 422


def test_options_are_applied_and_reset(open_page, choose):
    page = open_page()
    choose(page)
    page.click("#toggle-options")
    assert page.locator("legend").all_inner_texts() == ["Format", "Picture", "Advanced"]
    number = page.locator("#numbers .value .text")
    page.fill("[name=pattern]", r"\d{2}-\d{3}")
    expect(number).to_have_text("72-366")
    page.check("[name=digits_only]")
    expect(number).to_have_text("72366")
    assert page.inner_text(".badge") == "2"
    page.uncheck("[name=digits_only]")
    expect(number).to_have_text("72-366")
    page.click("#reset")
    expect(number).to_have_text("72366")
    assert page.input_value("[name=pattern]") == ""
    assert page.locator(".badge").count() == 0
    page.click("#toggle-options")
    page.click("#mark-region")
    stage = page.locator(".layer").bounding_box()
    page.mouse.move(stage["x"] + 14, stage["y"] + 14)
    page.mouse.down()
    page.mouse.move(stage["x"] + 0.415 * stage["width"], stage["y"] + stage["height"] - 1, steps=4)
    page.mouse.up()
    expect(number).to_have_text("72")
    page.click("#whole")
    expect(number).to_have_text("72366")


def test_an_error_stands_at_its_field(open_page, choose):
    page = open_page()
    choose(page)
    page.click("#toggle-options")
    page.fill("[name=digits]", "x")
    expect(page.locator("#digits-problem")).to_contain_text("'x' is not allowed; expected 5, 4-6 or 4-")
    field = page.locator("[name=digits]")
    assert field.get_attribute("aria-invalid") == "true"
    assert field.get_attribute("aria-describedby") == "digits-problem"
    assert page.locator("#numbers .value .text").all_inner_texts() == ["72366"]  # of the earlier reading
    page.fill("[name=digits]", "5")
    expect(page.locator("#digits-problem")).to_have_count(0)
    problems = """async (messages) => {
        const { problemOf } = await import("/static/js/options.js");
        return messages.map((message) => problemOf(message)?.field ?? null);
    }"""
    found = page.evaluate(
        problems, ["region 'a': write", "max_step: has", "pattern: '['", "not a picture", "check.0: x"]
    )
    assert found == ["region", "max_step", "pattern", None, "check"]
    open_page.errors.clear()  # Chromium logs every response of 400


def test_pictures_that_an_option_leaves_unread_are_named(open_page):
    page = open_page()
    page.click("#toggle-options")
    page.fill("[name=digits]", "x")
    page.set_input_files("#file", [str(EXAMPLE), str(STYLE.parent / "examples" / "meter.jpg")])
    expect(page.locator("#digits-problem")).to_be_visible()
    expect(page.locator("tbody td:nth-child(2)")).to_have_text(["Not read", "Not read"])
    assert page.inner_text(".pictures h2 .soft") == "2 not read"
    assert page.inner_text("#result h2") == "Not read"
    with page.expect_download() as download:
        page.click("#csv")
    table = list(csv.DictReader(io.StringIO(Path(download.value.path()).read_text(encoding="utf-8"))))
    assert [(row["image"], row["status"]) for row in table] == [("number.jpg", "error"), ("meter.jpg", "error")]
    page.fill("[name=digits]", "")
    expect(page.locator("tbody td:nth-child(2)")).to_have_text(["72366", "249202"])
    open_page.errors.clear()  # Chromium logs every response of 400


def test_formats_that_browsers_do_not_support_are_shown(open_page, choose, tmp_path):
    page = open_page()
    picture = cv2.imread(str(EXAMPLE))
    cv2.imwritemulti(str(tmp_path / "scan.tif"), [picture, np.flipud(np.full_like(picture, 220)).copy()])
    assert choose(page, tmp_path / "scan.tif") == ["72366"]
    expect(page.locator(".digit")).to_have_count(5)
    assert page.evaluate("document.querySelector('.layer img').naturalWidth") == 640
    page.click("#next-page")
    expect(page.locator("#page-shown")).to_contain_text("Page 2 of 2")
    expect(page.locator(".digit")).to_have_count(0)
    page.click("#previous-page")
    expect(page.locator(".digit")).to_have_count(5)


def test_a_picture_without_digits_comes_with_suggestions(open_page, choose, tmp_path):
    page = open_page()
    cv2.imwrite(str(tmp_path / "empty.png"), np.full((300, 400, 3), 200, np.uint8))
    assert choose(page, tmp_path / "empty.png") == []
    assert "No digits found" in page.inner_text(".results")
    page.click("#try-fainter")
    assert page.input_value("[name=conf]") == "0.25"


def test_unreadable_pictures_are_reported(open_page, tmp_path):
    page = open_page()
    (tmp_path / "x.jpg").write_bytes(b"hello")
    page.set_input_files("#file", str(tmp_path / "x.jpg"))
    expect(page.locator("#error")).to_contain_text("x.jpg could not be read")
    assert all("422" in error for error in open_page.errors)
    open_page.errors.clear()


def test_on_a_phone(open_page, choose):
    page = open_page(color_scheme="dark", **PHONE)
    photo, drop = (page.locator(one).bounding_box() for one in ("label:has(#photo)", "#drop"))
    assert photo["y"] + photo["height"] < drop["y"]
    assert choose(page) == ["72366"]
    page.locator(".digit").nth(2).tap()
    sheet = page.locator("#digit").bounding_box()
    assert (sheet["x"], sheet["width"], sheet["y"] + sheet["height"]) == (0, 390, 844)
    lowest = page.locator("[data-digit='2'] .box").bounding_box()
    assert lowest["y"] + lowest["height"] < sheet["y"]
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    for button in page.locator("button:visible, .button:visible").all():
        assert button.bounding_box()["height"] >= 40, button.inner_text()


def test_every_control_has_an_accessible_name(open_page, choose):
    page = open_page()
    choose(page)
    page.click("#toggle-options")
    page.locator(".digit").first.click()
    unnamed = page.evaluate(
        """() => [...document.querySelectorAll("button, input, select, textarea, a, canvas, img, [role]")]
            .filter((one) => !one.labels?.length && !one.textContent.trim() && one.getAttribute("alt") !== "")
            .filter((one) => !one.getAttribute("aria-label") && !one.alt && !["toast", "saved"].includes(one.id))
            .map((one) => one.outerHTML)"""
    )
    assert unnamed == []


def luminance(color):
    hexes = color if len(color) == 7 else "#" + "".join(2 * one for one in color[1:])
    parts = [int(hexes[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_colors_have_the_contrast_of_wcag_aa():
    light, dark = re.findall(r":root \{(.*?)\}", STYLE.read_text(encoding="utf-8"), re.DOTALL)
    for scheme in (light, dark):
        color = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{3,6})\b", scheme))
        texts = [(text, paper) for text in ("ink", "soft", "main") for paper in ("page", "card", "tint")]
        texts += [
            ("on-main", "main"),
            ("on-main", "main-hover"),
            ("warn", "warn-tint"),
            ("bad", "card"),
            ("good", "card"),
        ]
        texts += [("soft", "sunk"), ("halo", "hue-0"), *((f"hue-{hue}", "halo") for hue in range(8))]
        for text, paper in texts:
            assert contrast(color[text], color[paper]) >= 4.5, (text, paper)
        assert contrast(color["edge"], color["card"]) >= 3


def test_the_documentation_is_shown(open_page, server):
    page = open_page()
    page.goto(f"{server.url}/docs")
    page.wait_for_selector("#operations-default-read")
    assert page.locator(".opblock").count() == 5
