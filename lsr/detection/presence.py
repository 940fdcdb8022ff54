"""Is there a response, and if none was found, would a small one have been seen?

Conventions
-----------
The score is a log Bayes factor: a response that starts within the search window, against none or one
that starts elsewhere. Its p-value comes from the same score on noise; `docs/method.md` shows how it was
calibrated and how well it holds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from lsr.detection.evidence import Beside, Model, fit, log_mean, start_numbers
from lsr.detection.noise import SWEEPS_TELL_BURSTS, Noise
from lsr.detection.waveform import FINE_SEARCH_FAMILY, LASTING_SEARCH_FAMILY, SEARCH_FAMILIES, Family

_STEP_MS = 0.4
_BEFORE_MS, _BEYOND_MS = 1.0, 4.0  # starts outside the window that compete with those inside
# Prior odds, against a start inside: nothing starts, something starts just before the window, or beyond it.
_NOTHING, _BEFORE, _BEYOND = 0.5, 0.025, 0.475
_MISFIT = 0.005  # of the best log evidence: what no family explains of so large a response
_LEAST_ENERGY = 5.0
_N_TOPS, _N_SAMPLED = 3, 4
_WORTH_LASTING = 15.0  # log evidence from which on a response may last longer than most
_WORTH_FINER = 300.0  # from which on bumps wider than its phases misplace its start
_FINER = (
    0.03  # so much more than wider ones narrow bumps have to explain: they may begin early at little cost
)
_NEGLIGIBLE = 5.5  # log evidence below the best by which a size is passed over
# Upper tail of the score on noise alone: p = exp(-(score + offset)), fitted from p = 0.3 to 0.01 on noise of
# many colours, rates, lengths and numbers of sweeps, with and without nuisances that the sweeps can tell.
_TAIL_OFFSET = 2.0
_FEW = 1.3  # by how much a higher score is needed where no sweeps tell a burst from a response
_SHORT_MS = 20.0  # a quiet stretch as short as this doubles the score that is needed


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """How surely a response starts within the window."""

    within: float  # log evidence of a response that starts in the window, over noise and nuisances
    starts_ms: np.ndarray  # (n_starts,)
    log_evidence: np.ndarray  # (n_starts,)
    smallest_uv: float  # prior deviation of the response: the smallest that was tried
    sizes_uv: np.ndarray  # (n_sizes,): those that may be
    before: float  # log evidence, with its prior odds, of one that starts before the window
    beyond: float  # or after it
    earliest: tuple[float, Family, float]  # start, shape and size of the likeliest before the window
    families: tuple[Family, ...]  # shapes that were asked

    @property
    def may_last(self) -> bool:
        """Whether a response that lasts longer than most explains the data."""
        return LASTING_SEARCH_FAMILY in self.families

    @property
    def may_be_fine(self) -> bool:
        """Whether a long response of sharp phases explains the data."""
        return FINE_SEARCH_FAMILY in self.families

    @property
    def without(self) -> float:
        """Log evidence of none, or one that starts elsewhere."""
        return float(np.logaddexp.reduce([np.log(_NOTHING), self.before, self.beyond]))

    @property
    def alone(self) -> float:
        """The score if nothing could start outside the window."""
        return self.within - float(np.log(_NOTHING))

    @property
    def begins_elsewhere(self) -> bool:
        """Whether a start outside the window is likelier than none at all, if there is none inside."""
        return float(np.logaddexp(self.before, self.beyond)) > float(np.log(_NOTHING))

    @property
    def begins_after(self) -> bool:
        """Whether it then rather starts beyond the window than before it."""
        return self.begins_elsewhere and self.beyond > self.before

    def earlier_columns(self, time_ms: np.ndarray) -> np.ndarray:
        """What may begin before the window, (n_samples, n_columns): times its prior deviation, uV."""
        start_ms, family, size_uv = self.earliest
        columns: np.ndarray = family.bumps(time_ms - start_ms) * size_uv
        return columns


def weigh(scores: Sequence[tuple[Score, float]], of_tail: Sequence[bool]) -> tuple[float, int, int]:
    """Score of a response whatever else there may be, what of it is likeliest beside one, and what without.

    Beside a response what a tail may do besides has to explain more than what no family does of so large a
    one: it would take a part of the response, and shift its onset.

    Parameters
    ----------
    scores : sequence of (Score, float)
        For each choice of nuisances: the score, and their log evidence with its prior odds.
    of_tail : sequence of bool
        Whether the choice holds a rival that swings on as a tail or a filter may.
    """
    within = [score.within + nuisances for score, nuisances in scores]
    without = [score.without + nuisances for score, nuisances in scores]
    value = float(np.logaddexp.reduce(within) - np.logaddexp.reduce(without))
    beside = np.array(within)
    beside -= _MISFIT * np.maximum(0.0, beside - without) * np.array(of_tail)
    return value, int(np.argmax(beside)), int(np.argmax(without))


def score_presence(model: Model, search_ms: tuple[float, float], *, may_last: bool = False) -> Score:
    """Score a response that starts within the search window.

    Parameters
    ----------
    model : Model
    search_ms : tuple of float
        Where a response may start.
    may_last : bool
        Whether shapes that do not wane are asked as well, where much stands out. Without a direct muscle
        the M wave's copy and a response after it would pass for one of them.
    """
    numbers = _starts(model, search_ms, _STEP_MS)
    fits = [fit(model, numbers, family) for family in SEARCH_FAMILIES]
    before, inside, _ = _where(fits[0].starts_ms, search_ms)
    tried = _sizes_to_try(model, fits[0].gram[inside])
    evidence = {one.family: one.log_evidence(tried) for one in fits}
    most = max(float(one.max()) for one in evidence.values())
    if most > _WORTH_FINER:
        fine = fit(model, numbers, FINE_SEARCH_FAMILY).log_evidence(tried)
        if fine[~before].max() > (1 + _FINER) * most:
            evidence[FINE_SEARCH_FAMILY] = fine
            most = max(most, float(fine[~before].max()))
    if may_last and most > _WORTH_LASTING:
        lasting = fit(model, numbers, LASTING_SEARCH_FAMILY).log_evidence(tried)
        if lasting[~before].max() > most - _NEGLIGIBLE:
            evidence[LASTING_SEARCH_FAMILY] = lasting
    return _score(fits[0].starts_ms, evidence, search_ms, tried, tried[0])


def score_sharp(model: Model, search_ms: tuple[float, float]) -> float:
    """Score a long response of sharp phases alone: a small one may hide from the usual shapes.

    Parameters
    ----------
    model : Model
    search_ms : tuple of float

    Returns
    -------
    float
        As `Score.alone`.
    """
    fits = fit(model, start_numbers(model, *search_ms, 2 * _STEP_MS), FINE_SEARCH_FAMILY)
    evidence = fits.log_evidence(_sizes_to_try(model, fits.gram))
    return float(log_mean(np.logaddexp.reduce(evidence, axis=1))) - float(np.log(_NOTHING))


def score_beside(
    model: Model, nuisances: Sequence[Beside], search_ms: tuple[float, float], like: Score
) -> list[Score]:
    """Score a response beside each of several further nuisances.

    Parameters
    ----------
    model : Model
    nuisances : sequence of Beside
    search_ms : tuple of float
    like : Score
        Beside none of them: half of its starts are tried, and the sizes that may be.
    """
    if not nuisances:
        return []
    numbers = _starts(model, search_ms, 2 * _STEP_MS)
    alone = [fit(model, numbers, family, nuisances) for family in like.families]
    tried, smallest = like.sizes_uv, like.smallest_uv
    return [
        _score(
            alone[0].starts_ms,
            {one.family: one.log_evidence(tried, smallest) for one in fits},
            search_ms,
            tried,
            smallest,
        )
        for fits in zip(*(one.given(nuisances) for one in alone), strict=True)
    ]


def _starts(model: Model, search_ms: tuple[float, float], step_ms: float) -> np.ndarray:
    """Numbers of the starts that are scored."""
    latest = min(search_ms[1] + _BEYOND_MS, model.time_ms[-1] - 1.0)
    return start_numbers(model, search_ms[0] - _BEFORE_MS, latest, step_ms)


def _where(
    starts_ms: np.ndarray, search_ms: tuple[float, float]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Which starts lie before the search window, in it, and beyond it."""
    before, beyond = starts_ms < search_ms[0] - 0.8, starts_ms > search_ms[1]
    return before, ~before & ~beyond, beyond


