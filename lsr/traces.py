"""What do the sweeps of every pair look like, cleaned, at the resolution of a screen?

Conventions
-----------
Rows are sweeps or blocks, columns samples; time is milliseconds from the stimulus, EMG microvolts. The
samples are cut anew from the recording, as findings keep none. From them are taken: the spike (bridged), hum,
and what detection held for the artifact's tail and crosstalk. They are for the eye: no number is read from
them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lsr.detection.detection import Detection
from lsr.detection.prepare import Prepared, prepare
from lsr.findings.findings import BlockFinding, Findings, PairFinding
from lsr.findings.pairs import find_pairs, find_sites
from lsr.recording import Recording
from lsr.settings import Settings
from lsr.stages import Event, Stage, stage_of
from lsr.stimuli import StimulusSet
from lsr.stimuli.texts import reads_as_event, reads_as_pulse, words_of
from lsr.sweeps import Cut, Sweeps, cut_sweeps, plan_cut

_FROM_MS, _FINE_UNTIL_MS, _UNTIL_MS = -5.0, 20.0, 60.0
_MOST_SAMPLES = 380_000  # of the single sweeps of a recording, all pairs together
# Steps up to 20 ms and after it: the finest that stay below that number, then the coarsest.
_STEPS_MS = ((0.2, 0.4), (0.4, 2.0))
FREE_TEXT = "free text, not shown: it may name a person"
_FADE_MS = 5.0  # the tail that detection knows of ends with its window, and is faded out after it


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PairTraces:
    """The sweeps of one pair, and the averages of its blocks."""

    time_ms: np.ndarray  # (n_samples,), rising; finer where the LSR lies
    sweeps_uv: np.ndarray  # (n_sweeps, n_samples) float32
    times_s: np.ndarray  # (n_sweeps,): of their stimuli
    blocks: np.ndarray  # (n_sweeps,): which block
    onsets_ms: np.ndarray  # (n_sweeps,): NaN where no response was seen
    n_not_shown: int  # usable sweeps passed over because there are so many
    averages_uv: np.ndarray  # (n_blocks, n_samples): NaN where no sweep could be used
    baseline_block: int | None  # what the others are compared with
    last_block: int | None  # the last one with an average


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Traces:
    """What is drawn of a recording beside the numbers of its report."""

    pairs: tuple[PairTraces, ...]  # in the order of the findings' pairs
    stages: tuple[Stage, ...]
    events: tuple[Event, ...]  # what was noted, stimuli left out


def find_traces(
    recording: Recording,
    findings: Findings,
    settings: Settings,
    *,
    stages: Sequence[Stage] = (),
    events: Sequence[Event] = (),
    at_most: int = 1000,
) -> Traces:
    """Cut and clean what a reader wants to see of every pair.

    Parameters
    ----------
    recording : Recording
    findings : Findings
        Of this recording, made with these settings.
    settings : Settings
    stages : sequence of Stage
    events : sequence of Event
        Of an events file; annotations that are no stimuli are added.
    at_most : int
        Single sweeps of a pair, evenly spaced where there are more. Averages are of all.

    Returns
    -------
    Traces

    Raises
    ------
    UnreadableSamples
        The file ended, or the disk failed.
    """
    sites = find_sites(recording, settings)
    n_sweeps = sum(min(at_most, sum(len(block.stimuli) for block in pair.blocks)) for pair in findings.pairs)
    pairs: list[PairTraces] = []
    for stimuli in findings.stimulation:
        own = [pair for pair in findings.pairs if pair.stimulation == stimuli.id]
        channels = [pair.site.channel for pair in find_pairs(stimuli, sites)]
        pairs += _Views(recording, stimuli, settings, n_sweeps, at_most).of_pairs(own, channels)
    return Traces(
        pairs=tuple(pairs), stages=tuple(stages), events=_events(recording, findings, settings, events)
    )


def _events(
    recording: Recording, findings: Findings, settings: Settings, noted: Sequence[Event]
) -> tuple[Event, ...]:
    """What was noted, in the order of time; a text that tells of a stimulus is no event.

    An annotation of other than the field's words may name a person, so it is not shown.
    """
    stages = settings.course.stages
    words = words_of(stages)

    def shown(text: str) -> str:
        return text if reads_as_event(text, words) else (stage_of(text, stages) or FREE_TEXT)

    given = {round(one.time_s, 3) for stimuli in findings.stimulation for one in stimuli.stimuli}
    texts = {stimuli.text for stimuli in findings.stimulation}
    own = [
        Event(time_s=one.time_s, text=shown(one.text))
        for one in recording.annotations
        if one.text.strip()
        and one.text not in texts
        and round(one.time_s, 3) not in given
        and not reads_as_pulse(one.text)
    ]
    return tuple(sorted({*own, *noted}, key=lambda one: (one.time_s, one.text)))


class _Views:
    """The sweeps of a stimulus set as they are shown."""

    def __init__(
        self, recording: Recording, stimuli: StimulusSet, settings: Settings, n_sweeps: int, at_most: int
    ) -> None:
        self._recording, self._stimuli, self._settings = recording, stimuli, settings
        window = settings.detection.search_window_ms
        self._cut: Cut = plan_cut(recording, stimuli, settings.sweeps, search_ms=window)
        self._axis_ms = _axis_ms(self._cut, n_sweeps)
        n_usable = int(self._cut.kept.sum())
        spaced = np.linspace(0, n_usable - 1, min(at_most, n_usable)).round().astype(int)
        self._shown = np.flatnonzero(self._cut.kept)[spaced] if n_usable else np.array([], dtype=int)

    def of_pairs(self, pairs: Sequence[PairFinding], channels: Sequence[int]) -> list[PairTraces]:
        """Views of the pairs whose channels are given in the same order."""
        rows: list[list[_BlockView]] = [[] for _ in pairs]
        blocks = [pair.blocks for pair in pairs]
        for together in zip(*blocks, strict=True):  # one block in all pairs: its samples are read once
            which = np.array(together[0].stimuli, dtype=int)
            sweeps = cut_sweeps(self._recording, self._stimuli, self._cut, which, channels)
            for row, block, channel in zip(rows, together, channels, strict=True):
                row.append(self._view(sweeps.get(channel), block))
        return [self._joined(pair, row) for pair, row in zip(pairs, rows, strict=True)]

    def _view(self, sweeps: Sweeps | None, block: BlockFinding) -> _BlockView:
        n_samples = self._axis_ms.size
        if sweeps is None or sweeps.emg_uv.shape[0] == 0:
            return _BlockView.empty(n_samples)
        detection = self._settings.detection
        prepared = prepare(
            sweeps.emg_uv.astype(float),
            sweeps.time_ms,
            search_ms=detection.search_window_ms,
            mains_hz=detection.mains_hz,
        )
        if not isinstance(prepared, Prepared):
            return _BlockView.empty(n_samples)
        clean = prepared.emg_uv - _tail_uv(prepared, block.detection)
        shown = _lowered(_bridged(clean, prepared), prepared, self._axis_ms)
        stimuli = sweeps.stimuli[prepared.used]
        chosen = np.isin(stimuli, self._shown)
        onsets = _onsets_ms(block.detection, prepared.used)
        return _BlockView(
            average_uv=shown.mean(axis=0),
            sweeps_uv=shown[chosen].astype(np.float32),
            stimuli=stimuli[chosen],
            onsets_ms=onsets[chosen],
            n_passed_over=int((~chosen).sum()),
        )

    def _joined(self, pair: PairFinding, views: Sequence[_BlockView]) -> PairTraces:
        n_samples = self._axis_ms.size
        averages = np.array([view.average_uv for view in views]).reshape(len(views), n_samples)
        drawn = np.flatnonzero(~np.isnan(averages).any(axis=1))
        first = int(drawn[0]) if drawn.size else None
        stimuli = np.concatenate([view.stimuli for view in views] or [np.array([], dtype=int)])
        return PairTraces(
            time_ms=self._axis_ms,
            sweeps_uv=np.concatenate([view.sweeps_uv for view in views] or [np.zeros((0, n_samples))]),
            times_s=np.array([self._stimuli.stimuli[one].time_s for one in stimuli]),
            blocks=np.repeat(np.arange(len(views)), [view.stimuli.size for view in views]),
            onsets_ms=np.concatenate([view.onsets_ms for view in views] or [np.array([])]),
            n_not_shown=sum(view.n_passed_over for view in views),
            averages_uv=averages,
            baseline_block=pair.baseline_block if pair.baseline_block in drawn else first,
            last_block=int(drawn[-1]) if drawn.size else None,
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _BlockView:
    """One block of one pair."""

    average_uv: np.ndarray
    sweeps_uv: np.ndarray
    stimuli: np.ndarray
    onsets_ms: np.ndarray
    n_passed_over: int

    @classmethod
    def empty(cls, n_samples: int) -> _BlockView:
        """No sweep of the block can be used."""
        return cls(
            average_uv=np.full(n_samples, np.nan),
            sweeps_uv=np.zeros((0, n_samples), np.float32),
            stimuli=np.array([], dtype=int),
            onsets_ms=np.array([]),
            n_passed_over=0,
        )


def _axis_ms(cut: Cut, n_sweeps: int) -> np.ndarray:
    """The times that are shown: no longer than what was cut, no finer than there is room for."""
    first = max(_FROM_MS, -1000 * cut.before_s)
    last = min(_UNTIL_MS, 1000 * cut.after_s)
    middle = min(_FINE_UNTIL_MS, last)
    for near, far in _STEPS_MS:
        # Counted from the stimulus, so that it is a sample itself.
        early = np.arange(np.ceil(first / near), np.floor(middle / near + 1e-9) + 1) * near
        late = np.arange(1, np.floor((last - middle) / far + 1e-9) + 1) * far + middle
        axis = np.concatenate([early, late])
        if n_sweeps * axis.size <= _MOST_SAMPLES:
            break
    return np.round(axis, 4)


def _lowered(emg_uv: np.ndarray, prepared: Prepared, axis_ms: np.ndarray) -> np.ndarray:
    """Means over the stretches of time that the samples of the axis stand for, one row per sweep."""
    time = prepared.time_ms
    half = np.diff(axis_ms) / 2
    low = axis_ms - np.concatenate([half[:1], half])
    high = axis_ms + np.concatenate([half, half[-1:]])
    # Running sums weigh every sample by its step; differences between them are means over any stretch.
    edges = np.append(time - prepared.step_ms / 2, time[-1] + prepared.step_ms / 2)
    sums = np.concatenate([np.zeros((emg_uv.shape[0], 1)), np.cumsum(emg_uv, axis=1)], axis=1)
    low, high = np.clip(low, edges[0], edges[-1]), np.clip(high, edges[0], edges[-1])
    width = np.maximum(high - low, 1e-9) / prepared.step_ms
    means = [(np.interp(high, edges, one) - np.interp(low, edges, one)) / width for one in sums]
    return np.array(means).reshape(emg_uv.shape[0], axis_ms.size)


def _tail_uv(prepared: Prepared, detection: Detection) -> np.ndarray:
    """What detection took out of the average of these sweeps, shape (n_samples,)."""
    if detection.time_ms is None or detection.average_uv is None:
        return np.zeros_like(prepared.time_ms)
    start, end = detection.time_ms[0], detection.time_ms[-1]
    average = np.interp(detection.time_ms, prepared.time_ms, prepared.emg_uv.mean(axis=0))
    known = average - detection.average_uv
    times = np.concatenate([[0.0], detection.time_ms, [end + _FADE_MS]])
    faded: np.ndarray = np.interp(prepared.time_ms, times, np.concatenate([[0.0], known, [0.0]]))
    return faded if start > 0 else np.where(prepared.time_ms < start, 0.0, faded)


def _bridged(emg_uv: np.ndarray, prepared: Prepared) -> np.ndarray:
    """Draw a straight line from before the stimulus to where muscle can be seen."""
    time = prepared.time_ms
    hidden = np.flatnonzero((time > -0.5) & (time < prepared.clear_ms + 0.1))
    if hidden.size == 0 or hidden[0] == 0 or hidden[-1] + 1 >= time.size:
        return emg_uv
    ends = [hidden[0] - 1, hidden[-1] + 1]
    share = (time[hidden] - time[ends[0]]) / (time[ends[1]] - time[ends[0]])
    bridged = emg_uv.copy()
    bridged[:, hidden] = (1 - share) * emg_uv[:, ends[:1]] + share * emg_uv[:, ends[1:]]
    return bridged


def _onsets_ms(detection: Detection, used: np.ndarray) -> np.ndarray:
    """When each used sweep answers; NaN where it does not, or cannot be told."""
    onsets = np.full(used.size, np.nan)
    if len(detection.sweeps) == used.size:
        for k, sweep in enumerate(detection.sweeps):
            if sweep.present and sweep.latency_ms is not None:
                onsets[k] = sweep.latency_ms
    chosen: np.ndarray = onsets[used]
    return chosen
