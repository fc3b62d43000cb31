import struct
import sys
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digitdet.common.errors import ImageError
from digitdet.imaging import pages as decoding
from digitdet.imaging.images import load_image, read_pages

# The picture below, 60 x 40 pixels, stored with orientation 5 (transposed): "irot" and "imir".
AVIF, HEIC = (Path(__file__).with_name(f"turned.{suffix}").read_bytes() for suffix in ("avif", "heic"))


@pytest.fixture(scope="module")
def picture():
    """A gradient of 60 x 40 pixels, which lossy formats keep well: red grows to the right, green downwards."""
    y, x = np.mgrid[0:40, 0:60]
    return np.dstack([np.full((40, 60), 90), y * 6, x * 4]).astype(np.uint8)


def encoded(picture, suffix):
    return cv2.imencode(suffix, picture)[1].tobytes()


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tiff", ".jpg", ".webp", ".gif", ".avif", ".jp2", ".ppm"])
def test_path_bytes_and_array_are_the_same(tmp_path, picture, suffix):
    content = encoded(picture, suffix)
    path = tmp_path / f"a picture ü{suffix}"
    path.write_bytes(content)
    image = load_image(path)
    assert image.shape == picture.shape
    assert image.flags.c_contiguous
    assert image.dtype == np.uint8
    assert np.array_equal(load_image(str(path)), image)
    assert np.array_equal(load_image(content), image)
    assert np.array_equal(load_image(image), image)
    assert np.abs(image.astype(int) - picture).mean() < (12 if suffix == ".gif" else 4)  # GIF has 256 colours


def exif(orientation):
    """EXIF with one tag: TIFF header and a directory with the entry 0x0112."""
    return b"II*\0\x08\0\0\0" + struct.pack("<HHHIHHI", 1, 0x0112, 3, 1, orientation, 0, 0)


def with_orientation(content, orientation):
    """Insert EXIF into the bytes of a JPEG, PNG, WebP or TIFF."""
    data = exif(orientation)
    if content[:2] == b"\xff\xd8":
        data = b"Exif\0\0" + data
        return content[:2] + b"\xff\xe1" + struct.pack(">H", len(data) + 2) + data + content[2:]
    if content[1:4] == b"PNG":
        chunk = b"eXIf" + data
        return content[:33] + struct.pack(">I", len(data)) + chunk + struct.pack(">I", zlib.crc32(chunk)) + content[33:]
    if content[:4] == b"RIFF":
        height, width = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED).shape[:2]
        size = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
        chunks = (
            b"VP8X" + struct.pack("<II", 10, 8) + size + content[12:] + b"EXIF" + struct.pack("<I", len(data)) + data
        )
        return b"RIFF" + struct.pack("<I", len(chunks) + 4) + b"WEBP" + chunks
    # TIFF: append a copy of the directory with one more tag
    (place,) = struct.unpack_from("<I", content, 4)
    (count,) = struct.unpack_from("<H", content, place)
    entries = [content[place + 2 + 12 * row :][:12] for row in range(count)]
    entries = sorted([*entries, struct.pack("<HHIHH", 0x0112, 3, 1, orientation, 0)], key=lambda entry: entry[1::-1])
    directory = struct.pack("<H", count + 1) + b"".join(entries) + bytes(4)
    return content[:4] + struct.pack("<I", len(content)) + content[8:] + directory


# How to store a picture so that applying the orientation restores it.
STORED = {
    1: lambda image: image,
    2: lambda image: image[:, ::-1],
    3: lambda image: image[::-1, ::-1],
    4: lambda image: image[::-1],
    5: lambda image: image.swapaxes(0, 1),
    6: lambda image: np.rot90(image),
    7: lambda image: image[::-1, ::-1].swapaxes(0, 1),
    8: lambda image: np.rot90(image, -1),
}


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tiff"])
@pytest.mark.parametrize("orientation", STORED)
def test_exif_orientation_is_applied(picture, suffix, orientation):
    stored = np.ascontiguousarray(STORED[orientation](picture))
    image = load_image(with_orientation(encoded(stored, suffix), orientation))
    assert image.shape == picture.shape
    assert np.abs(image.astype(int) - picture).mean() < 4


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp"])
@pytest.mark.parametrize("orientation", [0, 9, 99])
def test_invalid_orientations_are_ignored(picture, suffix, orientation):
    content = encoded(picture, suffix)
    assert np.array_equal(load_image(with_orientation(content, orientation)), load_image(content))


