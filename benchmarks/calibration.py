"""Whether confidences mean what they say: reliability diagrams, calibration error, accuracy against coverage.

    python benchmarks/calibration.py [DATA] [--model FILE] [--fit] [--limit 500] [--plot FILE.png] [--json FILE]

DATA is a dataset of `digitdet synth` with a val and a test split, made by other seeds than the model's training
pictures; without DATA one is composed, --count pictures a split. `before` are the network's scores taken for
probabilities. `after` is the calibration that is stored in the model; where there is none, or with --fit, one fitted to
the val split. Everything is measured on the test split and on the real sets in $DIGITDET_DATA/real, which no fit has
seen. A real picture holds one number: it is right when the digits that were read, joined in reading order, are its
digits, and as sure as the least sure of the numbers that were read; where nothing was read it counts as not covered.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from digitdet.configs import ReadConfig, SynthConfig, load_preset, preset_names, replace
from digitdet.detection.postprocess import NmsResult
from digitdet.detection.search import MultiScaleDetector
from digitdet.imaging.images import load_image
from digitdet.reading.calibration import Calibration, parse_calibration
from digitdet.reading.numbers import NumberBuilder
from digitdet.reading.reliability import accuracy_at_coverage, expected_calibration_error, reliability_bins
from digitdet.synth.sources import load_materials
from digitdet.synth.writer import write_dataset
from digitdet.training.calibration import LabelledPicture, digit_evidence, fit_calibration, look_at, number_evidence

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SEVERAL_NUMBERS = ("sudoku_photos",)  # sets with more than one number a picture
_ALL = "all real sets"
_THRESHOLDS = (0.0, 0.5, 0.8, 0.9, 0.95)
_LEAST_POINT = 10  # predictions; a point of fewer says nothing
# Okabe and Ito's colours, which those who are colour-blind tell apart, too.
_GREY, _BLUE, _ORANGE = "#8c8c8c", "#0072b2", "#d55e00"


@dataclass(frozen=True)
class Evidence:
    """Predictions with a confidence (N,) each, 0 to 1, and whether they are right (N,); `missing` made none."""

    confidences: npt.NDArray[np.float64]
    right: npt.NDArray[np.bool_]
    missing: int = 0

    @property
    def error(self) -> float:
        """Expected calibration error."""
        return expected_calibration_error(self.confidences, self.right)

    def at(self, threshold: float) -> tuple[float, float]:
        """The part of all that is at least as sure as a threshold, and the part of those that is right."""
        sure = self.confidences >= threshold
        accuracy = float(self.right[sure].mean()) if sure.any() else float("nan")
        return float(sure.sum()) / max(len(sure) + self.missing, 1), accuracy


@dataclass(frozen=True)
class Comparison:
    """The same predictions before and after calibration."""

    before: Evidence
    after: Evidence


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("data", nargs="?", type=Path, metavar="DATA", help="a dataset; else one is composed")
    parser.add_argument("--model", type=Path, help="a model.onnx; else the shipped one")
    parser.add_argument("--fit", action="store_true", help="fit to the val split, even if the model is calibrated")
    parser.add_argument("--preset", choices=preset_names("synth"), default="default", help="what to compose")
    parser.add_argument("--count", type=int, default=1000, help="pictures to compose a split")
    parser.add_argument("--seed", type=int, default=0, help="what to compose")
    parser.add_argument("--mnist", type=Path, help="folder with the four MNIST files")
    parser.add_argument("--limit", type=int, default=500, help="pictures of a real set, evenly spaced; 0 is all")
    parser.add_argument("--plot", type=Path, default=Path("calibration.png"))
    parser.add_argument("--json", type=Path, help="write the figures as JSON, too")
    arguments = parser.parse_args()
    config = ReadConfig()
    finder = MultiScaleDetector(arguments.model, config)
    with tempfile.TemporaryDirectory() as scratch:
        data = arguments.data or compose(
            arguments.preset, arguments.count, arguments.seed, arguments.mnist, Path(scratch) / "data"
        )
        fitted = parse_calibration(finder.detector.calibration, finder.detector.name)
        if arguments.fit or fitted == Calibration():
            fitted = fit_calibration(look_at(finder, data, "val"), config)
        composed = compare_composed(look_at(finder, data, "test"), fitted, config)
    real = compare_real(finder, fitted, config, arguments.limit)
    print(f"calibration: {fitted.to_json()}\n")
    print("\n".join(error_table({**composed, **real}) + [""] + threshold_table({**composed, **real})))
    draw(composed, real, arguments.plot)
    if arguments.json:
        record = {"calibration": asdict(fitted), "sets": figures({**composed, **real})}
        arguments.json.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


def compose(preset: str, count: int, seed: int, mnist: Path | None, out: Path) -> Path:
    """A dataset with `count` pictures to fit to and as many to test with."""
    # One picture more: a dataset without any to train on is refused.
    share = count / (2 * count + 1)
    config = replace(
        load_preset(SynthConfig, "synth", preset), count=2 * count + 1, val_share=share, test_share=share, seed=seed
    )
    write_dataset(config, load_materials(config, mnist), out)
    return out


# --- evidence ---


def compare_composed(
    pictures: Sequence[LabelledPicture], fitted: Calibration, config: ReadConfig
) -> dict[str, Comparison]:
    """Digits and numbers of the test split."""
    digits = (_digits(pictures, calibration) for calibration in (Calibration(), fitted))
    numbers = (Evidence(*number_evidence(pictures, calibration, config)) for calibration in (Calibration(), fitted))
    return {"composed, digits": Comparison(*digits), "composed, numbers": Comparison(*numbers)}


def _digits(pictures: Sequence[LabelledPicture], calibration: Calibration) -> Evidence:
    scores, truths = digit_evidence(pictures)
    chances = calibration.of_digits(scores)[:, :10]
    return Evidence(chances.max(axis=1), chances.argmax(axis=1) == truths)


def compare_real(
    finder: MultiScaleDetector, fitted: Calibration, config: ReadConfig, limit: int
) -> dict[str, Comparison]:
    """The numbers of each real set, and last of all together; nothing where there are none."""
    root = Path(os.environ.get("DIGITDET_DATA", "")) / "real"
    if not os.environ.get("DIGITDET_DATA") or not root.is_dir():
        print("DIGITDET_DATA is not set to a folder that holds real/: without the real sets")
        return {}
    found = {}
    for folder in sorted(path.parent for path in root.glob("*/labels.csv")):
        if folder.name not in _SEVERAL_NUMBERS:
            pictures = look_at_real(finder, folder, limit)
            found[folder.name] = Comparison(
                *(read_real(pictures, calibration, config) for calibration in (Calibration(), fitted))
            )
    sets = list(found.values())
    return {**found, _ALL: Comparison(_joined([one.before for one in sets]), _joined([one.after for one in sets]))}


def look_at_real(finder: MultiScaleDetector, folder: Path, limit: int) -> list[tuple[NmsResult, str]]:
    """The digits of each picture of a set, and its number."""
    with (folder / "labels.csv").open(encoding="utf-8", newline="") as file:
        truths = [(row["image"], row["number"]) for row in csv.DictReader(file)]
    if limit and len(truths) > limit:
        truths = [truths[i * len(truths) // limit] for i in range(limit)]
    return [(finder.detect([load_image(folder / image)])[0], number) for image, number in truths]


def read_real(pictures: Sequence[tuple[NmsResult, str]], calibration: Calibration, config: ReadConfig) -> Evidence:
    """One prediction a picture."""
    builder = NumberBuilder.of_config(calibration, config, min_confidence=0.0)
    confidences, right = [], []
    for places, truth in pictures:
        numbers = builder.build(places)
        if numbers:
            confidences.append(min(number.confidence for number in numbers))
            right.append("".join(number.best for number in numbers) == truth)
    return Evidence(np.array(confidences), np.array(right, bool), len(pictures) - len(right))


def _joined(parts: Sequence[Evidence]) -> Evidence:
    return Evidence(
        np.concatenate([part.confidences for part in parts]),
        np.concatenate([part.right for part in parts]),
        sum(part.missing for part in parts),
    )


# --- tables ---


def error_table(sets: Mapping[str, Comparison]) -> list[str]:
    """Markdown: how far confidences are from the truth, on the whole and on average."""
    lines = [
        "| | predictions | right | mean confidence | calibration error before | after |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    for name, one in sets.items():
        right, mean = one.after.right.mean(), one.after.confidences.mean()
        lines.append(
            f"| {name} | {len(one.after.right):,} | {right:.1%} | {mean:.1%} | {one.before.error:.1%} "
            f"| {one.after.error:.1%} |"
        )
    return lines


def threshold_table(sets: Mapping[str, Comparison]) -> list[str]:
    """Markdown: what --min-confidence buys, as accuracy and, in brackets, coverage."""
    lines = [f"| | {' | '.join(f'{threshold:g}' for threshold in _THRESHOLDS)} |", "|---" + "|--:" * 5 + "|"]
    for name, one in sets.items():
        cells = []
        for threshold in _THRESHOLDS:
            coverage, accuracy = one.after.at(threshold)
            cells.append(f"{accuracy:.1%} ({coverage:.0%})" if coverage else "none")
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines


def figures(sets: Mapping[str, Comparison]) -> dict[str, Any]:
    """The tables as JSON types."""
    return {
        name: {
            "predictions": len(one.after.right),
            "missing": one.after.missing,
            "right": float(one.after.right.mean()),
            "mean_confidence": float(one.after.confidences.mean()),
            "error_before": one.before.error,
            "error_after": one.after.error,
            "coverage_and_accuracy": {str(threshold): one.after.at(threshold) for threshold in _THRESHOLDS},
        }
        for name, one in sets.items()
    }


# --- the figure ---


def draw(composed: Mapping[str, Comparison], real: Mapping[str, Comparison], path: Path) -> None:
    """Three reliability diagrams, and accuracy against coverage."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    style = {"font.size": 9, "axes.spines.top": False, "axes.spines.right": False, "axes.titleweight": "bold"}
    with pyplot.rc_context({**style, "axes.titlesize": 10, "legend.frameon": False, "savefig.dpi": 82}):
        figure, axes = pyplot.subplots(2, 2, figsize=(7.8, 7.4), layout="constrained")
        panels = [*composed.items(), *((name, one) for name, one in real.items() if name == _ALL)]
        for panel, (name, one) in zip(axes.flat, panels, strict=False):
            draw_reliability(panel, name, one)
        last = axes.flat[3]
        for (name, one), colour, above in zip(panels[1:], (_BLUE, _ORANGE), (-12, 6), strict=False):
            draw_coverage(last, name, one.after, colour, above)
        last.set(title="accuracy against coverage", xlabel="part of the numbers that is surer (coverage)")
        last.set(ylabel="part of these that is right (accuracy)", xlim=(0, 1.02), ylim=(None, 1.02))
        last.legend(loc="lower left")
        last.grid(alpha=0.25)
        figure.savefig(path)
        pyplot.close(figure)


