"""Counts and durations of requests, in the text format of Prometheus."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from itertools import accumulate

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_BOUNDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)  # seconds
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Metrics:
    """Counts requests. Belongs to one event loop.

    Attributes:
        in_progress: Number of requests that are being answered.
    """

    def __init__(self) -> None:
        self.in_progress = 0
        self._requests: Counter[tuple[str, str, int]] = Counter()
        self._durations: dict[str, list[int]] = {}
        self._seconds: defaultdict[str, float] = defaultdict(float)

    def add(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count an answered request.

        Args:
            method: HTTP method; unknown ones are counted as `other`.
            route: The path of a route, not that of the request: clients must not be able to create new time series.
            status: HTTP status of the response.
            seconds: Time from the first byte of the request to the last of the response.
        """
        self._requests[(method if method in _METHODS else "other", route, status)] += 1
        counts = self._durations.setdefault(route, [0] * (len(_BOUNDS) + 1))
        counts[bisect_left(_BOUNDS, seconds)] += 1
        self._seconds[route] += seconds

    def render(self) -> str:
        """Return all metrics in the text format of Prometheus."""
        lines = [
            "# HELP digitdet_requests_total Requests that were answered.",
            "# TYPE digitdet_requests_total counter",
        ]
        for (method, route, status), count in sorted(self._requests.items()):
            lines.append(f'digitdet_requests_total{{method="{method}",route="{route}",status="{status}"}} {count}')
        lines += [
            "# HELP digitdet_requests_in_progress Requests that are being answered, including this one.",
            "# TYPE digitdet_requests_in_progress gauge",
            f"digitdet_requests_in_progress {self.in_progress}",
            "# HELP digitdet_request_seconds Time to answer a request, including its upload.",
            "# TYPE digitdet_request_seconds histogram",
        ]
        for route, counts in sorted(self._durations.items()):
            for bound, count in zip((*_BOUNDS, "+Inf"), accumulate(counts), strict=True):
                lines.append(f'digitdet_request_seconds_bucket{{route="{route}",le="{bound}"}} {count}')
            lines.append(f'digitdet_request_seconds_sum{{route="{route}"}} {self._seconds[route]:.6f}')
            lines.append(f'digitdet_request_seconds_count{{route="{route}"}} {sum(counts)}')
        return "\n".join(lines) + "\n"
