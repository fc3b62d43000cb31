"""The documentation: its commands and Python examples print what it shows, and its links and paths exist."""

import contextlib
import functools
import io
import json
import re
import shlex
import shutil
from pathlib import Path

import click
import numpy as np
import pytest
from click.testing import CliRunner

import digitdet
from digitdet.cli.main import main
from digitdet.configs import ReadConfig, SynthConfig, load_config
from digitdet.synth.scene import SceneComposer
from digitdet.synth.sources import load_materials

ROOT = Path(__file__).parents[1]
# A block of Python, and the block with its output if one follows directly.
BLOCK = re.compile(r"^```python\n(.*?)^```$(?:\n\n```text\n(.*?)^```$)?", re.MULTILINE | re.DOTALL)
PLACEHOLDERS = {"docs/images/looks/NAME.jpg", "examples/missing.jpg"}
PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for pattern in ("*.md", "docs/**/*.md", "benchmarks/*.md", "synth/*.md", "detector/models/*.md")
    for path in ROOT.glob(pattern)
    if path.name != "CHANGELOG.md"  # names files that are gone
)


def pages_with(block):
    """The README and the pages of docs/ that hold a block of this language."""
    names = [name for name in PAGES if name.startswith(("README", "docs/"))]
    return [name for name in names if f"\n```{block}\n" in (ROOT / name).read_text(encoding="utf-8")]


@pytest.mark.parametrize("name", pages_with("python"))
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


@functools.cache  # pages repeat commands
def run(command):
    """The result of a command of a document, in the current folder: `stdout`, and `output` with the messages."""
    _digitdet, *arguments = shlex.split(command)
    return CliRunner().invoke(main, arguments)


def assert_same(shown, printed):
    """Compare JSON. Numbers differ a little between machines, and a document may shorten a list."""
    if isinstance(shown, dict):
        assert list(shown) == list(printed)
        for key, value in shown.items():
            assert_same(value, printed[key])
    elif isinstance(shown, list):
        assert bool(shown) == bool(printed) and len(shown) <= len(printed)
        for pair in zip(shown, printed):  # noqa: B905 -- shown may be shorter
            assert_same(*pair)
    elif isinstance(shown, float):
        assert shown == pytest.approx(printed, abs=0.011 if shown <= 1 else 0.5)
    else:
        assert shown == printed


def split_decimals(text):
    """Split text at its decimal numbers and percentages: texts and floats in turn."""
    parts = re.split(r"(?<![\d.])(\d+\.\d+|\d+(?=%))(?!\.)", text)
    return [(float(part) if "." in part else int(part) / 100) if row % 2 else part for row, part in enumerate(parts)]


def assert_same_lines(shown, printed):
    """Compare lines of text; a line of a document may end early, with ' ...'."""
    shown, printed = shown.splitlines(), printed.splitlines()
    assert len(shown) == len(printed)
    for line, whole in zip(shown, printed, strict=True):
        parts = split_decimals(line.removesuffix(" ..."))
        found = split_decimals(whole)[: len(parts)]
        if line.endswith(" ..."):
            found[-1] = found[-1][: len(parts[-1])]
        assert_same(parts, found)


@pytest.mark.parametrize("name", pages_with("console"))
def test_commands_print_what_the_document_says(name, monkeypatch):
    monkeypatch.chdir(ROOT)
    blocks = re.findall(r"^```console\n(.*?)^```", (ROOT / name).read_text("utf-8"), re.MULTILINE | re.DOTALL)
    shown = [
        re.split(r"\n", part, maxsplit=1)
        for block in blocks
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]
    ]
    for command, output in shown:
        if output:  # a block of JSON has its output below it
            result = run(command)
            with_messages = len(output.splitlines()) != len(result.stdout.splitlines())
            assert_same_lines(output, result.output if with_messages else result.stdout)


