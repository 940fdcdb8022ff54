"""What does the stimulus artifact hide, and what may its tail look like?

Conventions
-----------
Rows are sweeps, columns samples; time is milliseconds from the stimulus, EMG microvolts. Nothing
here is filtered over an artifact: it is bridged first, and its tail is modelled, not high-passed.
"""

from __future__ import annotations

import numpy as np

from lsr.gaussian import gaussian

# Time constants of the tail: electrode and amplifier recovery from a fraction of a millisecond to the
# 16 ms of a 10 Hz high-pass. Sums of these also follow stretched and power-law decays.
TAIL_MS = (0.3, 0.6, 1.2, 2.5, 5.0, 10.0, 20.0)
RECOVERY_MS = (2.5, 5.0, 10.0, 20.0)
SWING_HZ, SWING_MS = (15.0, 25.0, 40.0, 60.0, 80.0), (3.0, 6.0, 10.0)
NOTCH_HARMONICS, NOTCH_MS = (1, 2, 3), (12.0, 40.0, 150.0)  # 150 Hz at Q 5 to 50 Hz at Q 30
RING_MS, RING_LASTS_MS = 0.5, 4.0
SPIKE_MS = 1.2  # pulse of up to 0.3 ms and the ringing of the amplifier's low-pass
_GUARD_MS = 0.3
_CHAINED_MS = 1.0  # saturation that returns within this still belongs to the artifact
_BLANKED_MS, _LEAST_BLANKED, _NEARLY_ALL = 1.0, 5, 0.9  # how long, samples, share of the sweeps
_AT_LIMIT_MS = 0.5  # a shorter stretch at the limit hides little
_OVERLOAD_MS = 2.0  # what swings to a limit was overloaded until 2.5 ms and longer
_PHASE_MS = 6.0  # no phase of a muscle response is at the limit for longer
# An amplifier on its way from one limit to the other crosses the baseline at a tenth of the limit per
# millisecond and faster, and slows down near its peak only; a response starts from a trace at rest.
_REST_MS, _REST_CHANGE, _REST_LEVEL = 1.0, 0.1, 0.3  # how long; change and level, in shares of the limit


def find_saturated(emg_uv: np.ndarray) -> np.ndarray:
    """Samples at which the amplifier was at its limit.

    A limit shows as three or more equal samples in a row at the largest or smallest value of all sweeps.

    Parameters
    ----------
    emg_uv : np.ndarray, shape (n_sweeps, n_samples)

    Returns
    -------
    np.ndarray of bool, same shape

    Examples
    --------
    >>> sweep = np.array([[0.0, 9.0, 9.0, 9.0, 3.0, 1.0]])
    >>> find_saturated(sweep)[0].tolist()
    [False, True, True, True, False, False]
    """
    saturated = np.zeros(emg_uv.shape, bool)
    if emg_uv.shape[1] < 3 or np.ptp(emg_uv) == 0:
        return saturated
    for limit in (np.fmax.reduce(emg_uv, axis=None), np.fmin.reduce(emg_uv, axis=None)):  # NaN aside
        at = emg_uv == limit
        if np.count_nonzero(at) < 3:
            continue
        run = at[:, :-2] & at[:, 1:-1] & at[:, 2:]
        for shift in range(3):
            saturated[:, shift : shift + run.shape[1]] |= run
    return saturated


def find_blanked(emg_uv: np.ndarray, time_ms: np.ndarray) -> np.ndarray:
    """Samples that the monitor blanked: the same value for a millisecond and more, in nearly all sweeps.

    Parameters
    ----------
    emg_uv : np.ndarray, shape (n_sweeps, n_samples)
    time_ms : np.ndarray, shape (n_samples,)

    Returns
    -------
    np.ndarray of bool, shape (n_sweeps, n_samples)

    Examples
    --------
    >>> sweep = np.array([[0.5, 0.0, 0.0, 0.0, 0.0, 0.0, 0.7, -0.2]])
    >>> find_blanked(sweep, np.arange(8) * 0.2)[0].tolist()
    [False, True, True, True, True, True, False, False]
    """
    blanked = np.zeros(emg_uv.shape, bool)
    width = max(_LEAST_BLANKED, round(_BLANKED_MS / float(time_ms[1] - time_ms[0])))
    if emg_uv.shape[1] < width:
        return blanked
    same = emg_uv[:, 1:] == emg_uv[:, :-1]
    if not (same.mean(axis=0) >= _NEARLY_ALL).any():
        return blanked
    changes = np.concatenate([np.zeros((len(emg_uv), 1), int), np.cumsum(~same, axis=1)], axis=1)
    runs = changes[:, width - 1 :] == changes[:, : changes.shape[1] - width + 1]
    if not runs.any():
        return blanked
    for shift in range(width):
        blanked[:, shift : shift + runs.shape[1]] |= runs
    shared: np.ndarray = blanked & (blanked.mean(axis=0) >= _NEARLY_ALL)
    return shared


