"""The web page in a headless browser: copying and downloading the numbers."""

import json
from pathlib import Path

import jsonschema
import pytest

pytest.importorskip("fastapi")
expect = pytest.importorskip("playwright.sync_api").expect

ROOT = Path(__file__).parents[2]


def test_numbers_can_be_copied_and_the_reading_downloaded(open_page, choose):
    page = open_page(permissions=["clipboard-read", "clipboard-write"])
    choose(page)
    page.click("#copy")
    expect(page.locator("#toast")).to_contain_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == "72366"
    with page.expect_download() as download:
        page.click("#json")
    (reading,) = json.loads(Path(download.value.path()).read_text(encoding="utf-8"))
    assert (reading["image"], reading["numbers"][0]["best"]) == ("number.jpg", "72366")


def test_the_json_of_edited_numbers_follows_the_schema(open_page):
    page = open_page()
    readings = page.evaluate("""async () => {
        const { Page } = await import("/static/js/page.js");
        const digits = ["1", "7", "3"].map((text, index) => ({
            text, box: [10 * index, 0, 10 * index + 8, 20], confidence: 0.9, alternatives: [],
        }));
        const mark = { text: ".", place: 1, box: [8, 16, 10, 20], confidence: 0.9 };
        const number = { text: "1.73", best: "1.73", digit_text: "173", status: "ok", confidence: 0.9, alternatives: [],
            box: [0, 0, 28, 20], angle: 0, height: 20, region: null, upside_down: null, doubtful: [], digits,
            marks: [mark] };
        const reading = { schema: 3, image: "a.png", page: 1, pages: 1, width: 100, height: 50, status: "ok",
            error: null, time: null, rotation: 0, numbers: [number] };
        const changes = [(page) => page.rename(2, "4"), (page) => page.remove(0), (page) => {
            page.rename(page.add([60, 10, 68, 40]).id, "5");
        }];
        return changes.map((change) => {
            const page = new Page(reading);
            change(page);
            return page.edited();
        });
    }""")
    schema = json.loads((ROOT / "detector" / "outputs" / "reading.schema.json").read_text(encoding="utf-8"))
    for reading in readings:
        jsonschema.Draft202012Validator(schema).validate(reading)
    numbers = [reading["numbers"] for reading in readings]
    assert [[number["text"] for number in one] for one in numbers] == [["1.74"], ["73"], ["1.73", "5"]]
    assert [len(one[0]["marks"]) for one in numbers] == [1, 0, 1]
    assert numbers[2][1]["height"] == 30
