"""What do the muscles of a recording do between the stimuli, and which do it together?

Conventions
-----------
Times are seconds since the recording's start. The recording is read once, block by block; of a very long one
evenly spaced stretches are read, and rates refer to what was looked at. From shortly before a stimulus until
100 ms after it nothing is looked at, nor where an amplifier is at its rail.
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
)
from lsr.findings.pairs import Site
from lsr.recording import Recording
from lsr.spontaneous.bursts import find_bursts
from lsr.spontaneous.rhythm import is_heartbeat
from lsr.spontaneous.shared import find_shared
from lsr.stages import Stage
from lsr.stimuli import StimulusSet

_BLOCK_S = 10.0
_MOST_SAMPLES = 100_000_000  # of all channels together, a dozen seconds of work; beyond, stretches are read
_HIDDEN_S = (0.003, 0.100)  # before and after a stimulus: artifact, M wave, LSR, afterdischarge
_RAIL_S = (0.010, 0.050)  # before and after a saturated sample
_AT_RAIL = 0.99
_UNMARKED = 0.4  # of the steepness of known artifacts: a stimulus that no marker tells of
_STANDS_OUT = 5.0  # times the steepness of the EMG: where artifacts can be told from it
_JOINED_S = 0.025
_CELL_S = 1.0  # grain of the timeline
_MOST_CELLS = 200_000  # of a longer recording the grain is coarser
_MOST_BINS = 120
_LEAST_BIN_S = 60.0
_LEAST_OBSERVED_S = 5.0  # of a muscle: less tells no rate


@dataclass(slots=True, kw_only=True)
class _Track:
    """What one channel has shown so far."""

    site: Site
    cell_s: float  # grain of the timeline
    seen_s: np.ndarray  # (n_cells,): looked at, cell by cell
    bursts: list[np.ndarray] = field(default_factory=list)  # rows: start, stop, active, discharge
    steepness: deque[float] = field(default_factory=lambda: deque(maxlen=60))  # of known artifacts
    n_spikes: int = 0
    n_heartbeats: int = 0


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
    end_s = max((segment.stop_s for segment in recording.segments), default=0.0)
    cell_s = max(_CELL_S, end_s / _MOST_CELLS)
    n_cells = int(np.ceil(end_s / cell_s)) + 1
    tracks = {site.channel: _Track(site=site, cell_s=cell_s, seen_s=np.zeros(n_cells)) for site in sites}
    times = np.sort([one.time_s for found in stimuli for one in found.stimuli])
    last = np.array([one.train_ms[-1] / 1000 for found in stimuli for one in found.stimuli]).max(initial=0.0)
    for channels, samples, start_s, rate_hz in _blocks(recording, list(tracks)):
        _look(recording, tracks, times, float(last), channels, samples, start_s, rate_hz)
    enough = [track for track in tracks.values() if track.seen_s.sum() >= _LEAST_OBSERVED_S]
    if not enough:
        return None
    bursts = {track.site.channel: _joined(track) for track in enough}
    periods = _periods(stages, n_cells, cell_s)
    sums = [
        _activity(track, bursts[track.site.channel], name, within)
        for track in enough
        for name, within in periods
        if track.seen_s[within].sum() > 0
    ]
    shared = [
        _synkinesis(a.site, b.site, bursts[a.site.channel], bursts[b.site.channel], observed_s)
        for a, b in combinations(enough, 2)
        if (observed_s := float(np.minimum(a.seen_s, b.seen_s).sum())) >= _LEAST_OBSERVED_S
    ]
    return Spontaneous(
        activity=tuple(sums),
        synkinesis=tuple(one for one in shared if one is not None),
        trend=tuple(
            point
            for track in enough
            for point in _trend(track, bursts[track.site.channel], recording.segments[-1].stop_s)
        ),
        n_spikes=sum(track.n_spikes for track in enough),
        n_heartbeats=sum(track.n_heartbeats for track in enough),
    )


def _blocks(
    recording: Recording, channels: Sequence[int]
) -> Iterator[tuple[tuple[int, ...], np.ndarray, float, float]]:
    """Channels, samples (channels, samples), start and rate of what is read, in the order of time."""
    n_samples = sum(recording.channels[channel].n_samples for channel in channels)
    if n_samples <= _MOST_SAMPLES:
        for block in recording.stream(channels, _BLOCK_S):
            yield block.channels, block.samples, block.start_s, block.rate_hz
        return
    n_blocks = recording.duration_s / _BLOCK_S
    starts = np.concatenate(
        [np.arange(one.start_s, one.stop_s - _BLOCK_S, _BLOCK_S) for one in recording.segments]
    )
    wanted = max(1, int(n_blocks * _MOST_SAMPLES / n_samples))
    chosen = starts[np.unique(np.linspace(0, starts.size - 1, wanted).round().astype(int))]
    for batch in recording.windows(chosen, 0.0, _BLOCK_S, channels):
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
    steep = np.abs(np.diff(samples, axis=1, prepend=samples[:, :1]))
    unmarked = [
        _unmarked(steep[row], near, hidden, rate_hz, tracks[channel]) for row, channel in enumerate(channels)
    ]
    hidden |= _around(np.concatenate(unmarked), before, after, n, rate_hz)
    for row, channel in enumerate(channels):
        track = tracks[channel]
        own = hidden | _at_rail(recording, channel, samples[row], rate_hz)
        found = find_bursts(samples[row], rate_hz, own)
        track.n_spikes += found.n_spikes
        if found.observed_s:
            cells = ((start_s + np.flatnonzero(~own) / rate_hz) / track.cell_s).astype(int)
            first = int(cells[0])
            counts = np.bincount(cells - first) / rate_hz
            track.seen_s[first : first + counts.size] += counts
        if found.start_s.size:
            track.bursts.append(
                np.column_stack(
                    [start_s + found.start_s, start_s + found.stop_s, found.active_s, found.discharge_hz]
                )
            )


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
    if usual < _STANDS_OUT * float(np.quantile(shown[:: max(1, shown.size // 50_000)], 0.999)):
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


def _joined(track: _Track) -> np.ndarray:
    """Bursts of a track, rows as there: those cut by the end of a block joined, heartbeats left out."""
    if not track.bursts:
        return np.empty((0, 4))
    rows = np.concatenate(track.bursts)
    begins = np.append(True, rows[1:, 0] - rows[:-1, 1] > _JOINED_S)
    first = np.flatnonzero(begins)
    joined = rows[first].copy()
    joined[:, 1] = np.maximum.reduceat(rows[:, 1], first)
    joined[:, 2] = np.add.reduceat(rows[:, 2], first)
    beats = is_heartbeat(joined[:, 0], joined[:, 1])
    track.n_heartbeats = int(beats.sum())
    bursts: np.ndarray = joined[~beats]
    return bursts


def _periods(stages: Sequence[Stage], n_cells: int, cell_s: float) -> list[tuple[str | None, np.ndarray]]:
    """The whole recording, and each stage: its name, and which cells it holds, (n_cells,) bool."""
    middle_s = (np.arange(n_cells) + 0.5) * cell_s
    periods: dict[str | None, np.ndarray] = {None: np.ones(n_cells, dtype=bool)}
    for stage in stages:
        within = (middle_s >= stage.start_s) & (middle_s < stage.end_s)
        periods[stage.name] = periods.get(stage.name, np.zeros(n_cells, dtype=bool)) | within
    return list(periods.items())


def _activity(track: _Track, bursts: np.ndarray, stage: str | None, within: np.ndarray) -> MuscleActivity:
    own = bursts[within[(bursts[:, 0] / track.cell_s).astype(int)]]
    observed_s = float(track.seen_s[within].sum())
    discharges = own[:, 3][np.isfinite(own[:, 3])]
    return MuscleActivity(
        channel=track.site.label,
        muscle=track.site.muscle,
        side=track.site.side,
        stage=stage,
        observed_s=observed_s,
        n_bursts=len(own),
        bursts_per_min=60 * len(own) / observed_s,
        duration_ms=float(np.median(own[:, 1] - own[:, 0])) * 1000 if len(own) else None,
        active_share=min(1.0, float(own[:, 2].sum()) / observed_s),
        discharge_hz=float(np.median(discharges)) if discharges.size else None,
    )


def _synkinesis(
    a: Site, b: Site, bursts_a: np.ndarray, bursts_b: np.ndarray, observed_s: float
) -> Synkinesis | None:
    """Bursts that two muscles share more often than chance brings about."""
    shared = find_shared(bursts_a[:, 0], bursts_b[:, 0], observed_s)
    if shared is None:
        return None
    return Synkinesis(
        channels=(a.label, b.label),
        muscles=(a.muscle, b.muscle),
        n_shared=shared.n_shared,
        share=shared.share,
        share_by_chance=shared.share_by_chance,
        lag_ms=shared.lag_ms,
        lag_quartiles_ms=shared.lag_quartiles_ms,
    )


def _trend(track: _Track, bursts: np.ndarray, end_s: float) -> list[ActivityTrend]:
    """Activity over time, in bins of a minute or more; those in which nothing was looked at are left out."""
    width_s = max(_LEAST_BIN_S, float(np.ceil(end_s / _MOST_BINS)))
    seen_bin = (np.arange(track.seen_s.size) * track.cell_s // width_s).astype(int)
    burst_bin = (bursts[:, 0] // width_s).astype(int)
    points = []
    for k in range(int(seen_bin[-1]) + 1):
        observed_s = float(track.seen_s[seen_bin == k].sum())
        if observed_s < 1.0:
            continue
        own = bursts[burst_bin == k]
        points.append(
            ActivityTrend(
                channel=track.site.label,
                start_s=k * width_s,
                end_s=min((k + 1) * width_s, end_s),
                observed_s=observed_s,
                n_bursts=len(own),
                bursts_per_min=60 * len(own) / observed_s,
                active_share=min(1.0, float(own[:, 2].sum()) / observed_s),
            )
        )
    return points
