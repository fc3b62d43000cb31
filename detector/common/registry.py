"""Looks by name: each kind of ingredient has a table of functions, and a YAML weight names one of them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping
from itertools import accumulate
from typing import TypeVar

import numpy as np

from digitdet.common.errors import ConfigError, nearest

Function = TypeVar("Function", bound=Callable[..., object])


class Registry(dict[str, Function]):
    """A table of functions by name; `@TABLE.add("brick")` puts one in."""

    def add(self, name: str) -> Callable[[Function], Function]:
        """Decorator that enters a function under a name, unchanged."""

        def enter(function: Function) -> Function:
            self[name] = function
            return function

        return enter


def check_names(names: Iterable[str], known: Iterable[str], where: str) -> None:
    """Refuse a name that is not known.

    Raises:
        ConfigError: Names `where`, the name, and the nearest one there is.
    """
    known = list(known)
    for name in names:
        if name not in known:
            raise ConfigError(f"{where}: there is no {name!r}{nearest(name, known)}")


def draw_name(rng: np.random.Generator, weights: Mapping[str, float]) -> str:
    """One of the names, each as often as its weight says."""
    edges = list(accumulate(weights.values()))
    return list(weights)[bisect_right(edges, rng.random() * edges[-1])]
