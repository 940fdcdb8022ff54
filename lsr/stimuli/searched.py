"""The artifact itself as the last resort: spikes of one shape, in all channels at once, again and again.

Conventions
-----------
Times are seconds since the recording's start. The recording is read twice: once as a stream, for every sharp
spike, and once around these, for their shape. A stimulus artifact keeps its shape and comes 0.1-20 times a
second; spasm bursts, motor units and electrocautery do not.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from lsr.recording import Problem, Recording
from lsr.settings import Settings, StimulationSettings
from lsr.stimuli.artifacts import (
    HELD_S,
    MOST_HELD_S,
    channels_for_artifacts,
    held_before_s,
    sharp,
    spike_starts,
    steps_uv,
    usual_jumps,
)
from lsr.stimuli.marker import LONGEST_PULSE_GAP_S, Marker, Markers, table_at
from lsr.stimuli.stimulus import StimulusSource
from lsr.stimuli.texts import StimulusText

_BLOCK_S = 10.0
_BIN_S = 0.5e-3
_CLEAR_OF_NOISE = 10.0  # in most channels, a jump is this many times the usual one
_ONE_PULSE_S = 0.6e-3  # edges closer than this belong to one pulse
_SHORTEST_INTERVAL_S, _LONGEST_INTERVAL_S = 0.05, 10.0  # 20 Hz to 0.1 Hz
_SAME_SHAPE = 0.6  # correlation of artifacts of one electrode position, sampled anyhow
_FEWEST = 5  # spikes that make a series
_MOST_SPIKES = 30_000
_MOST_SHAPES = 4
_EVENLY_HELD = 0.1  # of their length: how far stretches differ that a monitor blanks


def find_artifacts(
    recording: Recording, settings: Settings, tables: Sequence[StimulationSettings], allowed: Sequence[int]
) -> Markers:
    """Find stimuli by their artifacts; artifacts of different shapes become different kinds."""
    channels = channels_for_artifacts(recording, settings)
    series, precision_ms = find_series(recording, channels) if channels else ([], 0.0)
    blanked_s = max((_blanked_s(recording, channels, times_s) for times_s in series), default=0.0)
    if blanked_s:
        series, precision_ms = [times_s - blanked_s for times_s in series], 1e3 * blanked_s
    markers, n_outside_window = [], 0
    for number, times_s in enumerate(series, start=1):
        text = f"artifact {number}" if len(series) > 1 else ""
        for time_s in times_s.tolist():
            table = table_at(time_s, tables, allowed)
            if table is None:
                n_outside_window += 1
            else:
                markers.append(Marker(time_s, StimulusText(text=text, kind=text), table))
    return Markers(
        source=StimulusSource.ARTIFACT,
        precision_ms=precision_ms,
        markers=tuple(sorted(markers, key=lambda marker: marker.time_s)),
        n_outside_window=n_outside_window,
        problems=(
            *(_several_shapes(series) if len(series) > 1 else ()),
            *(_blanked(precision_ms) if blanked_s else ()),
        ),
    )


def _blanked_s(recording: Recording, channels: Sequence[int], times_s: NDArray[np.float64]) -> float:
    """For how long a monitor blanks the artifact before what was found of it; 0 where it does not.

    Most spikes then follow one value held for as long.
    """
    just_before_s = 0.5 / recording.channels[channels[0]].rate_hz + 0.1e-3
    held_s = held_before_s(recording, channels, times_s - just_before_s)
    usual_s = float(np.median(held_s)) if held_s.size else 0.0
    if not HELD_S <= usual_s < MOST_HELD_S or np.mean(np.abs(held_s / usual_s - 1) <= _EVENLY_HELD) < 0.5:
        return 0.0
    return usual_s + just_before_s


def _blanked(blanked_ms: float) -> tuple[Problem, ...]:
    message = (
        f"the monitor replaces what it shows by one value for {blanked_ms:.1f} ms around each stimulus: "
        "latencies count from where that begins, the earliest that the stimulus can be; they are too long by "
        f"as much as it comes later, {blanked_ms:.1f} ms at most. Annotations or a trigger channel would tell"
    )
    return (Problem(code="artifact_blanked", message=message),)


def _several_shapes(series: Sequence[NDArray[np.float64]]) -> tuple[Problem, ...]:
    counts = ", ".join(str(len(times_s)) for times_s in series)
    message = (
        f"stimulus artifacts of {len(series)} shapes ({counts}) became stimulus sets of their own, as from "
        "several electrode positions; say in the settings what was stimulated when (stimulation.window_s)"
    )
    return (Problem(code="several_artifact_shapes", message=message),)


def find_series(
    recording: Recording, channels: tuple[int, ...], longest_interval_s: float = _LONGEST_INTERVAL_S
) -> tuple[list[NDArray[np.float64]], float]:
    """Find the spikes of every series that is plausible as stimulation.

    Parameters
    ----------
    recording : Recording
    channels : tuple of int
        As `channels_for_artifacts` chose them, at least one.
    longest_interval_s : float
        Between stimuli; where markers tell how often they come, it may be any.

    Returns
    -------
    series : list of NDArray, shape (n_spikes,)
        Times, an array for each shape.
    precision_ms : float
        How exact they are: +- this.
    """
    rate_hz = recording.channels[channels[0]].rate_hz
    rough_s = np.array(sorted(_sharp_spikes(recording, channels)))
    if len(rough_s) < _FEWEST:
        return [], 0.0
    if len(rough_s) > _MOST_SPIKES:
        rough_s = rough_s[np.linspace(0, len(rough_s) - 1, _MOST_SPIKES).astype(np.int64)]
    times_s, spreads_ms, shapes = _shapes(recording, channels, rough_s)
    series = []
    for members in _same_shape(shapes):
        plausible = _plausible_series(times_s[members], longest_interval_s)
        if plausible is not None:
            series.append(plausible)
    precision_ms = max(500.0 / rate_hz, float(np.median(spreads_ms))) if len(spreads_ms) else 0.0
    return series, precision_ms


def _sharp_spikes(recording: Recording, channels: tuple[int, ...]) -> Iterator[float]:
    """Rough time of every sharp spike that most channels show, from one pass through the recording."""
    declared_uv = steps_uv(recording, channels)
    tail, expected_s = np.empty((len(channels), 0), dtype=np.float32), -np.inf
    for block in recording.stream(channels, seconds=_BLOCK_S):
        rate_hz = block.rate_hz
        n_tail = round(5e-3 * rate_hz)
        follows = abs(block.start_s - expected_s) < 0.5 / rate_hz
        samples = np.concatenate([tail, block.samples], axis=1) if follows else block.samples
        start_s = block.start_s - (tail.shape[1] / rate_hz if follows else 0.0)
        expected_s = block.start_s + block.samples.shape[1] / rate_hz
        tail = samples[:, -n_tail:]
        places = _spikes_of_block(samples, rate_hz, declared_uv)
        # The middle of the tail divides what this block tells from what the next one will.
        first = n_tail // 2 if follows else 0
        last = samples.shape[1] - n_tail // 2
        yield from (start_s + places[(places >= first) & (places < last)] / rate_hz).tolist()


def _spikes_of_block(
    samples: NDArray[np.float32], rate_hz: float, declared_uv: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Where sharp spikes begin in one block: (n_spikes,) sample numbers."""
    lag = max(1, round(1e-4 * rate_hz))
    jumps = np.abs(samples[:, lag:] - samples[:, :-lag])
    n_bin = max(2, round(_BIN_S * rate_hz))
    n_bins = jumps.shape[1] // n_bin
    if n_bins < 8:
        return np.empty(0, dtype=np.int64)
    usual = usual_jumps(jumps[:, ::7], declared_uv)
    binned = jumps[:, : n_bins * n_bin].reshape(len(jumps), n_bins, n_bin).max(axis=-1)
    large = binned > _CLEAR_OF_NOISE * np.maximum(usual, 1e-9)[:, None]
    near = large.copy()
    near[:, 1:] |= large[:, :-1]
    near[:, :-1] |= large[:, 1:]
    active = max(1, int((binned.max(axis=1) > 0).sum()))
    bins = np.flatnonzero(large.any(axis=0) & (near.sum(axis=0) >= active / 2))
    if not len(bins):
        return np.empty(0, dtype=np.int64)
    reach = max(2, round(4e-3 * rate_hz))
    centre = bins * n_bin
    begins = np.clip(centre - reach, 0, max(0, samples.shape[1] - 2 * reach))
    found = []
    for begin in range(0, len(begins), 512):
        chosen = begins[begin : begin + 512]
        windows = samples[:, chosen[:, None] + np.arange(min(2 * reach, samples.shape[1]))].transpose(1, 0, 2)
        rows, places = np.nonzero(sharp(windows, rate_hz, declared_uv))
        found.append(chosen[rows] + places)
    places = np.unique(np.concatenate(found))
    return places[np.append(True, np.diff(places) > _ONE_PULSE_S * rate_hz)] if len(places) else places


