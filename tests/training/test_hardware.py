import importlib
import os
import subprocess
import sys

import pytest

from digitdet.training.hardware import CpuThreads, describe_machine, seconds_of_others


@pytest.mark.parametrize("package", ["digitdet.training", "digitdet.classifiers"])
def test_idle_threads_sleep(package, monkeypatch):
    """OpenMP reads the policy when torch is imported, which the modules of these packages do."""
    module = importlib.import_module(package)
    monkeypatch.delenv("OMP_WAIT_POLICY")
    importlib.reload(module)
    assert os.environ["OMP_WAIT_POLICY"] == "PASSIVE"


@pytest.fixture
def torch(monkeypatch):
    """PyTorch on a machine with four cores."""
    torch = pytest.importorskip("torch", reason="torch is not installed: pip install '.[train]'")
    before = torch.get_num_threads()
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    yield torch
    torch.set_num_threads(before)


@pytest.mark.parametrize(
    ("wanted", "others", "chosen"),
    [(0, 0.4, 4), (0, 1.7, 2), (0, 4.0, 1), (0, None, 4), (3, 4.0, 3)],
)
def test_threads_leave_busy_cores_to_other_programs(torch, wanted, others, chosen):
    """`others` is the number of cores that other programs use."""
    now = 0.0
    threads = CpuThreads(wanted, lambda: now, lambda: None if others is None else 100 + others * now)
    assert torch.get_num_threads() == (wanted or 4)
    now = 10.0
    threads.adapt()
    assert torch.get_num_threads() == chosen
    threads = "1 thread" if chosen == 1 else f"{chosen} threads"
    assert describe_machine("cpu", in_bf16=False) == f"this CPU ({threads} on 4 cores, float32)"


def test_threads_stay_where_the_time_of_others_is_unknown_for_once(torch):
    times = iter([(0.0, 1_000_000.0), (10.0, None), (20.0, 1_000_020.0)])
    now, used = next(times)
    threads = CpuThreads(0, lambda: now, lambda: used)
    for expected in (4, 3):
        now, used = next(times)
        threads.adapt()
        assert torch.get_num_threads() == expected


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="measured on Linux only")
def test_the_time_of_other_programs_is_measured():
    code = "import time\nwhile time.process_time() < 0.3: pass\nprint(flush=True)\ninput()"
    before = seconds_of_others()
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        other.stdout.readline()
        assert seconds_of_others() - before > 0.2
        other.communicate(b"\n")
