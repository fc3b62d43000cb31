"""The web page in a headless browser: the picture with its digits, and correcting them."""

import re
from pathlib import Path

import cv2
import pytest

pytest.importorskip("fastapi")
expect = pytest.importorskip("playwright.sync_api").expect

from digitdet.datasets.formats.yolo import read_labels

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "number.jpg"
PAGE = ROOT / "examples" / "page.jpg"
SCALE = "() => document.querySelector('.layer').clientWidth / document.querySelector('.stage').clientWidth"


def texts(page):
    return page.locator("#numbers .value .text").all_inner_texts()


def saved_classes(server):
    """The classes of the label that was written last."""
    labels = (server.corrections / "labels").rglob("*.txt")
    return read_labels(max(labels, key=lambda path: path.stat().st_mtime_ns)).classes.tolist()


def test_boxes_lie_on_their_digits_and_highlight_with_their_rows(open_page, choose):
    page = open_page()
    rows = choose(page, PAGE)
    groups = page.locator(".stage svg g:has(> .digit)")
    assert groups.count() == len(rows)
    row, group = page.locator("#numbers li").nth(2), groups.nth(2)
    hue = re.compile(r"\bhue-2\b")
    expect(row).to_have_class(hue)
    expect(group).to_have_class(hue)
    label = group.locator("text").first
    assert label.is_hidden()
    row.hover()
    expect(group).to_have_class(re.compile("active"))
    assert label.is_visible()
    page.locator("h1").hover()
    assert label.is_hidden()
    group.locator(".digit").first.hover()
    expect(row).to_have_class(re.compile("active"))
    page.set_viewport_size({"width": 1280, "height": 480})  # the list is longer than its space
    page.locator(".digit").last.click()
    last, numbers = (page.locator(one).bounding_box() for one in ("#numbers li.active", "#numbers"))
    assert numbers["y"] <= last["y"] <= numbers["y"] + numbers["height"] - last["height"] + 1
    page.keyboard.press("Escape")
    reading = page.request.post(f"{page.url}api/read", data=PAGE.read_bytes()).json()[0]
    picture, box = page.locator(".layer img").bounding_box(), group.locator(".box").first.bounding_box()
    left = reading["numbers"][2]["digits"][0]["box"][0] / reading["width"]
    assert abs((box["x"] - picture["x"]) / picture["width"] - left) < 0.02


def test_a_tapped_digit_opens_a_popover_that_changes_it(open_page, choose, server):
    page = open_page()
    choose(page)
    digit = page.locator(".digit").nth(1)
    digit.click()
    popover = page.locator("#digit")
    assert page.inner_text("#digit-title").strip() == "Digit 2"
    assert re.search(r"9[\d.]+%", page.inner_text("#probabilities"))
    at, box = popover.bounding_box(), digit.bounding_box()
    assert at["x"] < box["x"] + box["width"] / 2 < at["x"] + at["width"]
    assert min(abs(at["y"] - box["y"] - box["height"]), abs(box["y"] - at["y"] - at["height"])) < 40
    page.locator(".keys button", has_text="4").click()
    expect(page.locator("#saved")).to_contain_text("Saved with 5 digits")
    assert texts(page) == ["74366"]
    assert saved_classes(server) == [7, 4, 3, 6, 6]
    page.locator(".digit").nth(4).click()
    page.click("#remove")
    expect(page.locator("#saved")).to_contain_text("Saved with 4 digits")
    assert texts(page) == ["7436"]
    page.click("#toast-undo")
    expect(page.locator("#saved")).to_contain_text("Saved with 5 digits")
    page.keyboard.press("Control+z")
    assert texts(page) == ["72366"]
    expect(page.locator("#saved")).to_contain_text("Saved with 5 digits")
    page.locator(".digit").first.click()
    page.locator("h1").click()
    assert popover.count() == 0


