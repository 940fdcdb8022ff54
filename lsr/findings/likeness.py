"""How much of its LSR does each block hold, compared with the blocks that surely show it?

Conventions
-----------
What repeats after every stimulus and is no response (artifact tail, crosstalk) limits what one block can
tell, but hardly changes from block to block; hum does, and is taken out of the sweeps before. So blocks
are compared with each other: the average of each is weighed along the waveform of the LSR, and where the
blocks that surely show one lie at 1, one without it lies near 0. A block is also asked by itself how much of
that waveform its nuisances leave room for. The waveform comes from what the first stage shows and another
does not, where there is such a contrast: it holds nothing that stays. Else it comes from the blocks that
surely show an LSR.
Time is milliseconds from the stimulus, EMG microvolts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lsr.detection.detection import Detection, Whitened

STEP_MS = 0.2
_MEAN_OVER_MEDIAN = 1.27  # of chi-square with N_PARTS - 1 degrees of freedom
N_PARTS = 4  # averages per block, of every fourth sweep each: their differences tell the noise
_AFTER_MS = 12.0  # of the search window
_TAILS_MS = (2.0, 6.0)  # what may drift from block to block: a baseline, and tails as slow as that
_BEFORE_ONSET_MS = 0.3
_LEAST_DURATION_MS = 4.0
SAME_M_WAVE = 0.8  # smallest over largest; if they differ more, what differs between stages may be crosstalk
_LEAST_FIRST = 0.5  # of the contrast: the first stage holds the LSR that another does not
_UNMODELLED = 0.08  # of the contrast: what the nuisances of all blocks may have wrong alike
# How far from 0 a block without the LSR may seem to lie beside its noise: compared with others, the waveform
# is that of the LSR and of what else begins with it, unless it is a contrast; by itself, the nuisances are
# modelled.
_BIAS_COMPARED, _BIAS_CONTRAST, _BIAS_ALONE = 0.2, 0.1, 0.05
_TOLD_ALONE = 0.3  # deviation above which a block tells less by itself than compared
_LEAST_ALONE = 0.6  # mean size of the blocks that show the LSR, each weighed by itself
_AGREE = 2.5  # deviations
_HALF = 0.5  # of the LSR
_MOST_DEVIATION = 0.2  # of sizes by a contrast
_MOST_SPREAD = 0.15  # of those sizes about the compared ones
_EDGE_MS = 1.0  # from where the search window begins


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Likeness:
    """Size of the LSR in each block; 1 is that of the blocks it is measured against."""

    size: np.ndarray  # (n_blocks,); NaN: cannot be told, not even half of it from none
    deviation: np.ndarray  # (n_blocks,): standard deviation of the size
    bias: np.ndarray  # (n_blocks,): how far from 0 a block without it may lie besides
    amplitude_uv: float  # of the blocks it is measured against
    at_edge: bool  # what is left of a waveform may be an M wave's end, which stays when the LSR goes


@dataclass(frozen=True, slots=True, kw_only=True)
class Contrast:
    """What the sweeps of the first stage show when those of another are taken from them."""

    detection: Detection
    first: tuple[int, ...]  # blocks of the first stage
    other: tuple[int, ...]


def is_at_edge(detection: Detection, search_window_ms: tuple[float, float]) -> bool:
    """Whether a response starts where the end of an M wave, or of its copy, may reach."""
    onset_ms = detection.onset_latency_ms
    return onset_ms is not None and onset_ms < search_window_ms[0] + _EDGE_MS


def likeness_grid(search_window_ms: tuple[float, float]) -> np.ndarray:
    """Times at which blocks are compared, shape (n_times,)."""
    return np.arange(search_window_ms[0], search_window_ms[1] + _AFTER_MS, STEP_MS)


def part_averages(emg_uv: np.ndarray, time_ms: np.ndarray, grid_ms: np.ndarray) -> np.ndarray | None:
    """Averages of every fourth sweep of a block.

    Parameters
    ----------
    emg_uv, time_ms : np.ndarray, shapes (n_sweeps, n_samples) and (n_samples,)
        Usable sweeps.
    grid_ms : np.ndarray, shape (n_times,)

    Returns
    -------
    np.ndarray | None, shape (4, n_times)
        None: fewer than eight sweeps, or they end before the grid does.
    """
    if emg_uv.shape[0] < 2 * N_PARTS or time_ms[-1] < grid_ms[-1] - STEP_MS:
        return None
    means = [emg_uv[part::N_PARTS].mean(axis=0) for part in range(N_PARTS)]
    return np.stack([np.interp(grid_ms, time_ms, mean) for mean in means])


def find_likeness(
    parts_uv: Sequence[np.ndarray | None],
    grid_ms: np.ndarray,
    shown_by: Sequence[Detection],
    anchors: Sequence[int],
    m_ratio: np.ndarray,
    silent: Sequence[Whitened | None] = (),
    *,
    at_edge: bool = False,
) -> Likeness | None:
    """Weigh every block along the waveform of the LSR.

    Parameters
    ----------
    parts_uv : sequence of np.ndarray or None, one per block
        Of `part_averages`.
    grid_ms : np.ndarray, shape (n_times,)
    shown_by : sequence of Detection
        Where the LSR's waveform is taken from.
    anchors : sequence of int
        Blocks whose mean size is 1.
    m_ratio : np.ndarray, shape (n_blocks,)
        M wave of each block against the baseline's: crosstalk changes with it.
    silent : sequence of Whitened or None, one per block
        Averages of the blocks that show no response by themselves; none: blocks are only compared.
    at_edge : bool
        Whether an M wave's end may be part of the LSR's waveform: then blocks are not compared.

    Returns
    -------
    Likeness | None
        None: no waveform, or no block to measure against.
    """
    template = _template(shown_by, grid_ms)
    known = [k for k in anchors if parts_uv[k] is not None]
    if template is None or not known:
        return None
    compared = _compare(parts_uv, template, grid_ms, known, m_ratio)
    if compared is None:
        return None
    size, deviation = compared
    spread = _spread_alone(shown_by, grid_ms, size[list(anchors)])
    size = np.full_like(size, np.nan) if at_edge else size
    bias = np.full(size.size, _BIAS_COMPARED)
    for k, average in enumerate(silent if spread <= _MOST_SPREAD else ()):
        alone, uncertain = (0.0, np.inf) if average is None else _weigh_alone(average, template, grid_ms)
        # Copies of the M wave, drawn out in time, may take the whole LSR for theirs: then a block holds none
        # by itself that is like those that show it.
        is_taken = alone < _HALF < size[k] - _AGREE * deviation[k] - _BIAS_COMPARED
        if uncertain < _TOLD_ALONE and not is_taken:
            size[k], deviation[k], bias[k] = alone, np.hypot(uncertain, spread), _BIAS_ALONE
    sizes_uv = [one.amplitude_uv for one in shown_by if one.amplitude_uv]
    size[deviation > _HALF] = np.nan
    return Likeness(
        size=size, deviation=deviation, bias=bias, amplitude_uv=float(np.mean(sizes_uv)), at_edge=at_edge
    )


def find_likeness_by_contrast(
    parts_uv: Sequence[np.ndarray | None],
    grid_ms: np.ndarray,
    contrast: Contrast,
    m_ratio: np.ndarray,
    averages: Sequence[Whitened | None],
    silent: Sequence[bool],
) -> Likeness | None:
    """Weigh every block along the waveform of what the first stage shows and another does not.

    How much the blocks differ is told by comparing them. How much of what all of them show alike is LSR, each
    tells by itself: their nuisances are modelled, and differ little from block to block.

    Parameters
    ----------
    parts_uv : sequence of np.ndarray or None, one per block
        Of `part_averages`.
    grid_ms : np.ndarray, shape (n_times,)
    contrast : Contrast
    m_ratio : np.ndarray, shape (n_blocks,)
        M wave of each block against the baseline's, 0 where a block cannot be compared with it.
    averages : sequence of Whitened or None, one per block
    silent : sequence of bool, one per block
        Whether it shows no response by itself.

    Returns
    -------
    Likeness | None
        Sizes of which the first stage's mean is 1. None: it holds no LSR, no block tells how much is left, or
        sizes would be too unsure.
    """
    template = _template([contrast.detection], grid_ms)
    weights = None if template is None else _weights(template, grid_ms)
    if template is None or weights is None or contrast.detection.amplitude_uv is None:
        return None
    first, other = ([k for k in some if parts_uv[k] is not None] for some in (contrast.first, contrast.other))
    if not first or not other:
        return None
    found, variance = _weigh_parts(parts_uv, weights)
    alone, uncertain = np.zeros(found.size), np.full(found.size, np.inf)
    for k, average in enumerate(averages):
        if average is not None and np.isfinite(found[k]) and m_ratio[k] >= SAME_M_WAVE:
            alone[k], uncertain[k] = _weigh_alone(average, template, grid_ms)
    told = uncertain < _TOLD_ALONE
    if not told.any():
        return None
    precision = uncertain[told] ** -2.0
    constant = float(np.average(found[told] - alone[told], weights=precision))
    size = found - constant
    full = float(size[first].mean())
    if full < _LEAST_FIRST:
        return None
    deviation = np.sqrt(variance + (constant * (1 - m_ratio)) ** 2 + 1 / precision.sum() + _UNMODELLED**2)
    if float(np.nanmedian(deviation)) > _MOST_DEVIATION * full:
        return None  # an LSR that only varies: the contrast is small beside it, and not of its shape
    bias = np.full(size.size, _BIAS_CONTRAST)
    spread = float(np.sqrt(((alone - size)[told] ** 2).mean()))
    uncertain = np.hypot(uncertain, spread)
    agrees = np.abs(alone - size) < _AGREE * np.hypot(uncertain, deviation)
    surer = np.array(silent) & (uncertain < deviation) & agrees & (spread <= _MOST_SPREAD * full)
    size[surer], deviation[surer], bias[surer] = alone[surer], uncertain[surer], _BIAS_ALONE
    size[deviation > _HALF * full] = np.nan
    return Likeness(
        size=size / full,
        deviation=deviation / full,
        bias=bias,
        amplitude_uv=contrast.detection.amplitude_uv * full,
        at_edge=False,
    )


def _compare(
    parts_uv: Sequence[np.ndarray | None],
    template: np.ndarray,
    grid_ms: np.ndarray,
    known: Sequence[int],
    m_ratio: np.ndarray,
) -> tuple[np.ndarray, np.ndarray] | None:
    """Size of every block and its deviation, by its difference from those that are known."""
    weights = _weights(template, grid_ms)
    if weights is None:
        return None
    found, variance = _weigh_parts(parts_uv, weights)
    constant = float(found[known].mean()) - 1.0
    return found - constant, np.sqrt(variance + (constant * (1 - m_ratio)) ** 2)


def _weigh_parts(parts_uv: Sequence[np.ndarray | None], weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weighed mean of every block's parts, NaN where there are none, and its variance."""
    found = np.full((len(parts_uv), N_PARTS), np.nan)
    for k, parts in enumerate(parts_uv):
        if parts is not None:
            found[k] = parts @ weights
    variance = found.var(axis=1, ddof=1)
    usual = _MEAN_OVER_MEDIAN * float(np.nanmedian(variance))
    return found.mean(axis=1), (variance + usual) / 2 / N_PARTS


