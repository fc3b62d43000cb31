"""How far a share can be trusted, and whether two models differ by more than chance."""

from __future__ import annotations

import math
from statistics import NormalDist


def wilson_interval(hits: int, count: int, confidence: float = 0.95) -> tuple[float, float]:
    """The interval (Wilson, 1927) that holds the true share behind `hits` of `count` tries, `count` > 0.

    Unlike hits / count plus and minus some standard errors it stays within 0 to 1 and holds for few tries.
    """
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    share = hits / count
    centre = share + z * z / (2 * count)
    spread = z * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    scale = 1 + z * z / count
    return max((centre - spread) / scale, 0.0), min((centre + spread) / scale, 1.0)


def mcnemar(fixed: int, broken: int) -> float:
    """Probability of so uneven a change, or a more uneven one, if both models were equally good.

    The exact test for paired shares (McNemar, 1947): two-sided binomial of the pairs in which just one model is right.
    """
    changed = fixed + broken
    tail = sum(math.comb(changed, count) for count in range(min(fixed, broken) + 1))
    return min(2 * tail / 2**changed, 1.0)
