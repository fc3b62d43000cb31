"""Training digits moved, turned, sheared, resized and bent, a whole batch at once."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from digitdet.classifiers.networks import SIDE
from digitdet.configs.classifier import NetworkConfig

# Knots of the displacement across a digit: so few that strokes bend and do not shiver.
_KNOTS = 6


def augment(images: Tensor, config: NetworkConfig, generator: torch.Generator) -> Tensor:
    """Images (N, 1, 28, 28), each changed by chance as the settings say; what comes from beyond the border is 0."""
    count = len(images)
    turns, shears = (_uniform(count, config.rotation * part, generator) * (math.pi / 180) for part in (1, 0.5))
    widths, heights = (1 + _uniform(count, config.zoom, generator) for _ in range(2))
    cos, sin, lean = turns.cos(), turns.sin(), shears.tan()
    # Rows of the map from where a pixel is drawn to where it is taken from, in half sides.
    matrix = torch.stack(
        [
            torch.stack([cos / widths, (lean * cos - sin) / heights], dim=1),
            torch.stack([sin / widths, (lean * sin + cos) / heights], dim=1),
        ],
        dim=1,
    )
    moves = torch.stack([_uniform(count, config.shift * 2 / SIDE, generator) for _ in range(2)], dim=1)
    grid = functional.affine_grid(torch.cat([matrix, moves[:, :, None]], dim=2), list(images.shape), False)
    if config.elastic:
        knots = torch.randn(count, 2, _KNOTS, _KNOTS, generator=generator) * (config.elastic * 2 / SIDE)
        bend = functional.interpolate(knots, (SIDE, SIDE), mode="bicubic", align_corners=False)
        grid = grid + bend.permute(0, 2, 3, 1)
    return functional.grid_sample(images, grid, align_corners=False)


def _uniform(count: int, limit: float, generator: torch.Generator) -> Tensor:
    return (torch.rand(count, generator=generator) * 2 - 1) * limit
