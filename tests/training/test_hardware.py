import os
import subprocess
import sys

import pytest

from digitdet.training.hardware import let_idle_threads_sleep


@pytest.mark.parametrize(("own", "expected"), [(None, "PASSIVE"), ("ACTIVE", "ACTIVE")])
def test_idle_threads_sleep_unless_the_user_decides(own, expected, monkeypatch):
    monkeypatch.setenv("OMP_WAIT_POLICY", own or "")
    if own is None:
        monkeypatch.delenv("OMP_WAIT_POLICY")
    let_idle_threads_sleep()
    assert os.environ["OMP_WAIT_POLICY"] == expected


def test_a_training_sets_the_policy_before_torch_is_imported():
    """OpenMP reads it when torch is imported, and `train_run` sets it first."""
    pytest.importorskip("tqdm", reason="tqdm is not installed: pip install '.[train]'")
    code = "import sys, digitdet.training.run; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
