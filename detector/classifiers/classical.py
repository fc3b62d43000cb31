"""k-nearest neighbours and support vector machines, with scikit-learn."""

from __future__ import annotations

import io
import signal
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar

import cv2
import numpy as np

from digitdet.classifiers.base import Classifier, DigitImages, Epoch, Probabilities
from digitdet.classifiers.temperature import fit_temperature, softmax
from digitdet.common.errors import MissingExtraError, ModelError
from digitdet.common.files import write_atomically
from digitdet.common.interrupts import sigint_handler
from digitdet.common.types import FloatArray
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

_BATCH = 500  # images classified at a time, to limit memory
_CACHE_MB = 2000  # memory for the values of the SVM's kernel
_MIN_VARIANCE = 0.5  # vertical variance of the ink in pixels squared, below which a digit has no slant


class SklearnClassifier(Classifier):
    """A scikit-learn pipeline, stored as a skops archive; archives with untrusted types are refused."""

    suffix: ClassVar[str] = ".skops"
    config: KnnConfig | SvmConfig

    def __init__(self, config: KnnConfig | SvmConfig) -> None:
        self.config = config
        self._temperature = 1.0
        steps: list[tuple[str, Any]] = [("pca", PCA(config.components, random_state=0))] if config.components else []
        if isinstance(config, KnnConfig):
            steps.append(("knn", KNeighborsClassifier(config.neighbours, weights="distance", algorithm="brute")))
        else:
            # break_ties: predict the digit with the highest score instead of the most votes.
            svm = SVC(C=config.penalty, gamma=config.gamma, cache_size=_CACHE_MB, break_ties=True)
            steps.append(("svm", svm))
        self._pipeline = Pipeline(steps)

    def fit(
        self,
        train: Digits,
        val: Digits,
        folder: Path,  # noqa: ARG002 (there is nothing to resume)
        on_epoch: Callable[[Sequence[Epoch]], object] = lambda _epochs: None,  # noqa: ARG002
    ) -> None:
        """Fit to `train`; the temperature that turns SVM scores into probabilities is fitted on `val`."""
        features = pixels(train.images, self.config.deskew)
        # LIBSVM returns to Python, and to its handler of Ctrl-C, only at the end.
        with sigint_handler(signal.SIG_DFL):
            self._pipeline.fit(features, train.labels)
        if isinstance(self.config, SvmConfig):
            self._temperature = fit_temperature(self._apply("decision_function", val.images), val.labels)

    def predict_proba(self, images: DigitImages) -> Probabilities:
        """Return probabilities (N, 10): votes weighted by 1 / distance (KNN), or the softmax of the scores (SVM)."""
        if isinstance(self.config, SvmConfig):
            return softmax(self._apply("decision_function", images), self._temperature)
        return self._apply("predict_proba", images).astype(np.float32)

    def _apply(self, method: str, images: DigitImages) -> FloatArray:
        """Return what a method of the pipeline gives for the images: (N, 10)."""
        parts = [np.zeros((0, 10))]
        for start in range(0, len(images), _BATCH):
            features = pixels(images[start : start + _BATCH], self.config.deskew)
            parts.append(getattr(self._pipeline, method)(features))
        return np.concatenate(parts)

    @property
    def size(self) -> int:
        """Number of values in the stored digits or support vectors, and in the principal components."""
        last = self._pipeline[-1]
        kept = last.support_vectors_ if isinstance(self.config, SvmConfig) else last._fit_X
        components = self._pipeline[0].components_.size if self.config.components else 0
        return int(kept.size + components)

    def save(self, path: Path) -> None:
        """Write the classifier to a file, atomically."""
        content = {"settings": self.config.to_yaml(), "pipeline": self._pipeline, "temperature": self._temperature}
        buffer = io.BytesIO()
        skops.io.dump(content, buffer, compression=zipfile.ZIP_DEFLATED)
        write_atomically(path, buffer.getvalue())

    @classmethod
    def load(cls, path: Path) -> SklearnClassifier:
        """Read what `save` wrote; raise ModelError if it is damaged or holds types that could execute code."""
        try:
            if untrusted := skops.io.get_untrusted_types(file=path):
                raise ModelError(f"{path}: refused, it holds {', '.join(untrusted)}, which could execute code")
            content = skops.io.load(path, trusted=[])
            config = parse_classifier_config(content["settings"], str(path))
            if isinstance(config, NetworkConfig):
                raise ModelError(f"{path}: it holds the settings of a network")
            loaded = cls(config)
            loaded._pipeline, loaded._temperature = content["pipeline"], float(content["temperature"])
        except (ModelError, OSError):
            raise
        except Exception as error:  # a damaged archive raises many kinds of errors
            raise ModelError(f"{path}: not a classifier of digitdet, or damaged") from error
        return loaded


def pixels(images: DigitImages, deskewed: bool) -> FloatArray:
    """Return images (N, 28, 28) as rows (N, 784) float32, 0 to 1."""
    seen = deskew(images) if deskewed else images
    return np.divide(seen.reshape(len(seen), -1), np.float32(255), dtype=np.float32)


def deskew(images: DigitImages) -> DigitImages:
    """Shear each image (N, 28, 28) upright and centre its ink; an image without ink stays as it is.

    The slant is the regression of x on y: the ratio of the second moments, as in LeCun et al. (Gradient-Based Learning
    Applied to Document Recognition, 1998).
    """
    upright = np.zeros_like(images)
    for image, out in zip(images, upright, strict=True):
        moments = cv2.moments(image)
        if not moments["m00"]:
            continue
        x, y = moments["m10"] / moments["m00"], moments["m01"] / moments["m00"]
        variance = moments["mu02"] / moments["m00"]
        slant = moments["mu11"] / moments["mu02"] if variance > _MIN_VARIANCE else 0.0
        rows, columns = image.shape
        # Map from output to input coordinates.
        matrix = np.array([[1, slant, x - (columns - 1) / 2 - slant * (rows - 1) / 2], [0, 1, y - (rows - 1) / 2]])
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        out[:] = cv2.warpAffine(image, matrix, (columns, rows), flags=flags)
    return upright
