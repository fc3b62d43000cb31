"""Settings of `digitdet train`."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from digitdet.configs.base import Config, Seed, Share


class LineReaderConfig(Config, frozen=True, kw_only=True):
    """Settings of the training of the line reader, or of the second reader, on strips of the training pictures."""

    epochs: Annotated[float, Meta(gt=0, le=10_000)] = 8
    """How often every line is used; each time with another cut, contrast and noise."""

    learning_rate: Annotated[float, Meta(gt=0, le=1)] = 0.002
    """Highest learning rate of AdamW, after the warm-up; it falls along a cosine."""


class ProposalConfig(Config, frozen=True, kw_only=True):
    """Settings of the training of the proposal network on squares of the training pictures."""

    epochs: Annotated[float, Meta(gt=0, le=10_000)] = 8
    """How often every picture is used; each time with another size, place and contrast."""

    learning_rate: Annotated[float, Meta(gt=0, le=1)] = 0.003
    """Highest learning rate of AdamW, after the warm-up; it falls along a cosine."""


class TrainConfig(Config, frozen=True, kw_only=True):
    """Settings of the training of a model: the detector, with Ultralytics YOLO, and the line reader."""

    only: Literal["detector", "line-reader", "second-reader", "proposals"] | None = None
    """Train only this network, by default the detector and the line reader; the others are those of `start`, or the
    shipped ones. The second reader is a larger line reader, best trained on a GPU; the proposal network finds places of
    small digits in large pictures."""

    architecture: Annotated[str, Meta(pattern=r"\.yaml$")] = "yolo11n.yaml"
    """Name of an Ultralytics model configuration of the detector."""

    start: str = "scratch"
    """What to start from: 'scratch' (random weights), 'shipped' (the model in the package) or a run folder."""

    epochs: Annotated[int, Meta(ge=1, le=10_000)] = 5
    """Passes over the training pictures."""

    batch: Annotated[int, Meta(ge=1, le=4096)] = 16
    """Pictures in a step."""

    image_size: Annotated[int, Meta(ge=64, le=4096, multiple_of=32)] = 320
    """Longer side in pixels that pictures are scaled to; most composed pictures have 320 px."""

    learning_rate: Annotated[float, Meta(gt=0, le=1)] = 0.002
    """Highest learning rate of AdamW, after the warm-up."""

    final_learning_rate: Share = 0.05
    """Learning rate at the end, as a fraction of the highest; it falls along a cosine."""

    warmup_epochs: Annotated[float, Meta(ge=0, le=100)] = 0.3
    """Epochs in which the learning rate rises."""

    translate: Share = 0.1
    """Augmentation: maximum shift, as a fraction of the side of the picture."""

    scale: Share = 0.3
    """Augmentation: pictures are scaled by a factor between 1 - scale and 1 + scale."""

    brightness: Share = 0.4
    """Augmentation: brightness is multiplied by a factor between 1 - brightness and 1 + brightness."""

    mosaic: Share = 0.0
    """Augmentation: probability of a mosaic of four pictures. Off by default, since it cuts digits at the seams."""

    line_reader: LineReaderConfig = LineReaderConfig()
    """Settings of the line reader or, with `only: second-reader`, of the second reader; those above, from
    `architecture` on, are the settings of the detector."""

    proposals: ProposalConfig = ProposalConfig()
    """Settings of the proposal network."""

    seed: Seed = 0
    """Seed of the start weights, the order of the pictures and the augmentation."""

    device: Annotated[str, Meta(pattern=r"^(auto|cpu|\d+)$")] = "auto"
    """'auto' (the first GPU, otherwise the CPU), 'cpu', or the number of a CUDA device such as '0'."""

    threads: Annotated[int, Meta(ge=0, le=1024)] = 0
    """Number of CPU threads; 0 uses the cores that other programs leave idle at the moment (on Linux, otherwise every
    core). Training is reproducible only with a fixed number."""

    precision: Literal["auto", "bf16", "fp32"] = "auto"
    """'auto' is bfloat16 if the processor has instructions for it, otherwise float32."""