def find_clear_ms(hidden: np.ndarray, time_ms: np.ndarray) -> np.ndarray:
    """When each sweep first shows muscle rather than the artifact's spike.

    Parameters
    ----------
    hidden : np.ndarray of bool, shape (n_sweeps, n_samples)
        Saturated or blanked samples.
    time_ms : np.ndarray, shape (n_samples,)

    Returns
    -------
    np.ndarray, shape (n_sweeps,)
        The end of the spike, or of what has been hidden since the stimulus.
    """
    clear = np.full(hidden.shape[0], SPIKE_MS)
    for row in np.flatnonzero(hidden.any(axis=1)):
        for at in time_ms[hidden[row] & (time_ms > -0.5)]:
            if at > clear[row] + _CHAINED_MS:
                break  # a clipped muscle response is no artifact
            clear[row] = max(clear[row], at + _GUARD_MS)
    return clear


def find_swung_ms(
    emg_uv: np.ndarray,
    time_ms: np.ndarray,
    saturated: np.ndarray,
    clear_ms: np.ndarray,
    *,
    seen_from_ms: float,
) -> np.ndarray:
    """When each sweep shows muscle again, where the amplifier swings to a limit after the spike.

    A response larger than the amplifier's range is clipped too, but no long overload comes before it, or it
    starts from rest.

    Parameters
    ----------
    emg_uv, saturated : np.ndarray, shape (n_sweeps, n_samples)
        Raw sweeps, and their samples at a limit.
    time_ms : np.ndarray, shape (n_samples,)
    clear_ms : np.ndarray, shape (n_sweeps,)
        End of the spike.
    seen_from_ms : float
        What ends before this hides nothing that is looked for.

    Returns
    -------
    np.ndarray, shape (n_sweeps,)
        The end of the last such stretch; `clear_ms` where there is none.
    """
    swung_ms = clear_ms.copy()
    step_ms = float(time_ms[1] - time_ms[0])
    shortest, rest = max(3, round(_AT_LIMIT_MS / step_ms)), round(_REST_MS / step_ms)
    later = saturated & (time_ms > clear_ms[:, None])
    before = time_ms < -1.0
    for row in np.flatnonzero(later[:, time_ms > seen_from_ms].any(axis=1)):
        level_uv = float(np.median(emg_uv[row, before])) if before.any() else 0.0
        at = np.flatnonzero(later[row])
        for run in np.split(at, np.flatnonzero(np.diff(at) > 1) + 1):
            if run.size < shortest or time_ms[run[-1]] <= seen_from_ms:
                continue
            since = np.searchsorted(time_ms, swung_ms[row])
            trace_uv = emg_uv[row, since : run[0]] - level_uv
            limit_uv = abs(emg_uv[row, run[0]] - level_uv)
            is_swing = clear_ms[row] > _OVERLOAD_MS and not _rests(trace_uv, limit_uv, rest)
            if is_swing or run.size * step_ms > _PHASE_MS:
                swung_ms[row] = time_ms[run[-1]] + _GUARD_MS
    return swung_ms


def _rests(trace_uv: np.ndarray, limit_uv: float, width: int) -> bool:
    if trace_uv.size < width:
        return False
    stretches = np.lib.stride_tricks.sliding_window_view(trace_uv, width)
    high, low = stretches.max(axis=1), stretches.min(axis=1)
    is_steady = high - low <= _REST_CHANGE * limit_uv
    return bool((is_steady & (np.maximum(high, -low) <= _REST_LEVEL * limit_uv)).any())