def _weigh_alone(average: Whitened, template: np.ndarray, grid_ms: np.ndarray) -> tuple[float, float]:
    return average.weigh(np.interp(average.time_ms, grid_ms, template, left=0.0, right=0.0))


def _spread_alone(shown_by: Sequence[Detection], grid_ms: np.ndarray, compared: np.ndarray) -> float:
    """How far the blocks that show the LSR are from their size where each is weighed by itself.

    Each along the waveform of the others. Infinite where they are weighed as much less than they are; 0
    where there are too few to ask.
    """
    sizes = []
    for one in shown_by:
        others = _template([other for other in shown_by if other is not one], grid_ms)
        if one.whitened is not None and others is not None:
            sizes.append(_weigh_alone(one.whitened, others, grid_ms)[0])
    if len(sizes) < 2 or len(sizes) != compared.size or not np.isfinite(compared).all():
        return 0.0
    mean = float(np.mean(sizes))
    return float(np.std(np.array(sizes) - mean * compared, ddof=1)) if mean >= _LEAST_ALONE else np.inf


def _template(shown_by: Sequence[Detection], grid_ms: np.ndarray) -> np.ndarray | None:
    """Mean waveform of the response, 0 before its onset and after its end."""
    waves = []
    for one in shown_by:
        if one.time_ms is None or one.average_uv is None or one.onset_latency_ms is None:
            continue
        end_ms = one.onset_latency_ms + max(one.duration_ms or 0.0, _LEAST_DURATION_MS)
        within = (grid_ms >= one.onset_latency_ms - _BEFORE_ONSET_MS) & (grid_ms <= end_ms)
        waves.append(within * np.interp(grid_ms, one.time_ms, one.average_uv))
    return np.mean(waves, axis=0) if waves else None


def _weights(template: np.ndarray, grid_ms: np.ndarray) -> np.ndarray | None:
    """Weights that give 1 for the template and 0 for whatever may drift."""
    since = grid_ms - grid_ms[0]
    drift = np.column_stack(
        [np.ones_like(since), since, since**2, *(np.exp(-since / tau) for tau in _TAILS_MS)]
    )
    basis, _ = np.linalg.qr(drift)
    rest = template - basis @ (basis.T @ template)
    energy = float(rest @ template)
    if energy < 0.01 * float(template @ template):
        return None
    weights: np.ndarray = rest / energy
    return weights
