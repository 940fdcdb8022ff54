"""What else than a response may the average of a block hold, and how large may it be?

Conventions
-----------
Time is milliseconds from the stimulus, EMG microvolts. Every nuisance is a set of columns times the
standard deviation that it may have. Sizes come from where no response can be: the direct zone, and the
stretches before and after.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lsr.cleaning.artifact import swing_columns, tail_columns
from lsr.cleaning.crosstalk import copy_columns
from lsr.cleaning.mains import hum_columns
from lsr.detection.evidence import Model, Whitening, log_evidence
from lsr.detection.noise import Noise
from lsr.detection.prepare import Prepared

_DIRECT_ZONE_ENDS_MS = (6.0, 9.0)  # where half of a late M wave is over, between these
_OVER_MS = 8.0  # after the latest onset most responses are over
_TAIL_MISFIT = 0.03  # share of a fitted tail that sums of exponentials may leave
_FINEST_SHARE = 0.0005  # of a response: finer than this no model of noise and nuisances is
_COPY_MISFIT = 0.12  # share of a fitted copy that is not linear
_COPY_JITTER_MS = 0.06
_TAIL_SIZES = (0.3, 2.0, 10.0)
_SWING_COST = 15.0  # log evidence that damped swings have to bring before they are believed
_COPY_SIZES = (0.002, 0.01, 0.05, 0.2)
_RIVAL_COPY, _RIVAL_BUMP = 0.05, 0.3  # of the M wave, of the largest value in the direct zone
_LEAST_COPY = 5e-4  # where the direct zone asks for none
_MIN_SWEEPS_FOR_BURSTS = 5
_MANY_SWEEPS, _CLEARLY_ALIKE, _MANY_SHARE = 10, 0.3, 0.35
_AGREEMENT = 3.1  # deviations of the sign test: 1 in 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Removed:
    """What the nuisances took out of the average, for the evidence chain (microvolts)."""

    tail_uv: float
    crosstalk_uv: float
    crosstalk_share: float  # of the M wave
    hum_in_average_uv: float
    unexplained_direct_uv: float
    burst_inflation: float  # largest ratio of noise in the response window to noise elsewhere


@dataclass(frozen=True, slots=True)
class _Window:
    """The average where a response is looked for."""

    time_ms: np.ndarray
    data_uv: np.ndarray
    whitening: np.ndarray  # (n_samples, n_samples)
    deviation_uv: float  # of the average's noise
    free: np.ndarray  # (n_samples,) bool: no LSR can be there


def build_model(prepared: Prepared) -> tuple[Model, Model, Removed]:
    """The average of the sweeps with its noise and nuisances.

    Returns
    -------
    model : Model
        Its noise grows where the sweeps differ from each other: for presence.
    steady : Model
        Its noise is the same throughout: a response that varies in size does not blur its own start.
    removed : Removed
    """
    noise, time = prepared.noise, prepared.time_ms
    window = (time >= prepared.clear_ms) & (time <= prepared.end_ms)
    at = time[window]
    average = noise.weights @ prepared.emg_uv
    deviation = noise.average_sd_uv
    whitening = Whitening.build(noise, at.size)
    hum_uv, hum_prior = _hum_left(average, prepared, window)
    data = average[window] - hum_uv
    wave = None if prepared.direct_uv is None else prepared.direct_uv.mean(axis=0)
    zone_ends_ms = _direct_zone_ends_ms(None if wave is None else wave[window], at)
    free = (at < max(zone_ends_ms, prepared.search_ms[0] - 0.5)) | (at > prepared.search_ms[1] + _OVER_MS)
    view = _Window(at, data, whitening.matrix, deviation, free)
    copies = np.zeros((at.size, 0))
    if wave is not None:
        copies = copy_columns(wave, time, start_ms=prepared.clear_ms)[window]
    columns = [_drift_and_tail(view, average, prepared, copies), hum_prior]
    share = 0.0
    if wave is not None:
        share = _copy_size(view, columns[0], copies)
        columns.append(copies * share)
    rough = np.concatenate(columns, axis=1)
    misfit, (tail_uv, crosstalk_uv, excess_uv, largest_uv) = _misfit_columns(
        view, rough, columns[0].shape[1], hum_prior.shape[1]
    )
    nuisances = np.concatenate([rough, misfit], axis=1)
    even = Model.build(at, data, whitening, nuisances)
    inflation = _burst_inflation(prepared.emg_uv[:, window], noise, even, zone_ends_ms)
    finest = np.hypot(1, _FINEST_SHARE * largest_uv / deviation)
    model = Model.build(at, data, Whitening.build(noise, at.size, inflation * finest), nuisances)
    steady = Model.build(at, data, Whitening.build(noise, at.size, finest), nuisances)
    removed = Removed(
        tail_uv=tail_uv,
        crosstalk_uv=crosstalk_uv,
        crosstalk_share=share,
        hum_in_average_uv=float(np.abs(hum_uv).max()),
        unexplained_direct_uv=excess_uv,
        burst_inflation=float(inflation.max()),
    )
    return model, steady, removed


def _drift_and_tail(view: _Window, average: np.ndarray, prepared: Prepared, copies: np.ndarray) -> np.ndarray:
    """Level and slope as large as the stretches after allow; tails in proportion to the first samples.

    The proportion, and whether the tail swings, is the most likely of a few by the samples outside the
    response's time. There crosstalk competes: copies where the M wave is recorded, else bumps of any shape.
    """
    at, data, deviation = view.time_ms, view.data_uv, view.deviation_uv
    if prepared.after.any() and prepared.before.any():
        level = 2 * deviation + abs(float(average[prepared.after].mean()))
    else:
        level = float(np.abs(data).max()) + 10 * deviation
    first = at < at[0] + 1.2
    tail = float(np.abs(data[first]).max()) + deviation
    drift = np.stack([np.ones_like(at), (at - 10) / 10], axis=1) * level
    plain = tail_columns(at) * tail
    swinging = np.concatenate([plain, swing_columns(at) * tail], axis=1)
    tried = [(0.0, plain * size) for size in _TAIL_SIZES]
    tried += [(_SWING_COST, swinging * size) for size in _TAIL_SIZES]
    rows = view.whitening[view.free]
    white, beside = rows @ data, np.concatenate([drift, _rivals(view, copies)], axis=1)
    evidence = [
        log_evidence(rows @ np.concatenate([beside, shapes], axis=1), white) - cost for cost, shapes in tried
    ]
    return np.concatenate([drift, tried[int(np.argmax(evidence))][1]], axis=1)


def _rivals(view: _Window, copies: np.ndarray) -> np.ndarray:
    """What else may fill the direct zone: copies of the M wave, or bumps where no M wave was recorded."""
    if copies.shape[1]:
        return copies * _RIVAL_COPY
    at = view.time_ms
    direct = (at > at[0] + 0.5) & (at < _DIRECT_ZONE_ENDS_MS[1])
    largest = float(np.abs(view.data_uv[direct]).max(initial=0.0))
    centres = np.arange(2.5, _DIRECT_ZONE_ENDS_MS[1], 0.6)
    bumps: np.ndarray = _RIVAL_BUMP * largest * np.exp(-0.5 * ((at[:, None] - centres) / 0.5) ** 2)
    return bumps


def _burst_inflation(sweeps_uv: np.ndarray, noise: Noise, model: Model, zone_ends_ms: float) -> np.ndarray:
    """Local noise in the window over noise elsewhere, as a ratio of deviations, at least 1.

    Nuisances are taken out of every sweep; then each is compared with the average of the *others*, scaled
    and shifted a little: a response that varies in size follows them, a spasm burst in a few sweeps, or an
    amplifier that recovers at another time, does not. Where most sweeps agree that there is something, the
    rest of their differences is taken for the response's own, and counts by its root.
    """
    n_sweeps, at = sweeps_uv.shape[0], model.time_ms
    if n_sweeps < _MIN_SWEEPS_FOR_BURSTS:
        return np.ones(at.size)
    white = sweeps_uv @ model.whitening.matrix.T
    white -= (white @ model.explained.T) @ model.explained
    weights, variance = noise.weights[:, None], noise.variance_uv2 / noise.average_sd_uv**2
    others = (noise.weights @ white - weights * white) / (1 - weights)
    slopes = np.gradient(others, axis=1)
    parts = np.stack([at < zone_ends_ms, at >= zone_ends_ms], axis=1).astype(float)
    shapes = np.concatenate([others[:, :, None] * parts, slopes[:, :, None] * parts], axis=2)
    normal = shapes.transpose(0, 2, 1) @ shapes + 2 * variance[:, None, None] * np.eye(shapes.shape[2])
    rest = white - others
    sizes = np.linalg.solve(normal, (shapes.transpose(0, 2, 1) @ rest[:, :, None]))
    rest = rest - (shapes @ sizes)[..., 0]
    local = (weights**2 * rest**2).sum(axis=0) * (n_sweeps - 1) / n_sweeps
    width = max(3, round(3 / model.step_ms))
    kernel = np.hanning(width + 2)[1:-1]
    padded = np.pad(local, width, mode="reflect")
    smooth = np.convolve(padded, kernel / kernel.sum(), "same")[width:-width]
    inflation: np.ndarray = np.sqrt(np.maximum(1.0, 0.7 * smooth))
    return np.sqrt(inflation) if _most_agree(white, others, at >= zone_ends_ms) else inflation


def _most_agree(white: np.ndarray, others: np.ndarray, rows: np.ndarray) -> bool:
    """Whether the sweeps resemble the average of the others: neither test is swayed by a few bursts.

    Either most do so at all (a sign test), or many do so clearly, as when it jitters by half a phase.
    """
    own, theirs = white[:, rows], others[:, rows]
    likeness = (own * theirs).sum(axis=1) / np.sqrt((own**2).sum(axis=1) * (theirs**2).sum(axis=1))
    n_alike, n_sweeps = int((likeness > 0).sum()), likeness.size
    if 2 * n_alike - n_sweeps > _AGREEMENT * np.sqrt(n_sweeps):
        return True
    return n_sweeps >= _MANY_SWEEPS and float((likeness > _CLEARLY_ALIKE).mean()) >= _MANY_SHARE


def _hum_left(average: np.ndarray, prepared: Prepared, window: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Hum that averaging left, told by the stretches before and after: estimate and its uncertainty.

    Sizes per harmonic by automatic relevance determination (MacKay 1994): a harmonic that is not there
    ends with no size and takes nothing away.
    """
    time, deviation = prepared.time_ms, prepared.noise.average_sd_uv
    stretches = [part for part in (prepared.before, prepared.after) if part.any()]
    if not stretches:
        return np.zeros(int(window.sum())), np.zeros((int(window.sum()), 0))
    frequencies = [prepared.hum.frequency_hz] if prepared.hum else [50.0, 60.0]
    highest = 0.4 * 1000 / prepared.step_ms
    columns = np.concatenate(
        [hum_columns(time, hz, tuple(h for h in range(1, 11) if h * hz < highest)) for hz in frequencies],
        axis=1,
    )
    rows, data = [], []
    for part in stretches:
        white = prepared.noise.whitening(int(part.sum())) / deviation
        drift = np.linalg.qr(white @ np.vander(np.linspace(-1, 1, int(part.sum())), 4))[0]
        both = white @ np.concatenate([columns[part], average[part][:, None]], axis=1)
        both -= drift @ (drift.T @ both)
        rows.append(both[:, :-1])
        data.append(both[:, -1])
    design, target = np.concatenate(rows), np.concatenate(data)
    normal, moment = design.T @ design, design.T @ target
    size2 = np.full(
        columns.shape[1], (10 * float(np.abs(columns.T @ average).max()) / time.size + deviation) ** 2
    )
    for _ in range(8):
        covariance = np.linalg.inv(normal + np.diag(1 / size2))
        mean = covariance @ moment
        power = (mean**2 + np.diag(covariance)).reshape(-1, 2).mean(axis=1)
        size2 = np.repeat(np.maximum(power, 1e-6 * deviation**2), 2)
    root = np.linalg.cholesky(covariance + 1e-12 * deviation**2 * np.eye(size2.size))
    return columns[window] @ mean, columns[window] @ root