@pytest.mark.parametrize("turns", range(4))
@pytest.mark.parametrize("mirror", [0, 1])
def test_avif_and_heic_are_turned_the_same_way(turns, mirror):
    """Both store rotation and mirroring in the same boxes; libheif applies them to HEIC, digitdet to AVIF."""
    pytest.importorskip("pi_heif", reason="needs the extra heic")
    images = []
    for content in (AVIF, HEIC):
        changed = bytearray(content)
        changed[content.index(b"irot") + 4] = turns
        changed[content.index(b"imir") + 4] = mirror
        images.append(load_image(bytes(changed)).astype(int))
    assert images[0].shape == images[1].shape == ((60, 40, 3) if turns % 2 else (40, 60, 3))
    assert np.abs(images[0] - images[1]).mean() < 8


def test_missing_file_and_folder(tmp_path):
    with pytest.raises(ImageError, match="No such file"):
        load_image(tmp_path / "gone.jpg")
    with pytest.raises(ImageError):
        load_image(tmp_path)
    with pytest.raises(ImageError, match="not a valid file name"):
        load_image("a\0b.png")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"just text", "not a picture"),
        (b"\xff\xd8\xff", "cut off"),
        (b"\x89PNG\r\n", "not a picture"),
        (b"\x89PNG\r\n\x1a\n", "header of the PNG is damaged"),
        (b"GIF89a\1\0\1\0\0\0\0;", "holds no picture"),
        (b"II*\0\x08\0\0\0\0\0\x08\0\0\0", "circular"),
        (b"MM\0+\0\x08\0\0" + b"\xff" * 8, "cut off"),
        (b"<svg/>", "not a picture"),
    ],
)
def test_files_that_are_no_pictures_are_rejected(content, reason):
    with pytest.raises(ImageError, match=reason):
        load_image(content)


@pytest.mark.parametrize("part", [0.5, 0.8, 0.95])
def test_truncated_jpeg_is_rejected(picture, part):
    noisy = np.random.default_rng(0).integers(0, 256, picture.shape).astype(np.uint8)
    content = encoded(noisy, ".jpg")
    with pytest.raises(ImageError, match="cut off"):
        load_image(content[: int(len(content) * part)])


def test_a_jpeg_of_empty_segments_alone_is_rejected_early(picture):
    content = cv2.imencode(".jpg", picture)[1].tobytes()
    comments = b"\xff\xfe\x00\x02"
    assert np.array_equal(load_image(content[:2] + 100 * comments + content[2:]), load_image(content))
    with pytest.raises(ImageError, match="damaged or cut off"):
        load_image(content[:2] + 20_000 * comments + content[2:])