def draw_reliability(panel: Axes, name: str, one: Comparison) -> None:
    """Points on the diagonal are honest; bars at the foot show how many predictions are where, after calibration."""
    panel.plot([0, 1], [0, 1], color="black", linewidth=0.8, linestyle=(0, (4, 3)))
    for when, evidence, colour, marker in (("before", one.before, _GREY, "s"), ("after", one.after, _BLUE, "o")):
        every = reliability_bins(evidence.confidences, evidence.right)
        points = [point for point in every if point.count >= _LEAST_POINT]
        x, y = [point.confidence for point in points], np.array([point.accuracy for point in points])
        low, high = _wilson(y, np.array([point.count for point in points]))
        label = f"{when}: error {evidence.error:.1%}"
        panel.errorbar(
            x, y, yerr=[y - low, high - y], color=colour, marker=marker, markersize=5, linewidth=1.4, label=label
        )
    shares = np.histogram(one.after.confidences, bins=10, range=(0, 1))[0] / max(len(one.after.confidences), 1)
    panel.bar(np.arange(10) / 10 + 0.05, 0.25 * shares, width=0.09, color=_BLUE, alpha=0.18, linewidth=0)
    panel.set(title=f"{name} ({len(one.after.right):,})", xlabel="confidence", ylabel="part that is right")
    panel.set(xlim=(0, 1), ylim=(0, 1.02), aspect="equal")
    panel.legend(loc="lower right", bbox_to_anchor=(1, 0.15))
    panel.grid(alpha=0.25)


