"""When does a muscle fire by itself?

Conventions
-----------
One channel at a time: EMG in microvolts, time in seconds from the first sample given. The level of activity
is the root mean square over 10 ms of the whitened EMG, in units of the background; a burst is a stretch
that rises to twice the background. What is blanked is not looked at: nothing begins or lasts there.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from lsr.medians import median

_WORKING_HZ = 2500.0  # EMG lies below half of it
_BAND_HZ = (70.0, 110.0, 900.0, 1100.0)  # rises and falls; below are ECG, drift and most of the hum
_SMOOTH_S = 0.010
_RISES = 2.0  # times the background: where a burst is
_LASTS = 1.5  # times the background: how far it reaches
_SPREAD = 4.5  # deviations of the background's own level that a burst has to exceed
_MOST_RISE = 2.7
_JOINED_S = 0.025  # bursts closer than this are one
_SHORTEST_S = 0.010
_PAD_S = 0.1
_LEAST_S = 0.2  # of unblanked EMG; less tells no background
_LINE = 4.0  # times its surroundings: where the spectrum shows mains hum
_MAINS_HZ, _LINE_WIDTH_HZ = (50.0, 60.0), 0.6  # to either side
_TURNS, _SETTLED = 8, 0.01  # to find the hum in what is hidden; change of the EMG's size that ends it
_LIMIT = 5.0  # times its median size: beyond it, EMG is a burst and no hum
_DISCHARGE = 3.0  # times the background: what counts as the discharge of a motor unit
_RANK = 0.3  # of the largest discharge; the filter leaves lesser swings beside a large one
_APART_S = 0.0015  # of two discharges
_SPIKE = 0.7  # share of a burst's energy within 2 ms that makes it a technical spike


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bursts:
    """Bursts of one channel, in the order of time."""

    start_s: np.ndarray  # (n,)
    stop_s: np.ndarray  # (n,)
    active_s: np.ndarray  # (n,): how much of each was looked at
    discharge_hz: np.ndarray  # (n,): of motor units within the burst; NaN: too few discharges
    observed_s: float  # of EMG that was looked at
    n_spikes: int = 0  # technical spikes passed over

    @classmethod
    def none(cls, observed_s: float = 0.0) -> Bursts:
        """Nothing was found."""
        empty = np.empty(0)
        return cls(start_s=empty, stop_s=empty, active_s=empty, discharge_hz=empty, observed_s=observed_s)


def find_bursts(emg_uv: np.ndarray, rate_hz: float, blanked: np.ndarray | None = None) -> Bursts:
    """Find bursts of spontaneous activity.

    Parameters
    ----------
    emg_uv : np.ndarray, shape (n_samples,)
        Without gaps.
    rate_hz : float
    blanked : np.ndarray | None, shape (n_samples,), bool
        What is not looked at: evoked responses, artifacts.

    Returns
    -------
    Bursts
        Empty where less than 0.2 s can be looked at.

    Examples
    --------
    >>> rng = np.random.default_rng(3)
    >>> time_s = np.arange(0, 10, 1 / 5000)
    >>> emg_uv = rng.normal(0, 5, time_s.size) * np.where((time_s > 4) & (time_s < 4.1), 4, 1)
    >>> found = find_bursts(emg_uv, 5000.0)
    >>> found.start_s.round(1).tolist(), found.stop_s.round(1).tolist()
    ([4.0], [4.1])
    """
    hidden = np.zeros(emg_uv.size, dtype=bool) if blanked is None else blanked
    observed_s = float(np.count_nonzero(~hidden)) / rate_hz
    if observed_s < _LEAST_S or rate_hz < 2.2 * _BAND_HZ[1]:
        return Bursts.none()
    emg, seen, working_hz = _lowered(emg_uv, ~hidden, rate_hz)
    if seen.sum() < _LEAST_S / 2 * working_hz:
        return Bursts.none(observed_s)
    white = _whitened(_bridged(emg, ~seen, working_hz), working_hz)
    level = _level(white, seen, working_hz)
    background, spread = _background(level[seen])
    if not background > 0:
        return Bursts.none(observed_s)
    rises = float(np.clip(np.exp(_SPREAD * spread), _RISES, _MOST_RISE))
    first, stop = _stretches(level / background, seen, rises, working_hz)
    return _described(white / background, seen, first, stop, working_hz, observed_s)


def _bridged(emg_uv: np.ndarray, hidden: np.ndarray, rate_hz: float) -> np.ndarray:
    """EMG with its hum and a straight line through what is hidden.

    A line alone breaks the hum off at every edge, which sounds like a burst there. What hum was hidden is
    found by turns: filled with what the lines of the spectrum hold, the gap tells them better (Papoulis
    1975).
    """
    if not hidden.any():
        return emg_uv
    lines = _lines(emg_uv.size, rate_hz)
    hum = np.zeros(emg_uv.size)
    bridged = _lined(emg_uv, hidden)
    for _ in range(_TURNS):
        found = np.fft.irfft(np.fft.rfft(bridged) * lines, emg_uv.size)
        change, hum = float((found - hum).std()), found
        bridged = _lined(emg_uv - hum, hidden) + hum
        if change < _SETTLED * float(bridged.std()):
            break
    return bridged


@lru_cache(maxsize=4)
def _lines(n_samples: int, rate_hz: float) -> np.ndarray:
    """Which frequencies of a spectrum are the mains or a harmonic, (n_frequencies,) bool."""
    hz = np.fft.rfftfreq(n_samples, 1 / rate_hz)
    is_line = np.zeros(hz.size, dtype=bool)
    for mains_hz in _MAINS_HZ:
        order = np.round(hz / mains_hz)
        is_line |= (order > 0) & (np.abs(hz - order * mains_hz) <= _LINE_WIDTH_HZ)
    return is_line


def _lined(emg_uv: np.ndarray, hidden: np.ndarray) -> np.ndarray:
    """EMG with a straight line through what is hidden."""
    shown = np.flatnonzero(~hidden)
    lined = emg_uv.copy()
    lined[hidden] = np.interp(np.flatnonzero(hidden), shown, emg_uv[shown])
    return lined


def _lowered(emg: np.ndarray, seen: np.ndarray, rate_hz: float) -> tuple[np.ndarray, np.ndarray, float]:
    """Means over as many samples as bring the rate near the working one."""
    step = max(1, round(rate_hz / _WORKING_HZ))
    n = emg.size // step
    share = np.full(step, 1 / step, np.result_type(emg, np.float32))
    lowered = (emg[: n * step].reshape(n, step) @ share).astype(float)
    wholly = seen[: n * step : step].copy()
    for later in range(1, step):  # quicker than to ask each of many short rows
        wholly &= seen[later : n * step : step]
    return lowered, wholly, rate_hz / step


def _whitened(emg: np.ndarray, rate_hz: float) -> np.ndarray:
    """EMG within the band, hum taken out, every frequency as strong as the others."""
    n_pad = min(round(_PAD_S * rate_hz), emg.size - 1)
    padded = np.pad(emg - emg.mean(), n_pad, mode="reflect", reflect_type="odd")
    n_drawn = 1 << int(np.ceil(np.log2(padded.size)))
    hz = np.fft.rfftfreq(n_drawn, 1 / rate_hz)
    rise, full, fall, end = _BAND_HZ
    top = 0.48 * rate_hz
    gain = np.interp(hz, [rise, full, min(fall, 0.9 * top), min(end, top)], [0.0, 1.0, 1.0, 0.0])
    spectrum = np.fft.rfft(padded, n_drawn) * gain
    emg_in_band = np.fft.irfft(spectrum, n_drawn)
    # Bursts would ring through whatever is taken out of a narrow band, so hum is told from limited EMG.
    most = _LIMIT * float(median(np.abs(emg_in_band[: padded.size])))
    limited = np.fft.rfft(np.clip(emg_in_band, -most, most))
    size = np.abs(limited)
    usual = _running_mean(np.minimum(size, 3 * median(size[gain > 0])), max(1, round(20.0 / hz[1])))
    for mains_hz in _MAINS_HZ:
        for line_hz in np.arange(2, 1 + int(hz[-1] // mains_hz)) * mains_hz:
            at = slice(*np.searchsorted(hz, [line_hz - _LINE_WIDTH_HZ, line_hz + _LINE_WIDTH_HZ]))
            if size[at].max(initial=0.0) > _LINE * usual[at].max(initial=0.0):
                spectrum[at] -= limited[at]
    white = np.fft.irfft(spectrum * gain / np.maximum(usual, 1e-12 + 1e-3 * usual.max()), n_drawn)
    inner: np.ndarray = white[n_pad : n_pad + emg.size]
    return inner


def _running_mean(values: np.ndarray, n: int) -> np.ndarray:
    """Mean of each value and `n` to either side, fewer at the ends."""
    padded = np.zeros(values.size + 2 * n + 1)
    np.cumsum(values, out=padded[n + 1 : n + 1 + values.size])
    padded[n + 1 + values.size :] = padded[n + values.size]
    sums = padded[2 * n + 1 :] - padded[: values.size]
    count = np.full(values.size, 2.0 * n + 1)
    short = min(n, values.size)
    count[:short] -= np.arange(n, n - short, -1)
    count[values.size - short :] -= np.arange(n - short + 1, n + 1)
    mean: np.ndarray = sums / count
    return mean


def _level(white: np.ndarray, seen: np.ndarray, rate_hz: float) -> np.ndarray:
    """Root mean square over 10 ms of what is seen; 0 where too little of it is."""
    n = max(1, round(_SMOOTH_S * rate_hz / 2))
    power = _running_mean(np.where(seen, white**2, 0.0), n)
    share = _running_mean(seen.astype(float), n)
    level: np.ndarray = np.sqrt(np.where(share >= 0.5, power / np.maximum(share, 0.5), 0.0))
    return level


def _background(level: np.ndarray) -> tuple[float, float]:
    """Median level of the quiet half, and its spread in logarithms, from its lower side.

    Bursts only reach the upper side, so the lower quantiles tell both as long as the muscle rests half
    of the time.
    """
    low, middle = np.quantile(np.sort(level), [0.15, 0.4])  # numpy sorts quicker than it selects
    if low <= 0:
        return float(middle), 0.0
    spread = float(np.log(middle / low)) / (1.036 - 0.253)  # between the normal quantiles
    return float(middle * np.exp(0.253 * spread)), spread


def _stretches(
    level: np.ndarray, seen: np.ndarray, rises: float, rate_hz: float
) -> tuple[np.ndarray, np.ndarray]:
    """First sample of each burst, and the first after it."""
    active = _through_hidden((level > _LASTS) & seen, seen, round(_SMOOTH_S * rate_hz))
    edges = np.diff(np.concatenate([[0], active.astype(np.int8), [0]]))
    first, stop = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    if not first.size:
        return first, stop
    peak = np.maximum.reduceat(np.append(level, 0.0), np.column_stack([first, stop]).ravel())[::2]
    first, stop = first[peak >= rises], stop[peak >= rises]
    if not first.size:
        return first, stop
    apart = first[1:] - stop[:-1] > _JOINED_S * rate_hz
    first, stop = first[np.append(True, apart)], stop[np.append(apart, True)]
    half = round(_SMOOTH_S * rate_hz / 4)  # the level is smeared; half of it is taken back
    first, stop = first + half, np.maximum(stop - half, first + half + 1)
    long = stop - first >= _SHORTEST_S * rate_hz / 2
    return first[long], stop[long]


def _through_hidden(active: np.ndarray, seen: np.ndarray, near: int) -> np.ndarray:
    """Take what is hidden for active where there is activity just before it and just after."""
    edges = np.diff(np.concatenate([[1], seen.astype(np.int8), [1]]))
    total = np.concatenate([[0], np.cumsum(active)])
    filled = active.copy()
    first, stop = np.flatnonzero(edges == -1).tolist(), np.flatnonzero(edges == 1).tolist()
    for begin, end in zip(first, stop, strict=True):
        before = total[begin] - total[max(0, begin - near)]
        after = total[min(active.size, end + near)] - total[min(active.size, end)]
        if before and after:
            filled[begin:end] = True
    return filled


def _described(
    white: np.ndarray,
    seen: np.ndarray,
    first: np.ndarray,
    stop: np.ndarray,
    rate_hz: float,
    observed_s: float,
) -> Bursts:
    """Ends and discharge frequency of each burst; technical spikes are passed over."""
    rows = []
    for smeared_begin, smeared_end in zip(first.tolist(), stop.tolist(), strict=True):
        begin, end = int(smeared_begin), int(smeared_end)
        loud = np.flatnonzero(np.abs(white[begin:end]) > _DISCHARGE)
        if loud.size and loud[-1] - loud[0] >= _SHORTEST_S * rate_hz / 2:
            begin, end = begin + int(loud[0]), begin + int(loud[-1]) + 1
        burst = white[begin:end]
        if not _is_spike(burst, rate_hz):
            rows.append((begin, end, np.count_nonzero(seen[begin:end]), _discharge_hz(burst, rate_hz)))
    table = np.array(rows, dtype=float).reshape(-1, 4)
    return Bursts(
        start_s=table[:, 0] / rate_hz,
        stop_s=table[:, 1] / rate_hz,
        active_s=table[:, 2] / rate_hz,
        discharge_hz=table[:, 3],
        observed_s=observed_s,
        n_spikes=first.size - len(rows),
    )


def _is_spike(burst: np.ndarray, rate_hz: float) -> bool:
    """Whether nearly all energy lies within 2 ms: no muscle is that brief."""
    energy = np.cumsum(np.concatenate([[0.0], burst**2]))
    n = max(1, round(0.002 * rate_hz))
    return burst.size > n and float((energy[n:] - energy[:-n]).max()) > _SPIKE * float(energy[-1])


def _discharge_hz(burst: np.ndarray, rate_hz: float) -> float:
    """How often motor units discharge: peaks of the stronger polarity, 1.5 ms apart at least."""
    wave = burst if burst.max(initial=0.0) >= -burst.min(initial=0.0) else -burst
    inner = wave[1:-1]
    least_size = max(_DISCHARGE, _RANK * float(wave.max(initial=0.0)))
    peaks = 1 + np.flatnonzero((inner > least_size) & (inner >= wave[:-2]) & (inner > wave[2:]))
    least = _APART_S * rate_hz
    counted: list[int] = []
    for peak in peaks:
        if counted and peak - counted[-1] < least:
            if wave[peak] > wave[counted[-1]]:
                counted[-1] = int(peak)
            continue
        counted.append(int(peak))
    if len(counted) < 3:
        return float("nan")
    return float((len(counted) - 1) * rate_hz / (counted[-1] - counted[0]))
