"""Settings of the single-digit classifiers of `digitdet classify`: one class a method, one preset a model."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

from msgspec import Meta

from digitdet.common.errors import ConfigError, did_you_mean
from digitdet.configs.base import Config, Share, build_config, parse_mapping, preset_names, read_settings

_Components = Annotated[int, Meta(ge=0, le=784)]
_Positive = Annotated[float, Meta(gt=0, le=1e6)]
_Seed = Annotated[int, Meta(ge=0, le=2**31 - 1)]

PRESETS = "classifiers"


class KnnConfig(Config, frozen=True, kw_only=True):
    """k nearest neighbours: nothing is learnt, every training digit is kept and compared with."""

    method: Literal["knn"] = "knn"

    neighbours: Annotated[int, Meta(ge=1, le=1000)] = 4
    """Digits that vote, the nearer ones with more weight."""

    deskew: bool = True
    """Shear each digit upright first: slant is most of what makes two ones differ pixel by pixel."""

    components: _Components = 0
    """Principal components that are compared in the place of pixels; 0 compares pixels."""


class SvmConfig(Config, frozen=True, kw_only=True):
    """A support vector machine with a Gaussian kernel (Cortes and Vapnik, 1995)."""

    method: Literal["svm"] = "svm"

    penalty: _Positive = 5.0
    """C: what a training digit on the wrong side costs."""

    gamma: _Positive = 0.02
    """1 / (2 width^2) of the kernel, for pixels from 0 to 1."""

    deskew: bool = True
    """Shear each digit upright first."""

    components: _Components = 0
    """Principal components in the place of pixels; 0 takes pixels. Fewer make training and reading faster."""


class NetworkConfig(Config, frozen=True, kw_only=True):
    """A neural network in torch, and how it is trained."""

    method: Literal["network"] = "network"

    architecture: Literal["fcn", "cnn", "residual"] = "cnn"
    """fcn: layers that connect all with all. cnn: a convolution and a pooling for each width, then a dense layer.
    residual: a convolution, pooled, then two residual blocks for each width (He et al., 2016), then the mean over the
    area."""

    widths: Annotated[tuple[Annotated[int, Meta(ge=1, le=4096)], ...], Meta(min_length=1, max_length=8)] = (32, 64)
    """Neurons or channels of one layer after the other."""

    dense: Annotated[int, Meta(ge=0, le=4096)] = 128
    """Neurons of the dense layer of a cnn."""

    dropout: Annotated[float, Meta(ge=0, le=0.9)] = 0.4
    """Part of the features that is left out at random in training, before each dense layer."""

    epochs: Annotated[int, Meta(ge=1, le=10_000)] = 15
    """Passes over the training digits, at most."""

    patience: Annotated[int, Meta(ge=1, le=10_000)] = 5
    """It ends early after so many epochs in which no more of the validation digits were right than before."""

    batch: Annotated[int, Meta(ge=1, le=10_000)] = 128
    """Digits a step."""

    learning_rate: Annotated[float, Meta(gt=0, le=1)] = 0.002
    """Of AdamW at its highest; it rises over the first tenth of the steps and falls along a cosine."""

    weight_decay: Share = 0.01
    """Of AdamW: what each weight loses in a step, as a part of itself and of the learning rate."""

    label_smoothing: Annotated[float, Meta(ge=0, le=0.5)] = 0.0
    """What a label leaves to the other digits: some of MNIST's are wrong."""

    averaging: Annotated[float, Meta(ge=0, lt=1)] = 0.0
    """What the kept weights keep of themselves in each step (a running mean; Polyak and Juditsky, 1992); 0: no mean."""

    shift: Annotated[float, Meta(ge=0, le=14)] = 2.0
    """Training digits are moved by up to so many pixels, each way."""

    rotation: Annotated[float, Meta(ge=0, le=45)] = 10.0
    """Turned by up to so many degrees, and sheared by up to half as many."""

    zoom: Annotated[float, Meta(ge=0, le=0.5)] = 0.1
    """Made larger or smaller by up to this part, width and height each by itself."""

    elastic: Annotated[float, Meta(ge=0, le=5)] = 0.0
    """Bent: standard deviation in pixels of the displacement (Simard et al., 2003)."""

    seed: _Seed = 0
    """Another seed, other starting weights and order."""


ClassifierConfig = KnnConfig | SvmConfig | NetworkConfig
_KINDS: dict[str, type[ClassifierConfig]] = {"knn": KnnConfig, "svm": SvmConfig, "network": NetworkConfig}


def classifier_names() -> list[str]:
    """Names of the classifiers that ship, the simplest first."""
    order = {name: place for place, name in enumerate(("knn-raw", "knn", "svm-raw", "svm", "fcn", "cnn", "cnn-strong"))}
    return sorted(preset_names(PRESETS), key=lambda name: (order.get(name, len(order)), name))


def load_classifier_config(name_or_path: str) -> ClassifierConfig:
    """The settings of a classifier that ships, by its name, or of a YAML file that names a `method`.

    Raises:
        ConfigError: There is no such classifier and no such file, or a setting is not allowed.
    """
    if name_or_path in preset_names(PRESETS):
        file = resources.files("digitdet.configs") / "presets" / PRESETS / f"{name_or_path}.yaml"
        return parse_classifier_config(file.read_text(encoding="utf-8"), f"preset {name_or_path}")
    path = Path(name_or_path)
    if not path.is_file():
        raise ConfigError(f"no classifier is called {name_or_path!r}{did_you_mean(name_or_path, classifier_names())}")
    return parse_classifier_config(read_settings(path), str(path))


def parse_classifier_config(text: str, source: str) -> ClassifierConfig:
    """Make settings from YAML text; `source` is what errors call it."""
    data: Mapping[Any, Any] = parse_mapping(text, source)
    method = data.get("method")
    if method not in _KINDS:
        raise ConfigError(f"{source}: method: {method!r} is not allowed; expected one of {', '.join(_KINDS)}")
    return build_config(_KINDS[method], data, source)
