"""Synthetic EMG: sweeps and recordings drawn from a seed, together with what is true in them."""

from lsr.synthetic.sweeps import DrawnSweeps, draw_sweeps
from lsr.synthetic.truth import SweepsTruth, SweepTruth

__all__ = ["DrawnSweeps", "SweepTruth", "SweepsTruth", "draw_sweeps"]
