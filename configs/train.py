"""Settings of `digitdet train`."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from digitdet.common.errors import ConfigError
from digitdet.configs.base import Config, Share
from digitdet.configs.recogniser import RecogniserConfig


class TrainConfig(Config, frozen=True, kw_only=True):
    """How the detector is fitted. Where Ultralytics' own default is wrong for digits, the reason stands here."""

    architecture: Annotated[str, Meta(pattern=r"\.yaml$")] = "yolo11n.yaml"
    """An Ultralytics model description; yolo11n has 2.6 million parameters and reads a 320 px picture in 11 ms."""

    start: str = "scratch"
    """Where the weights start: 'scratch', 'shipped' (the model in the package) or the path of a .pt file."""

    epochs: Annotated[int, Meta(ge=0, le=10_000)] = 5
    """Passes over the training pictures. In digitdet 0.1.0 five over 5,100 of plain MNIST took the mAP50 past 0.95. 0
    leaves the detector as it starts, and trains only the recogniser."""

    batch: Annotated[int, Meta(ge=1, le=4096)] = 16
    """Pictures a step. Small: a short training gains more from many steps than from smooth ones."""

    image_size: Annotated[int, Meta(ge=64, le=4096, multiple_of=32)] = 320
    """Side of the square the pictures are scaled into; the composed ones are 320 px already."""

    learning_rate: Annotated[float, Meta(gt=0, le=1)] = 0.002
    """Of AdamW at its highest, after the warm-up."""

    final_learning_rate: Share = 0.05
    """What is left of the learning rate in the last epoch, as a part of the highest."""

    warmup_epochs: Annotated[float, Meta(ge=0, le=100)] = 0.3
    """Ultralytics' 3 would be most of a short training."""

    translate: Share = 0.1
    """Pictures are shifted by up to this part of their side."""

    scale: Share = 0.3
    """Pictures are enlarged or shrunk by up to this part."""

    brightness: Share = 0.4
    """Pictures are made brighter or darker by up to this part."""

    mosaic: Share = 0.0
    """Part of the pictures glued from four: it cuts digits at the seams and labels the halves, so it is off."""

    recogniser: RecogniserConfig = RecogniserConfig()
    """The second stage. With 0 epochs a model keeps that of the model it starts from, if that has one."""

    seed: Annotated[int, Meta(ge=0, le=2**31 - 1)] = 0

    device: Annotated[str, Meta(pattern=r"^(auto|cpu|\d+)$")] = "auto"
    """'auto' (a GPU where there is one), 'cpu', or the number of a CUDA device such as '0'."""

    threads: Annotated[int, Meta(ge=0, le=1024)] = 0
    """CPU threads for the network; 0 is every core."""

    precision: Literal["auto", "bf16", "fp32"] = "auto"
    """'auto' is bfloat16 where the processor computes in it (three times the speed on the CPU), else float32."""

    def check(self) -> None:
        """Refuse a model that would be random numbers."""
        if self.epochs == 0 and self.start == "scratch":
            raise ConfigError("epochs: 0 of random weights is no detector; give start or some epochs")
