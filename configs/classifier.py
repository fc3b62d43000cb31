"""Settings of the classifiers of `digitdet classify`: a class for each method, a preset for each classifier."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta

from digitdet.common.errors import ConfigError, did_you_mean
from digitdet.configs.base import PRESETS, Config, Seed, Share, build_config, parse_mapping, preset_names, read_settings

_Components = Annotated[int, Meta(ge=0, le=784)]
_Positive = Annotated[float, Meta(gt=0, le=1e6)]

_GROUP = "classifiers"
_NAMES = ("knn-raw", "knn", "svm-raw", "svm", "fcn", "cnn", "cnn-strong")


class KnnConfig(Config, frozen=True, kw_only=True):
    """Settings of k-nearest neighbours (Cover and Hart, 1967), weighted by distance."""

    method: Literal["knn"] = "knn"

    neighbours: Annotated[int, Meta(ge=1, le=1000)] = 4
    """Number of neighbours."""

    deskew: bool = True
    """Whether to shear digits upright first."""

    components: _Components = 0
    """Number of principal components used as features; 0 uses the pixels."""


class SvmConfig(Config, frozen=True, kw_only=True):
    """Settings of a support vector machine with a Gaussian kernel (Cortes and Vapnik, 1995)."""

    method: Literal["svm"] = "svm"

    penalty: _Positive = 5.0
    """Regularisation parameter C."""

    gamma: _Positive = 0.02
    """Kernel coefficient, for pixels from 0 to 1."""

    deskew: bool = True
    """Whether to shear digits upright first."""

    components: _Components = 0
    """Number of principal components used as features; 0 uses the pixels."""


class NetworkConfig(Config, frozen=True, kw_only=True):
    """Settings of a neural network and of its training with AdamW."""

    method: Literal["network"] = "network"

    architecture: Literal["fcn", "cnn", "residual"] = "cnn"
    """fcn: fully connected layers. cnn: a convolution and a pooling layer for each width, then a dense layer.
    residual: a convolution, then two residual blocks for each width (He et al., 2016) and global average pooling."""

    widths: Annotated[tuple[Annotated[int, Meta(ge=1, le=4096)], ...], Meta(min_length=1, max_length=8)] = (32, 64)
    """Neurons (fcn) or channels of the layers."""

    dense: Annotated[int, Meta(ge=1, le=4096)] = 128
    """Neurons of the dense layer of a cnn."""

    dropout: Annotated[float, Meta(ge=0, le=0.9)] = 0.4
    """Dropout probability before each dense layer."""

    epochs: Annotated[int, Meta(ge=1, le=10_000)] = 15
    """Maximum number of passes over the training digits."""

    patience: Annotated[int, Meta(ge=1, le=10_000)] = 5
    """Early stopping after this number of epochs without a better validation accuracy."""

    batch: Annotated[int, Meta(ge=2, le=10_000)] = 128
    """Digits in a step."""

    learning_rate: Annotated[float, Meta(gt=0, le=1)] = 0.002
    """Highest learning rate; it rises over the first tenth of the steps, and falls along a cosine."""

    weight_decay: Share = 0.01
    """Weight decay of AdamW."""

    label_smoothing: Annotated[float, Meta(ge=0, le=0.5)] = 0.0
    """Label smoothing (Szegedy et al., 2016)."""

    averaging: Annotated[float, Meta(ge=0, lt=1)] = 0.0
    """Decay of the exponential moving average of the weights (Polyak and Juditsky, 1992); 0 does not average."""

    shift: Annotated[float, Meta(ge=0, le=14)] = 2.0
    """Augmentation: maximum shift in pixels."""

    rotation: Annotated[float, Meta(ge=0, le=45)] = 10.0
    """Augmentation: maximum rotation in degrees, and twice the maximum shear."""

    zoom: Annotated[float, Meta(ge=0, le=0.5)] = 0.1
    """Augmentation: width and height are scaled by factors between 1 - zoom and 1 + zoom."""

    elastic: Annotated[float, Meta(ge=0, le=5)] = 0.0
    """Augmentation: standard deviation in pixels of an elastic deformation (Simard et al., 2003)."""

    seed: Seed = 0
    """Seed of the start weights, the order of the digits and the augmentation."""


ClassifierConfig = KnnConfig | SvmConfig | NetworkConfig
_KINDS: dict[str, type[ClassifierConfig]] = {"knn": KnnConfig, "svm": SvmConfig, "network": NetworkConfig}


def classifier_names() -> list[str]:
    """Return the names of the presets, the simplest first."""
    return sorted(preset_names(_GROUP), key=_NAMES.index)


def load_classifier_config(name_or_path: str) -> ClassifierConfig:
    """Load the settings of a preset by its name, or of a YAML file with a key `method`."""
    if name_or_path in _NAMES:
        path, source = PRESETS / _GROUP / f"{name_or_path}.yaml", f"preset {name_or_path}"
    else:
        path = Path(name_or_path)
        source = str(path)
        if not path.is_file():
            hint = did_you_mean(name_or_path, classifier_names())
            raise ConfigError(f"no classifier is called {name_or_path!r}{hint}")
    return parse_classifier_config(read_settings(path), source)


def parse_classifier_config(text: str, source: str) -> ClassifierConfig:
    """Make settings from YAML text; `source` names it in error messages."""
    data = parse_mapping(text, source)
    method = data.get("method")
    if method not in _KINDS:
        raise ConfigError(f"{source}: method: {method!r} is not allowed; expected one of {', '.join(_KINDS)}")
    return build_config(_KINDS[method], data, source)
