"""A few hundred of the damaged inputs that `make torture` tries by the ten thousand."""

import subprocess
import sys
from pathlib import Path

import pytest

from digitdet.common.errors import ConfigError, DataError
from digitdet.datasets.formats.numbers import parse_truth
from digitdet.reading.constraints import Constraints

FUZZ = Path(__file__).parents[1] / "torture" / "fuzz.py"


@pytest.mark.skipif(sys.platform == "win32", reason="uses select on a pipe")
def test_damaged_inputs_are_accepted_or_rejected_with_one_line():
    kinds = ["picture", "labels", "labelled", "options", "mnist"]
    done = subprocess.run([sys.executable, FUZZ, "--cases", "400", *kinds], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert [line.split()[0] for line in done.stdout.splitlines()[1:]] == kinds


def test_inputs_that_fuzzing_found():
    with pytest.raises(DataError, match="not a numbers"):
        parse_truth("[" * 5000, "here")
    with pytest.raises(ConfigError, match="digits"):
        Constraints(digits="9" * 5000)
