"""The command line: options in, one call into the package, messages out. No logic lives here."""

from __future__ import annotations

import os
import signal
import sys
import threading
from importlib import import_module
from types import FrameType
from typing import Any

import click

from digitdet import __version__
from digitdet.common.errors import OPENCV_REMEDY, DigitdetError

# A command's module is imported when the command is run: reading starts a tenth of a second sooner without the others.
_COMMANDS = {
    "read": "digitdet.cli.read:read",
    "synth": "digitdet.cli.synth:synth",
    "train": "digitdet.cli.train:train",
    "eval": "digitdet.cli.eval:evaluate",
    "classify": "digitdet.cli.classify:classify",
    "serve": "digitdet.cli.serve:serve",
    "calibrate": "digitdet.cli.train:calibrate",
    "convert": "digitdet.cli.synth:convert",
}

_PATIENCE = 1.2  # seconds from Ctrl-C to the end, at most


class _Group(click.Group):
    """Imports commands when they are asked for, and turns the errors that digitdet raises on purpose into one line on
    stderr and exit code 1.
    """

    def list_commands(self, _ctx: click.Context) -> list[str]:
        return sorted(_COMMANDS)

    def get_command(self, _ctx: click.Context, name: str) -> click.Command | None:
        if name not in _COMMANDS:
            return None
        module, _, function = _COMMANDS[name].partition(":")
        command: click.Command = getattr(import_module(module), function)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except DigitdetError as error:
            raise click.ClickException(str(error)) from error
        except ImportError as error:
            if "shared object" not in str(error):
                raise
            raise click.ClickException(f"{error}; {OPENCV_REMEDY}") from error
        except BrokenPipeError:
            raise  # click ends quietly: the reader of our output has seen enough
        except OSError as error:
            raise click.ClickException(f"{error.filename or 'system'}: {error.strerror or error}") from error


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="digitdet")
def main() -> None:
    """Read whole numbers from photos and scans, and train the detector that does it.

    \b
    digitdet read photo.jpg     print the numbers in a picture
    digitdet synth              compose training pictures, or look into a dataset
    digitdet train              fit the detector to them
    digitdet eval               measure how well numbers are read
    digitdet serve              a page to read pictures on, and the same over HTTP
    digitdet classify           train and compare recognisers of single digits
    digitdet calibrate          make a model's confidences honest on pictures of yours
    digitdet convert            a dataset to and from COCO and Pascal VOC, or to crops of numbers
    """


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    """Ctrl-C: stop, and soon. Where a library swallows the exception (some do while they are imported) or is long about
    something, the process ends all the same: whatever is written is whole or not there, and workers follow.
    """
    end = threading.Timer(_PATIENCE, _leave)
    end.daemon = True
    end.start()
    raise KeyboardInterrupt


def _leave() -> None:
    # Not descriptor 2, which may be turned away from the terminal to quieten libraries.
    os.write(sys.stderr.fileno(), b"\nAborted!\n")
    os._exit(1)


def run() -> None:
    """The program `digitdet`: `main`, and out without delay."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _interrupt)
    code: object = 0
    try:
        main(prog_name="digitdet")
    except SystemExit as end:
        code = end.code or 0
    if "torch" in sys.modules or not isinstance(code, int):
        sys.exit(code)  # type: ignore[arg-type]
    # After reading, the interpreter would take a tenth of the command's time to free memory, piece by piece.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
