"""Classifiers of single digits: KNN, SVM, fully connected and convolutional networks."""

import os

# As in digitdet.training: idle threads of OpenMP must sleep. It is read when scikit-learn or torch is imported.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
