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
from functools import lru_cache

import numpy as np

from lsr.detection.evidence import Fits, Model, fit, start_numbers
from lsr.detection.presence import Score
from lsr.detection.waveform import FAMILIES, FINE_FAMILIES, LASTING_FAMILIES, Family
from lsr.intervals import CONFIDENCE

ONSET_SHARE = 0.05
_COARSE_MS, _FINE_MS = 0.5, 0.1
_DRAW_STEP_MS = 0.05
_LONGEST_MS = 24.0
_NEGLIGIBLE = 5.5  # log evidence below the best by which a start, family or size is passed over
_MISFIT = 0.005  # of the best log evidence: what no family explains of so large a response
_N_DRAWS = 400
_EVERY = 4  # draws are alike enough for every fourth to tell their mean
_EDGE_MS = 0.25  # beyond the end of the window; before its start an M wave ends
_LEAST_INSIDE = 0.3  # share of the draws
_TEMPER = 0.45  # no family is quite the truth: the evidence counts for a little less
_MIDDLE = 0.5  # share of the draws that tells the onset
_BEFORE_SHARE = 0.25  # of what the interval leaves out: so little lies before it
_MARKING_MS = 0.09  # no waveform tells its own start better: jitter, sampling, the low-pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Draws:
    """Responses drawn from the posterior."""

    onset_ms: np.ndarray  # (n_draws,)
    start_ms: np.ndarray  # (n_draws,)
    waves_uv: np.ndarray  # (n_draws, n_steps): from each draw's start, every 0.05 ms
    step_ms: float

    def onset(self) -> float:
        """Where the draws are densest: the median of the shortest stretch that holds half of them.

        A start before the first plain deflection can never be ruled out, one after it can, so the draws reach
        further to the early side, and their median with them. The shorth (Grübel 1988) stays where most are.
        """
        return float(np.median(_shortest(self.onset_ms, _MIDDLE)))

    def onset_interval(self) -> tuple[float, float]:
        """The shortest stretch that holds 95 % of the onsets, drawn out to the early side.

        There the shortest leaves out most, though a foot that the noise hides may begin there.
        """
        held = _shortest(self.onset_ms, CONFIDENCE)
        earliest = np.quantile(self.onset_ms, _BEFORE_SHARE * (1 - CONFIDENCE))
        return float(min(held[0], earliest)), float(held[-1])

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

    def mean_uv(self, time_ms: np.ndarray) -> np.ndarray:
        """Mean response, shape (n_samples,)."""
        start, drawn = self.start_ms[::_EVERY], self.waves_uv[::_EVERY]
        position = (time_ms - start[:, None]) / self.step_ms
        last = drawn.shape[1] - 1
        before = np.clip(np.floor(position), 0, last - 1).astype(int)
        share = np.clip(position - before, 0.0, 1.0)
        rows = np.arange(start.size)[:, None]
        waves = drawn[rows, before] * (1 - share) + drawn[rows, before + 1] * share
        mean: np.ndarray = np.where((position >= 0) & (position <= last), waves, 0.0).mean(axis=0)
        return mean


def _shortest(values: np.ndarray, share: float) -> np.ndarray:
    """The closest together that make up such a share of the values, in rising order."""
    ordered = np.sort(values)
    n = int(np.ceil(share * ordered.size))
    first = int(np.argmin(ordered[n - 1 :] - ordered[: ordered.size - n + 1]))
    held: np.ndarray = ordered[first : first + n]
    return held


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
    # Responses that rise slowly need more of a size than those that the score asked for.
    sizes_uv = np.append(score.sizes_uv, 2 * score.sizes_uv[-1])
    families = FAMILIES + FINE_FAMILIES if score.may_be_fine else FAMILIES
    fine = search(model, families, (low, high), sizes_uv, negligible=_NEGLIGIBLE)
    evidence = [one.log_evidence(sizes_uv) for one in fine]
    if score.may_last and high > search_ms[0]:
        worth = max(float(one.max()) for one in evidence) - _NEGLIGIBLE
        inside = (max(low, search_ms[0]), high)
        last = search(model, LASTING_FAMILIES, inside, sizes_uv, negligible=_NEGLIGIBLE, worth=worth)
        fine, evidence = fine + last, evidence + [one.log_evidence(sizes_uv) for one in last]
    return draw_from(fine, evidence, sizes_uv, _N_DRAWS, rng)