def _direct_zone_ends_ms(m_wave_uv: np.ndarray | None, at: np.ndarray) -> float:
    """Until when the direct response alone is looked at: later where the M wave itself is late."""
    earliest, latest = _DIRECT_ZONE_ENDS_MS
    if m_wave_uv is None:
        return earliest
    energy = np.cumsum(m_wave_uv**2)
    return float(np.clip(at[np.searchsorted(energy, energy[-1] / 2)], earliest, latest))


def _copy_size(view: _Window, others: np.ndarray, copies: np.ndarray) -> float:
    """Share of the M wave that crosstalk may reach: the most likely, told where no LSR can be."""
    white, white_others, white_copies = (
        view.whitening[view.free] @ one for one in (view.data_uv, others, copies)
    )
    evidence = [log_evidence(white_others, white)]
    evidence += [
        log_evidence(np.concatenate([white_others, white_copies * size], axis=1), white)
        for size in _COPY_SIZES
    ]
    return (_LEAST_COPY, *_COPY_SIZES)[int(np.argmax(evidence))]


def _misfit_columns(
    view: _Window, rough: np.ndarray, n_tail: int, n_hum: int
) -> tuple[np.ndarray, tuple[float, float, float, float]]:
    """Narrow bumps, as large as tails, copies and what begins in the direct zone may leave unexplained."""
    at, data = view.time_ms, view.data_uv
    white = (view.whitening @ rough)[view.free]
    target = (view.whitening @ data)[view.free]
    sizes = np.linalg.solve(white.T @ white + np.eye(rough.shape[1]), white.T @ target)
    tail = rough[:, 2:n_tail] @ sizes[2:n_tail]
    copy = rough[:, n_tail + n_hum :] @ sizes[n_tail + n_hum :]
    rest = data - rough @ sizes
    direct = (at > at[0] + 0.3) & (at < 5.5)
    excess = (
        np.sqrt(max(0.0, float((rest[direct] ** 2).mean()) - view.deviation_uv**2)) if direct.any() else 0.0
    )
    step = at[1] - at[0]
    begun = 1.5 * excess * np.where(at < 5, 1.0, np.exp(-(((at - 5) / 3) ** 2)))
    near = _moving_mean(np.abs(copy), round(1.5 / step))
    if direct.any() and near[direct].max() > 0:  # a copy that misfits early misfits alike later
        misfit = min(1.0, excess / float(np.sqrt((near[direct] ** 2).mean())))
        begun = np.maximum(begun, 1.5 * misfit * near)
    steep = _moving_mean(np.abs(np.gradient(copy, step)), 2)
    allowed = np.sqrt(
        begun**2
        + (_COPY_MISFIT * near) ** 2
        + (_COPY_JITTER_MS * steep) ** 2
        + (_TAIL_MISFIT * tail * (at < 20)) ** 2
    )
    bumps = np.exp(-0.5 * ((at[:, None] - np.arange(at[0], min(16.0, at[-1]), 0.3)) / 0.25) ** 2)
    largest = float(np.abs(rest[~view.free]).max(initial=0.0))
    found = (float(np.abs(tail).max()), float(np.abs(copy).max()), float(excess), largest)
    return bumps * allowed[:, None] / 1.2, found


def _moving_mean(values: np.ndarray, reach: int) -> np.ndarray:
    width = 2 * reach + 1
    mean: np.ndarray = np.convolve(np.pad(values, reach, mode="edge"), np.ones(width) / width, "valid")
    return mean
