"""The floors of the house: what may import what."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# Each folder may use those named; `detector`, the top floor, may use all.
MAY_USE = {
    "configs": set(),
    "datasets": {"configs"},
    "imaging": {"configs", "datasets"},
    "reading": {"configs", "datasets", "imaging"},
    "outputs": {"configs", "datasets", "imaging", "reading"},
    "evaluation": {"configs", "datasets", "imaging", "reading"},
    "synth": {"configs", "datasets"},
    "classifiers": {"configs", "datasets", "reading", "evaluation"},
    "scale": {"configs", "datasets", "imaging", "reading", "outputs", "synth", "detector"},
    "web": {"configs", "datasets", "imaging", "reading", "outputs", "detector"},
}
# `Reading.draw` is what a user looks for; it calls the floor above, when it is called.
EXCEPTIONS = {("reading/results.py", "outputs")}


def imported(path):
    """The folders of digitdet that a file imports from, those inside functions too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module] if node.module != "digitdet" else [f"digitdet.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        for name in names:
            if name.startswith("digitdet.") and name != "digitdet.__version__":
                part = name.split(".")[1]
                yield part if part in MAY_USE else "detector"


@pytest.mark.parametrize("folder", MAY_USE)
def test_imports_run_one_way(folder):
    files = sorted((ROOT / folder).glob("*.py"))
    assert files
    for path in files:
        for used in imported(path):
            allowed = used in MAY_USE[folder] | {folder} or (f"{folder}/{path.name}", used) in EXCEPTIONS
            assert allowed, f"{folder}/{path.name} imports from {used}"


def test_every_folder_is_packed():
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    for folder in MAY_USE:
        assert f'"digitdet.{folder}" = "{folder}"' in project
        assert (ROOT / folder / "__init__.py").is_file()


def test_onnx_runtime_is_imported_where_its_telemetry_is_switched_off():
    importing = [
        path.name
        for folder in (*MAY_USE, "detector")
        for path in (ROOT / folder).rglob("*.py")
        if "import onnxruntime" in path.read_text(encoding="utf-8")
    ]
    assert importing == ["session.py"]
