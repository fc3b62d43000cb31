"""The command `digitdet serve`."""

import importlib.util
import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from digitdet.cli.main import main
from digitdet.common.errors import DataError
from digitdet.common.files import folder_lock

pytest.importorskip("fastapi")

EXAMPLE = Path(__file__).parents[2] / "examples" / "number.jpg"


def run(*arguments):
    return CliRunner().invoke(main, ["serve", *map(str, arguments)])


@pytest.fixture
def serve():
    servers = []

    def start(*options):
        command = [sys.executable, "-m", "digitdet", "serve", "--port", "0", *map(str, options)]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        server = subprocess.Popen(command, **pipes, text=True, start_new_session=True)
        servers.append(server)
        return server, re.search(r"http://[^ ]+", server.stderr.readline())[0]

    yield start
    for server in servers:
        server.kill()
        server.communicate()


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_it_serves_until_ctrl_c(serve, tmp_path):
    server, address = serve("--corrections", tmp_path / "mine")
    with urllib.request.urlopen(f"{address}/api/read", EXAMPLE.read_bytes(), timeout=60) as answer:
        assert json.load(answer)[0]["numbers"][0]["best"] == "72366"
    with pytest.raises(DataError, match="another digitdet"), folder_lock(tmp_path / "mine"):
        pass
    os.kill(server.pid, signal.SIGINT)
    assert server.wait(60) == 0
    assert server.stderr.read() == ""
    assert re.fullmatch(r"[\d-]+T[\d:+-]+ POST /api/read 200 \d+ ms\n", server.stdout.read())
    assert sorted(path.name for path in (tmp_path / "mine").iterdir()) == ["data.yaml", "images", "labels"]


def test_it_answers_to_given_host_names(serve):
    _, address = serve("--name", "numbers.example.org")
    for name, status in [("numbers.example.org", 200), ("127.0.0.1", 200), ("evil.example", 400)]:
        request = urllib.request.Request(f"{address}/api/health", headers={"Host": name})
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                assert answer.status == status
        except urllib.error.HTTPError as error:
            assert error.code == status


def test_the_container_image_serves():
    dockerfile = (EXAMPLE.parents[1] / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", "")
    lines = dict(line.split(" ", 1) for line in dockerfile.splitlines() if line and line[0] not in "# ")
    port = {option.name: option.default for option in main.get_command(click.Context(main), "serve").params}["port"]
    assert int(lines["EXPOSE"]) == port
    assert lines["USER"] != "root"
    assert '".[heic,pdf,web]"' in dockerfile
    assert json.loads(lines["CMD"]) == ["serve", "--host", "0.0.0.0"]
    *_, python, flag, code = json.loads(lines["HEALTHCHECK"].partition("CMD")[2])
    assert (Path(python).name, flag) == ("python", "-c")
    with pytest.raises(urllib.error.URLError):  # no server runs on a port that does not exist
        exec(code.replace(str(port), "1"), {})


def test_a_port_in_use_is_one_line():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = run("--port", port)
    assert result.exit_code == 1
    (line,) = result.output.splitlines()
    assert line.startswith(f"Error: 127.0.0.1:{port}: ")
    assert "--port" in line


def test_an_unknown_host_is_one_line():
    result = run("--host", "no.such.host.invalid", "--port", 0)
    assert result.exit_code == 1
    assert len(result.output.splitlines()) == 1


def test_a_folder_with_other_files_is_rejected(tmp_path):
    (tmp_path / "letter.txt").write_text("dear")
    result = run("--corrections", tmp_path, "--port", 0)
    assert result.exit_code == 2
    assert "choose another folder" in result.output
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


def test_missing_extra_says_what_to_install(monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "uvicorn" else find(name))
    result = run()
    assert result.exit_code == 1
    assert re.search(r"pip install .*\[web\]", result.output)