def test_a_whole_number_is_edited_in_place(open_page, choose, server):
    page = open_page()
    choose(page)
    page.locator("#numbers .value").dblclick()
    assert page.evaluate("document.activeElement.id") == "edit"
    page.fill("#edit", "none")
    page.keyboard.press("Enter")
    assert "at least one digit" in page.inner_text("#edit-problem")
    page.fill("#edit", "72a")
    page.keyboard.press("Enter")
    assert "only digits and the marks" in page.inner_text("#edit-problem")
    page.fill("#edit", "7236?")
    page.keyboard.press("Enter")
    assert "only digits and the marks" in page.inner_text("#edit-problem")
    page.fill("#edit", "7236.8")
    page.locator("button", has_text="Accept 7236.8").click()
    assert texts(page) == ["7236.8"]
    expect(page.locator("#saved")).to_contain_text("Saved with 5 digits")
    assert saved_classes(server) == [7, 2, 3, 6, 8]
    page.locator("#numbers [title=Edit]").click()
    page.fill("#edit", "0134449")
    page.keyboard.press("Enter")
    assert texts(page) == ["0134449"]
    assert "0134449 has 7 digits, but 5 boxes" in page.inner_text("#saved")
    page.click("#undo")
    page.click("#undo")
    assert texts(page) == ["72366"]
    page.locator("#numbers [title=Edit]").click()
    page.keyboard.press("Escape")
    assert page.locator("#edit").count() == 0


def test_an_uncertain_number_is_accepted_or_replaced(open_page, choose):
    page = open_page()
    choose(page)
    page.click("#toggle-options")
    page.fill("[name=min_confidence]", "1")
    expect(page.locator("#numbers .unsure")).to_have_count(1)
    assert texts(page) == ["72366"]
    doubtful = page.locator("#numbers mark").all_inner_texts()
    assert doubtful == page.locator(".doubtful text").all_text_contents()
    assert "doubtful" in page.locator(".doubtful").first.get_attribute("aria-label")
    page.check("[name=strict]")
    expect(page.locator("#numbers .value .text")).to_contain_text("?")
    page.locator("button", has_text="Accept 72366").click()
    assert texts(page) == ["72366"]
    assert page.locator("#numbers .accepted").count() == 1
    page.click("#undo")
    other = page.locator(".doubt button").nth(1)
    text = other.locator(".text").inner_text()
    other.click()
    assert texts(page) == [text]
    assert page.locator("#toast-undo").is_visible()
    page.fill("[name=digits]", "5")
    expect(page.locator("#saved")).to_contain_text("without your edits")
    assert page.locator("#toast-undo").count() == 0