def commands(name):
    """The commands of digitdet in the shell blocks of a page, as lists of arguments."""
    blocks = re.findall(
        r"^```(?:sh|bash|console)\n(.*?)^```", (ROOT / name).read_text("utf-8"), re.MULTILINE | re.DOTALL
    )
    for line in "".join(blocks).replace("\\\n", " ").splitlines():
        for part in re.split(r"&& |\|\|? ", line):
            found = re.match(r"(?:\$ |printf.*; |\.venv/bin/)*digitdet (.*)", part.strip())
            if found:
                yield shlex.split(found[1], comments=True)


@pytest.mark.parametrize("name", PAGES)
def test_options_of_shown_commands_exist(name):
    for arguments in commands(name):
        command, context = main, click.Context(main)
        while isinstance(command, click.Group) and arguments[0] in command.list_commands(context):
            command, arguments = command.get_command(context, arguments[0]), arguments[1:]
        given, _, _ = command.make_parser(click.Context(command)).parse_args(list(arguments))
        choices = {one.name: one.type.choices for one in command.params if isinstance(one.type, click.Choice)}
        for option in choices.keys() & given.keys():
            values = given[option] if isinstance(given[option], list) else [given[option]]
            assert set(values) <= {str(one) for one in choices[option]}, arguments


def test_the_settings_of_the_tutorial_compose_pictures(tmp_path):
    block = re.search(r"```yaml\n(.*?)```", (ROOT / "docs/tutorial.md").read_text("utf-8"), re.DOTALL)[1]
    file = tmp_path / "codes.yaml"
    file.write_text(block, encoding="utf-8")
    config = load_config(SynthConfig, file)
    SceneComposer(config, load_materials(config).sources["test"]).compose(np.random.default_rng(0))


def test_the_reference_has_every_public_name():
    documented = re.findall(r"^::: digitdet\.(\w+)$", (ROOT / "docs/reference/api.md").read_text("utf-8"), re.MULTILINE)
    assert set(documented) == set(digitdet.__all__) - {"__version__"}


def test_badges_say_what_the_project_file_says():
    project = (ROOT / "pyproject.toml").read_text("utf-8")
    python = re.search(r'requires-python = ">=(.*)"', project)[1]
    assert f"python: {python} or newer" in (ROOT / "docs/images/badge-python.svg").read_text("utf-8")
    licences = re.search(r'^license = "(.*)"', project, re.MULTILINE)[1]
    assert {"MIT", "AGPL-3.0-only"} <= set(licences.split())
    assert "MIT, included detector AGPL-3.0" in (ROOT / "docs/images/badge-licence.svg").read_text("utf-8")


def test_the_json_of_the_document_is_printed(monkeypatch):
    monkeypatch.chdir(ROOT)
    document = (ROOT / "docs/reference/output.md").read_text("utf-8")
    command, block = re.search(r"\$ ([^\n]*--format jsonl[^\n]*)\n.*?```json\n(.*?)```", document, re.DOTALL).groups()
    assert_same(json.loads(block), json.loads(run(command).stdout))


def test_crops_are_labelled_as_the_document_says(monkeypatch, tmp_path):
    monkeypatch.chdir(ROOT)
    block = re.search(r"```csv\n(.*?)```", (ROOT / "docs/reference/output.md").read_text("utf-8"), re.DOTALL)[1]
    run(f"digitdet read examples/chalk.jpg --crops {shlex.quote(str(tmp_path))}")
    labels = (tmp_path / "labels.csv").read_text("utf-8")
    header, first = block.splitlines()
    assert labels.splitlines()[0] == header
    assert_same(split_decimals(first), split_decimals(labels.splitlines()[1]))


def test_the_settings_of_the_document_have_its_defaults():
    section = (ROOT / "docs/guides/python.md").read_text("utf-8").partition("## Settings")[2].partition("## ")[0]
    defaults = dict(re.findall(r"^\| `(\w+)` \|.*; ([\w.]+|`[^`]*`)(?: million)? \|$", section, re.MULTILINE))
    assert {"confidence", "min_confidence", "digits_only", "rotate", "batch"} <= set(defaults)
    for name, text in defaults.items():
        value = getattr(ReadConfig(), name)
        assert text == str(value // 1_000_000 if name == "max_pixels" else value), name


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
