"""Synthetic EMG: sweeps and recordings drawn from a seed, together with what is true in them."""

from lsr.synthetic.recording import DrawnRecording, RecordingPlan, draw_recording
from lsr.synthetic.scenarios import SCENARIOS, draw_scenario, write_scenario
from lsr.synthetic.sweeps import DrawnSweeps, draw_sweeps
from lsr.synthetic.truth import RecordingTruth, SweepsTruth, SweepTruth

__all__ = [
    "SCENARIOS",
    "DrawnRecording",
    "DrawnSweeps",
    "RecordingPlan",
    "RecordingTruth",
    "SweepTruth",
    "SweepsTruth",
    "draw_recording",
    "draw_scenario",
    "draw_sweeps",
    "write_scenario",
]
