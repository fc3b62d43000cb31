"""Settings of `digitdet train`: the detector and the recogniser."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from digitdet.common.errors import ConfigError
from digitdet.configs.base import Config, Share

_Boxes = Annotated[int, Meta(ge=0, le=1000)]


class RecogniserConfig(Config, frozen=True, kw_only=True):
    """Settings of the training of the recogniser on crops of true digits and of the detector's proposals.

    The numbers of boxes are maxima, sampled from every picture in an epoch.
    """

    epochs: Annotated[int, Meta(ge=0, le=10_000)] = 3
    """Passes over the training pictures; 0 trains no recogniser."""

    learning_rate: Annotated[float, Meta(gt=0, le=1)] = 0.002
    """Highest learning rate of AdamW, after the warm-up."""

    true_boxes: _Boxes = 10
    """True boxes."""

    proposals: _Boxes = 5
    """Proposals that overlap a true digit enough to have its label."""

    pieces: _Boxes = 5
    """Background proposals that touch a digit: parts of one digit, or of two."""

    other_proposals: _Boxes = 2
    """Background proposals away from all digits. More of them make the recogniser reject true zeros and ones."""


class TrainConfig(Config, frozen=True, kw_only=True):
    """Settings of the training of a model: the detector with Ultralytics YOLO, then the recogniser."""

    architecture: Annotated[str, Meta(pattern=r"\.yaml$")] = "yolo11n.yaml"
    """Name of an Ultralytics model configuration."""

    start: str = "scratch"
    """Weights to start from: 'scratch' (random), 'shipped' (the model in the package) or the path of a .pt file."""

    epochs: Annotated[int, Meta(ge=0, le=10_000)] = 5
    """Passes over the training pictures; 0 keeps the detector that it starts from, and trains only the recogniser."""

    batch: Annotated[int, Meta(ge=1, le=4096)] = 16
    """Pictures in a step."""

    image_size: Annotated[int, Meta(ge=64, le=4096, multiple_of=32)] = 320
    """Longer side in pixels that pictures are scaled to; composed pictures have 320 px."""

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

    recogniser: RecogniserConfig = RecogniserConfig()
    """Settings of the recogniser. With 0 epochs, the model keeps the recogniser that it starts from, if any."""

    seed: Annotated[int, Meta(ge=0, le=2**31 - 1)] = 0
    """Seed of the start weights, the order of the pictures and the augmentation."""

    device: Annotated[str, Meta(pattern=r"^(auto|cpu|\d+)$")] = "auto"
    """'auto' (the first GPU, otherwise the CPU), 'cpu', or the number of a CUDA device such as '0'."""

    threads: Annotated[int, Meta(ge=0, le=1024)] = 0
    """Number of CPU threads; 0 uses every core."""

    precision: Literal["auto", "bf16", "fp32"] = "auto"
    """'auto' is bfloat16 if the processor has instructions for it, otherwise float32."""

    def check(self) -> None:
        """Require epochs for a detector with random weights."""
        if self.epochs == 0 and self.start == "scratch":
            raise ConfigError("epochs: 0 with random weights makes no detector; set start, or epochs above 0")
