"""k nearest neighbours and the support vector machine, by scikit-learn."""

from __future__ import annotations

import io
import signal
import zipfile
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from digitdet.classifiers.base import Classifier, Images, Place, Probabilities
from digitdet.classifiers.features import pixels
from digitdet.classifiers.temperature import fit_temperature, softmax
from digitdet.common.errors import MissingExtraError, ModelError
from digitdet.common.files import write_atomically
from digitdet.common.interrupts import sigint_handler
from digitdet.configs.classifier import KnnConfig, NetworkConfig, SvmConfig, parse_classifier_config
from digitdet.datasets.mnist import Digits

try:
    import skops.io
    from sklearn.decomposition import PCA
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.pipeline import Pipeline
    from sklearn.svm import SVC
except ImportError as error:
    raise MissingExtraError("digitdet classify", "classify", error.name or "scikit-learn") from error

# Images that are classified together: the distances to all of MNIST's digits take 110 MB then.
_BATCH = 500
_CACHE_MB = 2000  # of the kernel's values, which a machine computes over and over


class SklearnClassifier(Classifier):
    """A pipeline of scikit-learn. Its files are skops archives: data and the names of types, of which only those that
    skops trusts are made.
    """

    suffix: ClassVar[str] = ".skops"
    config: KnnConfig | SvmConfig

    def __init__(self, config: KnnConfig | SvmConfig) -> None:
        self.config = config
        self._temperature = 1.0
        steps: list[tuple[str, Any]] = [("pca", PCA(config.components, random_state=0))] if config.components else []
        if isinstance(config, KnnConfig):
            steps.append(("knn", KNeighborsClassifier(config.neighbours, weights="distance", algorithm="brute")))
        else:
            # break_ties: the likeliest digit is then that of the highest value, and not that of the most votes.
            machine = SVC(C=config.penalty, gamma=config.gamma, cache_size=_CACHE_MB, break_ties=True)
            steps.append(("svm", machine))
        self._pipeline = Pipeline(steps)

    def fit(self, train: Digits, val: Digits, place: Place) -> None:  # noqa: ARG002 (there is nothing to resume)
        """Fit to `train`. The machine's values become probabilities by one number, fitted on `val`."""
        seen = self._see(train.images)
        # Inside LIBSVM Python would only hear of it when the fit is done.
        with sigint_handler(signal.SIG_DFL):
            self._pipeline.fit(seen, train.labels)
        if isinstance(self.config, SvmConfig):
            self._temperature = fit_temperature(self._values(val.images), val.labels)

    def predict_proba(self, images: Images) -> Probabilities:
        """Probabilities (N, 10): a neighbour's vote weighs 1 / distance; of the machine, the softmax of its values."""
        if isinstance(self.config, SvmConfig):
            return softmax(self._values(images), self._temperature)
        parts = [self._pipeline.predict_proba(self._see(part)) for part in _batches(images)]
        return np.concatenate([np.zeros((0, 10)), *parts]).astype(np.float32)

    @property
    def size(self) -> int:
        """Numbers that are compared with: the kept digits or support vectors, and the components."""
        last = self._pipeline[-1]
        kept = last.support_vectors_ if isinstance(self.config, SvmConfig) else last._fit_X
        components = self._pipeline[0].components_.size if self.config.components else 0
        return int(kept.size + components)

    def save(self, path: Path) -> None:
        """Write everything that `load` needs, in one step."""
        content = {"settings": self.config.to_yaml(), "pipeline": self._pipeline, "temperature": self._temperature}
        buffer = io.BytesIO()
        skops.io.dump(content, buffer, compression=zipfile.ZIP_DEFLATED)
        write_atomically(path, buffer.getvalue())

    @classmethod
    def load(cls, path: Path) -> SklearnClassifier:
        """Read what `save` wrote.

        Raises:
            ModelError: It is missing, damaged, or holds types that might run code.
        """
        try:
            if untrusted := skops.io.get_untrusted_types(file=path):
                raise ModelError(f"{path}: refused, it holds {', '.join(untrusted)}, which might run code")
            content = skops.io.load(path, trusted=[])
            config = parse_classifier_config(content["settings"], str(path))
            if isinstance(config, NetworkConfig):
                raise ModelError(f"{path}: its settings are those of a network")
            loaded = cls(config)
            loaded._pipeline, loaded._temperature = content["pipeline"], float(content["temperature"])
        except (ModelError, OSError):
            raise
        except Exception as error:  # a damaged archive fails in as many ways as it has parts
            raise ModelError(f"{path}: not a classifier of digitdet, or damaged") from error
        return loaded

    def _see(self, images: Images) -> np.ndarray[Any, np.dtype[np.float32]]:
        return pixels(images, self.config.deskew)

    def _values(self, images: Images) -> np.ndarray[Any, np.dtype[np.float64]]:
        parts = [self._pipeline.decision_function(self._see(part)) for part in _batches(images)]
        return np.concatenate([np.zeros((0, 10)), *parts])


def _batches(images: Images) -> list[Images]:
    return [images[start : start + _BATCH] for start in range(0, len(images), _BATCH)]
