"""Settings of the training of the recogniser."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from digitdet.configs.base import Config

_Count = Annotated[int, Meta(ge=0, le=1000)]


class RecogniserConfig(Config, frozen=True, kw_only=True):
    """Settings of the training of the recogniser on crops of true digits and of the detector's proposals.

    The counts are the maximum number of boxes of a kind that are sampled from a picture in an epoch.
    """

    epochs: Annotated[int, Meta(ge=0, le=10_000)] = 3
    """Passes over the training pictures; 0 trains no recogniser."""

    learning_rate: Annotated[float, Meta(gt=0, le=1)] = 0.002
    """Highest learning rate of AdamW, after the warm-up."""

    true_boxes: _Count = 10
    """True boxes."""

    proposals: _Count = 5
    """Proposals that overlap a true digit enough to have its label."""

    pieces: _Count = 5
    """Background proposals that touch a digit: parts of one digit, or of two."""

    other_proposals: _Count = 2
    """Background proposals away from all digits. More of them make the recogniser reject true zeros and ones."""
