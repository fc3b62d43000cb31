import json

import pytest

from digitdet.common.errors import install_command


@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        (None, "pip install 'digitdet[train]'"),
        ({"url": "file://{folder}/a%20b", "dir_info": {}}, "pip install '{folder}/a b[train]'"),
        ({"url": "file://{folder}/a%20b", "dir_info": {"editable": True}}, "pip install -e '{folder}/a b[train]'"),
        ({"url": "file://{folder}/removed", "dir_info": {}}, "pip install 'digitdet[train]'"),
        (
            {"url": "https://example.org/d.git", "vcs_info": {"vcs": "git"}},
            "pip install 'digitdet[train] @ git+https://example.org/d.git'",
        ),
    ],
)
def test_the_install_command_fits_where_digitdet_came_from(origin, expected, monkeypatch, tmp_path):
    (tmp_path / "a b").mkdir()

    class Installed:
        def read_text(self, _name):
            return None if origin is None else json.dumps(origin).replace("{folder}", str(tmp_path))

    monkeypatch.setattr("importlib.metadata.distribution", lambda _name: Installed())
    assert install_command("train") == expected.replace("{folder}", str(tmp_path))
