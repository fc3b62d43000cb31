"""Tables of functions by name, from which the YAML settings choose."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping
from itertools import accumulate
from typing import TypeVar

import numpy as np

from digitdet.common.errors import ConfigError, did_you_mean

Function = TypeVar("Function", bound=Callable[..., object])


class Registry(dict[str, Function]):
    """A dictionary of functions by name; the decorator `@TABLE.add("brick")` registers one."""

    def add(self, name: str) -> Callable[[Function], Function]:
        """Return a decorator that registers a function under `name` and leaves it unchanged."""

        def register(function: Function) -> Function:
            if name in self:
                raise ValueError(f"there are two functions called {name!r}")
            self[name] = function
            return function

        return register


def check_names(names: Iterable[str], known: Iterable[str], where: str) -> None:
    """Raise ConfigError for the first unknown name; the message begins with `where` and suggests a similar name."""
    known = list(known)
    for name in names:
        if name not in known:
            raise ConfigError(f"{where}: there is no {name!r}{did_you_mean(name, known)}")


def draw_name(rng: np.random.Generator, weights: Mapping[str, float]) -> str:
    """Draw one of the names with a probability proportional to its weight."""
    edges = list(accumulate(weights.values()))
    return list(weights)[bisect_right(edges, rng.random() * edges[-1])]
