"""What do the muscles of a recording do between the stimuli, and which do it together?

Conventions
-----------
Times are seconds since the recording's start. The recording is read once, block by block; of a very long one
evenly spaced stretches are read, and rates refer to what was looked at. From shortly before a stimulus until
100 ms after it nothing is looked at, nor where an amplifier is at its rail, or shows one value for long.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np

from lsr.findings.findings import (
    ActivityTrend,
    MuscleActivity,
    Spontaneous,
    Synkinesis,
    SynkinesisTrend,
)
from lsr.findings.pairs import Site
from lsr.recording import Recording
from lsr.spontaneous.bursts import Bursts, find_bursts
from lsr.spontaneous.rhythm import is_heartbeat
from lsr.spontaneous.shared import find_shared
from lsr.stages import Stage
from lsr.stimuli import StimulusSet

_BLOCK_S = 10.0
_MOST_SAMPLES = 100_000_000  # of all channels together, a dozen seconds of work; beyond, stretches are read
_HIDDEN_S = (0.003, 0.100)  # before and after a stimulus: artifact, M wave, LSR, afterdischarge
_RAIL_S = (0.010, 0.050)  # before and after a saturated sample
_AT_RAIL = 0.99
_FLAT_S = 0.1  # one value for so long is no EMG: a channel switched off, or muted
_UNMARKED = 0.4  # of the steepness of known artifacts: a stimulus that no marker tells of
_STANDS_OUT = 5.0  # times the steepness of the EMG: where artifacts can be told from it
_JOINED_S = 0.025
_SLOPE_S = 0.001  # change over this: EMG stays, hum and drift hardly do
_COPY, _FAINTER = 0.7, 0.5  # correlation, and share of the other's size, of what is heard from another muscle
_CELL_S = 1.0  # grain of the timeline
_MOST_CELLS = 200_000  # of a longer recording the grain is coarser
_MOST_BINS = 120
_LEAST_BIN_S = 60.0
_LEAST_IN_BIN_S = 1.0  # looked at
_LEAST_OBSERVED_S = 5.0  # of a muscle: less tells no rate


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Watched:
    """What one muscle does between the stimuli."""

    site: Site
    cell_s: float  # grain of the timeline
    seen_s: np.ndarray  # (n_cells,): looked at, cell by cell
    bursts: np.ndarray  # (n_bursts, 4): start, stop, how much of it was looked at (s), discharge (Hz)
    n_spikes: int
    n_heartbeats: int


@dataclass(slots=True, kw_only=True)
class _Track:
    """What one channel has shown so far."""

    site: Site
    cell_s: float
    seen_s: np.ndarray
    bursts: list[np.ndarray] = field(default_factory=list)  # of one block each
    steepness: deque[float] = field(default_factory=lambda: deque(maxlen=60))  # of known artifacts
    n_spikes: int = 0


def find_spontaneous(
    recording: Recording,
    sites: Sequence[Site],
    stimuli: Sequence[StimulusSet],
    stages: Sequence[Stage] = (),
) -> Spontaneous | None:
    """Find spasm bursts between the stimuli, and synkinesis.

    Parameters
    ----------
    recording : Recording
    sites : sequence of Site
    stimuli : sequence of StimulusSet
    stages : sequence of Stage

    Returns
    -------
    Spontaneous | None
        None where less than 5 s between the stimuli were recorded of every muscle.

    Raises
    ------
    UnreadableSamples
    """
    watched = watch_muscles(recording, sites, stimuli)
    enough = [one for one in watched if one.seen_s.sum() >= _LEAST_OBSERVED_S]
    if not enough:
        return None
    periods = _periods(stages, enough[0].seen_s.size, enough[0].cell_s)
    end_s = recording.end_s
    return Spontaneous(
        activity=tuple(
            _activity(one, name, within)
            for one in enough
            for name, within in periods
            if one.seen_s[within].sum() > 0
        ),
        synkinesis=tuple(
            synkinesis
            for a, b in combinations(enough, 2)
            for name, within in periods
            if (synkinesis := _synkinesis(a, b, name, within)) is not None
        ),
        trend=tuple(point for one in enough for point in _trend(one, end_s)),
        synkinesis_trend=tuple(
            point for a, b in combinations(enough, 2) for point in _synkinesis_trend(a, b, end_s)
        ),
        n_spikes=sum(one.n_spikes for one in enough),
        n_heartbeats=sum(one.n_heartbeats for one in enough),
    )


def watch_muscles(
    recording: Recording, sites: Sequence[Site], stimuli: Sequence[StimulusSet]
) -> tuple[Watched, ...]:
    """Find the bursts of every muscle between the stimuli, in the order of the sites.

    Raises
    ------
    UnreadableSamples
    """
    cell_s = max(_CELL_S, recording.end_s / _MOST_CELLS)
    n_cells = int(np.ceil(recording.end_s / cell_s)) + 1
    tracks = {site.channel: _Track(site=site, cell_s=cell_s, seen_s=np.zeros(n_cells)) for site in sites}
    times = np.sort([one.time_s for found in stimuli for one in found.stimuli])
    last = np.array([one.train_ms[-1] / 1000 for found in stimuli for one in found.stimuli]).max(initial=0.0)
    for channels, samples, start_s, rate_hz in _blocks(recording, list(tracks)):
        _look(recording, tracks, times, float(last), channels, samples, start_s, rate_hz)
    return tuple(_watched(track) for track in tracks.values())


def _blocks(
    recording: Recording, channels: Sequence[int]
) -> Iterator[tuple[tuple[int, ...], np.ndarray, float, float]]:
    """Channels, samples (channels, samples), start and rate of what is read, in the order of time."""
    n_samples = sum(recording.channels[channel].n_samples for channel in channels)
    if n_samples <= _MOST_SAMPLES:
        for block in recording.stream(channels, _BLOCK_S):
            yield block.channels, block.samples, block.start_s, block.rate_hz
        return
    # Of a recording in pieces, stretches are as long as most of the pieces.
    length_s = min(_BLOCK_S, float(np.median([one.stop_s - one.start_s for one in recording.segments])))
    starts = np.concatenate(
        [np.arange(one.start_s, one.stop_s - 0.999 * length_s, length_s) for one in recording.segments]
    )
    wanted = max(1, int(recording.duration_s / length_s * _MOST_SAMPLES / n_samples))
    chosen = starts[np.unique(np.linspace(0, starts.size - 1, wanted).round().astype(int))]
    for batch in recording.windows(chosen, 0.0, length_s, channels):
        for samples, index, offset_s in zip(batch.samples, batch.index, batch.offset_s, strict=True):
            yield batch.channels, samples, float(chosen[index] + offset_s), batch.rate_hz


def _look(
    recording: Recording,
    tracks: dict[int, _Track],
    times_s: np.ndarray,
    last_s: float,
    channels: tuple[int, ...],
    samples: np.ndarray,
    start_s: float,
    rate_hz: float,
) -> None:
    """Find the bursts of one block."""
    n = samples.shape[1]
    before, after = _HIDDEN_S[0], _HIDDEN_S[1] + last_s
    span = (start_s - after, start_s + n / rate_hz + before)
    near = times_s[slice(*np.searchsorted(times_s, span))] - start_s
    hidden = _around(near, before, after, n, rate_hz)
    steep = np.zeros_like(samples)
    np.abs(np.subtract(samples[:, 1:], samples[:, :-1], out=steep[:, 1:]), out=steep[:, 1:])
    unmarked = [
        _unmarked(steep[row], near, hidden, rate_hz, tracks[channel]) for row, channel in enumerate(channels)
    ]
    hidden |= _around(np.concatenate(unmarked), before, after, n, rate_hz)
    sites = [tracks[channel].site for channel in channels]
    for row, channel in enumerate(channels):
        track = tracks[channel]
        own = hidden | _at_rail(recording, channel, samples[row], rate_hz) | _flat(samples[row], rate_hz)
        found = find_bursts(samples[row], rate_hz, own)
        track.n_spikes += found.n_spikes
        here = sites[row]
        others = [k for k, one in enumerate(sites) if (one.muscle, one.side) != (here.muscle, here.side)]
        is_copy = _copies(samples, row, others, found, ~own, rate_hz)
        if found.observed_s:
            first = int(start_s / track.cell_s)
            edges_s = np.arange(first + 1, (start_s + n / rate_hz) / track.cell_s) * track.cell_s - start_s
            edges = np.ceil(edges_s * rate_hz).astype(int)
            begins = np.append(0, edges[(edges > 0) & (edges < n)])
            counts = np.add.reduceat(~own, begins, dtype=np.int64) / rate_hz
            track.seen_s[first : first + counts.size] += counts
        if not is_copy.all():
            table = [start_s + found.start_s, start_s + found.stop_s, found.active_s, found.discharge_hz]
            track.bursts.append(np.column_stack(table)[~is_copy])


def _copies(
    samples: np.ndarray, row: int, others: Sequence[int], found: Bursts, seen: np.ndarray, rate_hz: float
) -> np.ndarray:
    """Which bursts are those of a louder muscle, heard from afar: (n_bursts,) bool.

    Volume conduction takes no time, so they follow its EMG sample by sample; motor units of two muscles do
    not, however surely they fire together.
    """
    lag = max(1, round(_SLOPE_S * rate_hz))
    copies = np.zeros(found.start_s.size, dtype=bool)
    for k, (start_s, stop_s) in enumerate(zip(found.start_s, found.stop_s, strict=True)):
        first, stop = round(start_s * rate_hz), round(stop_s * rate_hz)
        at = lag + first + np.flatnonzero(seen[first + lag : stop] & seen[first : stop - lag])
        if at.size < 3:
            continue
        slopes = (samples[:, at] - samples[:, at - lag]).astype(float)
        slopes -= slopes.mean(axis=1, keepdims=True)
        size = np.sqrt((slopes**2).mean(axis=1))
        for other in others:
            if size[row] < _FAINTER * size[other]:
                alike = float((slopes[row] * slopes[other]).mean()) / float(size[row] * size[other])
                copies[k] |= abs(alike) > _COPY
    return copies


def _around(times_s: np.ndarray, before_s: float, after_s: float, n: int, rate_hz: float) -> np.ndarray:
    """Samples that lie around any of the times."""
    edges = np.zeros(n + 1, dtype=np.int64)
    np.add.at(edges, np.clip(np.floor((times_s - before_s) * rate_hz).astype(int), 0, n), 1)
    np.add.at(edges, np.clip(np.ceil((times_s + after_s) * rate_hz).astype(int), 0, n), -1)
    around: np.ndarray = np.cumsum(edges[:-1]) > 0
    return around


def _unmarked(
    steep: np.ndarray, known_s: np.ndarray, hidden: np.ndarray, rate_hz: float, track: _Track
) -> np.ndarray:
    """When stimuli were given that no marker tells of: what rises nearly as steeply as known artifacts."""
    for time_s in known_s:
        begin, end = round((time_s - 0.001) * rate_hz), round((time_s + 0.002) * rate_hz)
        if begin >= 0 and end < steep.size:
            track.steepness.append(float(steep[begin:end].max()))
    shown = steep[~hidden]
    if not track.steepness or not shown.size:
        return np.empty(0)
    usual = float(np.median(track.steepness))
    some = np.sort(shown[:: max(1, shown.size // 50_000)])  # numpy sorts quicker than it selects
    if usual < _STANDS_OUT * float(np.quantile(some, 0.999)):
        return np.empty(0)
    times: np.ndarray = np.flatnonzero((steep > _UNMARKED * usual) & ~hidden) / rate_hz
    return times


def _at_rail(recording: Recording, channel: int, emg_uv: np.ndarray, rate_hz: float) -> np.ndarray:
    """Samples around those where the amplifier is at its rail."""
    low, high = recording.channels[channel].rail_min_uv, recording.channels[channel].rail_max_uv
    nothing = np.zeros(emg_uv.size, dtype=bool)
    if low is None or high is None or high <= low:
        return nothing
    margin = (1 - _AT_RAIL) / 2 * (high - low)
    clipped = (emg_uv <= low + margin) | (emg_uv >= high - margin)
    if not clipped.any():
        return nothing
    return _around(np.flatnonzero(clipped) / rate_hz, *_RAIL_S, emg_uv.size, rate_hz)


def _flat(emg_uv: np.ndarray, rate_hz: float) -> np.ndarray:
    """Samples around stretches of one value: what is left of them by rounding would pass for EMG."""
    step = max(1, int(_FLAT_S * rate_hz / 5))  # a stretch holds five in a row, and most EMG has none
    coarse = emg_uv[::step]
    alike = coarse[1:] == coarse[:-1]
    if not (alike[:-2] & alike[1:-1] & alike[2:]).any():
        return np.zeros(emg_uv.size, dtype=bool)
    begins = np.flatnonzero(np.append(True, emg_uv[1:] != emg_uv[:-1]))
    lengths = np.diff(np.append(begins, emg_uv.size))
    flat = np.repeat(lengths >= _FLAT_S * rate_hz, lengths)
    return _around(np.flatnonzero(flat) / rate_hz, *_RAIL_S, emg_uv.size, rate_hz)


def _watched(track: _Track) -> Watched:
    """Join the bursts that the end of a block cut, and leave heartbeats out."""
    bursts, n_heartbeats = np.empty((0, 4)), 0
    if track.bursts:
        rows = np.concatenate(track.bursts)
        begins = np.append(True, rows[1:, 0] - rows[:-1, 1] > _JOINED_S)
        first = np.flatnonzero(begins)
        joined = rows[first].copy()
        joined[:, 1] = np.maximum.reduceat(rows[:, 1], first)
        joined[:, 2] = np.add.reduceat(rows[:, 2], first)
        beats = is_heartbeat(joined[:, 0], joined[:, 1])
        bursts, n_heartbeats = joined[~beats], int(beats.sum())
    return Watched(
        site=track.site,
        cell_s=track.cell_s,
        seen_s=track.seen_s,
        bursts=bursts,
        n_spikes=track.n_spikes,
        n_heartbeats=n_heartbeats,
    )


def _periods(stages: Sequence[Stage], n_cells: int, cell_s: float) -> list[tuple[str | None, np.ndarray]]:
    """The whole recording, and each stage: its name, and which cells it holds, (n_cells,) bool."""
    middle_s = (np.arange(n_cells) + 0.5) * cell_s
    periods: dict[str | None, np.ndarray] = {None: np.ones(n_cells, dtype=bool)}
    for stage in stages:
        within = (middle_s >= stage.start_s) & (middle_s < stage.end_s)
        periods[stage.name] = periods.get(stage.name, np.zeros(n_cells, dtype=bool)) | within
    return list(periods.items())


def _within(one: Watched, within: np.ndarray) -> np.ndarray:
    """Bursts of a muscle that start in some cells."""
    bursts: np.ndarray = one.bursts[within[(one.bursts[:, 0] / one.cell_s).astype(int)]]
    return bursts


def _activity(one: Watched, stage: str | None, within: np.ndarray) -> MuscleActivity:
    own = _within(one, within)
    observed_s = float(one.seen_s[within].sum())
    discharges = own[:, 3][np.isfinite(own[:, 3])]
    return MuscleActivity(
        channel=one.site.label,
        muscle=one.site.muscle,
        side=one.site.side,
        stage=stage,
        observed_s=observed_s,
        n_bursts=len(own),
        bursts_per_min=60 * len(own) / observed_s,
        duration_ms=float(np.median(own[:, 1] - own[:, 0])) * 1000 if len(own) else None,
        active_share=min(1.0, float(own[:, 2].sum()) / observed_s),
        discharge_hz=float(np.median(discharges)) if discharges.size else None,
    )


def _both_seen_s(a: Watched, b: Watched) -> np.ndarray:
    """Time in which two muscles were looked at, cell by cell."""
    seen: np.ndarray = np.minimum(a.seen_s, b.seen_s)
    return seen


def _synkinesis(a: Watched, b: Watched, stage: str | None, within: np.ndarray) -> Synkinesis | None:
    """Bursts that two muscles share more often than chance brings about."""
    observed_s = float(_both_seen_s(a, b)[within].sum())
    if observed_s < _LEAST_OBSERVED_S:
        return None
    shared = find_shared(_within(a, within)[:, 0], _within(b, within)[:, 0], observed_s)
    if shared is None:
        return None
    return Synkinesis(
        channels=(a.site.label, b.site.label),
        muscles=(a.site.muscle, b.site.muscle),
        stage=stage,
        n_shared=shared.at_s.size,
        shared_per_min=60 * shared.at_s.size / observed_s,
        share=shared.share,
        share_by_chance=shared.share_by_chance,
        lag_ms=shared.lag_ms,
        lag_quartiles_ms=shared.lag_quartiles_ms,
    )


def _bins(seen_s: np.ndarray, cell_s: float, end_s: float) -> Iterator[tuple[float, float, float]]:
    """Start, end and time looked at of a minute or more each; those in which nothing was are left out."""
    width_s = max(_LEAST_BIN_S, float(np.ceil(end_s / _MOST_BINS)))
    seen_bin = (np.arange(seen_s.size) * cell_s // width_s).astype(int)
    for k in range(int(seen_bin[-1]) + 1):
        observed_s = float(seen_s[seen_bin == k].sum())
        if observed_s >= _LEAST_IN_BIN_S:
            yield k * width_s, min((k + 1) * width_s, end_s), observed_s


def _trend(one: Watched, end_s: float) -> Iterator[ActivityTrend]:
    """Activity of a muscle over time."""
    for start_s, stop_s, observed_s in _bins(one.seen_s, one.cell_s, end_s):
        own = one.bursts[(one.bursts[:, 0] >= start_s) & (one.bursts[:, 0] < stop_s)]
        yield ActivityTrend(
            channel=one.site.label,
            start_s=start_s,
            end_s=stop_s,
            observed_s=observed_s,
            n_bursts=len(own),
            bursts_per_min=60 * len(own) / observed_s,
            active_share=min(1.0, float(own[:, 2].sum()) / observed_s),
        )


def _synkinesis_trend(a: Watched, b: Watched, end_s: float) -> Iterator[SynkinesisTrend]:
    """Shared bursts over time, where two muscles share any over the whole recording."""
    seen_s = _both_seen_s(a, b)
    if seen_s.sum() < _LEAST_OBSERVED_S:
        return
    shared = find_shared(a.bursts[:, 0], b.bursts[:, 0], float(seen_s.sum()))
    if shared is None:
        return
    for start_s, stop_s, observed_s in _bins(seen_s, a.cell_s, end_s):
        n_shared = int(np.count_nonzero((shared.at_s >= start_s) & (shared.at_s < stop_s)))
        yield SynkinesisTrend(
            channels=(a.site.label, b.site.label),
            start_s=start_s,
            end_s=stop_s,
            n_shared=n_shared,
            shared_per_min=60 * n_shared / observed_s,
        )
