"""Tests run linear algebra on one thread, as the command line does: quicker, and the same sums everywhere."""

import os

for library in ("OPENBLAS", "OMP", "MKL"):
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")
