"""How high is a Gaussian bump?

Conventions
-----------
Where almost nothing is left of it, it is zero: numbers below 1e-308, and products of such as are near them,
take a processor a hundred times as long as others.
"""

from __future__ import annotations

import numpy as np

_NOTHING_LEFT = 12.0  # deviations, where it is 1e-31


def gaussian(deviations: np.ndarray) -> np.ndarray:
    """Height of a bump of height 1, so many deviations from its middle.

    Examples
    --------
    >>> gaussian(np.array([0.0, 1.0, 38.0])).round(3).tolist()
    [1.0, 0.607, 0.0]
    """
    height: np.ndarray = np.where(np.abs(deviations) < _NOTHING_LEFT, np.exp(-0.5 * deviations**2), 0.0)
    return height