def _shapes(
    recording: Recording, channels: tuple[int, ...], rough_s: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float32]]:
    """Start of each spike (n,), how well channels agree (n,), and its shape (n, channels, samples)."""
    times, spreads, shapes = [], [], []
    for batch in recording.windows(rough_s, 3e-3, 2e-3, channels):
        rate_hz = batch.rate_hz
        near = np.full(len(batch.samples), round(3e-3 * rate_hz), dtype=np.int64)
        starts, spread = spike_starts(batch.samples, near, rate_hz)
        times.append(rough_s[batch.index] - 3e-3 + batch.offset_s + starts / rate_hz)
        spreads.append(spread / rate_hz * 1e3)
        reach = np.arange(-round(2e-4 * rate_hz) - 1, round(8e-4 * rate_hz) + 2)
        places = np.clip(np.rint(starts).astype(np.int64)[:, None] + reach, 0, batch.samples.shape[-1] - 1)
        cut = np.take_along_axis(batch.samples, places[:, None, :], axis=-1)
        base = np.median(batch.samples[..., : round(2.5e-3 * rate_hz)], axis=-1, keepdims=True)
        shapes.append(cut - base)
    if not times:
        return np.empty(0), np.empty(0), np.empty((0, len(channels), 3), dtype=np.float32)
    order = np.argsort(np.concatenate(times), kind="stable")
    return np.concatenate(times)[order], np.concatenate(spreads)[order], np.concatenate(shapes)[order]


