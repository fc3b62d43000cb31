import os

import digitdet.training


def test_idle_threads_sleep():
    """OpenMP reads the policy when torch is imported, which the modules of this package do."""
    assert digitdet.training
    assert os.environ["OMP_WAIT_POLICY"]