def _score(
    starts: np.ndarray,
    by_family: dict[Family, np.ndarray],
    search_ms: tuple[float, float],
    tried: np.ndarray,
    smallest: float,
) -> Score:
    """The score, from the log evidence of the families that were asked."""
    before, inside, beyond = _where(starts, search_ms)
    evidence = np.stack(list(by_family.values()), axis=1)
    evidence[before, len(SEARCH_FAMILIES) :] = -np.inf  # no M wave lasts as long, or has as many sharp phases
    by_start = log_mean(np.logaddexp.reduce(evidence, axis=2), axis=1)
    within = float(log_mean(by_start[inside]))
    start, family, size = np.unravel_index(int(evidence[before].argmax()), evidence[before].shape)
    # Starts before a large response fit it better than its own: their bumps are more.
    misfit = _MISFIT * max(0.0, float(by_start.max()))
    by_size = evidence[inside].max(axis=(0, 1))
    likely = np.flatnonzero(by_size > by_size.max() - _NEGLIGIBLE)
    return Score(
        within=within,
        before=float(np.log(_BEFORE) + log_mean(by_start[before])),
        beyond=float(np.log(_BEYOND) + log_mean(by_start[beyond])) + misfit if beyond.any() else -np.inf,
        starts_ms=starts,
        log_evidence=by_start,
        smallest_uv=smallest,
        sizes_uv=tried[max(0, likely[0] - 1) : likely[-1] + 2],
        earliest=(float(starts[before][start]), SEARCH_FAMILIES[family], float(tried[size])),
        families=tuple(by_family),
    )