def _same_shape(shapes: NDArray[np.float32]) -> Iterator[NDArray[np.int64]]:
    """Sort spikes by shape, the commonest first, sizes and polarity aside: index arrays, in order of time.

    Shapes are compared with one sample of play, for spikes fall between samples.
    """
    rest = np.arange(len(shapes))
    for _ in range(_MOST_SHAPES):
        if len(rest) < _FEWEST:
            return
        seeds = rest[np.linspace(0, len(rest) - 1, min(len(rest), 100)).astype(np.int64)]
        alike = np.stack([_correlation(shapes[rest], shapes[seed]) for seed in seeds])
        best = alike[np.argmax((np.abs(alike) > _SAME_SHAPE).sum(axis=1))]
        members = np.abs(best) > _SAME_SHAPE
        unit = shapes[rest[members]] / np.maximum(_length(shapes[rest[members]]), 1e-9)[:, None, None]
        mean = (unit * np.sign(best[members])[:, None, None]).mean(axis=0)
        members = np.abs(_correlation(shapes[rest], mean)) > _SAME_SHAPE
        if members.sum() < _FEWEST:
            return
        yield rest[members]
        rest = rest[~members]


def _correlation(shapes: NDArray[np.float32], template: NDArray[np.float32]) -> NDArray[np.float64]:
    """The strongest correlation of each shape with a template, a sample earlier or later allowed: (n,)."""
    core = template[:, 1:-1] / max(float(np.sqrt((template[:, 1:-1] ** 2).sum())), 1e-9)
    n = core.shape[1]
    found = []
    for shift in range(3):
        cut = shapes[:, :, shift : shift + n]
        found.append(np.einsum("icn,cn->i", cut, core) / np.maximum(_length(cut), 1e-9))
    stacked = np.stack(found)
    strongest = np.argmax(np.abs(stacked), axis=0)
    return np.asarray(np.take_along_axis(stacked, strongest[None], axis=0)[0], dtype=np.float64)


def _length(shapes: NDArray[np.float32]) -> NDArray[np.float32]:
    squares = np.einsum("icn,icn->i", shapes, shapes)
    return np.asarray(np.sqrt(squares), dtype=np.float32)


def _plausible_series(times_s: NDArray[np.float64], longest_interval_s: float) -> NDArray[np.float64] | None:
    """The pulses of a series that comes as stimuli do; None for one that does not."""
    gaps = np.diff(times_s, prepend=-np.inf)
    leads = times_s[gaps > LONGEST_PULSE_GAP_S]
    if len(leads) < _FEWEST:
        return None
    interval_s = float(np.median(np.diff(leads)))
    if not _SHORTEST_INTERVAL_S <= interval_s <= longest_interval_s:
        return None
    kept: list[float] = []
    lead_s = -np.inf
    for time_s in times_s.tolist():
        if time_s - lead_s >= _SHORTEST_INTERVAL_S:
            lead_s = time_s
        elif kept and time_s - kept[-1] > LONGEST_PULSE_GAP_S:
            continue  # too soon for the next stimulus, too late for this one
        kept.append(time_s)
    return np.array(kept)
