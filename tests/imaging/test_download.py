"""Pictures from web addresses, served by this process."""

import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from digitdet.common.errors import ImageError
from digitdet.imaging.batches import load_batches
from digitdet.imaging.download import download
from digitdet.imaging.images import encode_png, load_image
from digitdet.imaging.inputs import find_inputs

PICTURE = np.arange(20 * 30 * 3, dtype=np.uint8).reshape(20, 30, 3)


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        redirect = {"/moved": "/a.png?x=[1]", "/ftp": "ftp://127.0.0.1/a.png", "/file": "file:///etc/passwd"}.get(
            self.path
        )
        self.send_response(302 if redirect else 404 if self.path == "/gone" else 200)
        if redirect:
            self.send_header("Location", redirect)
        self.end_headers()
        self.wfile.write(b"<html>" if self.path == "/page" else encode_png(PICTURE))

    def log_message(self, *_arguments):
        pass


@pytest.fixture(scope="module")
def site():
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch):
    monkeypatch.setenv("no_proxy", "*")


def test_a_picture_is_loaded_from_its_address(site):
    for name in ("/a.png?x=[1]", "/moved"):
        assert np.array_equal(load_image(site + name), PICTURE)
    [[page]] = load_batches(find_inputs([f"{site}/a.png?x=[1]"]), 8, 1000)
    assert (page.source, page.error) == (f"{site}/a.png?x=[1]", None)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("/gone", "the server answers 404"),
        ("/page", "not a picture"),
        ("/ftp", "redirects to ftp://127.0.0.1/a.png, which is no web address"),
        ("/file", "file:///etc/passwd"),
        ("/a b", "cannot be downloaded"),
    ],
)
def test_the_reason_of_a_failure_follows_the_address(site, name, reason):
    with pytest.raises(ImageError, match=reason) as error:
        load_image(site + name)
    assert str(error.value).startswith(f"{site}{name}: ")


@pytest.mark.parametrize("url", ["http://", "http://127.0.0.1:1/a.png", "http://a:b/", "HTTPS://\u2028"])
def test_wrong_addresses(url):
    with pytest.raises(ImageError, match="cannot be downloaded"):
        load_image(url)


def test_limits_apply(site):
    with pytest.raises(ImageError, match=r"limit of 0\.0001 million"):
        load_image(f"{site}/a.png", max_pixels=100)
    with pytest.raises(ImageError, match="above the limit of 5e-05 MB"):
        download(f"{site}/a.png", max_bytes=50)


@pytest.mark.parametrize("url", ["file:///etc/a.png", "ftp://example.org/a.png", "rtsp://example.org/a"])
def test_only_web_addresses_are_downloaded(url):
    with pytest.raises(ImageError, match=rf"^{url}: is not downloaded; only addresses that begin with http:// or"):
        load_image(url)


def test_a_refused_connection_is_described_in_words():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(ImageError, match=r"cannot be downloaded \(Connection refused\)$"):
        load_image(f"http://127.0.0.1:{port}/a.png")
