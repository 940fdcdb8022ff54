"""How strong must a stimulus be to evoke the response?

Conventions
-----------
Intensities are milliamperes. The stimulus threshold is the intensity at which the share of answered stimuli
is half of what strong stimuli reach; it is told only where weaker stimuli are not answered.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from lsr.detection.detection import Presence
from lsr.findings.findings import BlockFinding, PairSweep, RecruitmentLevel, StimulusThreshold
from lsr.intervals import DEVIATIONS

_MOST_LEVELS = 16  # more intensities than that are joined to groups of like size
_LEAST_SPAN = 1.15  # highest to lowest: else the intensity does not vary
_LIKELY = DEVIATIONS**2 / 2  # log likelihood below the best within the interval: Wilks 1938
_BEST = 0.02  # log likelihood below the best that is as good as the best
_FIELD = 241  # intensities tried
_SHARPEST, _WIDEST = 0.02, 0.5  # widths: of the smallest step of intensities, and of their span
_WIDTHS = 15  # so many are tried


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """Stimuli of one intensity, and how many were answered."""

    intensity_ma: float
    n_stimuli: int
    n_answered: int
    amplitude_uv: float | None  # mean over all of them


def group_levels(intensities_ma: Sequence[float | None]) -> Iterator[tuple[float, np.ndarray]]:
    """Group stimuli by intensity.

    Parameters
    ----------
    intensities_ma : sequence of float or None, one per stimulus

    Yields
    ------
    float
        Intensity, the median of its group; rising. Nothing comes where intensities do not vary.
    np.ndarray
        Which stimuli.
    """
    known = np.array([k for k, ma in enumerate(intensities_ma) if ma is not None and ma > 0], dtype=int)
    sizes = np.array([float(intensities_ma[k] or 0.0) for k in known])
    if not known.size or sizes.max() < _LEAST_SPAN * sizes.min():
        return
    distinct = np.unique(sizes)
    if distinct.size > _MOST_LEVELS:
        edges = np.unique(np.quantile(sizes, np.linspace(0, 1, _MOST_LEVELS + 1)))
        group = np.searchsorted(edges[1:-1], sizes, side="right")
    else:
        group = np.searchsorted(distinct, sizes)
    for one in np.unique(group):
        yield float(np.median(sizes[group == one])), known[group == one]


def response_levels(
    intensities_ma: Sequence[float | None], sweeps: Sequence[PairSweep], blocks: Sequence[BlockFinding]
) -> tuple[Level, ...]:
    """Count answered stimuli by intensity.

    Parameters
    ----------
    intensities_ma : sequence of float or None, one per sweep
    sweeps : sequence of PairSweep
    blocks : sequence of BlockFinding
        Only their stimuli count; where a block shows no response, they are unanswered.

    Returns
    -------
    tuple[Level, ...]
        Rising; levels none of whose sweeps can be judged are left out.
    """
    asked = {k for block in blocks for k in block.stimuli}
    silent = {k for block in blocks if _is_silent(block) for k in block.stimuli}
    levels = []
    for ma, which in group_levels(intensities_ma):
        own = [sweeps[k] for k in which if sweeps[k].finding.used and sweeps[k].stimulus in asked]
        judged = [one for one in own if one.finding.present is not None or one.stimulus in silent]
        if judged:
            sizes = [one.finding.amplitude_uv or 0.0 for one in judged]
            levels.append(
                Level(
                    intensity_ma=ma,
                    n_stimuli=len(judged),
                    n_answered=sum(bool(one.finding.present) for one in judged),
                    amplitude_uv=float(np.mean(sizes)),
                )
            )
    return tuple(levels)


def _is_silent(block: BlockFinding) -> bool:
    """No response, be it that the stimulus was too weak for an M wave too."""
    return block.detection.presence is Presence.ABSENT or block.detection.reason == "no_m_wave"


def find_threshold(levels: Sequence[Level]) -> StimulusThreshold | None:
    """Fit a sigmoid to the share of answered stimuli.

    Its three parameters (threshold, width, share that strong stimuli reach) are searched over a field,
    so that levels answered never or always, where no slope can be told, are no special case.

    Parameters
    ----------
    levels : sequence of Level
        Rising.

    Returns
    -------
    StimulusThreshold | None
        None: fewer than two levels, none answered, or none left mostly unanswered below.

    Examples
    --------
    >>> levels = [Level(intensity_ma=ma, n_stimuli=10, n_answered=n, amplitude_uv=None)
    ...           for ma, n in [(2, 0), (4, 0), (6, 5), (8, 10), (10, 10)]]
    >>> round(find_threshold(levels).intensity_ma, 1)
    6.0
    """
    usable = [level for level in levels if level.n_stimuli]
    if not any(level.n_answered for level in usable):
        return None
    ma = np.array([level.intensity_ma for level in usable])
    given = np.array([level.n_stimuli for level in usable])
    answered = np.array([level.n_answered for level in usable])
    share = answered / given
    if share[0] >= 0.5 * share.max():
        return None
    tried = np.linspace(ma[0], ma[-1], _FIELD)
    # An all-or-none response may begin just above an intensity that evoked none.
    widths = np.geomspace(_SHARPEST * np.diff(ma).min(), _WIDEST * (ma[-1] - ma[0]), _WIDTHS)
    tops = np.linspace(max(0.1, 0.6 * float(share.max())), 1.0, 9)
    slope = (ma - tried[:, None, None]) / widths[:, None]
    rise = 0.5 * (1 + np.tanh(slope / 2))  # (tried, widths, levels)
    chance = np.clip(tops[:, None] * rise[:, :, None, :], 1e-3, 1 - 1e-3)
    likelihood = (answered * np.log(chance) + (given - answered) * np.log(1 - chance)).sum(axis=-1)
    profile = likelihood.max(axis=(1, 2))
    best = tried[profile >= profile.max() - _BEST]
    within = tried[profile >= profile.max() - _LIKELY]
    return StimulusThreshold(
        intensity_ma=float(best.mean()), interval_ma=(float(within[0]), float(within[-1]))
    )


def recruitment(
    levels: Sequence[Level], m_wave: Sequence[Level], *, counts_stimuli: bool = True
) -> tuple[RecruitmentLevel, ...]:
    """Response and M wave side by side, by intensity.

    Parameters
    ----------
    levels, m_wave : sequence of Level
        Rising.
    counts_stimuli : bool
        False where averages were counted, of which each holds stimuli with and without an answer.
    """
    waves = {level.intensity_ma: level for level in m_wave}
    own = {level.intensity_ma: level for level in levels}
    return tuple(
        RecruitmentLevel(
            intensity_ma=ma,
            n_stimuli=(own.get(ma) or waves[ma]).n_stimuli,
            persistence=own[ma].n_answered / own[ma].n_stimuli if ma in own and counts_stimuli else None,
            amplitude_uv=own[ma].amplitude_uv if ma in own else None,
            m_wave_uv=waves[ma].amplitude_uv if ma in waves else None,
        )
        for ma in sorted(own | waves)
    )
