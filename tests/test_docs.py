"""The documentation: its Python examples print what they show, and its links and paths exist."""

import contextlib
import io
import re
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# A block of Python, and the block with its output if one follows directly.
BLOCK = re.compile(r"^```python\n(.*?)^```$(?:\n\n```text\n(.*?)^```$)?", re.MULTILINE | re.DOTALL)
PLACEHOLDERS = {"docs/looks/NAME.jpg", "examples/missing.jpg"}
PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for folder in (".", "docs", "benchmarks", "synth", "detector/models")
    for path in (ROOT / folder).glob("*.md")
    if path.name != "CHANGELOG.md"  # names files that are gone
)


@pytest.mark.parametrize("name", ["README.md", "docs/classifiers.md", "docs/constraints.md", "docs/python.md"])
def test_python_blocks_print_what_the_document_says(name, tmp_path, monkeypatch):
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    monkeypatch.chdir(tmp_path)
    document = (ROOT / name).read_text(encoding="utf-8")
    blocks = list(BLOCK.finditer(document))
    assert blocks
    namespace = {}
    for block in blocks:
        code, expected = block.groups()
        line = document.count("\n", 0, block.start(1))
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            # Moved down to its line in the document, so that a traceback names it.
            exec(compile("\n" * line + code, str(ROOT / name), "exec"), namespace)
        assert expected is None or printed.getvalue() == expected, f"{name}, line {line + 1}"


def anchors(path):
    """The anchors that GitHub gives to the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("name", PAGES)
def test_links_resolve(name):
    page = ROOT / name
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if "://" in target:
            continue
        file, _, anchor = target.partition("#")
        linked = (page.parent / file) if file else page
        assert linked.exists(), target
        assert not anchor or anchor in anchors(linked), target


@pytest.mark.parametrize("name", PAGES)
def test_paths_exist(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    folders, suffixes = (
        "detector|synth|datasets|configs|tests|benchmarks|docs|examples",
        "py|md|yaml|ipynb|txt|json|jpg",
    )
    for path in re.findall(rf"(?<![\w./-])((?:{folders})/[\w./-]*\w\.(?:{suffixes}))\b", text):
        assert path in PLACEHOLDERS or (ROOT / path).exists(), path