def search(
    model: Model,
    families: Sequence[Family],
    window_ms: tuple[float, float],
    sizes_uv: np.ndarray,
    *,
    negligible: float,
    worth: float = -np.inf,
) -> list[Fits]:
    """Fit closely what may be: the starts and families within `negligible` of the best log evidence.

    Of what is far above the noise no family is the truth, so that the best of a coarse look is best by how
    its bumps happen to lie: there a share of the evidence is negligible too. Empty where the best is not
    `worth` a closer look.

    Found coarsely first: families of one rise tell the rest which widths, lengths and starts are worth it.
    """
    low, high = window_ms
    rise_ms = sorted({family.rise_ms for family in families})[1]
    some = [family for family in families if family.rise_ms == rise_ms]
    where = {family: start_numbers(model, low, high, _COARSE_MS) for family in some}
    for step_ms, reach_ms, rises in ((_COARSE_MS, 2 * _COARSE_MS, True), (_FINE_MS, _COARSE_MS, False)):
        fits = [fit(model, starts, family) for family, starts in where.items()]
        evidence = [one.log_evidence(sizes_uv).max(axis=1) for one in fits]
        best = max(float(one.max()) for one in evidence)
        if best < worth:
            return []
        least = best - negligible - _MISFIT * max(0.0, best)
        where = {}
        for one, values in zip(fits, evidence, strict=True):
            kept = one.starts_ms[values > least]
            if kept.size:
                ends = max(low, kept.min() - reach_ms), min(high, kept.max() + reach_ms)
                starts = start_numbers(model, *ends, step_ms)
                alike = [family for family in families if rises and _alike(family, one.family)]
                where |= dict.fromkeys(alike or [one.family], starts)
    return [fit(model, starts, family) for family, starts in where.items()]


def _alike(first: Family, second: Family) -> bool:
    return (first.width_ms, first.length_ms) == (second.width_ms, second.length_ms)


def draw_from(
    fits: Sequence[Fits],
    evidence: Sequence[np.ndarray],
    sizes_uv: np.ndarray,
    n_draws: int,
    rng: np.random.Generator,
) -> Draws:
    """Draw starts, families and sizes by their log evidence, and a waveform of each.

    Families that rise quickly are likelier beforehand, in inverse proportion to the rise: a long flat foot
    below the noise would fit before any response.
    """
    ends = np.cumsum([0, *(one.size for one in evidence)])
    joined = np.concatenate([one.ravel() for one in evidence])
    prior = np.repeat([1 / one.family.rise_ms for one in fits], np.diff(ends))
    weight = prior * np.exp(_TEMPER * (joined - joined.max()))
    chosen = np.sort(rng.choice(weight.size, size=n_draws, p=weight / weight.sum()))
    since = np.arange(0, _LONGEST_MS, _DRAW_STEP_MS)
    waves, starts = np.empty((n_draws, since.size)), np.empty(n_draws)
    for one, first, end in zip(fits, ends[:-1], ends[1:], strict=True):
        mine = np.flatnonzero((chosen >= first) & (chosen < end))
        if mine.size:
            kinds, kind = np.unique(chosen[mine] - first, return_inverse=True)
            start, size = np.divmod(kinds, sizes_uv.size)
            waves[mine] = _draw_bumps(one, start, sizes_uv[size], kind, rng) @ _shapes(one.family).T
            starts[mine] = one.starts_ms[start][kind]
    waves[starts[:, None] + since > fits[0].end_ms] = 0.0  # nothing is known of what comes after the data
    height = np.abs(waves)
    first = np.argmax(height > ONSET_SHARE * height.max(axis=1, keepdims=True), axis=1)
    starts += rng.uniform(-_FINE_MS / 2, _FINE_MS / 2, n_draws)
    marks = rng.normal(0, _MARKING_MS, n_draws)
    onsets = starts + since[first] + marks
    return Draws(onset_ms=onsets, start_ms=starts, waves_uv=waves, step_ms=_DRAW_STEP_MS)


@lru_cache(maxsize=32)
def _shapes(family: Family) -> np.ndarray:
    return family.bumps(np.arange(0, _LONGEST_MS, _DRAW_STEP_MS))


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
