"""When does the response start, how large is it, and how sure is that?

Conventions
-----------
Onset is the first time at which the noise-free mean response exceeds 5 % of its peak, as a reader marks
a first deflection. It is read off responses drawn from their posterior, so its interval holds what noise,
artifact tail, crosstalk and the unknown waveform leave open.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lsr.detection.evidence import Fits, Model, Scan, scan, start_numbers
from lsr.detection.presence import Score
from lsr.detection.waveform import FAMILIES, Family

ONSET_SHARE = 0.05
_COARSE_MS, _FINE_MS = 0.5, 0.1
_DRAW_STEP_MS = 0.05
_LONGEST_MS = 16.0
_NEGLIGIBLE = 5.5  # log evidence below the best by which a start, family or size is passed over
_N_DRAWS = 400
_EDGE_MS = 0.25  # beyond the end of the window; before its start an M wave ends
_LEAST_INSIDE = 0.3  # share of the draws
_TEMPER = 0.6  # no family is quite the truth: the evidence counts for a little less
_MARKING_MS = 0.07  # no waveform tells its own start better: jitter, sampling, the low-pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Draws:
    """Responses drawn from the posterior."""

    onset_ms: np.ndarray  # (n_draws,)
    start_ms: np.ndarray  # (n_draws,)
    waves_uv: np.ndarray  # (n_draws, n_steps): from each draw's start, every 0.05 ms
    step_ms: float

    def within(self, window_ms: tuple[float, float]) -> Draws | None:
        """Those that start in a window; None where too few do for a response to start there."""
        inside = (self.onset_ms >= window_ms[0]) & (self.onset_ms <= window_ms[1] + _EDGE_MS)
        if inside.mean() < _LEAST_INSIDE:
            return None
        return Draws(
            onset_ms=self.onset_ms[inside],
            start_ms=self.start_ms[inside],
            waves_uv=self.waves_uv[inside],
            step_ms=self.step_ms,
        )


def draw_responses(
    model: Model, score: Score, search_ms: tuple[float, float], rng: np.random.Generator
) -> Draws:
    """Draw responses as the data allow them.

    Parameters
    ----------
    model : Model
    score : Score
        Where a response may start at all, and how large it may be.
    search_ms : tuple of float
    rng : np.random.Generator

    Returns
    -------
    Draws
    """
    low, high = search_ms[0] - 1.5, search_ms[1] + 1.0
    likely = score.starts_ms[score.log_evidence > score.log_evidence.max() - _NEGLIGIBLE]
    low, high = max(low, likely.min() - 1.5), min(high, likely.max() + 1.0)
    if high <= low:
        low, high = search_ms
    coarse = scan(model, start_numbers(model, low, high, _COARSE_MS), FAMILIES, score.sizes_uv)
    families, sizes, low, high = _worth_refining(coarse)
    fine = scan(model, start_numbers(model, low, high, _FINE_MS), families, sizes)
    return draw_from(fine, _N_DRAWS, rng)


def _worth_refining(coarse: Scan) -> tuple[Sequence[Family], np.ndarray, float, float]:
    keep = coarse.log_evidence > coarse.log_evidence.max() - _NEGLIGIBLE
    families = [family for j, family in enumerate(coarse.families) if keep[:, j].any()]
    sizes = coarse.sizes_uv[keep.any(axis=(0, 1))]
    starts = coarse.starts_ms[keep.any(axis=(1, 2))]
    return families, sizes, float(starts.min() - _COARSE_MS), float(starts.max() + _COARSE_MS)


def draw_from(fine: Scan, n_draws: int, rng: np.random.Generator) -> Draws:
    """Draw starts, families and sizes by their evidence, and a waveform of each."""
    weight = np.exp(_TEMPER * (fine.log_evidence - fine.log_evidence.max())).ravel()
    chosen = np.sort(rng.choice(weight.size, size=n_draws, p=weight / weight.sum()))
    start, family, size = np.unravel_index(chosen, fine.log_evidence.shape)
    since = np.arange(0, _LONGEST_MS, _DRAW_STEP_MS)
    waves = np.empty((n_draws, since.size))
    for j in np.unique(family):
        mine = np.flatnonzero(family == j)
        kinds, kind = np.unique(np.stack([start[mine], size[mine]]), axis=1, return_inverse=True)
        bumps = _draw_bumps(fine.fits[j], kinds[0], fine.sizes_uv[kinds[1]], kind.ravel(), rng)
        waves[mine] = bumps @ fine.families[j].bumps(since).T
    height = np.abs(waves)
    first = np.argmax(height > ONSET_SHARE * height.max(axis=1, keepdims=True), axis=1)
    starts = fine.starts_ms[start] + rng.uniform(-_FINE_MS / 2, _FINE_MS / 2, n_draws)
    marks = rng.normal(0, _MARKING_MS, n_draws)
    onsets = starts + since[first] + marks
    return Draws(onset_ms=onsets, start_ms=starts, waves_uv=waves, step_ms=_DRAW_STEP_MS)


def _draw_bumps(
    fits: Fits, starts: np.ndarray, sizes_uv: np.ndarray, kind: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Sizes of the bumps from their posterior, shape (n_draws, n_bumps), for draws of several kinds."""
    precision = fits.gram[starts]
    n = precision.shape[1]
    precision[:, range(n), range(n)] += 1 / sizes_uv[:, None] ** 2
    root = np.linalg.inv(np.linalg.cholesky(precision))
    mean = ((root @ fits.moment[starts][..., None]).transpose(0, 2, 1) @ root)[:, 0]
    noise = rng.standard_normal((kind.size, 1, n)) @ root[kind]
    drawn: np.ndarray = mean[kind] + noise[:, 0]
    return drawn