def test_edited_numbers_keep_their_marks(open_page):
    page = open_page()
    edited = """async ([best, changes]) => {
        const { Page } = await import("/static/js/page.js");
        const digits = [...best.replace(/[^0-9]/g, "")].map((text, index) => ({
            text, box: [index, 0, index + 1, 1], confidence: 0.9, alternatives: [],
        }));
        const number = { text: best, best, digits, status: "ok", confidence: 0.9, alternatives: [], region: null,
            doubtful: [] };
        const page = new Page({ numbers: [number] });
        changes.forEach((text, id) => (text ? page.rename(id, text) : page.remove(id)));
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
        assert page.evaluate(edited, [best, changes]) == expected, best


def test_a_missed_digit_can_be_added(open_page, choose, server):
    page = open_page()
    choose(page)
    page.click("#add-digit")
    stage = page.locator(".layer").bounding_box()
    page.mouse.move(stage["x"] + 0.02 * stage["width"], stage["y"] + 0.7 * stage["height"])
    page.mouse.down()
    page.mouse.move(stage["x"] + 0.08 * stage["width"], stage["y"] + 0.95 * stage["height"], steps=4)
    page.mouse.up()
    page.keyboard.type("9")
    expect(page.locator("#saved")).to_contain_text("Saved with 6 digits")
    assert texts(page) == ["72366", "9"]
    assert saved_classes(server) == [7, 2, 3, 6, 6, 9]


def test_a_new_box_that_is_given_up_changes_nothing(open_page, choose, server):
    page = open_page()
    choose(page)
    saved = sorted(server.corrections.rglob("*.txt"))
    stage = page.locator(".layer").bounding_box()
    for give_up in (lambda: page.keyboard.press("Escape"), lambda: page.click("#remove")):
        page.click("#add-digit")
        page.mouse.move(stage["x"] + 0.02 * stage["width"], stage["y"] + 0.7 * stage["height"])
        page.mouse.down()
        page.mouse.move(stage["x"] + 0.08 * stage["width"], stage["y"] + 0.95 * stage["height"], steps=4)
        page.mouse.up()
        assert page.inner_text("#digit-title").strip() == "Which digit is it?"
        give_up()
        expect(page.locator("#digit")).to_have_count(0)
        assert texts(page) == ["72366"]
        assert page.locator("#undo").count() == 0
        assert page.locator("#saved").all_inner_texts() in ([], [""])
    assert sorted(server.corrections.rglob("*.txt")) == saved


def test_a_typed_number_takes_its_place_when_a_surplus_box_is_removed(open_page, choose, server):
    page = open_page()
    choose(page)
    page.locator("#numbers [title=Edit]").click()
    page.fill("#edit", "1236")
    page.keyboard.press("Enter")
    expect(page.locator("#saved")).to_contain_text("has 4 digits, but 5 boxes")
    page.locator("[data-digit]").first.focus()
    page.keyboard.press("Delete")
    expect(page.locator("#saved")).to_contain_text("Saved with 4 digits")
    assert texts(page) == ["1236"]
    assert saved_classes(server) == [1, 2, 3, 6]


def test_an_added_digit_joins_the_number_beside_it(open_page, choose, server):
    page = open_page()
    choose(page)
    first = page.locator("[data-digit]").first
    first.focus()
    page.keyboard.press("Delete")
    expect(page.locator("#numbers .value .text")).to_have_text("2366")
    box = page.locator("[data-digit] .box").first.bounding_box()

    def add_before():
        page.click("#add-digit")
        page.mouse.move(box["x"] - 0.9 * box["width"], box["y"])
        page.mouse.down()
        page.mouse.move(box["x"] - 0.2 * box["width"], box["y"] + box["height"], steps=4)
        page.mouse.up()

    add_before()
    page.keyboard.type("8")
    expect(page.locator("#numbers .value .text")).to_have_text("82366")
    expect(page.locator("#saved")).to_contain_text("Saved with 5 digits")
    page.locator("[data-digit]").first.focus()
    page.keyboard.press("Delete")
    page.locator("#numbers [title=Edit]").click()
    page.fill("#edit", "92366")
    page.keyboard.press("Enter")
    expect(page.locator("#saved")).to_contain_text("has 5 digits, but 4 boxes")
    add_before()  # the box of the digit that was typed
    expect(page.locator("#saved")).to_contain_text("Saved with 5 digits")
    assert texts(page) == ["92366"]
    assert saved_classes(server) == [9, 2, 3, 6, 6]


def test_the_picture_is_zoomed_and_moved(open_page, choose):
    page = open_page()
    choose(page, PAGE)
    stage = page.locator(".stage").bounding_box()
    x, y = stage["x"] + stage["width"] / 2, stage["y"] + stage["height"] / 2
    page.mouse.move(x, y)
    whole = page.evaluate(SCALE)
    page.mouse.wheel(0, -500)
    page.wait_for_function(f"({SCALE})() > 1.5")
    before = page.locator(".layer").bounding_box()
    page.mouse.down()
    page.mouse.move(x + 60, y + 40, steps=4)
    page.mouse.up()
    after = page.locator(".layer").bounding_box()
    assert (after["x"] - before["x"], after["y"] - before["y"]) == (60, 40)
    assert page.locator("#digit").count() == 0  # a drag is no click
    page.mouse.move(x, stage["y"] + 5)
    page.mouse.down()
    page.mouse.move(x, stage["y"] - 5)
    page.mouse.up()  # outside of the picture
    page.mouse.move(x, y)
    page.mouse.move(x + 30, y, steps=4)
    assert page.locator(".layer").bounding_box() == after
    page.click("#zoom-all")
    assert page.evaluate(SCALE) == whole
    page.keyboard.press("+")
    assert page.evaluate(SCALE) > whole
    page.click("#zoom-out")
    assert page.evaluate(SCALE) == whole


def test_the_picture_is_zoomed_by_pinching(open_page, choose):
    page = open_page(has_touch=True)
    choose(page)
    whole = page.evaluate(SCALE)
    stage = page.locator(".stage").bounding_box()
    x, y = stage["x"] + stage["width"] / 2, stage["y"] + stage["height"] / 2
    devtools = page.context.new_cdp_session(page)

    def touch(kind, *places):
        points = [{"x": x + place, "y": y, "id": index} for index, place in enumerate(places)]
        devtools.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    touch("touchStart", -40, 40)
    touch("touchMove", -60, 60)
    touch("touchMove", -80, 80)
    touch("touchEnd")
    assert page.evaluate(SCALE) == pytest.approx(2 * whole, rel=0.05)
    assert page.locator("#digit").count() == 0


def test_a_turned_page_is_shown_upright(open_page, choose, tmp_path):
    page = open_page()
    path = tmp_path / "turned.png"
    cv2.imwrite(str(path), cv2.rotate(cv2.imread(str(EXAMPLE)), cv2.ROTATE_90_CLOCKWISE))
    page.click("#toggle-options")
    page.select_option("[name=rotate]", "90")
    assert choose(page, path) == ["72366"]
    expect(page.locator(".digit")).to_have_count(5)
    page.click("#toggle-options")
    picture = page.locator(".layer img").bounding_box()
    assert picture["width"] / picture["height"] == pytest.approx(640 / 240, rel=0.01)
    box = page.locator(".digit .box").first.bounding_box()
    assert abs((box["x"] - picture["x"]) / picture["width"] - 56 / 640) < 0.02
    page.click("#mark-region")
    page.mouse.move(picture["x"] + 14, picture["y"] + 14)
    page.mouse.down()
    page.mouse.move(picture["x"] + 0.415 * picture["width"], picture["y"] + picture["height"] - 1, steps=4)
    page.mouse.up()
    expect(page.locator("#numbers .value .text")).to_have_text("72")
    page.locator(".digit").first.click()
    page.locator(".keys button", has_text="4").click()
    expect(page.locator("#saved")).to_contain_text("Not saved: empty “Part to read”")


def test_everything_works_by_keyboard(open_page, numbers):
    page = open_page()
    page.on("filechooser", lambda _chooser: None)  # intercepts choosers: no system dialog opens

    def tab_to(selector):
        for _ in range(60):
            page.keyboard.press("Tab")
            if page.evaluate("selector => document.activeElement.matches(selector)", selector):
                return
        raise AssertionError(f"{selector} is not reached")

    tab_to("#tab-picture")
    page.keyboard.press("ArrowLeft")
    assert page.locator("#panel-draw").is_visible()
    page.keyboard.press("ArrowRight")
    tab_to("#file")
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Space")
    chooser.value.set_files(str(EXAMPLE))
    assert numbers(page) == ["72366"]
    expect(page.locator(".digit")).to_have_count(5)
    tab_to(".digit")
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')").startswith("2, ")
    page.keyboard.press("5")
    assert texts(page) == ["75366"]
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.closest('#digit') !== null")
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')").startswith("5, edited")
    page.keyboard.press("Delete")
    assert texts(page) == ["7366"]
    expect(page.locator("#saved")).to_contain_text("Saved with 4")
    tab_to("#toggle-options")
    page.keyboard.press("Enter")
    tab_to("[name=digits]")
    page.keyboard.type("4")
    expect(page.locator("#numbers .unfit")).to_have_count(1)