def evidence_of_starts(
    model: Model, search_ms: tuple[float, float], like: Score
) -> tuple[np.ndarray, np.ndarray]:
    """Starts from shortly before the window to its end, and the log evidence of a response at each.

    Parameters
    ----------
    model : Model
    search_ms : tuple of float
    like : Score
        With the usual nuisances: the sizes that may be.
    """
    numbers = start_numbers(model, search_ms[0] - _BEFORE_MS, search_ms[1], _STEP_MS)
    fits = [fit(model, numbers, family) for family in (*SEARCH_FAMILIES, LASTING_SEARCH_FAMILY)]
    evidence = np.stack([one.log_evidence(like.sizes_uv, like.smallest_uv) for one in fits], axis=1)
    return fits[0].starts_ms, model.log_null + log_mean(np.logaddexp.reduce(evidence, axis=2), axis=1)


def _sizes_to_try(model: Model, grams: np.ndarray) -> np.ndarray:
    """Sizes in steps of two, from the smallest that the noise lets through, (n_sizes,).

    Counted in what a response adds to the whitened data, so that the score of noise is the same whatever
    its colour, its size and the nuisances; each size is half as likely beforehand as the one below.
    """
    some = np.linspace(0, len(grams) - 1, _N_SAMPLED).round().astype(int)
    tops = np.linalg.eigvalsh(grams[some])[:, -_N_TOPS:].mean(axis=1)
    unit = 1 / np.sqrt(max(float(np.median(tops)), 1e-12))
    highest = 4 * float(model.whitened @ model.whitened) / _LEAST_ENERGY
    n_sizes = int(np.clip(np.ceil(np.log(max(highest, 1.0)) / np.log(4)) + 1, 5, 16))
    sizes: np.ndarray = unit * np.sqrt(_LEAST_ENERGY) * 2.0 ** np.arange(n_sizes)
    return sizes


