"""How strong must a stimulus be to evoke the response?

Conventions
-----------
Intensities are milliamperes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lsr.detection.detection import SweepFinding

_ANSWERED = 0.5


def find_threshold_ma(intensities_ma: Sequence[float | None], sweeps: Sequence[SweepFinding]) -> float | None:
    """Lowest intensity from which on at least half of the stimuli are answered.

    Parameters
    ----------
    intensities_ma : sequence of float or None, one per sweep
    sweeps : sequence of SweepFinding, one per sweep

    Returns
    -------
    float | None
        None: one intensity only, sweeps that cannot be judged, or none unanswered below.
    """
    judged = [
        (float(ma), bool(sweep.present))
        for ma, sweep in zip(intensities_ma, sweeps, strict=True)
        if ma is not None and sweep.used and sweep.present is not None
    ]
    levels = sorted({ma for ma, _ in judged})
    if len(levels) < 2:
        return None
    share = np.array([np.mean([present for ma, present in judged if ma == level]) for level in levels])
    reached = share >= _ANSWERED
    first = len(levels)
    while first and reached[first - 1]:
        first -= 1
    return levels[first] if 0 < first < len(levels) else None