def test_truncated_jpeg_with_a_complete_thumbnail_is_rejected(picture):
    """The thumbnail inside EXIF ends with the marker that the picture itself lacks."""
    thumbnail = encoded(picture, ".jpg")
    exif = b"Exif\0\0" + thumbnail
    content = encoded(picture, ".jpg")
    content = content[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + content[2:]
    assert load_image(content).shape == picture.shape
    with pytest.raises(ImageError, match="cut off"):
        load_image(content[:-40])


@pytest.mark.parametrize("seed", range(5))
def test_bytes_after_a_jpeg_are_ignored(picture, seed):
    """Phones append a film, in which every marker can occur."""
    film = np.random.default_rng(seed).bytes(300_000)
    assert b"\xff\xda" in film
    assert load_image(encoded(picture, ".jpg") + film).shape == picture.shape


def test_progressive_jpeg_with_several_scans(picture):
    flags = [cv2.IMWRITE_JPEG_PROGRESSIVE, 1, cv2.IMWRITE_JPEG_RST_INTERVAL, 2]
    content = cv2.imencode(".jpg", picture, flags)[1].tobytes()
    assert content.count(b"\xff\xda") > 3
    assert load_image(content).shape == picture.shape
    with pytest.raises(ImageError, match="cut off"):
        load_image(content[:-2])


@pytest.mark.parametrize("suffix", [".png", ".webp", ".tiff", ".gif", ".bmp", ".avif", ".jp2", ".ppm"])
@pytest.mark.parametrize("part", [0.5, 0.97])
def test_other_truncated_formats_are_rejected(suffix, part):
    noisy = np.random.default_rng(0).integers(0, 256, (40, 60, 3)).astype(np.uint8)
    content = encoded(noisy, suffix)
    with pytest.raises(ImageError):
        load_image(content[: int(len(content) * part)])


def test_pages_of_a_tiff(picture):
    """Pages may differ in size, depth and channels."""
    pages = [picture, picture[:30, :, 0], picture[:, :20].astype(np.uint16) * 257]
    content = cv2.imencodemulti(".tiff", [np.ascontiguousarray(page) for page in pages])[1].tobytes()
    found = list(read_pages(content))
    assert [(page.number, page.count) for page in found] == [(1, 3), (2, 3), (3, 3)]
    assert np.array_equal(found[0].image, picture)
    assert np.array_equal(found[1].image, np.dstack([pages[1]] * 3))
    assert np.array_equal(found[2].image, picture[:, :20])
    assert np.array_equal(load_image(content), picture)


def test_pages_before_a_damaged_one_are_read(picture):
    content = cv2.imencodemulti(".tiff", [picture, np.zeros((100, 100), np.uint8), picture])[1].tobytes()
    pages = read_pages(content, max_pixels=picture.shape[0] * picture.shape[1])
    assert next(pages).number == 1
    with pytest.raises(ImageError, match=r"^100 x 100 pixels are above the limit .*--config"):
        next(pages)


def animated(frames, suffix):
    animation = cv2.Animation()
    animation.frames, animation.durations = frames, [100] * len(frames)
    return cv2.imencodeanimation(suffix, animation)[1].tobytes()


@pytest.mark.parametrize("suffix", [".gif", ".webp", ".png"])
def test_every_frame_of_an_animation_is_a_page(monkeypatch, suffix):
    monkeypatch.setattr("digitdet.imaging.pages._BATCH_PIXELS", 2 * 32 * 48)  # two frames per batch
    shades = (40, 90, 140, 190, 240)
    pages = list(read_pages(animated([np.full((32, 48, 3), shade, np.uint8) for shade in shades], suffix)))
    assert [(page.number, page.count) for page in pages] == [(number, 5) for number in range(1, 6)]
    for page, shade in zip(pages, shades, strict=True):
        assert page.image.shape == (32, 48, 3)
        assert abs(page.image.mean() - shade) < 8  # GIF dithers greys


def png_header(width, height):
    data = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    end = struct.pack(">I", 0) + b"IEND" + struct.pack(">I", zlib.crc32(b"IEND"))
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + data + struct.pack(">I", zlib.crc32(data)) + end


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".bmp", ".tiff", ".webp", ".gif", ".avif", ".jp2", ".ppm"])
def test_the_limit_on_pixels_holds_in_every_format(picture, suffix):
    content = encoded(picture, suffix)
    assert load_image(content, max_pixels=60 * 40).shape == picture.shape
    with pytest.raises(ImageError, match=r"^60 x 40 pixels are above the limit of"):
        load_image(content, max_pixels=60 * 40 - 1)


@pytest.mark.parametrize(("width", "height"), [(10_001, 10_000), (1, 2**31 - 1), (2**31 - 1, 2**31 - 1)])
def test_the_limit_is_checked_before_anything_is_decoded(monkeypatch, width, height):
    monkeypatch.setattr(cv2, "imdecode", None)
    with pytest.raises(ImageError, match="above the limit of 100 million"):
        load_image(png_header(width, height))


@pytest.mark.parametrize(("width", "height"), [(0, 0), (0, 5), (5, 0)])
def test_pictures_without_size_are_rejected(width, height):
    with pytest.raises(ImageError, match="no width or no height"):
        load_image(png_header(width, height))


def test_a_chunk_longer_than_its_png_is_rejected(monkeypatch, picture):
    """OpenCV would allocate the length of the chunk."""
    monkeypatch.setattr(cv2, "imdecode", None)
    content = bytearray(encoded(picture, ".png"))
    struct.pack_into(">I", content, 33, 0xFFFF_FFF0)
    with pytest.raises(ImageError, match="damaged or cut off"):
        load_image(bytes(content))


def pdf_of(*sizes):
    """A PDF of pages of these sizes in points, each with a black square of half its width in the lower left corner."""
    kids = " ".join(f"{3 + 2 * index} 0 R" for index in range(len(sizes)))
    objects = ["<</Type/Catalog/Pages 2 0 R>>", f"<</Type/Pages/Count {len(sizes)}/Kids[{kids}]>>"]
    for index, (width, height) in enumerate(sizes):
        drawing = f"0 0 {width / 2} {width / 2} re f"
        objects.append(f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 {width} {height}]/Contents {4 + 2 * index} 0 R>>")
        objects.append(f"<</Length {len(drawing)}>>stream\n{drawing}\nendstream")
    content = "%PDF-1.4\n"
    places = []
    for number, text in enumerate(objects, start=1):
        places.append(len(content))
        content += f"{number} 0 obj{text}endobj\n"
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    start = len(content)
    content += (
        f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}trailer<</Size {len(objects) + 1}/Root 1 0 R>>\n"
    )
    return f"{content}startxref\n{start}\n%%EOF\n".encode()


