"""`digitdet export`."""

from __future__ import annotations

from pathlib import Path

import click

from digitdet.cli.options import FOLDER, model_option, require_extra
from digitdet.common.errors import ImageError


@click.command()
@click.argument("pictures", nargs=-1, metavar="[PICTURE]...")
@click.option(
    "--format",
    "kind",
    type=click.Choice(["onnx", "openvino"]),
    required=True,
    help="onnx: for ONNX Runtime and other programs that read ONNX. openvino: for Intel's OpenVINO, in float32.",
)
@click.option("--out", type=FOLDER, help="New folder for the files.  [default: exported/FORMAT]")
@model_option
def export(pictures: tuple[str, ...], kind: str, out: Path | None, model: Path | None) -> None:
    """Write the networks of a model for other programs: the detector, the proposal network and both line readers.

    The files are kept only if the same numbers are read with them as with the model, in PICTURE... (files, folders,
    glob patterns or URLs) or in the examples of the web page. The guide "Exporting a model" describes the inputs and
    outputs of the networks.
    """
    if kind == "openvino":
        require_extra("--format openvino", "openvino", "openvino")
    from digitdet.export import export_model
    from digitdet.imaging.inputs import find_inputs

    examples = sorted((Path(__file__).parents[1] / "web" / "static" / "examples").glob("*.jpg"))
    folder = out or Path("exported") / kind
    inputs = list(find_inputs(pictures or map(str, examples)))
    for one in inputs:
        if one.error is not None:
            raise ImageError(f"{one.path}: {one.error}")
    compared = [one.path for one in inputs]
    done = export_model(model, kind, folder, compared)
    click.echo(f"{', '.join(done.files)} in {folder}")
    click.echo(f"pictures read alike: {len(compared)}; confidences differ by {done.difference:.4f} at most")
