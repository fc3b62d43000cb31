"""Constraints on numbers: number of digits, pattern, check digit, allowed numbers, previous value of a counter."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import reduce
from operator import and_
from pathlib import Path

from digitdet.common.characters import only_digits
from digitdet.common.errors import ConfigError
from digitdet.reading.check_digits import CHECKS, Check
from digitdet.reading.pattern import NumberPattern
from digitdet.reading.pattern_syntax import DIGITS, MAX_DIGITS

_COUNT = re.compile(r"([0-9]{1,4})(-?)([0-9]{0,4})")
_METER_VALUE = re.compile(r"[0-9]+([ .,:/'-][0-9]+)*")


@dataclass(frozen=True)
class Constraints:
    r"""Rules that a number must meet, all together; those that are None do not apply.

    Digits are compared as text, with leading zeros; a number has at most 64 digits. Without any rule the constraints
    are false in a condition.

    Args:
        digits: Number of digits: 5, "5", "4-6", "4-" (4 or more) or (4, 6).
        pattern: A regular expression over digits with fixed separators, which are inserted into the text: 123456 reads
            "1234-56" under r"\d{4}-\d{2}". See `pattern_syntax` for the syntax.
        check: Name of a check digit rule: luhn, ean, isbn, mod11, verhoeff or damm; or a function that takes the digits
            as text and returns whether they are valid.
        allowed: The allowed numbers. Other characters than digits are ignored in the comparison, and inserted into the
            text unless there is a pattern.
        previous: Earlier value of a counter that only goes up; decimal places count as digits like any other. As text
            it has all digits of the counter, which rolls over from 99999 to 00000. A whole number says nothing about
            leading zeros, and the counter does not roll over.
        max_step: Largest possible increase since then, in units of the last digit.

    Raises:
        ConfigError: A value is not allowed, or no number can meet all rules.

    Example:
        >>> dates = Constraints(pattern=r"([0-2]\d|3[01])\.(0\d|1[0-2])\.\d{4}")
        >>> dates.fits("24122031"), dates.fits("24132031"), dates.can_start("4")
        (True, False, False)
        >>> dates.formatted("24122031")
        '24.12.2031'
    """

    digits: int | str | tuple[int, int] | None = None
    pattern: str | None = None
    check: str | Check | None = None
    allowed: Iterable[str | int] | None = None
    previous: str | int | None = None
    max_step: int | None = None
    # Bit n of counts is set where a number of n digits can fit.
    _counts: int = field(init=False, repr=False, compare=False)
    _pattern: NumberPattern | None = field(init=False, repr=False, compare=False)
    _rules: tuple[NumberPattern | _Counter, ...] = field(init=False, repr=False, compare=False)
    _check: Check | None = field(init=False, repr=False, compare=False)
    _allowed: dict[str, str] | None = field(init=False, repr=False, compare=False, default=None)
    _sorted: tuple[str, ...] = field(init=False, repr=False, compare=False, default=())

    def __post_init__(self) -> None:
        self._set(_counts=_parse_counts(self.digits))
        self._set_check()
        self._set_rules()
        if not self._counts:
            raise ConfigError(f"{self._names()}: no number meets all of these; loosen one")
        if self.allowed is not None:
            self._set_allowed(self.allowed)

    def __bool__(self) -> bool:
        return bool(self._names())

    def can_start(self, prefix: str) -> bool:
        """Return whether a number that fits may begin with these digits, or be them.

        True may be wrong where a check digit follows, or where the pattern and the previous value decide together.
        """
        if self._allowed is not None:
            index = bisect_left(self._sorted, prefix)
            return index < len(self._sorted) and self._sorted[index].startswith(prefix)
        remaining = self._counts >> len(prefix)
        for rule in self._rules:
            if not remaining:
                return False
            remaining &= rule.remaining(prefix)
        if remaining == 1 and self._check is not None:  # no digit can follow
            return bool(self._check(prefix))
        return remaining != 0

    def fits(self, digits: str) -> bool:
        """Return whether the digits, without separators, meet all rules."""
        if self._allowed is not None:
            return digits in self._allowed
        return (
            bool(self._counts >> len(digits) & 1)
            and all(rule.remaining(digits) & 1 for rule in self._rules)
            and (self._check is None or bool(self._check(digits)))
        )

    @property
    def insert_separators(self) -> bool:
        """Whether the text of a number has separators of the constraints instead of the marks in the picture."""
        return self._pattern is not None or self._allowed is not None

    def formatted(self, digits: str) -> str:
        """Return the digits with the separators of the pattern or the allowed number; unchanged if they fit neither."""
        if self._pattern is not None:
            return self._pattern.formatted(digits) or digits
        return (self._allowed or {}).get(digits, digits)

    def places(self, digits: str) -> tuple[int, ...]:
        """Return the index of each of the digits in the formatted text."""
        return tuple(index for index, character in enumerate(self.formatted(digits)) if character in DIGITS)

    def _set_check(self) -> None:
        if self.check is None or callable(self.check):
            self._set(_check=self.check)
            return
        if not isinstance(self.check, str) or self.check not in CHECKS:
            raise ConfigError(f"check: {self.check!r} is not allowed; expected {', '.join(CHECKS)} or a function")
        rule = CHECKS[self.check]
        lengths = rule.lengths or range(2, MAX_DIGITS + 1)
        self._set(_check=rule.passes, _counts=self._counts & sum(1 << length for length in lengths))

    def _set_rules(self) -> None:
        pattern = None if self.pattern is None else NumberPattern(self.pattern)
        if (self.previous is None) != (self.max_step is None):
            raise ConfigError("previous, max_step: each has no effect without the other; give both")
        rules: list[NumberPattern | _Counter] = [] if pattern is None else [pattern]
        if self.previous is not None and self.max_step is not None:
            rules.append(_Counter(self.previous, self.max_step))
        counts = reduce(and_, (rule.remaining("") for rule in rules), self._counts)
        self._set(_pattern=pattern, _rules=tuple(rules), _counts=counts)

    def _set_allowed(self, allowed: Iterable[str | int]) -> None:
        """Keep the allowed numbers that meet the other rules."""
        if isinstance(allowed, str) or not isinstance(allowed, Iterable):
            raise ConfigError(f"allowed: {allowed!r} is not a list; expected a list of numbers")
        numbers = tuple(allowed)  # an iterator can be read only once
        if not numbers:
            raise ConfigError("allowed: holds no numbers; give at least one")
        texts: dict[str, str] = {}
        for number in numbers:
            digits = only_digits(str(number))
            if not isinstance(number, (str, int)) or not digits:
                raise ConfigError(f"allowed: {number!r} is not a number; expected text such as 0123 or 12-345")
            if self.fits(digits):
                texts.setdefault(digits, str(number))
        if not texts:
            raise ConfigError(f"{self._names()}: no allowed number meets all of these; loosen one")
        counts = sum(1 << count for count in {len(digits) for digits in texts})
        self._set(allowed=numbers, _allowed=texts, _sorted=tuple(sorted(texts)), _counts=counts)

    def _names(self) -> str:
        names = ("digits", "pattern", "check", "allowed", "previous", "max_step")
        return ", ".join(name for name in names if getattr(self, name) is not None)

    def _set(self, **values: object) -> None:
        for name, value in values.items():
            object.__setattr__(self, name, value)


def read_allowed(path: Path) -> tuple[str, ...]:
    """Read the numbers of a UTF-8 text file, one a line; empty lines are skipped.

    Raises:
        ConfigError: The file cannot be read, is empty, or a line holds no digit; the message names the line.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise ConfigError(f"allowed: cannot read {path}: {reason}; expected a text file, one number a line") from error
    for row, line in enumerate(lines, start=1):
        if line.strip() and not only_digits(line):
            raise ConfigError(
                f"allowed: {path}, line {row}: {line.strip()!r} holds no digit; expected one number a line"
            )
    numbers = tuple(line.strip() for line in lines if line.strip())
    if not numbers:
        raise ConfigError(f"allowed: {path} holds no numbers; expected one number a line")
    return numbers