def bridge(emg_uv: np.ndarray, time_ms: np.ndarray, *, until_ms: float) -> np.ndarray:
    """Replace the spike by a straight line, so that no later filter can smear it.

    Parameters
    ----------
    emg_uv : np.ndarray, shape (n_sweeps, n_samples)
    time_ms : np.ndarray, shape (n_samples,)
    until_ms : float
        End of the spike.

    Returns
    -------
    np.ndarray, shape (n_sweeps, n_samples)
    """
    hidden = np.flatnonzero((time_ms > -_GUARD_MS) & (time_ms < until_ms))
    if hidden.size == 0 or hidden[-1] + 1 >= time_ms.size:
        return emg_uv
    bridged = emg_uv.copy()
    first, stop = hidden[0], hidden[-1] + 1
    right = emg_uv[:, stop : stop + 1]
    left = emg_uv[:, first - 1 : first] if first else right
    share = np.linspace(0.0, 1.0, stop - first + 2)[1:-1]
    bridged[:, first:stop] = left * (1 - share) + right * share
    return bridged


def tail_columns(time_ms: np.ndarray) -> np.ndarray:
    """Exponential decays from the first time on, and slow ones that rise first.

    The latter, t exp(-t / tau), are how a critically damped high-pass recovers.

    Parameters
    ----------
    time_ms : np.ndarray, shape (n_samples,)

    Returns
    -------
    np.ndarray, shape (n_samples, len(TAIL_MS) + len(RECOVERY_MS))
        Each has its largest value at 1.
    """
    since = (time_ms - time_ms[0])[:, None]
    decays = np.exp(-since / np.array(TAIL_MS))
    scaled = since / np.array(RECOVERY_MS)
    return np.concatenate([decays, scaled * np.exp(1 - scaled)], axis=1)


def ring_columns(time_ms: np.ndarray) -> np.ndarray:
    """Whatever follows the spike at once, as an amplifier's steep low-pass rings: bumps that soon die out.

    Parameters
    ----------
    time_ms : np.ndarray, shape (n_samples,)

    Returns
    -------
    np.ndarray, shape (n_samples, n_columns)
        The first has its largest value near 1, at the first time.
    """
    since = (time_ms - time_ms[0])[:, None]
    centres = np.arange(0.0, RING_LASTS_MS, 0.3)
    columns: np.ndarray = gaussian((since - centres) / 0.25) * np.exp(-centres / RING_MS)
    return columns


def swing_columns(time_ms: np.ndarray) -> np.ndarray:
    """Damped swings from the first time on: an amplifier that overshoots as it recovers.

    Parameters
    ----------
    time_ms : np.ndarray, shape (n_samples,)

    Returns
    -------
    np.ndarray, shape (n_samples, 2 * len(SWING_HZ) * len(SWING_MS))
    """
    since = (time_ms - time_ms[0])[:, None]
    turns = np.exp(2e-3j * np.pi * since * np.array(SWING_HZ))
    swings = np.concatenate([np.exp(-since / tau) * turns for tau in SWING_MS], axis=1)
    columns: np.ndarray = np.concatenate([swings.real, swings.imag], axis=1) / np.sqrt(len(SWING_MS))
    return columns


def notch_columns(time_ms: np.ndarray, mains_hz: float) -> np.ndarray:
    """Damped swings at mains frequency and harmonics: how notch filters ring on after an artifact.

    Parameters
    ----------
    time_ms : np.ndarray, shape (n_samples,)
    mains_hz : float

    Returns
    -------
    np.ndarray, shape (n_samples, 2 * len(NOTCH_HARMONICS) * len(NOTCH_MS))
    """
    since = (time_ms - time_ms[0])[:, None]
    turns = np.exp(2e-3j * np.pi * since * mains_hz * np.array(NOTCH_HARMONICS))
    swings = np.concatenate([np.exp(-since / tau) * turns for tau in NOTCH_MS], axis=1)
    columns: np.ndarray = np.concatenate([swings.real, swings.imag], axis=1) / np.sqrt(len(NOTCH_MS))
    return columns
