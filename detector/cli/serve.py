"""`digitdet serve`."""

from __future__ import annotations

import contextlib
import logging
import socket
import sys
from pathlib import Path
from typing import Any

import click

from digitdet.cli.options import FOLDER, Number, WholeNumber, echo_error, model_option, require_extra
from digitdet.common.errors import DigitdetError
from digitdet.web.settings import ServeSettings

_DEFAULTS = ServeSettings()
_LOCAL = ("127.0.0.1", "::1", "localhost")
_SHUTDOWN_SECONDS = 10  # for requests that are being answered when the server is stopped


@click.command()
@click.option(
    "--host", default="127.0.0.1", metavar="NAME", help="Address to listen on; 0.0.0.0 accepts other machines."
)
@click.option(
    "--port", type=WholeNumber(0, 65535), default=8000, metavar="N", help="Port to listen on; 0 chooses a free one."
)
@click.option(
    "--name",
    "names",
    multiple=True,
    metavar="NAME",
    help="Additional host name to answer to, e.g. behind a reverse proxy; repeatable.",
)
@click.option("--corrections", type=FOLDER, help="Save corrections made on the page, to train on.")
@model_option
@click.option(
    "--max-upload",
    type=Number(0.1, 1000),
    default=round(_DEFAULTS.max_bytes / 1e6),
    metavar="MB",
    help="Reject larger files.",
)
@click.option(
    "--max-pixels",
    type=Number(0.1, 100),
    default=round(_DEFAULTS.max_pixels / 1e6),
    metavar="MILLIONS",
    help="Reject pictures with more pixels.",
)
@click.option(
    "--at-once", type=WholeNumber(1, 1024), metavar="N", help="Pictures read concurrently.  [default: one per core]"
)
@click.option(
    "--queue",
    type=WholeNumber(0, 100_000),
    default=_DEFAULTS.queue,
    metavar="N",
    help="Requests that may wait; further ones are rejected with 503.",
)
@click.option(
    "--time-limit",
    type=Number(0.1),
    default=round(_DEFAULTS.time_limit),
    metavar="SECONDS",
    help="Maximum time to read one upload.",
)
def serve(host: str, port: int, names: tuple[str, ...], model: Path | None, **options: Any) -> None:
    """Start a web page that reads pictures and handwriting, with an HTTP API that is described at /docs.

    Only this machine can connect unless --host says otherwise; there is no login. Uploads are not stored, except with
    --corrections. Every request is logged to stdout, and counted at /metrics for Prometheus.
    """
    require_extra("digitdet serve", "web", "fastapi", "uvicorn", "python_multipart", "swagger_ui")
    import uvicorn

    from digitdet.common.files import folder_lock
    from digitdet.imaging.process import quiet_decoders, use_one_thread
    from digitdet.reading.model import load_model
    from digitdet.web.app import create_app
    from digitdet.web.service import Service

    settings = ServeSettings(
        max_bytes=round(options["max_upload"] * 1e6),
        max_pixels=round(options["max_pixels"] * 1e6),
        at_once=options["at_once"] or _DEFAULTS.at_once,
        queue=options["queue"],
        time_limit=options["time_limit"],
        corrections=options["corrections"],
    )
    use_one_thread()  # concurrent pictures use the cores
    with contextlib.ExitStack() as stack:
        if settings.corrections:
            stack.enter_context(folder_lock(settings.corrections))
        service = Service(load_model(model), settings)
        listener = stack.enter_context(_listen(host, port))
        app = create_app(service, (*_LOCAL, *names) if host in _LOCAL or names else ())
        _log_requests()
        name = f"[{host}]" if ":" in host else host
        echo_error(f"digitdet is running at http://{name}:{listener.getsockname()[1]}  (press Ctrl-C to stop)")
        stack.enter_context(quiet_decoders())
        # After quiet_decoders, because uvicorn writes its messages to the stderr that it finds when it is configured.
        config = uvicorn.Config(
            app, log_level="warning", server_header=False, timeout_graceful_shutdown=_SHUTDOWN_SECONDS
        )
        stack.enter_context(contextlib.suppress(KeyboardInterrupt))  # the usual way to stop
        uvicorn.Server(config).run(sockets=[listener])


def _log_requests() -> None:
    """Print a line for every request to stdout."""
    from digitdet.web.middleware import REQUEST_LOG

    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%Y-%m-%dT%H:%M:%S%z"))
    REQUEST_LOG.addHandler(handler)
    REQUEST_LOG.setLevel(logging.INFO)
    REQUEST_LOG.propagate = False


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.create_server(address[:2], family=family, backlog=256)
    except OSError as error:
        reason = (error.strerror or str(error)).partition(" (")[0].lower()
        raise DigitdetError(f"{host}:{port}: {reason}; choose another --host or --port") from error
    # asyncio sets this only on sockets that name their protocol; without it, responses end 40 ms late.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener
