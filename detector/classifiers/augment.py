"""Augmentation of training digits: shift, rotation, shear, zoom and elastic deformation of a whole batch at once."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from digitdet.classifiers.networks import SIDE
from digitdet.configs.classifier import NetworkConfig

_KNOTS = 6  # control points of the elastic deformation along each side: few, for smooth strokes


def augment(images: Tensor, config: NetworkConfig, generator: torch.Generator) -> Tensor:
    """Return randomly transformed copies of images (N, 1, 28, 28); pixels from outside the image are 0."""
    # torchvision.transforms.v2 draws one set of parameters per call, so it would have to transform image by image.
    count = len(images)
    rotations, shears = (_uniform(count, config.rotation * part, generator) * (math.pi / 180) for part in (1, 0.5))
    widths, heights = (1 + _uniform(count, config.zoom, generator) for _ in range(2))
    cos, sin, shear = rotations.cos(), rotations.sin(), shears.tan()
    # Map from output to input coordinates, -1 to 1.
    matrix = torch.stack(
        [
            torch.stack([cos / widths, (shear * cos - sin) / heights], dim=1),
            torch.stack([sin / widths, (shear * sin + cos) / heights], dim=1),
        ],
        dim=1,
    )
    shifts = torch.stack([_uniform(count, config.shift * 2 / SIDE, generator) for _ in range(2)], dim=1)
    grid = functional.affine_grid(torch.cat([matrix, shifts[:, :, None]], dim=2), list(images.shape), False)
    if config.elastic:
        displacements = torch.randn(count, 2, _KNOTS, _KNOTS, generator=generator) * (config.elastic * 2 / SIDE)
        bend = functional.interpolate(displacements, (SIDE, SIDE), mode="bicubic", align_corners=False)
        grid = grid + bend.permute(0, 2, 3, 1)
    return functional.grid_sample(images, grid, align_corners=False)


def _uniform(count: int, limit: float, generator: torch.Generator) -> Tensor:
    return (torch.rand(count, generator=generator) * 2 - 1) * limit
