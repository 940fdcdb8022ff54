"""Random streams: which random numbers does each part of a drawing get?

Conventions
-----------
Every part (response, noise, hum, ...) has a stream of its own, so that adding a nuisance changes
neither the response nor the noise drawn from the same seed.
"""

from __future__ import annotations

import zlib

import numpy as np


def stream(seed: int, *names: object) -> np.random.Generator:
    """Random generator of the part called `names` in the drawing numbered `seed`.

    Examples
    --------
    >>> bool(stream(7, "noise").random() == stream(7, "noise").random())
    True
    >>> bool(stream(7, "noise").random() == stream(7, "hum").random())
    False
    """
    if seed < 0:
        raise ValueError(f"a seed is 0 or greater, found {seed}")
    return np.random.default_rng([seed, *(zlib.crc32(str(name).encode()) for name in names)])