def p_value(score: float) -> float:
    """Probability of a score this high, in units of `discount`, from noise."""
    return max(1e-12, float(np.exp(min(0.0, -(score + _TAIL_OFFSET)))))


def threshold_score(alpha: float) -> float:
    """Score, in units of `discount`, at which the p-value equals `alpha`."""
    return float(-np.log(alpha) - _TAIL_OFFSET)


def discount(noise: Noise) -> float:
    """What a score is divided by where the noise is not well known.

    Noise with spikes beyond the Gaussian weighs on few sweeps; averaging makes it Gaussian, so the
    discount shrinks with the number of sweeps. A short quiet stretch tells the noise's colour poorly,
    however many sweeps there are. A few sweeps tell little of what happens in some of them only.
    """
    effective = 1 / float((noise.weights**2).sum())
    few = _FEW if noise.weights.size < SWEEPS_TELL_BURSTS else 1.0
    return few * (1 + (noise.spikiness - 1) / effective) * (1 + _SHORT_MS / noise.quiet_ms)


# Responses whose detectability is asked: seeded draws of three families, the same for every recording.
_PROBE_FAMILIES = tuple(Family(width_ms=w, rise_ms=1.0, length_ms=5.0) for w in (0.4, 0.7, 1.1))
_PROBES_EACH, _N_PROBED_STARTS = 4, 5
# Half the whitened energy of a response has to exceed the threshold score by what the search over starts,
# shapes and sizes costs (found by planting responses, docs/method.md), and by the spread of its noise.
_SEARCH_COST = 11.0


def detection_limit_uv(model: Model, search_ms: tuple[float, float], threshold: float, power: float) -> float:
    """Smallest response, peak to peak, that would be found with probability `power`.

    Parameters
    ----------
    model : Model
    search_ms : tuple of float
    threshold : float
        Score that counts as present.
    power : float

    Returns
    -------
    float
        For nine in ten of the probed shapes, at the latency where they are hardest to see.
    """
    from scipy.special import ndtri

    first_ms, n_samples = float(model.time_ms[0]), model.time_ms.size
    waves, heights = _probes(first_ms, model.step_ms, n_samples, search_ms)
    energy = ((model.root @ waves) ** 2).sum(axis=0)
    limits = (heights / np.sqrt(np.maximum(energy, 1e-12))).reshape(_N_PROBED_STARTS, -1)
    needed = np.sqrt(2 * (max(threshold, 0.0) + _SEARCH_COST)) + ndtri(power)
    return float(np.quantile(limits, 0.9, axis=1).max() * needed)


@lru_cache(maxsize=32)
def _probes(
    first_ms: float, step_ms: float, n_samples: int, search_ms: tuple[float, float]
) -> tuple[np.ndarray, np.ndarray]:
    """Responses to look for, (n_samples, n_starts * n_shapes), and their heights peak to peak."""
    rng = np.random.default_rng(20_240_601)
    time_ms = first_ms + np.arange(n_samples) * step_ms
    draws = [rng.standard_normal((family.centres_ms.size, _PROBES_EACH)) for family in _PROBE_FAMILIES]
    waves = np.concatenate(
        [
            family.bumps(time_ms - start) @ sizes
            for start in np.linspace(search_ms[0] + 0.5, search_ms[1], _N_PROBED_STARTS)
            for family, sizes in zip(_PROBE_FAMILIES, draws, strict=True)
        ],
        axis=1,
    )
    return waves, np.ptp(waves, axis=0)
