"""The page that compares classifiers."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape

import numpy as np

from digitdet.classifiers.drawing import draw_comparison, draw_confusion, draw_gallery, draw_reliability
from digitdet.classifiers.metrics import Result
from digitdet.datasets.mnist import Digits
from digitdet.evaluation.html import document, table

# Mistakes of each classifier that are shown: what fits on a screen.
_SHOWN = 60


def format_page(results: Sequence[Result], digits: Digits, source: str) -> bytes:
    """One page that compares classifiers on the same digits: figures, plots, and each one's surest mistakes."""
    body = [
        f"<header><h1>digitdet classify</h1><p>{len(digits)} digits of {escape(source)}</p></header><main>",
        f'<section><h2>Side by side</h2><div class="wide">{table(*comparison_rows(results))}</div>',
        f'<div class="row">{picture(draw_comparison(results), "Errors against time")}'
        f"{picture(draw_reliability(results, digits.labels), 'Confidence against truth')}</div></section>",
        *(_section(result, digits) for result in results),
    ]
    return document("digitdet classify", "\n".join([*body, "</main>\n"]))


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


def picture(png: bytes, caption: str) -> str:
    """A picture in the page itself."""
    content = base64.b64encode(png).decode()
    name = escape(caption)
    return f'<figure><figcaption>{name}</figcaption><img alt="{name}" src="data:image/png;base64,{content}"></figure>'


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
