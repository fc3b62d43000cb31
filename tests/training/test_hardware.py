import importlib
import os

import pytest


@pytest.mark.parametrize("package", ["digitdet.training", "digitdet.classifiers"])
def test_idle_threads_sleep(package, monkeypatch):
    """OpenMP reads the policy when torch is imported, which the modules of these packages do."""
    module = importlib.import_module(package)
    monkeypatch.delenv("OMP_WAIT_POLICY")
    importlib.reload(module)
    assert os.environ["OMP_WAIT_POLICY"] == "PASSIVE"
