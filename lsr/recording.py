"""A recording: channels, segments, annotations, and what is odd about them; samples come lazily.

Conventions
-----------
Times are seconds since the recording's start. Voltages are microvolts. Channels keep their own rate.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Something odd about a file, its stimuli or a finding."""

    code: str  # stable, snake_case
    message: str  # one plain sentence
