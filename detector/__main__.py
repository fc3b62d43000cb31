"""Run the command `digitdet` with `python -m digitdet`."""

from digitdet.cli.main import run

run()
