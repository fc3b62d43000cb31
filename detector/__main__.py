"""`python -m digitdet` is the command `digitdet`."""

from digitdet.cli.main import run

run()