class _Counter:
    """A counter that has gone up by at most `max_step` since its previous value."""

    def __init__(self, previous: str | int, max_step: int) -> None:
        if isinstance(max_step, bool) or not isinstance(max_step, int) or max_step < 0:
            raise ConfigError(f"max_step: {max_step!r} is not allowed; expected a whole number of at least 0")
        self._width: int | None = None
        if isinstance(previous, str):
            if not _METER_VALUE.fullmatch(previous) or len(only_digits(previous)) > MAX_DIGITS:
                raise ConfigError(
                    f"previous: {previous!r} is not allowed; expected all digits of the counter, such as 00123.4"
                )
            self._width = len(only_digits(previous))
            previous = int(only_digits(previous))
        elif isinstance(previous, bool) or not isinstance(previous, int) or not 0 <= previous < 10**MAX_DIGITS:
            raise ConfigError(f"previous: {previous!r} is not allowed; expected text or a whole number of at least 0")
        end = 10 ** (self._width or MAX_DIGITS)
        self._ranges = [(previous, min(previous + max_step, end - 1))]
        if self._width is not None and previous + max_step >= end:
            self._ranges.append((0, previous + max_step - end))

    def remaining(self, prefix: str) -> int:
        """Return how many digits may follow a prefix, as bits; see `NumberPattern.remaining`."""
        value = int(prefix or "0")
        if self._width is not None:
            count = self._width - len(prefix)
            return 1 << count if count >= 0 and self._is_reachable(value, count) else 0
        (first, last), longest = self._ranges[0], MAX_DIGITS - len(prefix)
        if value == 0:  # any number of zeros, then the value
            shortest = len(str(first)) if first else 0
            return (1 << (longest + 1)) - (1 << shortest) if shortest <= longest else 0
        counts = range(min(len(str(last)), longest) + 1)  # with more digits the value exceeds the last one
        return sum(1 << count for count in counts if self._is_reachable(value, count))

    def _is_reachable(self, value: int, count: int) -> bool:
        """Whether a value followed by `count` digits can be within the ranges."""
        scale = 10**count
        return any(value * scale <= last and first < (value + 1) * scale for first, last in self._ranges)


def _parse_counts(digits: int | str | tuple[int, int] | None) -> int:
    """Return the allowed numbers of digits as bits: bit n is set where n digits are allowed."""
    limits: object = digits if isinstance(digits, tuple) else (digits, digits)
    if digits is None:
        limits = (1, MAX_DIGITS)
    elif isinstance(digits, str):
        found = _COUNT.fullmatch(digits.strip())
        limits = (int(found[1]), int(found[3] or (MAX_DIGITS if found[2] else found[1]))) if found else ()
    low, high = limits if isinstance(limits, tuple) and len(limits) == 2 else (None, None)
    if type(low) is not int or type(high) is not int or not 1 <= low <= high <= MAX_DIGITS:
        raise ConfigError(
            f"digits: {digits!r} is not allowed; expected 5, 4-6 or 4- with numbers from 1 to {MAX_DIGITS}"
        )
    return (1 << (high + 1)) - (1 << low)
