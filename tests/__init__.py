"""Tests of the project, in as many processes as the machine has cores: each computes in one thread, as nights do."""

import os

# read when numpy and scikit-learn are imported, which is later; with more, threads of a busy machine wait by spinning
os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
