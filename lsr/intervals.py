"""How sure is an interval? As the report promises: all of them hold the truth in 95 of 100."""

from __future__ import annotations

CONFIDENCE = 0.95
DEVIATIONS = 1.959963984540054  # of a normal distribution, to either side
