import json

import pytest

from digitdet.common.errors import install_command


@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        (None, "pip install 'digitdet[train]'"),
        ({"url": "file:///home/me/my%20code", "dir_info": {}}, "pip install '/home/me/my code[train]'"),
        ({"url": "file:///src", "dir_info": {"editable": True}}, "pip install -e '/src[train]'"),
        (
            {"url": "https://example.org/d.git", "vcs_info": {"vcs": "git"}},
            "pip install 'digitdet[train] @ git+https://example.org/d.git'",
        ),
    ],
)
def test_the_install_command_fits_where_digitdet_came_from(origin, expected, monkeypatch):
    class Installed:
        def read_text(self, _name):
            return None if origin is None else json.dumps(origin)

    monkeypatch.setattr("importlib.metadata.distribution", lambda _name: Installed())
    assert install_command("train") == expected
