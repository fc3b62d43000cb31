"""HTML pages that need nothing but themselves."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape
from importlib import resources

import numpy as np

from digitdet.classifiers.drawing import draw_comparison, draw_confusion, draw_gallery, draw_reliability
from digitdet.classifiers.metrics import Result
from digitdet.datasets.mnist import Digits

# Mistakes of each classifier that are shown: what fits on a screen.
_SHOWN = 60
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def format_page(results: Sequence[Result], digits: Digits, source: str) -> bytes:
    """One page that compares classifiers on the same digits: figures, plots, and each one's surest mistakes."""
    body = [
        f"<header><h1>digitdet classify</h1><p>{len(digits)} digits of {escape(source)}</p></header><main>",
        f'<section><h2>Side by side</h2><div class="wide">{table(*comparison_rows(results))}</div>',
        f'<div class="row">{picture(draw_comparison(results), "Errors against time")}'
        f"{picture(draw_reliability(results, digits.labels), 'Confidence against truth')}</div></section>",
        *(_section(result, digits) for result in results),
    ]
    return page("digitdet classify", "\n".join(body))


def comparison_rows(results: Sequence[Result]) -> tuple[list[str], list[list[str]]]:
    """Heads and rows of the table that has a line for each classifier."""
    heads = ["classifier", "right", "95% interval", "precision", "recall", "F1", "calibration error", "numbers stored"]
    rows = []
    for one in results:
        scores, means = one.scores, one.scores.means
        shares = [f"{means[name]:.2%}" for name in ("precision", "recall", "f1")]
        seconds = f"{one.training_seconds:,.0f} s" if one.training_seconds is not None else "?"
        interval = f"{scores.low:.2%} to {scores.high:.2%}"
        sizes = [f"{scores.calibration_error:.2%}", f"{one.size:,}", seconds, f"{scores.microseconds:,.0f} us"]
        rows.append([one.name, f"{scores.accuracy:.2%}", interval, *shares, *sizes])
    return [*heads, "trained in", "a digit"], rows


def page(title: str, body: str) -> bytes:
    """A whole document around a body, in the style of the pages of `digitdet eval`."""
    style = (resources.files("digitdet.evaluation") / "page.css").read_text(encoding="utf-8")
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>\n{style}figure img {{ max-width: 100%; }}\n</style>\n</head>\n"
        f"<body>\n{body}\n</main>\n</body>\n</html>\n"
    ).encode()


def picture(png: bytes, caption: str) -> str:
    """A picture in the page itself."""
    content = base64.b64encode(png).decode()
    name = escape(caption)
    return f'<figure><figcaption>{name}</figcaption><img alt="{name}" src="data:image/png;base64,{content}"></figure>'


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table; the first cell of each row is its name."""
    top = "".join(f'<th scope="col">{escape(head)}</th>' for head in heads)
    lines = (
        f'<tr><th scope="row">{escape(row[0])}</th>{"".join(f"<td>{escape(cell)}</td>" for cell in row[1:])}</tr>'
        for row in rows
    )
    return f"<table><thead><tr>{top}</tr></thead><tbody>{''.join(lines)}</tbody></table>"


def _section(result: Result, digits: Digits) -> str:
    scores = result.scores
    rows = [
        [str(digit), *(f"{values[digit]:.2%}" for values in (scores.precision, scores.recall, scores.f1))]
        for digit in range(10)
    ]
    wrong = result.mistakes(digits.labels)[:_SHOWN]
    chosen, sure = result.probabilities.argmax(axis=1), result.probabilities.max(axis=1)
    titles = [f"{digits.labels[row]} as {chosen[row]}\n{sure[row]:.0%}" for row in wrong.tolist()]
    gallery = (
        picture(draw_gallery(digits.images[wrong], titles), f"The {len(wrong)} surest mistakes: what it is, taken for")
        if len(wrong)
        else "<p>No mistake.</p>"
    )
    matrix = picture(draw_confusion(np.asarray(scores.confusion)), "Confusion matrix")
    figures = table(["digit", "precision", "recall", "F1"], rows)
    return (
        f'<section><h2>{escape(result.name)}</h2><div class="row">{matrix}<div>{figures}</div></div>{gallery}</section>'
    )
