"""Do a few single sweeps of silent blocks hold the LSR at its full size?

Conventions
-----------
Rows are sweeps, columns samples; time is milliseconds from the stimulus. An LSR that answers one stimulus in
ten is lost in the average of a block; in single sweeps it is as plain as ever. It is known by its waveform,
which the blocks that show it tell. Bursts resemble it now and then, but as often elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb

import numpy as np

from lsr.medians import median

_LASTS_MS = 8.0  # of the waveform, from just before the onset on
_BEFORE_MS = 0.5
_SHIFT_MS, _SHIFT_STEP_MS = 0.6, 0.2  # a single response may come so much earlier or later
_LEAST_SHARE = 0.5  # of the waveform's size
_ALIKE = 0.75  # correlation with it
# Where the same is sought for comparison, from the onset on: before the stimulus and after the response.
_ELSEWHERE_MS = (-28.0, -26.0, -24.0, -22.0, -20.0, 12.0, 14.0, 20.0, 22.0, 24.0, 26.0, 28.0)
_QUIET_MS = -1.0  # what comes before the stimulus ends before it
_FEWEST, _TIMES_CHANCE = 2, 4.0  # sweeps; what comes by chance so often is not told from it


@dataclass(frozen=True, slots=True, kw_only=True)
class Alike:
    """Single sweeps that resemble the LSR."""

    n_sweeps: int
    n_alike: int  # with a waveform like it, at least half as large
    by_chance: float  # the same elsewhere in the sweeps, where no LSR is: mean over several places

    @property
    def tells(self) -> bool:
        """Whether it answers now and then: neither one burst nor many bursts can be it."""
        return self.n_alike >= max(_FEWEST, _TIMES_CHANCE * self.by_chance)


def count_together(counts: Sequence[Alike]) -> Alike:
    """Add up the counts of several blocks."""
    return Alike(
        n_sweeps=sum(one.n_sweeps for one in counts),
        n_alike=sum(one.n_alike for one in counts),
        by_chance=sum(one.by_chance for one in counts),
    )


def may_be_unanswered(n_sweeps: int, n_answered: int, share: float, alpha: float) -> bool:
    """Whether an LSR that answers a share of all stimuli may answer so few of some, or fewer, by chance.

    Examples
    --------
    >>> may_be_unanswered(12, 1, 0.35, 0.001), may_be_unanswered(40, 1, 0.35, 0.001)
    (True, False)
    """
    shares = (comb(n_sweeps, k) * share**k * (1 - share) ** (n_sweeps - k) for k in range(n_answered + 1))
    return sum(shares) > alpha


def count_alike(
    silent_uv: np.ndarray, answered_uv: np.ndarray, time_ms: np.ndarray, onset_ms: float
) -> Alike:
    """Count the sweeps that hold the LSR by themselves.

    Parameters
    ----------
    silent_uv : np.ndarray, shape (n_silent, n_samples)
        Of blocks whose average shows no LSR.
    answered_uv : np.ndarray, shape (n_answered, n_samples)
        Of blocks that show it.
    time_ms : np.ndarray, shape (n_samples,)
    onset_ms : float
        Of the LSR.

    Returns
    -------
    Alike
        By chance 0 where the sweeps are too short to tell how many.
    """
    step_ms = float(time_ms[1] - time_ms[0])
    silence = median(silent_uv, 0)  # a few responses do not sway it
    reach = round(_SHIFT_MS / step_ms)
    begin = max(int(np.searchsorted(time_ms, onset_ms - _BEFORE_MS)), reach)
    length = min(round(_LASTS_MS / step_ms), time_ms.size - begin - reach)
    shape = (answered_uv.mean(axis=0) - silence)[begin : begin + length]
    places = [begin + round(elsewhere / step_ms) for elsewhere in _ELSEWHERE_MS]
    stimulus = int(np.searchsorted(time_ms, _QUIET_MS))
    places = [
        place
        for place in places
        if place >= reach and place + length + reach <= (stimulus if place < begin else time_ms.size)
    ]
    rest = silent_uv - silence
    shifts = range(-reach, reach + 1, max(1, round(_SHIFT_STEP_MS / step_ms)))
    here, *elsewhere_found = (
        _n_alike(rest, shape, [place + shift for shift in shifts]) for place in (begin, *places)
    )
    by_chance = float(np.mean(elsewhere_found)) if elsewhere_found else 0.0
    return Alike(n_sweeps=silent_uv.shape[0], n_alike=here, by_chance=by_chance)


def _n_alike(rest_uv: np.ndarray, shape_uv: np.ndarray, begins: Sequence[int]) -> int:
    """Sweeps that hold the shape where it may begin."""
    wave = shape_uv - shape_uv.mean()
    energy = float(wave @ wave)
    alike = np.zeros(rest_uv.shape[0], bool)
    for begin in begins:
        part = rest_uv[:, begin : begin + wave.size]
        part = part - part.mean(axis=1, keepdims=True)
        product = part @ wave
        own = np.sqrt((part**2).sum(axis=1) * energy)
        alike |= (product > _LEAST_SHARE * energy) & (product > _ALIKE * own)
    return int(alike.sum())
