"""The Python examples in the documentation run, and print what stands below them."""

import contextlib
import io
import re
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# A block of Python, and the block with its output where one follows at once.
BLOCK = re.compile(r"^```python\n(.*?)^```$(?:\n\n```text\n(.*?)^```$)?", re.MULTILINE | re.DOTALL)


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
