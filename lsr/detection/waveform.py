"""What may a muscle response look like, if nothing but its start is supposed?

Conventions
-----------
A response that starts at time 0 is a sum of bumps with random sizes under an envelope: zero before
the start, rising within `rise_ms`, gone after about `length_ms`. This is a Gaussian process with
squared-exponential covariance (Rasmussen & Williams 2006, ch. 4), written as a sum of its basis
functions. Several widths, rises and lengths stand beside each other; the data choose.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from lsr.gaussian import gaussian


@dataclass(frozen=True)
class Family:
    """Responses of one smoothness, rise and length."""

    width_ms: float
    rise_ms: float
    length_ms: float

    @cached_property
    def centres_ms(self) -> np.ndarray:
        """Where the bumps stand, shape (n_bumps,)."""
        step = 1.2 * self.width_ms
        return np.arange(0, 1.7 * self.length_ms + step, step)

    def bumps(self, since_start_ms: np.ndarray) -> np.ndarray:
        """Basis functions, shape (n_samples, n_bumps); sizes of unit variance give a response of order 1."""
        since = np.asarray(since_start_ms, float)[:, None]
        after = np.clip(since, 0, None)
        envelope = (1 - np.exp(-((after / self.rise_ms) ** 2))) * np.exp(-((after / self.length_ms) ** 2))
        unit = np.sqrt(1.2 / np.sqrt(np.pi))
        shape: np.ndarray = unit * envelope * gaussian((since - self.centres_ms) / self.width_ms)
        return shape


# Widths span motor unit potentials of 0.6 to 6 ms; lengths span mono- to polyphasic responses of 3 to 15 ms.
FAMILIES = tuple(
    Family(width_ms=width, rise_ms=rise, length_ms=length)
    for width, length in ((0.2, 4.0), (0.35, 4.0), (0.35, 8.0), (0.7, 4.0), (0.7, 9.0), (1.3, 9.0))
    for rise in (0.5, 1.5, 4.0)
)
SEARCH_FAMILIES = (
    Family(width_ms=0.45, rise_ms=1.0, length_ms=5.0),
    Family(width_ms=0.9, rise_ms=1.5, length_ms=8.0),
)
# Long responses of many sharp phases, asked only where very much stands out: wider bumps fit them
# by how these happen to lie, and put their start to where these lie best.
FINE_FAMILIES = tuple(Family(width_ms=0.2, rise_ms=rise, length_ms=12.0) for rise in (0.5, 1.5, 4.0))
FINE_SEARCH_FAMILY = Family(width_ms=0.25, rise_ms=1.0, length_ms=8.0)
# Polyphasic responses whose late phases are as large as the first: asked only where much stands out.
LASTING_FAMILIES = tuple(
    Family(width_ms=width, rise_ms=rise, length_ms=16.0) for width in (0.45, 0.9) for rise in (0.5, 1.5, 4.0)
)
LASTING_SEARCH_FAMILY = Family(width_ms=0.7, rise_ms=1.5, length_ms=16.0)
