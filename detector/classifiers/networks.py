"""Network architectures: images (N, 1, 28, 28) float32, 0 to 1, to logits (N, 10)."""

from __future__ import annotations

from torch import nn
from torchvision.models.resnet import BasicBlock

from digitdet.configs.classifier import NetworkConfig

SIDE = 28


def build_network(config: NetworkConfig) -> nn.Sequential:
    """Return an untrained network."""
    return {"fcn": _fcn, "cnn": _cnn, "residual": _residual}[config.architecture](config)


def _fcn(config: NetworkConfig) -> nn.Sequential:
    layers: list[nn.Module] = [nn.Flatten()]
    before = SIDE * SIDE
    for width in config.widths:
        layers += [nn.Linear(before, width), nn.BatchNorm1d(width), nn.ReLU(), nn.Dropout(config.dropout)]
        before = width
    return nn.Sequential(*layers, nn.Linear(before, 10))


def _cnn(config: NetworkConfig) -> nn.Sequential:
    layers: list[nn.Module] = []
    before, side = 1, SIDE
    for width in config.widths:
        layers += [nn.Conv2d(before, width, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
        before, side = width, side // 2
    dropout = nn.Dropout(config.dropout)
    dense = [nn.Linear(before * side * side, config.dense), nn.ReLU(), nn.Dropout(config.dropout)]
    return nn.Sequential(*layers, nn.Flatten(), dropout, *dense, nn.Linear(config.dense, 10))


def _residual(config: NetworkConfig) -> nn.Sequential:
    first = config.widths[0]
    layers: list[nn.Module] = [nn.Conv2d(1, first, 3, padding=1, bias=False), nn.BatchNorm2d(first), nn.ReLU()]
    layers.append(nn.MaxPool2d(2))  # without it, blocks at 28 x 28 would be most of the work
    before = first
    for place, width in enumerate(config.widths):
        layers += [_block(before, width, stride=1 if place == 0 else 2), _block(width, width, stride=1)]
        before = width
    return nn.Sequential(
        *layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(config.dropout), nn.Linear(before, 10)
    )


def _block(before: int, width: int, stride: int) -> nn.Module:
    if before == width and stride == 1:
        return BasicBlock(before, width)
    shortcut = nn.Sequential(nn.Conv2d(before, width, 1, stride, bias=False), nn.BatchNorm2d(width))
    return BasicBlock(before, width, stride, shortcut)
