"""Settings of the recogniser's training, the second stage of `digitdet train`."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from digitdet.configs.base import Config

_Count = Annotated[int, Meta(ge=0, le=1000)]


class RecogniserConfig(Config, frozen=True, kw_only=True):
    """How the recogniser is fitted to what the detector proposes. It sees some boxes of each picture an epoch."""

    epochs: Annotated[int, Meta(ge=0, le=10_000)] = 3
    """Passes over the training pictures; 0: the model has no recogniser. Two cores see some 1,300 boxes a second."""

    learning_rate: Annotated[float, Meta(gt=0, le=1)] = 0.002
    """Of AdamW at its highest, after the warm-up."""

    true_boxes: _Count = 10
    """True digits that are seen of a picture: pages full of digits would else be most of the training."""

    proposals: _Count = 5
    """Proposals that are digits: their boxes are as inexact as those that reading shows."""

    pieces: _Count = 5
    """Proposals that hold a part of a digit, or of two: what the recogniser is needed for most."""

    other_proposals: _Count = 2
    """Proposals away from all digits. Few: rings and strokes among them are so like a 0 and a 1 that with eight a
    picture, those with the highest scores first, every fifth 0 and 1 on real pictures was taken for nothing."""
