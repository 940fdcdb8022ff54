"""Triggered stimuli: the edges of a channel that carries trigger pulses.

Conventions
-----------
Times are seconds since the recording's start. Where a channel rests and which way its pulses go is found, not
assumed: it rests at its commonest level. It is read once, in blocks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from lsr.errors import NoStimuli
from lsr.io.labels import is_auxiliary_label, is_trigger_label
from lsr.recording import Channel, Problem, Recording
from lsr.settings import Settings, StimulationSettings
from lsr.stimuli.artifacts import channels_for_artifacts, measure_artifacts
from lsr.stimuli.marker import AT_ONE_LAG_MS, Marker, Markers, table_at
from lsr.stimuli.stimulus import StimulusSource
from lsr.stimuli.texts import StimulusText

_LOW_16_BITS = 0xFFFF  # of a BDF status channel: the rest are the amplifier's own flags
_MOST_CODES = 64  # a channel of more levels is analogue
_SAME_LEVEL = 0.05  # share of the range within which two voltages are one level
_CLEAR_OF_NOISE = 12.0  # an analogue pulse is this many standard deviations high
_SPLIT_S = 0.3e-3  # two excursions closer than this are one pulse with noise on its edge
_BLOCK_S = 20.0
_HELD_S = 0.05  # pulses are shorter; a channel that steps at each stimulus stays until the next
_FEWEST_STEPS, _MOST_STEPS, _WITH_ARTIFACT = 5, 40, 0.8  # steps that are looked at; share of them


@dataclass(frozen=True, slots=True, kw_only=True)
class Edges:
    """Where trigger pulses begin."""

    times_s: NDArray[np.float64]
    codes: NDArray[np.int64]  # the level after the edge; 0 throughout for an analogue channel
    precision_ms: float
    returns_s: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))  # of two levels: back to rest
    rest: int = 0  # the level that the channel rests at


def trigger_channels(recording: Recording) -> tuple[list[Channel], list[Channel]]:
    """Channels that are triggers by name, and direct-current inputs that may be."""
    named = [
        channel for channel in recording.channels if channel.is_trigger or is_trigger_label(channel.label)
    ]
    others = [channel for channel in recording.channels if channel not in named]
    return named, [channel for channel in others if is_auxiliary_label(channel.label)]


def named_channel(recording: Recording, label: str, patterns: Sequence[str | None] = ()) -> Channel:
    """The trigger channel that the settings name.

    Parameters
    ----------
    recording : Recording
    label : str
    patterns : sequence of str or None
        Of annotations that the settings name beside it, and that the recording does not have.

    Raises
    ------
    NoStimuli
        No channel has that label.
    """
    wanted = label.strip().lower()
    for channel in recording.channels:
        if channel.label.strip().lower() == wanted:
            return channel
    labels = ", ".join(repr(channel.label) for channel in recording.channels)
    wanted_texts = " or ".join(repr(pattern) for pattern in patterns if pattern)
    silent = f"no annotation matches {wanted_texts}, and " if wanted_texts else ""
    raise NoStimuli(
        f"{recording.name}: {silent}the settings name the trigger channel {label!r}, but the channels are "
        f"{labels}; name one of these as trigger_channel"
    )


def find_triggered(
    recording: Recording,
    channel: Channel,
    tables: Sequence[StimulationSettings],
    allowed: Sequence[int],
    settings: Settings,
) -> Markers:
    """Turn the edges of a trigger channel into markers; where there are several codes, they are the texts."""
    is_stated = all(tables[index].branch for index in allowed)
    edges, problems = _with_steps_back(
        recording, channel, find_edges(recording, channel), settings, is_stated=is_stated
    )
    several = len(np.unique(edges.codes)) > 1
    texts = {
        code: StimulusText(text=f"{channel.label} {code}", kind=f"{channel.label} {code}".lower())
        for code in np.unique(edges.codes).tolist()
    }
    plain = StimulusText()
    markers, n_outside_window = [], 0
    for time_s, code in zip(edges.times_s.tolist(), edges.codes.tolist(), strict=True):
        table = table_at(time_s, tables, allowed)
        if table is None:
            n_outside_window += 1
        else:
            markers.append(Marker(time_s, texts[code] if several else plain, table))
    return Markers(
        source=StimulusSource.TRIGGER_CHANNEL,
        precision_ms=edges.precision_ms,
        markers=tuple(markers),
        trigger_channel=channel.label,
        n_outside_window=n_outside_window,
        problems=problems,
    )


def _with_steps_back(
    recording: Recording, channel: Channel, edges: Edges, settings: Settings, *, is_stated: bool
) -> tuple[Edges, tuple[Problem, ...]]:
    """Take the way back for a stimulus too, where the artifacts say that the channel steps at each stimulus.

    Up and down keep codes of their own unless the settings state the branch: branches may alternate.
    """
    back, forth = edges.returns_s, edges.times_s
    if len(back) < _FEWEST_STEPS or np.median(back - forth[np.searchsorted(forth, back) - 1]) < _HELD_S:
        return edges, ()
    some = back[np.linspace(0, len(back) - 1, min(len(back), _MOST_STEPS)).round().astype(np.int64)]
    lag_ms = measure_artifacts(recording, channels_for_artifacts(recording, settings), some).lag_ms
    told_ms = lag_ms[np.isfinite(lag_ms)]
    usual_ms = float(np.median(told_ms)) if len(told_ms) else 0.0
    if np.sum(np.abs(told_ms - usual_ms) <= AT_ONE_LAG_MS) < _WITH_ARTIFACT * len(some):
        return edges, ()
    message = (
        f"the channel {channel.label!r} steps at each stimulus, back as well as forth: the artifacts show "
        "stimuli at both" + ("" if is_stated else ", which are told apart, as branches may alternate")
    )
    times_s = np.concatenate([forth, back])
    codes = np.concatenate([edges.codes, np.full(len(back), edges.rest)]) * (not is_stated)
    order = np.argsort(times_s, kind="stable")
    both = Edges(times_s=times_s[order], codes=codes[order], precision_ms=edges.precision_ms)
    return both, (Problem(code="trigger_steps", message=message),)


def find_edges(recording: Recording, channel: Channel) -> Edges:
    """Find where the pulses of one channel begin.

    A channel of few levels is digital: every step away from the level it rests at, or to a code with a new
    bit, begins a pulse. Any other is analogue: a pulse begins where it crosses half its height, to a fraction
    of a sample, and has ended when it came back near the rest level.
    """
    is_status = recording.format.startswith("BDF") and "status" in channel.label.lower()
    stored = recording.read_digital(channel.index) if is_status else None
    n_before = 0
    runs, excursions = _Runs(rate_hz=channel.rate_hz), _Excursions(rate_hz=channel.rate_hz)
    for block in recording.stream([channel.index], seconds=_BLOCK_S):
        samples = block.samples[0]
        if stored is not None:
            bits = stored[n_before : n_before + len(samples)].astype(np.int64) & _LOW_16_BITS
            n_before += len(samples)
            samples = bits.astype(np.float32)
        runs.add(samples, block.start_s)
        excursions.add(samples, block.start_s)
    found = runs.edges(merge_near_levels=channel.is_voltage and not is_status)
    return excursions.edges() if found is None else found


@dataclass(slots=True, kw_only=True)
class _Runs:
    """Stretches at one level, gathered block by block; given up where the channel proves analogue."""

    rate_hz: float
    starts_s: list[NDArray[np.float64]] = field(default_factory=list)
    levels: list[NDArray[np.float64]] = field(default_factory=list)
    opens: list[NDArray[np.bool_]] = field(default_factory=list)  # the run follows a gap
    stop_s: float = -np.inf
    is_digital: bool = True

    def add(self, samples: NDArray[np.float32], start_s: float) -> None:
        """Take in the next block."""
        if not self.is_digital or not len(samples):
            return
        changes = np.flatnonzero(np.diff(samples)) + 1
        if len(changes) > max(10, 0.02 * len(samples)):
            self.is_digital = False
            return
        firsts = np.append(0, changes)
        opens = np.zeros(len(firsts), dtype=bool)
        opens[0] = start_s > self.stop_s + 0.5 / self.rate_hz
        self.starts_s.append(start_s + firsts / self.rate_hz)
        self.levels.append(samples[firsts].astype(np.float64))
        self.opens.append(opens)
        self.stop_s = start_s + len(samples) / self.rate_hz

    def edges(self, *, merge_near_levels: bool) -> Edges | None:
        """Where pulses begin; None for a channel that is not digital."""
        if not self.is_digital or not self.starts_s:
            return None
        starts, opens = np.concatenate(self.starts_s), np.concatenate(self.opens)
        values, places = np.unique(np.concatenate(self.levels), return_inverse=True)
        if merge_near_levels and len(values) > 1:
            apart = np.diff(values) > _SAME_LEVEL * (values[-1] - values[0])
            groups = np.append(0, np.cumsum(apart))
            values = values[np.append(True, apart)]
            places = groups[places]
        if len(values) > _MOST_CODES:
            return None
        levels = values[places]
        stay = np.append(False, (levels[1:] == levels[:-1]) & ~opens[1:])
        starts, levels, opens = starts[~stay], levels[~stay], opens[~stay]
        lengths = np.diff(np.append(starts, self.stop_s))
        rest = max(values.tolist(), key=lambda value: float(lengths[levels == value].sum()))
        if merge_near_levels and _passes_through(levels, lengths * self.rate_hz):
            return None
        previous, codes = np.append(rest, levels[:-1]), np.rint(levels).astype(np.int64)
        new_bit = (codes & ~previous.astype(np.int64)) != 0
        begins = (levels != rest) & ~opens & ((previous == rest) | (new_bit & (not merge_near_levels)))
        ends = (levels == rest) & (previous != rest) & ~opens & (len(values) == 2)
        return Edges(
            times_s=starts[begins],
            codes=codes[begins],
            precision_ms=1000.0 / self.rate_hz,
            returns_s=starts[ends],
            rest=round(rest),
        )


def _passes_through(levels: NDArray[np.float64], lengths: NDArray[np.float64]) -> bool:
    """Tell whether single samples lie halfway between levels: an analogue edge that was caught on its way."""
    single = lengths[1:-1] < 1.5
    between = (levels[1:-1] - levels[:-2]) * (levels[2:] - levels[1:-1]) > 0
    return bool(np.any(single & between))


@dataclass(slots=True, kw_only=True)
class _Excursions:
    """Departures of an analogue channel from its rest level, up and down, gathered block by block."""

    rate_hz: float
    up: list[tuple[float, float]] = field(default_factory=list)  # (time of the edge, height)
    down: list[tuple[float, float]] = field(default_factory=list)
    last: NDArray[np.float32] = field(default_factory=lambda: np.empty(0, dtype=np.float32))
    stop_s: float = -np.inf

    def add(self, samples: NDArray[np.float32], start_s: float) -> None:
        """Take in the next block."""
        if not len(samples):
            return
        follows = start_s <= self.stop_s + 0.5 / self.rate_hz
        self.stop_s = start_s + len(samples) / self.rate_hz
        if follows:  # a pulse may begin with the block's first sample
            samples, start_s = np.concatenate([self.last, samples]), start_s - 1 / self.rate_hz
        self.last = samples[-1:]
        sparse = samples[:: max(1, len(samples) // 20_000)]
        rest = float(np.median(sparse))
        noise = 1.4826 * float(np.median(np.abs(sparse - rest)))
        highest = max(float(samples.max()) - rest, rest - float(samples.min()))
        if highest <= _CLEAR_OF_NOISE * noise:
            return
        for sign, found in ((1.0, self.up), (-1.0, self.down)):
            away = sign * (samples - np.float32(rest))
            found.extend(
                (start_s + place / self.rate_hz, height)
                for place, height in _excursions(
                    away, max(0.15 * highest, 8 * noise), round(_SPLIT_S * self.rate_hz)
                )
            )

    def edges(self) -> Edges:
        """Where pulses of about the usual height begin."""
        up, down = _of_usual_height(self.up), _of_usual_height(self.down)
        chosen = up if _goes_first(up, down) else down
        times = np.array([time_s for time_s, _ in chosen], dtype=np.float64)
        return Edges(
            times_s=times, codes=np.zeros(len(times), dtype=np.int64), precision_ms=500.0 / self.rate_hz
        )


def _excursions(away: NDArray[np.float32], threshold: float, n_split: int) -> list[tuple[float, float]]:
    """Stretches above a threshold: where each crosses half its height, in samples, and that height."""
    above = np.diff(np.concatenate([[False], away > threshold, [False]]).astype(np.int8))
    begins, ends = np.flatnonzero(above == 1), np.flatnonzero(above == -1)
    if not len(begins):
        return []
    apart = np.append(True, begins[1:] - ends[:-1] > n_split)
    begins, ends = begins[apart], ends[np.append(apart[1:], True)]
    found = []
    for begin, end in zip(begins.tolist(), ends.tolist(), strict=True):
        if begin == 0:
            continue  # it began before the block
        height = float(away[begin:end].max())
        first = begin + int(np.argmax(away[begin:end] >= height / 2))
        low, high = float(away[first - 1]), float(away[first])
        found.append((first - (high - height / 2) / (high - low), height))
    return found


def _of_usual_height(excursions: list[tuple[float, float]]) -> list[tuple[float, float]]:
    if not excursions:
        return []
    heights = np.array([height for _, height in excursions])
    usual = float(np.median(heights[heights >= 0.5 * np.quantile(heights, 0.9)]))
    return [(time_s, height) for time_s, height in excursions if height >= 0.5 * usual]


def _goes_first(up: list[tuple[float, float]], down: list[tuple[float, float]]) -> bool:
    """Tell whether pulses go up: much the higher way, or, of an AC-coupled pulse, the way it goes first."""
    if not up or not down:
        return bool(up)
    usual_up = float(np.median([height for _, height in up]))
    usual_down = float(np.median([height for _, height in down]))
    if min(usual_up, usual_down) < 0.3 * max(usual_up, usual_down):
        return usual_up > usual_down
    times_up, times_down = np.array([t for t, _ in up]), np.array([t for t, _ in down])
    return _median_wait_s(times_up, times_down) < _median_wait_s(times_down, times_up)


def _median_wait_s(times_s: NDArray[np.float64], others_s: NDArray[np.float64]) -> float:
    """How long after each time the next of the others follows."""
    following = np.searchsorted(others_s, times_s)
    followed = following < len(others_s)
    if not followed.any():
        return float(np.inf)
    return float(np.median(others_s[following[followed]] - times_s[followed]))
