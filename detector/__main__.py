"""`python -m digitdet` is the command `digitdet`."""

from digitdet.cli import run

run()
