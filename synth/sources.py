"""Which source digits each split is composed from: none is in two splits, or scores would flatter."""

from __future__ import annotations

from pathlib import Path

from digitdet.datasets.mnist import Digits, load_mnist

_VAL_DIGITS = 5_000  # of MNIST's 60,000 training digits, the usual validation share


def load_split_digits(mnist_folder: Path | None = None) -> dict[str, Digits]:
    """MNIST by split: the first 55,000 training digits for 'train', the rest for 'val', the test digits for 'test'.

    Raises:
        DataError: MNIST is missing or damaged, see `digitdet.datasets.mnist.load_mnist`.
    """
    train, test = load_mnist("train", mnist_folder), load_mnist("test", mnist_folder)
    # A twelfth, so that a small stand-in for MNIST is divided too.
    cut = len(train) - min(_VAL_DIGITS, len(train) // 12)
    return {"train": train[:cut], "val": train[cut:], "test": test}
