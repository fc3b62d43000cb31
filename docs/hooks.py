"""What `make docs` adds to the files of this folder: pages from elsewhere in the repository, and the commands.

On GitHub, links lead to any file of the repository. On the site, Markdown files outside this folder are pages of their
own (`PAGES`), and every other file that a page links to is shown as source. MkDocs checks all links afterwards.
"""

from __future__ import annotations

import html
import logging
import posixpath
import re
from pathlib import Path

import click
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from digitdet.cli.main import main

_LOG = logging.getLogger("mkdocs.hooks")
ROOT = Path(__file__).parents[1]
# Files of the repository, and the pages of the site that show them.
PAGES = {
    "README.md": "index.md",
    "synth/README.md": "guides/extending-synth.md",
    "benchmarks/README.md": "benchmarks/running.md",
    "detector/models/MODEL_CARD.md": "benchmarks/model-card.md",
    "detector/models/CREDITS.md": "project/credits.md",
    "CONTRIBUTING.md": "project/contributing.md",
    "CHANGELOG.md": "project/changelog.md",
}
_LINK = re.compile(r"(\]\()([^)\s#]+)((?:#[^)\s]*)?\))")
_LANGUAGES = {".py": "py", ".yaml": "yaml", ".json": "json"}
_DOWNLOADS = (".ipynb", ".jpg", ".png")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add `PAGES`, the icon of the web page, and the source files that any page links to."""
    files.append(File.generated(config, "images/icon.svg", abs_src_path=str(ROOT / "detector/web/static/icon.svg")))
    for name, uri in PAGES.items():
        files.append(File.generated(config, uri, content=(ROOT / name).read_text(encoding="utf-8")))
    for page in list(files.documentation_pages()):
        for link in _LINK.finditer(page.content_string):
            target = _repository_path(page.src_uri, link[2])
            uri = target and _site_path(target)
            if target and uri and uri.startswith("source/") and uri not in files.src_uris:
                files.append(_source_file(config, target, uri))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:  # noqa: ARG001
    """Point links to files outside this folder to their pages, and insert the commands where they belong."""
    uri = page.file.src_uri
    if page.parent is None:
        page.meta["hide"] = ["navigation"]  # it would list this page alone

    def to_site(link: re.Match[str]) -> str:
        target = _repository_path(uri, link[2])
        found = target and _site_path(target)
        return f"{link[1]}{posixpath.relpath(found, posixpath.dirname(uri) or '.')}{link[3]}" if found else link[0]

    return _LINK.sub(to_site, markdown).replace("<!-- commands -->", _describe("digitdet", main))


def on_post_page(output: str, page: Page, config: MkDocsConfig) -> str:  # noqa: ARG001
    """Warn of scripts, styles and pictures of other hosts; with `strict`, a warning is an error."""
    for address in re.findall(r'<(?:script|link|img|iframe)\b[^>]*?(?:src|href)="((?:https?:)?//[^"]*)"', output):
        _LOG.warning("%s loads %s from another host", page.file.src_uri, address)
    return output


def _repository_path(uri: str, target: str) -> str | None:
    """The path in the repository of what a page links to, None for addresses of the web."""
    if re.match(r"[a-z]+:", target):
        return None
    own = next((name for name, page in PAGES.items() if page == uri), f"docs/{uri}")
    return posixpath.normpath(posixpath.join(posixpath.dirname(own), target))


def _site_path(path: str) -> str | None:
    """The page or file of the site that shows a file of the repository, None if there is none."""
    if path in PAGES:
        return PAGES[path]
    if path.startswith("docs/"):
        return path.removeprefix("docs/")
    if not (ROOT / path).exists():
        return None
    return f"source/{path}" if Path(path).suffix in _DOWNLOADS else f"source/{path}.md"


def _source_file(config: MkDocsConfig, path: str, uri: str) -> File:
    """A page with the text of a file or the names in a folder; notebooks and pictures as they are."""
    source = ROOT / path
    if uri.endswith(path):
        return File.generated(config, uri, abs_src_path=str(source))
    if source.is_dir():
        text = "\n".join(sorted(one.name for one in source.iterdir() if not one.name.startswith(("_", "."))))
    else:
        text = source.read_text(encoding="utf-8").rstrip()
    language = _LANGUAGES.get(source.suffix, "text")
    page = f"---\nsearch:\n  exclude: true\n---\n# {path}\n\n``````{language}\n{text}\n``````\n"
    return File.generated(config, uri, content=page)


class _Markdown(click.HelpFormatter):
    """Writes the help of a command as Markdown, with a table for every list of options."""

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:  # noqa: ARG002
        self.write(f"```text\n{prog} {args}\n```\n")

    def write_heading(self, heading: str) -> None:
        self.write(f"\n**{heading}**\n")

    def write_text(self, text: str) -> None:
        for paragraph in re.split(r"\n\s*\n", text):
            if paragraph.startswith("\b"):
                self.write(f"\n```text\n{paragraph[1:].strip(chr(10))}\n```\n")
            else:
                self.write(f"\n{_escape(' '.join(paragraph.split()))}\n")

    def write_dl(self, rows: list[tuple[str, str]], col_max: int = 30, col_spacing: int = 2) -> None:  # type: ignore[override]  # noqa: ARG002
        self.write("\n| option | meaning |\n|---|---|\n")
        for name, text in rows:
            self.write(f"| `{name}` | {_escape(text)} |\n")


def _escape(text: str) -> str:
    """Escape what Markdown would take for markup, except in `code`."""
    parts = re.split(r"(`[^`]*`)", text)
    plain = [re.sub(r"([|\[\]*_])", r"\\\1", html.escape(part, quote=False)) for part in parts[::2]]
    return "".join(part for pair in zip(plain, [*parts[1::2], ""], strict=True) for part in pair)


def _describe(path: str, command: click.Command, parent: click.Context | None = None) -> str:
    """A section for every command below a command."""
    context = click.Context(command, info_name=path.split()[-1], parent=parent, **command.context_settings)
    if isinstance(command, click.Group):
        own = [name for name in command.list_commands(context) if name != "help"]
        parts = [
            _describe(f"{path} {name}", found, context) for name in own if (found := command.get_command(context, name))
        ]
        return "\n".join(parts)
    formatter = _Markdown()
    command.format_help(context, formatter)
    return f"\n## {path}\n\n{formatter.getvalue()}"
