"""Mutation fuzzing of every input of digitdet: `python tests/torture/fuzz.py [--cases 20000] [KIND...]`

A case is a valid input with bytes changed, removed, repeated or inserted, or truncated; the same for the same seed. A
separate process (targets.py) may accept it or reject it with one line. Failures are any other exception, an error of
more than one line, a crash of the process, and more than two seconds of processor time.
"""

from __future__ import annotations

import argparse
import json
import os
import select
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from seeds import SEEDS, is_available

_LIMIT = 2.0  # seconds per case
_SHOWN = 1500  # characters shown of a failure, from its end
_START_LIMIT = 120.0  # seconds for the first case of a kind, which imports packages
_TEXT_TOKENS = (
    b"!!python/object/apply:os.system ['true']",
    b"&a [*a, *a]",
    b"[" * 3000,
    b"{a: " * 2000,
    b"nan",
    b"-inf",
    b"1e999",
    b"-1",
    b"9" * 5000,
    b"\x00",
    b"\xff\xfe",
    "\u202e٣".encode(),
    b"<!DOCTYPE a [<!ENTITY b 'c'>]>",
    b"(a*)*" * 30,
    b"../../etc/passwd",
    b"\r\n",
)
_NUMBERS = (
    b"\x00\x00\x00\x00",
    b"\xff\xff\xff\xff",
    b"\x7f\xff\xff\xff",
    b"\xff\xff\xff\x7f",
    b"\x00\x00\x00\x80",
    b"\x80",
)
# Relative number of cases of each kind; others have 2.
WEIGHTS = {"picture": 60, "model": 8, "settings": 6, "options": 4}


@dataclass(frozen=True)
class Failure:
    """A case that was neither accepted nor rejected with one line."""

    kind: str
    case: int
    what: str


def damage(valid: bytes, other: bytes, rng: np.random.Generator) -> bytes:
    """Return a valid input with one to four mutations, mostly one."""
    content = bytearray(valid)
    for _ in range(min(int(rng.geometric(0.6)), 4)):
        way = rng.integers(8)
        # Half of the mutations are near the start, in the header.
        place = int(rng.integers(0, max(min(len(content), 96 if rng.random() < 0.5 else len(content)), 1)))
        length = int(min(2 ** rng.uniform(0, 10), len(content)))
        if way == 0:
            del content[place:]
        elif way == 1:
            del content[place : place + length]
        elif way == 2:
            content[place:place] = content[place : place + length]
        elif way == 3:
            content[place:place] = _TEXT_TOKENS[rng.integers(len(_TEXT_TOKENS))]
        elif way == 4:
            token = _NUMBERS[rng.integers(len(_NUMBERS))]
            content[place : place + len(token)] = token
        elif way == 5 and other:
            start = int(rng.integers(0, len(other)))
            content[place : place + length] = other[start : start + length]
        elif content:
            for at in rng.integers(0, len(content), int(rng.integers(1, 2 + min(len(content) // 32, 15)))):
                content[at] ^= 1 << int(rng.integers(8)) if way == 6 else int(rng.integers(1, 256))
    return bytes(content)


class Target:
    """The process that parses the cases; restarted after a crash."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._warm: set[str] = set()

    def ask(self, kind: str, content: bytes) -> tuple[str, str]:
        """Parse an input; return 'accepted', 'rejected' or 'failed', and the reason."""
        if self._process is None:
            self._errors = tempfile.TemporaryFile()  # noqa: SIM115 -- open as long as the process
            self._process = subprocess.Popen(
                [sys.executable, str(Path(__file__).parent / "targets.py")],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
            )
            self._warm.clear()
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        limit = _LIMIT if kind in self._warm else _START_LIMIT
        try:
            self._process.stdin.write(f"{kind} {len(content)}\n".encode() + content)
            self._process.stdin.flush()
        except BrokenPipeError:
            return self._died()
        before = self._seconds()
        start = time.monotonic()
        # The limit is processor time, since the machine may be busy; wall-clock time may be ten times as much.
        while not select.select([self._process.stdout], [], [], 0.5)[0]:
            if self._seconds() - before > limit or time.monotonic() - start > 10 * limit:
                self.stop()
                return "failed", f"more than {limit:.0f} s"
        answer = self._process.stdout.readline()
        if not answer:
            return self._died()
        self._warm.add(kind)
        reply = json.loads(answer)
        return reply["outcome"], reply["line"]

    def stop(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def _died(self) -> tuple[str, str]:
        assert self._process is not None
        code = self._process.wait()
        self._errors.seek(0)
        said = self._errors.read()[-500:].decode(errors="replace")
        self._process.communicate()
        self._process = None
        return "failed", f"the process died with exit code {code} {said}"

    def _seconds(self) -> float:
        """Processor time of the process so far."""
        assert self._process is not None
        try:
            fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:  # not Linux: only the wall-clock limit holds
            return 0.0
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def run_cases(kind: str, cases: int, seed: int, target: Target) -> tuple[Counter[str], list[Failure]]:
    """Run the cases of one kind; return the number of each outcome, and the failures."""
    valid = SEEDS[kind]()
    outcomes: Counter[str] = Counter()
    failures = []
    for content in valid:
        outcome, why = target.ask(kind, content)
        if outcome == "failed":
            failures.append(Failure(kind, -1, why))
    for case in range(cases):
        outcome, why = target.ask(kind, make_case(kind, valid, case, seed))
        outcomes[outcome] += 1
        if outcome == "failed":
            failures.append(Failure(kind, case, why))
    return outcomes, failures


def make_case(kind: str, valid: list[bytes], case: int, seed: int) -> bytes:
    """Return the damaged input of a case."""
    rng = np.random.default_rng([seed, list(SEEDS).index(kind), case])
    return damage(valid[case % len(valid)], valid[rng.integers(len(valid))], rng)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "kinds",
        nargs="*",
        metavar="KIND",
        help=f"Kinds of inputs: {', '.join(SEEDS)}; default: all.",
    )
    parser.add_argument("--cases", type=int, default=20_000, help="Total number of cases, divided among the kinds.")
    parser.add_argument("--seed", type=int, default=0, help="Seed of the mutations.")
    parser.add_argument("--save", type=Path, help="Folder for the inputs that failed.")
    options = parser.parse_args()
    kinds = options.kinds or [kind for kind in SEEDS if is_available(kind)]
    total_weight = sum(WEIGHTS.get(kind, 2) for kind in kinds)
    target, all_failures = Target(), []
    print(f"{'kind':12} {'cases':>7} {'accepted':>8} {'rejected':>8} {'failed':>7} {'seconds':>8}")
    for kind in kinds:
        start = time.perf_counter()
        outcomes, failures = run_cases(kind, options.cases * WEIGHTS.get(kind, 2) // total_weight, options.seed, target)
        print(
            f"{kind:12} {outcomes.total():7,} {outcomes['accepted']:8,} {outcomes['rejected']:8,} "
            f"{outcomes['failed']:7,} {time.perf_counter() - start:8.0f}",
            flush=True,
        )
        all_failures += failures
        if options.save:
            options.save.mkdir(parents=True, exist_ok=True)
            for failure in failures:
                case = make_case(kind, SEEDS[kind](), failure.case, options.seed)
                (options.save / f"{kind}-{failure.case}").write_bytes(case)
    target.stop()
    for failure in all_failures:
        print(f"\n{failure.kind}, case {failure.case}: ... {failure.what.strip()[-_SHOWN:]}")
    sys.exit(bool(all_failures))


if __name__ == "__main__":
    main()
