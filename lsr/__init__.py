"""Lateral spread responses in facial EMG: read a recording, find the responses, report them."""

__version__ = "0.1.0"
