"""Training, exporting, measuring and calibrating models."""

import os

# OpenMP reads this when torch is imported. Idle threads that spin take the cores from those they wait for as soon as
# another program uses one core, and a training becomes many times slower. A policy that the user has set is kept.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
