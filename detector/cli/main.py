"""The command `digitdet`. The commands parse options, call the package and print messages."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import click

from digitdet import __version__
from digitdet.cli.options import CommandGroup
from digitdet.common.errors import OPENCV_REMEDY, ConfigError, DataError, DigitdetError, ModelError
from digitdet.common.interrupts import INTERRUPTED

# A command's module is imported only when the command runs, which makes `digitdet read` start 0.1 s sooner.
_COMMANDS = {
    "read": "digitdet.cli.read:read",
    "synth": "digitdet.cli.synth:synth",
    "train": "digitdet.cli.train:train",
    "eval": "digitdet.cli.eval:evaluate",
    "classify": "digitdet.cli.classify:classify",
    "serve": "digitdet.cli.serve:serve",
    "calibrate": "digitdet.cli.train:calibrate",
    "convert": "digitdet.cli.datasets:convert",
    "doctor": "digitdet.cli.doctor:doctor",
    "export": "digitdet.cli.export:export",
}


class _WrongUsage(click.ClickException):
    """Wrong usage, reported without the usage line of the command."""

    exit_code = 2


class _LazyGroup(CommandGroup):
    """Imports commands on demand, and reports expected errors as one line on stderr.

    The exit code is 2 if what the user named cannot be used (a setting, a model, data), and 1 for other errors.
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
        except KeyboardInterrupt:
            click.echo("\nAborted!", err=True)
            ctx.exit(INTERRUPTED)
        except DigitdetError as error:
            is_usage = isinstance(error, (ConfigError, DataError, ModelError))
            raise (_WrongUsage if is_usage else click.ClickException)(str(error)) from error
        except ImportError as error:
            if "shared object" not in str(error):
                raise
            raise click.ClickException(f"{error}; {OPENCV_REMEDY}") from error
        except BrokenPipeError:
            raise  # click exits silently: the reader of our output was closed
        except OSError as error:
            raise click.ClickException(f"{error.filename or 'system'}: {error.strerror or error}") from error


_CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100, "show_default": True}


@click.group(cls=_LazyGroup, context_settings=_CONTEXT)
@click.version_option(__version__, prog_name="digitdet")
def main() -> None:
    """Read whole numbers from photos and scans, and train models that read them.

    \b
    Read pictures:
      digitdet read photo.jpg   print the numbers in a picture
      digitdet serve            start a web page and an HTTP API for reading
      digitdet doctor           show versions, the model, and what is missing here

    \b
    Train a model:
      digitdet synth            compose training pictures, or inspect a dataset
      digitdet train            train the detector and the line reader on them
      digitdet eval             measure how well numbers are read
      digitdet calibrate        calibrate a model's confidences on your pictures
      digitdet export           write a model for other programs, as ONNX or for OpenVINO

    \b
    More:
      digitdet convert          convert a dataset to YOLO, COCO or Pascal VOC, or to number crops
      digitdet classify         train and compare classifiers of single digits
    """
