"""The progress of a training: its expected duration after a few steps, one bar, and one line for each epoch."""

from __future__ import annotations

import time
from collections.abc import Callable

from tqdm import tqdm

Say = Callable[[str], None]

_WARM_UP_STEPS, _MEASURED_STEPS = 3, 12  # the first steps are slow: memory is allocated and kernels are chosen


class TrainingProgress:
    """Shows a training of `total` steps as a bar on a terminal; `say` gets the other messages, above the bar.

    Args:
        name: What is trained.
        machine: Returns what it is trained on, for the message about the expected duration.
        total: Number of steps, with those of an interrupted training that is resumed.
        say: Gets a line of text.
        validation_steps: Duration of all validations, as a number of training steps.
        clock: Returns the time in seconds.
    """

    def __init__(
        self,
        name: str,
        machine: Callable[[], str],
        total: int,
        say: Say,
        validation_steps: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._name, self._machine, self._total = name, machine, total
        self._say, self._validation_steps, self._clock = say, validation_steps, clock
        self._first = self._done = 0  # steps before this run of the command, and until now
        self._began = self._warm = 0.0  # times of the first step and of the end of the warm-up
        self._bar = tqdm(total=total, unit="step", desc=name, disable=None, smoothing=0.05)

    def step(self, done: int, loss: float) -> None:
        """Count a step; `done` is the number of steps of the whole training that are done."""
        if self._done == 0:
            self._first, self._began = done - 1, self._clock()
            self._bar.update(self._first)
        self._done = done
        self._bar.set_postfix(loss=f"{loss:.3f}", refresh=False)
        self._bar.update(1)
        since = done - self._first - _WARM_UP_STEPS
        if since == 0:
            self._warm = self._clock()
        elif since == _MEASURED_STEPS:
            seconds = (self._clock() - self._warm) / since
            share = 1 - self._first / self._total
            duration = format_duration(seconds * share * (self._total + self._validation_steps))
            self.line(f"the {self._name} takes about {duration} on {self._machine()}; {seconds:.2g} s per step")

    def epoch(self, number: int, epochs: int, results: str) -> None:
        """Say a line about a finished epoch, with the remaining time."""
        here = max(self._done - self._first, 1)
        left = (self._clock() - self._began) / here * (self._total - self._done)
        end = f"{format_duration(left)} left" if number < epochs else "done"
        self.line(f"{self._name}, epoch {number} of {epochs}: {results}; {end}")

    def line(self, text: str) -> None:
        """Say a line of text, without mixing it with the bar."""
        with tqdm.external_write_mode():
            self._say(text)

    def close(self) -> None:
        """Remove the bar from further updates."""
        self._bar.close()


def format_duration(seconds: float) -> str:
    """Return a duration in the unit that suits it, such as '50 minutes'."""
    if seconds < 100:
        count, unit = max(round(seconds), 1), "second"
    elif seconds < 100 * 60:
        count, unit = round(seconds / 60), "minute"
    else:
        return f"{seconds / 3600:.1f} hours"
    return f"{count} {unit}{'s' if count != 1 else ''}"
