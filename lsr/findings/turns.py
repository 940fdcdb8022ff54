"""Were two branches, or both sides, stimulated by turns, in stimuli that do not say so?

Conventions
-----------
Sizes are those of single sweeps along the muscle's own average M wave; 1 is that of its larger ones. An M
wave is there above a half and missing below a quarter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np

from lsr.anatomy import Branch, branches_supplying
from lsr.detection.m_wave import DirectMuscle
from lsr.findings.pairs import Site

_LASTS_MS = 8.0  # of an M wave
_THERE, _MISSING = 0.5, 0.25
_LARGER = 0.9  # quantile of a muscle's M waves
_TURNS, _EITHER = 0.15, 0.8  # of the sweeps: each muscle alone answers so many, either alone so many


def find_turns(sites: Sequence[Site], read: Mapping[int, DirectMuscle]) -> tuple[Site, Site] | None:
    """Find two muscles of different branches or sides of which now one shows its M wave, now the other.

    Parameters
    ----------
    sites : sequence of Site
    read : mapping of int to DirectMuscle
        The same stimuli, by channel.

    Returns
    -------
    tuple[Site, Site] | None
        None: no two do.
    """
    sizes = {}
    for site in sites:
        if site.muscle is not None and site.channel in read:
            found = _sizes(read[site.channel])
            if found is not None:
                sizes[site] = found
    for one, other in combinations(sizes, 2):
        if one.side is other.side and set(_branches(one)) & set(_branches(other)):
            continue
        if sizes[one].size != sizes[other].size:
            continue
        mine = float(np.mean((sizes[one] > _THERE) & (sizes[other] < _MISSING)))
        theirs = float(np.mean((sizes[other] > _THERE) & (sizes[one] < _MISSING)))
        if min(mine, theirs) >= _TURNS and mine + theirs >= _EITHER:
            return one, other
    return None


def _branches(site: Site) -> tuple[Branch, ...]:
    return () if site.muscle is None else branches_supplying(site.muscle)


def _sizes(direct: DirectMuscle) -> np.ndarray | None:
    """The M wave of every sweep; None where there is none."""
    onset_ms = direct.m_wave.onset_latency_ms
    if onset_ms is None:
        return None
    within = (direct.time_ms >= onset_ms) & (direct.time_ms < onset_ms + _LASTS_MS)
    sweeps_uv = direct.emg_uv[:, within] - direct.emg_uv[:, within].mean(axis=1, keepdims=True)
    along = sweeps_uv @ sweeps_uv.mean(axis=0)
    larger = float(np.quantile(along, _LARGER))
    return along / larger if larger > 0 else None
