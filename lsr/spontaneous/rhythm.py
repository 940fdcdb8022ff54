"""Are short bursts the heart's?

Conventions
-----------
Times are seconds. The heart is regular: bursts are its own where most follow each other at one interval
that a pulse can have.
"""

from __future__ import annotations

import numpy as np

_PULSE_S = (0.35, 1.6)  # between beats: 170 to 37 a minute
_REGULAR = 0.12  # intervals this near to the usual one are beats
_MOSTLY = 0.6  # of the intervals
_LEAST = 8
_LONGEST_S = 0.15


def is_heartbeat(start_s: np.ndarray, stop_s: np.ndarray) -> np.ndarray:
    """Tell which bursts are heartbeats.

    Parameters
    ----------
    start_s, stop_s : np.ndarray, shape (n_bursts,)
        In the order of time.

    Returns
    -------
    np.ndarray, shape (n_bursts,), bool

    Examples
    --------
    >>> beats_s = np.arange(20) * 0.8
    >>> bool(is_heartbeat(beats_s, beats_s + 0.03).all())
    True
    """
    beats = np.zeros(start_s.size, dtype=bool)
    short = np.flatnonzero(stop_s - start_s <= _LONGEST_S)
    if short.size < _LEAST:
        return beats
    intervals = np.diff(start_s[short])
    possible = intervals[(intervals >= _PULSE_S[0]) & (intervals <= _PULSE_S[1])]
    if possible.size < _MOSTLY * intervals.size:
        return beats
    regular = np.abs(intervals - np.median(possible)) <= _REGULAR * np.median(possible)
    if regular.sum() < _MOSTLY * intervals.size:
        return beats
    beats[short] = np.append(False, regular) | np.append(regular, False)
    return beats
