"""`digitdet serve`: options in, one call into the package, messages out."""

from __future__ import annotations

import contextlib
import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from digitdet.cli.options import need_extra
from digitdet.common.errors import DigitdetError

if TYPE_CHECKING:
    from digitdet.web.settings import ServeSettings

# Heavy packages are imported inside the command: `digitdet --help` must answer at once.

_FILE = click.Path(path_type=Path, dir_okay=False)
_FOLDER = click.Path(path_type=Path, file_okay=False)
_LOCAL = ("127.0.0.1", "::1", "localhost")


@click.command()
@click.option(
    "--host", default="127.0.0.1", show_default=True, metavar="NAME", help="0.0.0.0: for other machines, too."
)
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="0 takes a free one.")
@click.option(
    "--name",
    "names",
    multiple=True,
    metavar="NAME",
    help="Another name that it is called by, as behind a reverse proxy; repeatable.",
)
@click.option("--corrections", type=_FOLDER, metavar="DIR", help="Keep what is corrected on the page, to train on.")
@click.option("--model", type=_FILE, metavar="FILE", help="A model.onnx from digitdet train; else the shipped one.")
@click.option(
    "--max-upload",
    type=click.FloatRange(0.1, 1000),
    default=20,
    show_default=True,
    metavar="MB",
    help="Larger files are refused.",
)
@click.option(
    "--max-pixels",
    type=click.FloatRange(0.1, 100),
    default=50,
    show_default=True,
    metavar="MILLIONS",
    help="Pictures of more are refused.",
)
@click.option(
    "--at-once", type=click.IntRange(1, 1024), metavar="N", help="Pictures read at once.  [default: one a core]"
)
@click.option(
    "--queue",
    type=click.IntRange(0, 100_000),
    default=32,
    show_default=True,
    metavar="N",
    help="Pictures that may wait for their turn.",
)
@click.option(
    "--time-limit", type=click.FloatRange(0.1), default=30, show_default=True, metavar="SECONDS", help="Of a reading."
)
def serve(host: str, port: int, names: tuple[str, ...], model: Path | None, **options: Any) -> None:
    """A page to read pictures on: drop one, or write digits with the finger; and the same over HTTP, see /docs.

    It is for this machine alone, unless --host says otherwise; there is no login. Nothing is kept of what is sent,
    except for corrections where they are asked for.
    """
    need_extra("digitdet serve", "web", "starlette", "uvicorn", "python_multipart", "swagger_ui")
    import uvicorn

    from digitdet.common.files import folder_lock
    from digitdet.detection.detector import OnnxDetector
    from digitdet.imaging.images import quiet_decoders, use_one_thread
    from digitdet.web.app import create_app
    from digitdet.web.service import Service

    settings = _settings(options)
    use_one_thread()  # the pictures share the cores already
    with contextlib.ExitStack() as stack:
        if settings.corrections:
            stack.enter_context(folder_lock(settings.corrections))
        service = Service(OnnxDetector(model), settings)
        listener = stack.enter_context(_listen(host, port))
        app = create_app(service, (*_LOCAL, *names) if host in _LOCAL or names else ("*",))
        server = uvicorn.Server(
            uvicorn.Config(app, log_level="warning", server_header=False, timeout_graceful_shutdown=1)
        )
        name = f"[{host}]" if ":" in host else host
        click.echo(f"digitdet reads at http://{name}:{listener.getsockname()[1]}  (Ctrl-C ends it)", err=True)
        stack.enter_context(quiet_decoders())
        stack.enter_context(contextlib.suppress(KeyboardInterrupt))  # this is how it ends
        server.run(sockets=[listener])


def _settings(options: dict[str, Any]) -> ServeSettings:
    from digitdet.web.settings import ServeSettings

    return ServeSettings(
        max_bytes=round(options["max_upload"] * 1e6),
        max_pixels=round(options["max_pixels"] * 1e6),
        at_once=options["at_once"] or os.cpu_count() or 1,
        queue=options["queue"],
        time_limit=options["time_limit"],
        corrections=options["corrections"],
    )


def _listen(host: str, port: int) -> socket.socket:
    """A socket that listens there.

    Raises:
        DigitdetError: There is no such address, or another program listens there.
    """
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.create_server(address[:2], family=family, backlog=256)
    except OSError as error:
        reason = (error.strerror or str(error)).partition(" (")[0].lower()
        raise DigitdetError(f"{host}:{port}: {reason}; choose another --host or --port") from error
    # asyncio does this only for sockets that name their protocol: the end of each answer came 40 ms late.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener
