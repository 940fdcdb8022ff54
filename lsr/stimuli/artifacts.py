"""Stimulus artifacts: sharp spikes that all channels show at once, to check markers by.

Conventions
-----------
Voltages are microvolts, lags milliseconds from the time asked about. A jump is the change of a signal over
about 0.1 ms; a stimulus artifact begins with one that is much of everything the signal does within a
millisecond, while an M wave (several ms long), a motor unit (1.5 ms and more) and an ECG rise more slowly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lsr.anatomy import Relation
from lsr.io.labels import is_auxiliary_label, is_trigger_label
from lsr.recording import Recording
from lsr.settings import Settings

_JUMP_S = 0.1e-3
_CLEAR_OF_NOISE = 10.0  # a jump is this many times the usual jump of the background
_STEP_NOISE = 6**-0.5  # of the converter's step: by chance the difference of two samples varies so much
_MOST_SHARED_STEP = 16  # declared steps that one of the converter may be: 12 bits stored as 16
_MOST_CHANNELS = 4  # enough to tell what all channels show
_SLOWEST_HZ = 1000.0  # a channel below this shows no artifact worth the name
_NEAR_S = 0.2e-3  # channels show an artifact at once: within this
_NO_EMG = ("ecg", "ekg", "eeg", "eog", "resp", "spo2", "status")

LOOK_AROUND_S = 10e-3  # an artifact is looked for this far from its marker
HELD_S = 1e-3  # a monitor that blanks the artifact holds one value at least so long
MOST_HELD_S = 15e-3  # as long as this it would hide the LSR itself


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifacts:
    """What is to be seen around each of some times."""

    checked: NDArray[np.bool_]  # (n,): there were samples to look at
    lag_ms: NDArray[np.float64]  # (n,): start of the first artifact-like spike; nan: none seen
    jumps_uv: NDArray[np.float32]  # (n, channels, bins): the largest jump in each bin
    bins_ms: NDArray[np.float64]  # (bins,): where the bins begin


def channels_for_artifacts(recording: Recording, settings: Settings) -> tuple[int, ...]:
    """The few channels to look for artifacts in: quick, in microvolts, known muscles first."""
    chosen = []
    for channel in recording.channels:
        said = settings.channels.get(channel.label)
        if not channel.is_voltage or channel.rate_hz < _SLOWEST_HZ or channel.n_samples == 0:
            continue
        if channel.is_trigger or is_trigger_label(channel.label) or is_auxiliary_label(channel.label):
            continue
        if any(word in channel.label.lower() for word in _NO_EMG):
            continue
        if said is None or said.relation is not Relation.IGNORE:
            chosen.append(channel)
    quickest = max((channel.rate for channel in chosen), default=None)
    chosen = [channel for channel in chosen if channel.rate == quickest]
    known = [
        channel for channel in chosen if channel.muscle is not None or channel.label in settings.channels
    ]
    return tuple(channel.index for channel in (known or chosen)[:_MOST_CHANNELS])


def measure_artifacts(
    recording: Recording,
    channels: Sequence[int],
    times_s: NDArray[np.float64],
    *,
    before_s: float = LOOK_AROUND_S,
    after_s: float = LOOK_AROUND_S,
) -> Artifacts:
    """Look for a stimulus artifact around each time; memory is bounded by the recording's batches.

    Parameters
    ----------
    recording : Recording
    channels : Sequence[int]
        As `channels_for_artifacts` chose them.
    times_s : NDArray, shape (n,)
    before_s, after_s : float
        How far to look.
    """
    n_bins = max(1, round((before_s + after_s) * 1e3))
    checked = np.zeros(len(times_s), dtype=bool)
    lag_ms = np.full(len(times_s), np.nan)
    jumps_uv = np.zeros((len(times_s), len(channels), n_bins), dtype=np.float32)
    if not channels:
        return Artifacts(checked=checked, lag_ms=lag_ms, jumps_uv=jumps_uv, bins_ms=np.zeros(n_bins))
    for batch in recording.windows(times_s, before_s, after_s, channels):
        first = first_sharp(batch.samples, batch.rate_hz, steps_uv(recording, channels))
        start = spike_starts(batch.samples, np.maximum(first, 0), batch.rate_hz)[0]
        lag_ms[batch.index] = np.where(
            first >= 0, (start / batch.rate_hz - before_s + batch.offset_s) * 1e3, np.nan
        )
        checked[batch.index] = True
        jumps = _jumps(batch.samples, batch.rate_hz)
        edges = np.linspace(0, jumps.shape[-1], n_bins, endpoint=False).astype(np.int64)
        jumps_uv[batch.index] = np.maximum.reduceat(jumps, edges, axis=-1)
    bins_ms = -before_s * 1e3 + np.arange(n_bins) * (before_s + after_s) * 1e3 / n_bins
    return Artifacts(checked=checked, lag_ms=lag_ms, jumps_uv=jumps_uv, bins_ms=bins_ms)


def steps_uv(recording: Recording, channels: Sequence[int]) -> NDArray[np.float64]:
    """One digital step of each channel as the file declares it, 0 where it does not: (channels,)."""
    return np.array([recording.channels[channel].resolution_uv or 0.0 for channel in channels])


def usual_jumps(jumps: NDArray[np.float32], declared_uv: NDArray[np.float64]) -> NDArray[np.float64]:
    """How much each channel usually changes, (..., channels); no finer than the converter's steps let it be.

    Noise that is smaller than a step leaves most samples as they were: any step would be a jump beside that.

    Parameters
    ----------
    jumps : NDArray, shape (..., channels, samples)
    declared_uv : NDArray, shape (channels,)
        As `steps_uv` tells.
    """
    smallest = np.where(jumps > 0, jumps, np.inf).min(axis=-1, initial=np.inf)
    step = np.clip(smallest, declared_uv, _MOST_SHARED_STEP * declared_uv)
    usual: NDArray[np.float64] = np.maximum(1.4826 * np.median(jumps, axis=-1), _STEP_NOISE * step)
    return usual


def sharp(
    samples: NDArray[np.float32], rate_hz: float, declared_uv: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Tell where most channels jump at once, each by most of what it does within a millisecond of it.

    Parameters
    ----------
    samples : NDArray, shape (n, channels, samples)
    rate_hz : float
    declared_uv : NDArray, shape (channels,)
        As `steps_uv` tells.

    Returns
    -------
    NDArray[np.bool_], shape (n, samples - lag)
        True at the last sample before a jump.
    """
    from scipy.ndimage import maximum_filter1d, minimum_filter1d

    jumps = _jumps(samples, rate_hz)
    lag = samples.shape[-1] - jumps.shape[-1]
    usual = usual_jumps(jumps[..., ::3], declared_uv)[..., None]
    active = np.ptp(samples, axis=-1) > 0
    large = jumps > _CLEAR_OF_NOISE * usual
    width = 2 * max(1, round(1e-3 * rate_hz)) + 1
    range_uv = maximum_filter1d(samples, width, axis=-1) - minimum_filter1d(samples, width, axis=-1)
    # A lone channel cannot show that others jump as well, so it has to jump the more plainly.
    share = min(0.6, (0.1 if samples.shape[1] > 1 else 0.25) + 2.0 * lag / rate_hz * 1e3)
    is_sharp = large & (jumps > share * range_uv[..., : jumps.shape[-1]]) & (jumps > 0)
    near = maximum_filter1d(is_sharp.astype(np.uint8), 2 * max(1, round(_NEAR_S * rate_hz)) + 1, axis=-1)
    needed = (active.sum(axis=1) // 2 + 1)[:, None]
    found: NDArray[np.bool_] = is_sharp.any(axis=1) & (near.sum(axis=1) >= needed)
    return found


def first_sharp(
    samples: NDArray[np.float32], rate_hz: float, declared_uv: NDArray[np.float64]
) -> NDArray[np.int64]:
    """The sample before the first sharp jump of each window; -1 where there is none: (n,)."""
    found = sharp(samples, rate_hz, declared_uv)
    return np.where(found.any(axis=1), np.argmax(found, axis=1), -1)


def spike_starts(
    samples: NDArray[np.float32], near: NDArray[np.int64], rate_hz: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Find to a fraction of a sample when the spikes near some samples leave the baseline.

    A channel's spike starts where it crosses a fifth of its first peak (or four times the noise), on a line
    between the samples around; the median over channels counts.

    Parameters
    ----------
    samples : NDArray, shape (n, channels, samples)
    near : NDArray, shape (n,)
        The sample before each jump.
    rate_hz : float

    Returns
    -------
    starts, spreads : NDArray, shape (n,)
        In samples; the spread is the largest difference of a channel from the median.
    """
    n_before, n_quiet, n_after = (max(2, round(seconds * rate_hz)) for seconds in (2e-3, 0.3e-3, 0.6e-3))
    places = np.clip(near[:, None] + np.arange(-n_before, n_after + 1), 0, samples.shape[-1] - 1)
    cut = np.take_along_axis(samples, places[:, None, :], axis=-1)
    n_quiet = max(1, n_before - n_quiet)  # at 1 kHz both are two samples
    base = np.median(cut[..., :n_quiet], axis=-1, keepdims=True)
    away = np.abs(cut - base)
    noise = 1.4826 * np.median(away[..., :n_quiet], axis=-1)
    peak = away[..., n_quiet:].max(axis=-1)
    level = np.maximum(0.2 * peak, 4 * noise)[..., None]
    first = np.maximum(np.argmax(away[..., n_quiet:] > level, axis=-1) + n_quiet, 1)
    high = np.take_along_axis(away, first[..., None], axis=-1)[..., 0]
    low = np.take_along_axis(away, first[..., None] - 1, axis=-1)[..., 0]
    part = np.clip((level[..., 0] - low) / np.where(high > low, high - low, 1.0), 0.0, 1.0)
    starts = near[:, None] - n_before + first - 1 + part
    weight = peak / np.maximum(noise, 1e-6)
    told = (peak > _CLEAR_OF_NOISE * noise) & (weight >= 0.05 * weight.max(axis=1, keepdims=True))
    told |= weight == weight.max(axis=1, keepdims=True)
    starts = np.where(told, starts, np.nan)
    middle = np.nanmedian(starts, axis=1)
    return middle, np.nanmax(np.abs(starts - middle[:, None]), axis=1)


def held_before_s(
    recording: Recording, channels: Sequence[int], times_s: NDArray[np.float64]
) -> NDArray[np.float64]:
    """For how long, up to 15 ms, some channel shows one value alone up to each time that lies in the data."""
    held_s = [np.empty(0)]
    for batch in recording.windows(times_s, MOST_HELD_S, 0.0, channels):
        differs = batch.samples[..., ::-1] != batch.samples[..., -1:]
        n_alike = np.where(differs.any(axis=-1), np.argmax(differs, axis=-1), differs.shape[-1])
        held_s.append(n_alike.max(axis=1) / batch.rate_hz)
    return np.concatenate(held_s)


def _jumps(samples: NDArray[np.float32], rate_hz: float) -> NDArray[np.float32]:
    lag = max(1, round(_JUMP_S * rate_hz))
    jumps: NDArray[np.float32] = np.abs(samples[..., lag:] - samples[..., :-lag])
    return jumps
