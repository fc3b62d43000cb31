"""What `digitdet read` shows beside the numbers: progress, messages, the summary, and its help."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from digitdet.cli.main import main

EXAMPLES = Path(__file__).parents[2] / "examples"
EXAMPLE = EXAMPLES / "number.jpg"
NUMBER = (EXAMPLES / "numbers.txt").read_text(encoding="utf-8").split()[1]


def run(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")
@pytest.mark.parametrize("redirected", [True, False])
def test_progress_on_a_terminal_leaves_every_line_whole(tmp_path, redirected):
    import pty

    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "digitdet", "read", str(EXAMPLE), "gone.png", str(EXAMPLE)]
    result = subprocess.run(command, stdout=subprocess.PIPE if redirected else theirs, stderr=theirs, check=False)
    os.close(theirs)
    raw = os.read(ours, 10_000).decode()
    os.close(ours)
    assert "reading 0/3" in raw
    assert "reading 2/3, 1 number, 0:0" in raw
    # What stays visible: a carriage return starts a line anew.
    shown = [line.rstrip("\r").rpartition("\r")[2] for line in raw.split("\n")]
    numbers = [f"{EXAMPLE}: {NUMBER}"] * 2
    assert (result.stdout.decode().splitlines() if redirected else [shown[0], shown[2]]) == numbers
    assert "Error: gone.png: No such file or directory" in shown
    assert shown[-2].startswith("3 pictures, 2 numbers (0 uncertain), 1 error in ")


def test_quiet_leaves_errors_and_verbose_tells_more():
    quiet = run("read", "-q", EXAMPLE, "gone.png", "--min-confidence", "1")
    assert (quiet.exit_code, quiet.stderr) == (1, "Error: gone.png: No such file or directory\n")
    assert re.match(
        rf"{re.escape(str(EXAMPLE))}: {NUMBER} with \d+%, \d+ x \d+ px at ", run("read", "-v", EXAMPLE).stderr
    )


def test_help_has_sections():
    assert "--workers" in run("synth", "--help").stdout.partition("\nProcesses:\n")[2]
    lines = run("read", "--help").stdout.splitlines()
    sections = [line for line in lines if re.match(r"[A-Z].*:$", line)]
    assert sections == ["Input:", "Output:", "What is known about the numbers:", "Ray cluster:", "Model and tuning:"]
    assert lines.index("Ray cluster:") < next(i for i, line in enumerate(lines) if "--conf " in line)
