"""Sweeps: the EMG of one muscle, cut around each stimulus.

Conventions
-----------
Time is in milliseconds from the stimulus. EMG is in microvolts. Rows are sweeps, in the order of their
stimuli; columns are samples. Nothing is cut across a gap, and nothing is resampled: stimuli that fall
between two samples leave the rows within half a sample of the time axis.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from lsr.recording import Channel, Problem, Recording
from lsr.settings import SweepSettings
from lsr.stimuli import StimulusSet

_AFTER_PREVIOUS_MS = 60.0  # the response to the stimulus before is over by then
_BEFORE_NEXT_MS = 1.0
_BEFORE_SEARCH_MS = 2.0  # a sweep that begins after its stimulus has to show so much before the search window
_EXACT_S = 1e-6  # annotation times this close to a record's start are at it
_KEPT_SHARES = (1.0, 0.98, 0.95, 0.9)  # a longer window may cost at most a tenth of the stimuli
_LONG_ENOUGH = 0.7  # and must be worth it


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """How much can be cut around the stimuli of a set, and around which of them."""

    before_s: float  # negative: sweeps begin so long after their stimulus
    after_s: float
    kept: np.ndarray  # (n_stimuli,) bool: the whole window was recorded


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sweeps:
    """The EMG of one channel around some stimuli of a set."""

    channel: Channel
    emg_uv: np.ndarray  # (n_sweeps, n_samples)
    time_ms: np.ndarray  # (n_samples,)
    stimuli: np.ndarray  # (n_sweeps,): which stimuli of the set


def plan_cut(
    recording: Recording,
    stimuli: StimulusSet,
    settings: SweepSettings,
    *,
    search_ms: tuple[float, float],
) -> Cut:
    """Choose a window that most stimuli have, as long as the settings ask for at most.

    Parameters
    ----------
    recording : Recording
    stimuli : StimulusSet
    settings : SweepSettings
    search_ms : tuple of float
        Where an onset may lie; a sweep has to show this and a little more on either side.

    Returns
    -------
    Cut
        Gaps and the neighbouring stimuli limit the window.
    """
    times = np.array([stimulus.time_s for stimulus in stimuli.stimuli])
    last_pulse = np.array([stimulus.train_ms[-1] for stimulus in stimuli.stimuli]) / 1000
    starts = np.array([segment.start_s for segment in recording.segments])
    stops = np.array([segment.stop_s for segment in recording.segments])
    slowest = min(channel.rate_hz for channel in recording.channels if channel.is_voltage)
    sample_s = 1 / slowest
    latest_s = max(search_ms[0] - _BEFORE_SEARCH_MS, 0.0) / 1000
    segment = np.clip(np.searchsorted(starts, times + latest_s, side="right") - 1, 0, len(starts) - 1)
    since_start = times - starts[segment]
    # A sweep may begin with its stimulus, to the sample, or after it: then it has less than nothing before.
    at_start = (since_start > -_EXACT_S) & (since_start < sample_s)
    before = np.where(at_start, 0.0, since_start - sample_s)
    after = stops[segment] - times - 2 * sample_s
    if times.size > 1:
        apart = np.diff(times)
        before[1:] = np.minimum(
            before[1:], np.maximum(apart - last_pulse[:-1] - _AFTER_PREVIOUS_MS / 1000, 0)
        )
        after[:-1] = np.minimum(after[:-1], apart - _BEFORE_NEXT_MS / 1000)
    before_s = _common(before, settings.before_ms / 1000, -latest_s)
    after_s = _common(after, settings.after_ms / 1000, (search_ms[1] + 2) / 1000)
    kept = (before >= before_s) & (after >= after_s)
    return Cut(before_s=before_s, after_s=after_s, kept=kept)


def _common(available_s: np.ndarray, wanted_s: float, needed_s: float) -> float:
    """What all stimuli have; a few at an edge of the data may not shorten it much for the others."""
    lengths = [float(np.quantile(available_s, 1 - share, method="lower")) for share in _KEPT_SHARES]
    lengths = [float(np.clip(length, needed_s, max(wanted_s, needed_s))) for length in lengths]
    most = lengths[-1]
    return next(length for length in lengths if length >= most - (1 - _LONG_ENOUGH) * abs(most))


def cut_sweeps(
    recording: Recording, stimuli: StimulusSet, cut: Cut, which: np.ndarray, channels: Sequence[int]
) -> dict[int, Sweeps]:
    """Cut the chosen stimuli out of the chosen channels.

    Parameters
    ----------
    recording : Recording
    stimuli : StimulusSet
    cut : Cut
    which : np.ndarray, shape (n,)
        Numbers of the stimuli; those not kept are passed over.
    channels : sequence of int

    Returns
    -------
    dict[int, Sweeps]
        By channel.

    Raises
    ------
    UnreadableSamples
        The file ended, or the disk failed.
    """
    wanted = which[cut.kept[which]]
    times = np.array([stimuli.stimuli[i].time_s for i in wanted])
    parts: dict[int, list[np.ndarray]] = {channel: [] for channel in channels}
    rows: dict[int, list[np.ndarray]] = {channel: [] for channel in channels}
    offsets: dict[int, list[np.ndarray]] = {channel: [] for channel in channels}
    for batch in recording.windows(times, cut.before_s, cut.after_s, channels):
        for k, channel in enumerate(batch.channels):
            parts[channel].append(batch.samples[:, k])
            rows[channel].append(batch.index)
            offsets[channel].append(batch.offset_s)
    sweeps = {}
    for channel in channels:
        if not parts[channel]:
            continue
        emg = np.concatenate(parts[channel])
        axis = np.arange(emg.shape[1]) / recording.channels[channel].rate_hz - cut.before_s
        shift = float(np.concatenate(offsets[channel]).mean())
        sweeps[channel] = Sweeps(
            channel=recording.channels[channel],
            emg_uv=emg,
            time_ms=(axis + shift) * 1000,
            stimuli=wanted[np.concatenate(rows[channel])],
        )
    return sweeps


def find_beyond_range(sweeps: Mapping[int, Sweeps]) -> dict[int, Problem]:
    """Tell of the channels whose samples exceed the range that the file states for them.

    Their calibration may be wrong, and every amplitude with it: a converter gives no number beyond its range.
    """
    problems = {}
    for channel, one in sweeps.items():
        low, high = one.channel.rail_min_uv, one.channel.rail_max_uv
        if low is None or high is None:
            continue
        step = 1.5 * (one.channel.resolution_uv or 0.0)
        lowest, highest = float(np.nanmin(one.emg_uv)), float(np.nanmax(one.emg_uv))
        if lowest < low - step or highest > high + step:
            message = (
                f"channel {one.channel.label!r} holds {lowest:.5g} to {highest:.5g} uV, beyond the {low:.5g} "
                f"to {high:.5g} uV of its header: its amplitudes may be wrong by a factor; check the "
                "digital and physical range in the header"
            )
            problems[channel] = Problem(code="beyond_range", message=message)
    return problems
