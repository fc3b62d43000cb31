import io
import os
import sys

import cv2
import pytest

from digitdet.common.errors import DataError, ImageError
from digitdet.imaging.images import encode_png, load_image
from digitdet.imaging.inputs import Input, find_inputs, read_list


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The current folder, with pictures (empty files) on two levels and other files."""
    for name in (
        "b.jpg",
        "a.PNG",
        "scan.pdf",
        "c.heic",
        "notes.txt",
        ".hidden.jpg",
        "sub/d.tif",
        "sub/deep/e.gif",
        ".git/f.png",
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (tmp_path / "none").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_drawings_of_an_earlier_run_are_not_read_with_their_folder(folder):
    (folder / "sub/d.read.png").touch()
    (folder / "none/x.read.png").touch()
    assert [one.path for one in find_inputs(["sub", "sub/d.read.png"])] == [
        "sub/d.tif",
        "sub/deep/e.gif",
        "sub/d.read.png",
    ]
    assert [one.error for one in find_inputs(["none"])] == ["the folder holds no pictures"]


TOP = ["a.PNG", "b.jpg", "c.heic", "scan.pdf"]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ([], []),
        (["b.jpg"], ["b.jpg"]),
        (["b.jpg", "a.PNG", "b.jpg"], ["b.jpg", "a.PNG", "b.jpg"]),
        (["notes.txt", ".hidden.jpg"], ["notes.txt", ".hidden.jpg"]),
        (["gone.jpg"], ["gone.jpg"]),
        (["-"], ["-"]),
        (["sub"], ["sub/d.tif", "sub/deep/e.gif"]),
        (["sub/"], ["sub/d.tif", "sub/deep/e.gif"]),
        (["."], [*(f"./{name}" for name in TOP), "./sub/d.tif", "./sub/deep/e.gif"]),
        (["*.jpg"], ["b.jpg"]),
        (["[ab].*"], ["a.PNG", "b.jpg"]),
        (["su?"], ["sub/d.tif", "sub/deep/e.gif"]),
        (["sub/**"], ["sub/d.tif", "sub/deep/e.gif"]),
        (["**/*.gif"], ["sub/deep/e.gif"]),
        (["a\0b"], ["a\0b"]),
        (["https://example.org/[1].jpg?a=*"], ["https://example.org/[1].jpg?a=*"]),
        (["x" * 5000], ["x" * 5000]),
    ],
)
def test_names_are_expanded_to_files(folder, names, expected):
    assert list(find_inputs(names)) == [Input(path) for path in expected]


@pytest.mark.parametrize(
    ("name", "error"), [("*.bmp", "no file matches this pattern"), ("none", "the folder holds no pictures")]
)
def test_names_without_pictures_are_reported(folder, name, error):
    assert list(find_inputs([name, "b.jpg"])) == [Input(name, error), Input("b.jpg")]


def test_a_file_named_like_a_pattern_is_a_file(folder):
    (folder / "p[1].jpg").touch()
    assert list(find_inputs(["p[1].jpg"])) == [Input("p[1].jpg")]


def test_the_first_picture_is_found_before_the_rest_of_the_tree(folder, monkeypatch):
    found = find_inputs(["."])
    assert next(found) == Input("./a.PNG")
    monkeypatch.setattr(os, "scandir", None)  # os.walk would open the next folder
    assert next(found) == Input("./b.jpg")


def test_folders_that_cannot_be_read_are_reported(folder, monkeypatch):
    real = os.scandir

    def scandir(path):
        if str(path).endswith("deep"):
            raise PermissionError(13, "Permission denied", path)
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    found = list(find_inputs(["sub"]))
    assert found == [Input("sub/d.tif"), Input("sub/deep", "the folder cannot be read (Permission denied)")]


@pytest.mark.skipif(os.name == "nt", reason="names that Windows does not allow")
@pytest.mark.parametrize(
    "name", [b"-dash.png", b"line\nbreak.png", b"latin-\xe9.png", b"quote\"'.png", b"%00.png", b" .png"]
)
def test_strange_names(tmp_path, name, picture):
    path = tmp_path / os.fsdecode(name)
    try:
        path.write_bytes(encode_png(picture))
    except OSError:
        pytest.skip("this file system does not allow the name")
    for named in (str(path), str(tmp_path), f"{tmp_path}/*"):
        (found,) = find_inputs([named])
        assert found.path == str(path)
        assert load_image(found.source()).shape == picture.shape


@pytest.fixture
def picture():
    return load_image(b"P5 4 3 255 " + bytes(range(12)))


@pytest.fixture
def stdin(monkeypatch):
    """Returns a function that sets the content of standard input."""

    def set_content(content):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))

    return set_content


def test_a_picture_from_standard_input(stdin, picture):
    stdin(encode_png(picture))
    (found,) = find_inputs(["-"])
    assert found.path == "-"
    assert (load_image(found.source()) == picture).all()
    with pytest.raises(ImageError, match="empty"):  # standard input can be read once
        load_image(found.source())


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", []),
        (b"a.jpg", ["a.jpg"]),
        (b"a.jpg\nsub/b c.jpg\n\n#1.jpg\n", ["a.jpg", "sub/b c.jpg", "#1.jpg"]),
        (b"\xef\xbb\xbfa.jpg\r\n\r\nb.jpg\r\n", ["a.jpg", "b.jpg"]),
        (b" \na.jpg\n\t\r\n", ["a.jpg"]),
        (b"a.jpg\0line\nbreak.jpg\0", ["a.jpg", "line\nbreak.jpg"]),
        (b"latin-\xe9.jpg\n", [os.fsdecode(b"latin-\xe9.jpg")]),
    ],
)
def test_lists(tmp_path, stdin, content, expected):
    path = tmp_path / "list.txt"
    path.write_bytes(content)
    assert read_list(str(path)) == expected
    stdin(content)
    assert read_list("-") == expected


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".bmp", ".webp", ".gif"])
def test_a_picture_is_no_list(tmp_path, picture, suffix):
    cv2.imwrite(str(tmp_path / f"a{suffix}"), picture)
    with pytest.raises(DataError, match="is not a text file in UTF-8; name a picture without --from-file"):
        read_list(str(tmp_path / f"a{suffix}"))


def test_a_list_in_utf16_is_refused(tmp_path):
    (tmp_path / "a.txt").write_text("a.jpg", encoding="utf-16")
    with pytest.raises(DataError, match="is not a text file in UTF-8"):
        read_list(str(tmp_path / "a.txt"))


@pytest.mark.parametrize("name", ["gone.txt", ".", "a\0b"])
def test_lists_that_cannot_be_read(tmp_path, name):
    with pytest.raises(DataError, match="the list cannot be read"):
        read_list(str(tmp_path / name))
