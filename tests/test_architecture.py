"""The architecture: which room may import which, and how the rooms are packaged."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# Every room and the rooms that it may import from. No room is named before it is listed, so there can be no circle.
# `reader` is detector/reader.py, `export` detector/export.py; `package` is what detector/__init__.py holds besides the
# names that it imports late.
MAY_IMPORT = {
    "common": set(),
    "configs": {"common"},
    "imaging": {"common"},
    "models": {"common"},
    "datasets.formats": {"common", "imaging"},
    "detection": {"common", "configs", "models"},
    "reading": {"common", "configs", "models", "detection"},
    "datasets": {"common", "imaging", "datasets.formats", "reading"},
    "reader": {"common", "configs", "imaging", "detection", "reading"},
    "export": {"common", "imaging", "models", "detection", "reading", "reader"},
    "outputs": {"common", "imaging", "models", "datasets", "datasets.formats", "reading", "reader"},
    "synth.digits": {"common", "datasets"},
    "synth.surfaces": {"common", "imaging", "datasets.formats"},
    "synth.pages": {"common", "configs", "synth.digits", "synth.surfaces"},
    "synth.effects": {"common", "synth.surfaces"},
    "synth": {
        *("common", "configs", "datasets", "datasets.formats"),
        *("synth.digits", "synth.surfaces", "synth.pages", "synth.effects"),
    },
    "evaluation": {"common", "imaging", "datasets", "datasets.formats", "detection", "reading", "reader"},
    "training": {
        *("common", "configs", "models", "datasets.formats"),
        *("detection", "reading", "reader", "evaluation"),
    },
    "classifiers": {"common", "configs", "datasets", "evaluation", "training"},
    "cluster": {*("common", "configs", "imaging", "reading", "reader", "outputs", "synth")},
    "web": {
        *("common", "configs", "imaging", "datasets.formats"),
        *("reading", "reader", "outputs"),
    },
}
ABOVE_ALL = {"cli", "package", "__main__"}


def source_files():
    for top in ("detector", "synth", "datasets", "configs"):
        yield from sorted((ROOT / top).rglob("*.py"))


def module_name(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    parts = parts[1:] if parts[0] == "detector" else parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in source_files()}


def room(module):
    """The room of a module, such as 'synth.pages' for 'synth.pages.lines'."""
    if module == "":
        return "package"
    parts = module.split(".")
    folder = parts if MODULES[module].name == "__init__.py" else parts[:-1]
    if not folder:
        return parts[0]
    return ".".join(folder[:2]) if folder[0] in ("synth", "datasets") else folder[0]


def imported(path):
    """The modules of digitdet that a file imports, inside functions too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "digitdet":
            base = node.module.partition(".")[2]
            for alias in node.names:
                inner = f"{base}.{alias.name}".strip(".")
                yield inner if inner in MODULES else base
        elif isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[2] for alias in node.names if alias.name.split(".")[0] == "digitdet")


def test_every_room_is_listed():
    assert {room(module) for module in MODULES} == set(MAY_IMPORT) | ABOVE_ALL


def test_no_circle():
    listed = set()
    for name, allowed in MAY_IMPORT.items():
        assert allowed <= listed, f"{name} may import rooms that are listed after it: {allowed - listed}"
        listed.add(name)


@pytest.mark.parametrize("name", MAY_IMPORT)
def test_imports_run_one_way(name):
    used = set()
    for module, path in MODULES.items():
        if room(module) != name:
            continue
        for target in imported(path):
            if target == "" or room(target) == name:  # `from digitdet import __version__`
                continue
            assert room(target) in MAY_IMPORT[name], f"{path.relative_to(ROOT)} imports digitdet.{target}"
            used.add(room(target))
    assert used == MAY_IMPORT[name], f"{name} may import rooms that it does not use: {MAY_IMPORT[name] - used}"


def test_every_folder_is_packaged():
    tomllib = pytest.importorskip("tomllib")  # Python 3.11
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
    folders = {module for module, path in MODULES.items() if path.name == "__init__.py"}
    assert {f"digitdet.{folder}".strip(".") for folder in folders} == set(settings["packages"])
    assert {path.parent for path in source_files()} == {MODULES[folder].parent for folder in folders}
    assert settings["package-dir"] == {
        "digitdet": "detector",
        **{f"digitdet.{name}": name for name in ("configs", "datasets", "synth")},
    }


def test_onnx_runtime_is_imported_where_its_telemetry_is_switched_off():
    importing = [module for module, path in MODULES.items() if "import onnxruntime" in path.read_text(encoding="utf-8")]
    assert importing == ["detection.session"]


def test_ultralytics_is_imported_where_its_switches_are_set():
    importing = [
        module
        for module, path in MODULES.items()
        if any(line.strip().startswith(("import ultralytics", "from ultralytics")) for line in path.open())
    ]
    assert importing == ["training.yolo"]


@pytest.mark.parametrize("folder", ["detector", "synth", "datasets", "configs", "tests", "benchmarks", "examples"])
def test_files_and_functions_are_short(folder):
    for path in sorted((ROOT / folder).rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        assert text.count("\n") <= 400, path
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                assert node.end_lineno - node.lineno < 50, f"{path}: {node.name} has more than 50 lines"
