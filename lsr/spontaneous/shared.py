"""Which bursts do two muscles share?

Conventions
-----------
Times are the starts of bursts, in seconds. A burst is shared where one of the other muscle starts within
40 ms of it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_TOGETHER_S = 0.040
_LEAST_SHARED = 5
_CHANCE = 0.001  # that so many coincide by accident


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Shared:
    """Bursts that two muscles share."""

    at_s: np.ndarray  # (n_shared,): when they start in the muscle with fewer
    share: float  # of the bursts of the muscle with fewer
    share_by_chance: float
    lag_ms: float  # median: second muscle less first
    lag_quartiles_ms: tuple[float, float]


def find_shared(first_s: np.ndarray, second_s: np.ndarray, observed_s: float) -> Shared | None:
    """Find the bursts that two muscles share.

    Parameters
    ----------
    first_s, second_s : np.ndarray, shapes (n,), (m,)
        Starts of their bursts, rising.
    observed_s : float
        Time in which both were looked at.

    Returns
    -------
    Shared | None
        None where as many bursts coincide by accident (binomial test at 0.001), or fewer than five do.
    """
    if min(first_s.size, second_s.size) < _LEAST_SHARED:
        return None
    fewer, more, sign = (first_s, second_s, 1) if first_s.size <= second_s.size else (second_s, first_s, -1)
    at = np.searchsorted(more, fewer).clip(1, more.size - 1)
    nearest = np.where(fewer - more[at - 1] < more[at] - fewer, more[at - 1], more[at])
    lags = nearest - fewer
    together = np.abs(lags) <= _TOGETHER_S
    n_shared = int(together.sum())
    # What bursts cover is counted: close ones are joined, so they overlap less than random times would.
    near_s = 2 * _TOGETHER_S + float(np.minimum(np.diff(more), 2 * _TOGETHER_S).sum())
    by_chance = min(1.0, near_s / observed_s)
    if n_shared < _LEAST_SHARED or _chance_of(n_shared, fewer.size, by_chance) > _CHANCE:
        return None
    lags_ms = 1000 * sign * lags[together]
    low, middle, high = (float(one) for one in np.quantile(lags_ms, [0.25, 0.5, 0.75]))
    return Shared(
        at_s=fewer[together],
        share=n_shared / fewer.size,
        share_by_chance=by_chance,
        lag_ms=middle,
        lag_quartiles_ms=(low, high),
    )


def _chance_of(n_shared: int, n: int, by_chance: float) -> float:
    """Probability that at least so many of n coincide by accident."""
    from scipy.special import bdtrc

    return float(bdtrc(n_shared - 1, n, by_chance))
