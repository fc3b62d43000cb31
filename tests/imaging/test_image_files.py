"""The valid and the damaged image files in $DIGITDET_DATA/images."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from digitdet import NumberReader
from digitdet.common.types import Image
from digitdet.imaging.images import load_image, read_pages

FOLDER = Path(os.environ.get("DIGITDET_DATA", "")) / "images"

pytestmark = pytest.mark.skipif(
    not os.environ.get("DIGITDET_DATA") or not FOLDER.is_dir(),
    reason="no image files: set DIGITDET_DATA to a folder that holds images/",
)


def good(name: str) -> Path:
    return FOLDER / "good" / name


def difference(image: Image, other: Image) -> float:
    """Mean absolute difference of two pictures of one size, in levels of 255."""
    assert image.shape == other.shape
    return float(np.abs(image.astype(int) - other).mean())


def sevens() -> list[str]:
    """Names of the files that show the same 7 upright."""
    folder = good("generated")
    if not folder.is_dir():
        return []
    blank = ("ok_1x1", "ok_1x5000", "ok_5000x1", "ok_10000x10")
    turned = tuple(f"ok_exif{orientation}" for orientation in range(2, 9))
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith((*blank, *turned, "ok_scan")))


# Mean difference allowed for lossy formats, in levels of 255; all other files must be identical.
LOSS = {
    "exif_orientation_99.jpg": 1.0,
    "ok_exif1.jpg": 1.0,
    "ok_cmyk.jpg": 1.0,
    "ok.avif": 0.2,
    "ok.webp": 0.5,
    "ok_palette.png": 0.6,  # 16 colours
    "ok_bilevel.png": 2.5,  # no grey levels at the edge
    "ok_alpha_only_digit.png": 1.5,  # both colour and alpha fade at the edge
}


@pytest.mark.parametrize("name", sevens())
def test_every_format_decodes_to_the_same_seven(name: str) -> None:
    plain = load_image(good("generated/ok.PNG"))
    assert plain.shape == (64, 64, 3)
    assert difference(load_image(good("generated") / name), plain) <= LOSS.get(name, 0)


def test_a_scan_in_a_pdf_decodes_to_the_same_seven() -> None:
    pytest.importorskip("pypdfium2", reason="needs the extra pdf")
    scan = load_image(good("generated/ok_scan.pdf"))
    assert scan.shape == (178, 178, 3)  # 64 points at 200 dpi
    plain = cv2.resize(load_image(good("generated/ok.PNG")), (178, 178), interpolation=cv2.INTER_LINEAR)
    assert difference(scan, plain) < 3


@pytest.mark.parametrize("orientation", range(2, 9))
def test_every_exif_orientation_is_applied(orientation: int) -> None:
    plain = load_image(good("generated/ok_exif1.jpg"))
    turned = {
        2: plain[:, ::-1],
        3: plain[::-1, ::-1],
        4: plain[::-1],
        5: plain.swapaxes(0, 1),
        6: np.rot90(plain, -1),
        7: plain[::-1, ::-1].swapaxes(0, 1),
        8: np.rot90(plain),
    }
    assert np.array_equal(load_image(good(f"generated/ok_exif{orientation}.jpg")), turned[orientation])


@pytest.mark.parametrize("name", ["ok_multipage.tif", "ok_anim.gif"])
def test_pages_and_frames(name: str) -> None:
    pages = list(read_pages(good("generated") / name))
    assert [(page.number, page.count) for page in pages] == [(1, 2), (2, 2)]
    assert difference(pages[0].image, load_image(good("generated/ok.PNG"))) == 0
    assert difference(pages[1].image, pages[0].image) > 10


@pytest.mark.parametrize("name", ["Landscape", "Portrait"])
def test_photos_of_every_orientation_look_the_same(name: str) -> None:
    upright = load_image(good(f"exif-orientation/{name}_1.jpg"))
    for orientation in (0, *range(2, 9)):
        # Each has its own caption and compression; wrongly turned pictures differ by 40.
        assert difference(load_image(good(f"exif-orientation/{name}_{orientation}.jpg")), upright) < 4


def test_png_suite_decodes() -> None:
    paths = sorted(good("pngsuite").glob("*.png"))
    assert len(paths) == 161
    images = {path.stem: load_image(path) for path in paths}
    assert all(image.dtype == np.uint8 and image.ndim == 3 and image.shape[2] == 3 for image in images.values())
    interlaced = [name for name in images if name.startswith("png_basi") or "i3p" in name]
    for name in interlaced:
        assert np.array_equal(images[name], images[name.replace("basi", "basn").replace("i3p", "n3p")])
    assert len(interlaced) == 33


# VmHWM is the peak of the resident memory; writing 5 to clear_refs resets it (Linux, proc(5)).
CHILD = """
import importlib.util
import json, re, resource, sys, time
from pathlib import Path
from digitdet.common.errors import ImageError
from digitdet.imaging.images import read_pages
from digitdet.imaging.process import quiet_decoders

def megabytes(name):
    return int(re.search(name + r":\\s*(\\d+) kB", Path("/proc/self/status").read_text())[1]) / 1000

resource.setrlimit(resource.RLIMIT_AS, (4_000_000_000,) * 2)
for path in sys.stdin.read().splitlines():
    Path("/proc/self/clear_refs").write_text("5")
    start, before = time.process_time(), megabytes("VmRSS")
    try:
        with quiet_decoders():
            outcome = [page.image.shape for page in read_pages(path)]
    except ImageError as error:
        outcome = str(error)
    seconds = time.process_time() - start
    print(json.dumps([path, outcome, seconds, megabytes("VmHWM") - before, before]), flush=True)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_damaged_files_take_little_time_and_memory_and_give_one_line() -> None:
    """Runs in a child process, so that a crash or too much memory ends the child only."""
    paths = sorted(str(path) for path in (FOLDER / "bad").rglob("*") if path.is_file())
    assert len(paths) == 170
    done = subprocess.run(
        [sys.executable, "-c", CHILD], input="\n".join(paths), capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    results = [json.loads(line) for line in done.stdout.splitlines()]
    assert [result[0] for result in results] == paths
    for path, outcome, seconds, megabytes, _ in results:
        assert seconds < 2, path
        assert megabytes < 100, path
        if isinstance(outcome, str):
            assert outcome, path
            assert "\n" not in outcome, path
        else:  # some flipped bits are harmless, and the PNG with a bomb in a text chunk is a valid picture
            assert Path(path).name.startswith(("flip_", "ztxt_bomb")), path


def test_every_format_gives_the_same_reading() -> None:
    reader = NumberReader()
    names = [f"generated/{name}" for name in sevens()]
    if importlib.util.find_spec("pypdfium2"):
        names.append("generated/ok_scan.pdf")
    assert {name: reader.read(good(name)).texts for name in names} == {name: ["7"] for name in names}
