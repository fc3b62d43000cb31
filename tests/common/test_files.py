import errno
from pathlib import Path

import pytest

from digitdet.common.files import LOCK_FILE, errors_naming, folder_lock, require_writable, write_atomically

on_linux = pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a folder that nobody can write into")


def test_a_lock_taken_right_after_the_release_keeps_its_file(tmp_path, monkeypatch):
    class Lock:
        def __init__(self, path):
            self.path = path

        def acquire(self, timeout):
            pass

        def release(self):
            self.path.write_text("of another process")

    monkeypatch.setattr("filelock.FileLock", Lock)
    with folder_lock(tmp_path):
        pass
    assert (tmp_path / LOCK_FILE).read_text() == "of another process"


@on_linux
def test_errors_name_what_the_user_named():
    for write in (
        lambda: write_atomically(Path("/proc/x.csv"), ""),
        lambda: require_writable(Path("/proc/x.csv")),
        lambda: folder_lock(Path("/proc"), "x.csv").__enter__(),
    ):
        with pytest.raises(OSError, match=r"'/proc/x\.csv'$"):
            write()
    with pytest.raises(OSError, match=r"'/proc'$"), folder_lock(Path("/proc")):
        pass


def test_errors_without_a_file_get_one_and_others_keep_theirs():
    full = OSError(errno.ENOSPC, "No space left on device")
    with pytest.raises(OSError, match=r"'out/a\.csv'$"), errors_naming(Path("out/a.csv")):
        raise full
    with pytest.raises(OSError, match=r"'b\.csv'$"), errors_naming(Path("out/a.csv")):
        raise OSError(errno.ENOSPC, "No space left on device", "b.csv")


def test_a_file_that_can_be_written_is_not_changed_by_the_check(tmp_path):
    file = tmp_path / "new" / "a.html"
    require_writable(file)
    assert list(file.parent.iterdir()) == []