def _wilson(share: npt.NDArray[np.float64], count: npt.NDArray[np.int64]) -> tuple[Any, Any]:
    """The interval in which the true share lies in 95 of 100 cases (Wilson, 1927)."""
    z2 = 1.96**2
    middle = (share + z2 / (2 * count)) / (1 + z2 / count)
    reach = np.sqrt(z2 * (share * (1 - share) / count + z2 / (4 * count**2))) / (1 + z2 / count)
    return np.minimum(middle - reach, share), np.maximum(middle + reach, share)


def draw_coverage(panel: Axes, name: str, evidence: Evidence, colour: str, above: int) -> None:
    """The curve, with a point at each threshold of the table, whose label stands so many points above it."""
    _, coverage, accuracy = accuracy_at_coverage(evidence.confidences, evidence.right)
    read = len(evidence.right) / (len(evidence.right) + evidence.missing)
    settled = slice(min(20, len(accuracy) // 10), None)  # the first few say nothing yet
    panel.plot(coverage[settled] * read, accuracy[settled], color=colour, linewidth=1.6, label=name)
    for threshold in _THRESHOLDS[1:]:
        x, y = evidence.at(threshold)
        if x:
            panel.plot(x, y, "o", color=colour, markersize=5)
            panel.annotate(f"{threshold:g}", (x, y), xytext=(-6, above), textcoords="offset points", fontsize=8)


if __name__ == "__main__":
    main()
