"""Download open typefaces from npm (needs npm).

    python examples/fetch_typefaces.py fonts --category handwriting

The packages @fontsource/NAME contain the families of Google Fonts, each with its free licence. Of every family, the
weights 400 and 700, upright and italic, with Latin characters are stored as OUT/CATEGORY/NAME/*.woff, which
`digitdet synth --fonts` and `--hand-fonts` can read. The shipped model was trained with all five categories: about
1,600 families, 90 MB.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import tarfile
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

CATEGORIES = ("handwriting", "sans-serif", "serif", "display", "monospace")
# Scripts whose fonts contain thousands of characters; their Latin digits are in other families, too.
_LARGE = ("chinese", "japanese", "korean")
# Families for tracing, with lines or arrows around the characters.
_TRACED = ("-guides", "-arrows")
_KEPT = re.compile(r"-latin-(400|700)-(normal|italic)\.woff$|^LICENSE$")


def main() -> None:
    """Download every family of the selected categories; existing ones are skipped."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--category", choices=CATEGORIES, action="append", help="repeatable; default: all")
    options = parser.parse_args()
    wanted = families(options.category or CATEGORIES)
    folders = [options.out / category / name for name, category in wanted.items()]
    with ThreadPoolExecutor(8) as pool:
        for folder, found in zip(folders, pool.map(fetch, folders), strict=True):
            if not found:
                print(f"{folder.name}: no such package")


def families(categories: list[str] | tuple[str, ...]) -> dict[str, str]:
    """Return the package name of each family and its category."""
    with tempfile.TemporaryDirectory() as temporary:
        index = pack("google-font-metadata", Path(temporary))
        if index is None:
            raise SystemExit("npm could not download google-font-metadata")
        with tarfile.open(index) as archive:
            listed = json.load(archive.extractfile("package/data/google-fonts-v2.json"))
    return {
        name: entry["category"]
        for name, entry in listed.items()
        if entry["category"] in categories
        and not name.endswith(_TRACED)
        and (entry["category"] == "handwriting" or not any(subset.startswith(_LARGE) for subset in entry["subsets"]))
    }


def fetch(folder: Path) -> bool:
    """Download the font files of the family that `folder` is named after; return False if there is no such package."""
    if folder.exists():
        return True
    with tempfile.TemporaryDirectory() as temporary:
        packed = pack(f"@fontsource/{folder.name}", Path(temporary))
        if packed is None:
            return False
        with tarfile.open(packed) as archive:
            files = {Path(member.name).name: member for member in archive.getmembers() if member.isfile()}
            wanted = {name: archive.extractfile(member).read() for name, member in files.items() if _KEPT.search(name)}
    folder.mkdir(parents=True)
    for name, content in wanted.items():
        (folder / name).write_bytes(content)
    return True


def pack(package: str, folder: Path) -> Path | None:
    """Download the archive of an npm package into `folder`; return its path, or None if that failed."""
    command = ["npm", "pack", package, "--silent", "--pack-destination", str(folder)]
    done = subprocess.run(command, capture_output=True, check=False)  # noqa: S603 (fixed words)
    return next(folder.glob("*.tgz"), None) if done.returncode == 0 else None


if __name__ == "__main__":
    main()
