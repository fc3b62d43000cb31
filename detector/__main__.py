"""`python -m digitdet` is the command `digitdet`."""

from digitdet.cli import main

main(prog_name="digitdet")