def test_pdf_pages_are_rendered_at_200_dpi():
    pytest.importorskip("pypdfium2", reason="needs the extra pdf")
    pages = list(read_pages(pdf_of((72, 36), (144, 288))))
    assert [(page.number, page.count, page.image.shape) for page in pages] == [
        (1, 2, (100, 200, 3)),
        (2, 2, (800, 400, 3)),
    ]
    assert pages[1].image[790, 10].tolist() == [0, 0, 0]
    assert pages[1].image[10, 390].tolist() == [255, 255, 255]


def test_only_one_thread_at_a_time_uses_pdfium(monkeypatch):
    pytest.importorskip("pypdfium2", reason="needs the extra pdf")
    using, render = [], decoding._render_page

    def render_slowly(*arguments):
        using.append(1)
        time.sleep(0.01)
        assert len(using) == 1
        using.pop()
        return render(*arguments)

    monkeypatch.setattr(decoding, "_render_page", render_slowly)
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda _: len(list(read_pages(pdf_of((20, 10), (20, 10))))), range(8)))
    assert found == [2] * 8


def test_pdf_pages_above_the_limit_are_rendered_smaller():
    pytest.importorskip("pypdfium2", reason="needs the extra pdf")
    height, width = load_image(pdf_of((14400, 7200)), max_pixels=20_000).shape[:2]
    assert 18_000 < width * height <= 20_400  # the sides are rounded up
    assert width == pytest.approx(2 * height, abs=2)


@pytest.mark.parametrize(
    ("module", "content", "remedy"),
    [
        ("pi_heif", HEIC, r"reading HEIC needs the package 'pi-heif': .*pip install .*\[heic\]'"),
        ("pypdfium2", pdf_of((72, 72)), r"reading PDF needs the package 'pypdfium2': .*pip install .*\[pdf\]'"),
    ],
)
def test_a_missing_extra_is_named_with_its_remedy(monkeypatch, module, content, remedy):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ImageError, match=remedy):
        load_image(content)


def test_pixels_of_a_heic_stay_valid_after_the_file_is_closed():
    """pi-heif frees its memory, which the next allocations overwrite."""
    pytest.importorskip("pi_heif", reason="needs the extra heic")
    images = [load_image(HEIC) for _ in range(20)]
    assert all(np.array_equal(image, images[0]) for image in images)
    kept = images[0].copy()
    _overwrite = [bytes([255]) * size for size in range(4000, 16_000, 100)]
    assert np.array_equal(images[0], kept)


def test_damaged_metadata_of_a_heic_are_ignored():
    """They would crash pi-heif, and with it the process."""
    pytest.importorskip("pi_heif", reason="needs the extra heic")
    damaged = HEIC.replace(b"Exif", b"Exi\xff", 1)  # the type of the item
    assert np.array_equal(load_image(damaged), load_image(HEIC))


def small_files():
    y, x = np.mgrid[0:32, 0:32]
    picture = np.dstack([x * 8, y * 8, x * y % 256]).astype(np.uint8)
    files = [encoded(picture, suffix) for suffix in (".png", ".jpg", ".bmp", ".webp", ".gif", ".avif", ".jp2", ".ppm")]
    files.append(cv2.imencodemulti(".tiff", [picture, picture])[1].tobytes())
    files.append(animated([picture, 255 - picture], ".gif"))
    files.append(animated([picture, 255 - picture], ".png"))
    files.append(with_orientation(encoded(picture, ".webp"), 6))
    return [*files, AVIF, HEIC, pdf_of((20, 10))]


FILES = small_files()


@settings(max_examples=200, deadline=None)
@given(
    file=st.sampled_from(FILES),
    # Half of the changes are near the start, in the header.
    changes=st.lists(st.tuples(st.one_of(st.integers(0, 80), st.integers(0, 2000)), st.integers(0, 255)), max_size=6),
    length=st.one_of(st.none(), st.integers(0, 2000)),
)
def test_damaged_files_are_read_or_rejected_with_one_line(file, changes, length):
    damaged = bytearray(file[:length])
    for place, value in changes:
        if place < len(damaged):
            damaged[place] = value
    try:
        for page in read_pages(bytes(damaged), max_pixels=1_000_000):
            assert page.image.dtype == np.uint8
            assert page.image.ndim == 3
    except ImageError as error:
        assert str(error)
        assert "\n" not in str(error)
