"""What is the median?

Conventions
-----------
By sorting, which numpy does several times as quickly as what `np.median` does. Nothing may be missing.
"""

from __future__ import annotations

import numpy as np


def median(values: np.ndarray, axis: int = -1) -> np.ndarray:
    """Median along an axis.

    Examples
    --------
    >>> median(np.array([[3.0, 1.0, 2.0, 9.0], [5.0, 5.0, 4.0, 6.0]])).tolist()
    [2.5, 5.0]
    """
    n = values.shape[axis]
    middle: np.ndarray = np.sort(values, axis).take([(n - 1) // 2, n // 2], axis).mean(axis)
    return middle
