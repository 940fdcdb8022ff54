"""Stimuli that no marker tells of: M waves at an even pace before the first marker, after the last, between.

Conventions
-----------
Times are seconds since the recording's start. An M wave is known by the waveform that the marked stimuli
evoke in the same channel. Spasms are uneven and of other shapes; so are cautery and other stimulators. Where
the marked stimuli evoke nothing, stimulus artifacts elsewhere tell that it was not then that somebody
stimulated.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lsr.recording import Problem, Recording
from lsr.settings import Settings
from lsr.stimuli.artifacts import channels_for_artifacts
from lsr.stimuli.searched import find_series
from lsr.stimuli.stimulus import StimulusSet, StimulusSource

_M_WAVE_S = (1.5e-3, 12e-3)  # after the stimulus
_KNOWN_BY = 60  # marked stimuli
_CLEAR_S = 0.1  # of a marked stimulus
_MOST_RUNS, _AWAY_SHARE = 100, 0.8  # that markers tell of, so few that all is read; of the artifacts
_MOST_PAUSES, _LEAST_PAUSE_S = 30, 1.0  # between markers, the longest
_STRETCH_S = 20.0
_MOST_STRETCHES = 30  # on either side and between, evenly spaced
_ALIKE = 0.9  # correlation with the known waveform
_SIZES = (0.5, 2.0)  # times the known one
_APART_S = 0.05
_FEWEST = 5
_EVEN_SHARE, _EVENLY = 0.5, 0.1  # so many intervals differ from the median by no more


@dataclass(frozen=True, slots=True, kw_only=True)
class Unmarked:
    """Whether somebody stimulated where no marker says so."""

    before: bool = False
    between: bool = False
    after: bool = False
    shown_by: str = "M waves follow each other evenly"

    @property
    def problems(self) -> tuple[Problem, ...]:
        """One where there are any."""
        where = {
            "before the first marked one": self.before,
            "between marked ones": self.between,
            "after the last marked one": self.after,
        }
        shown = [place for place, is_shown in where.items() if is_shown]
        if not shown:
            return ()
        message = (
            f"{' and '.join(shown)} {self.shown_by}: stimuli without a marker, which are not used; where "
            "markers tell of runs of stimuli rather than of each, say in the configuration: "
            '[stimulation] source = "artifact", or the trigger_channel'
        )
        return (Problem(code="stimuli_not_marked", message=message),)


def find_unmarked(
    recording: Recording,
    sets: Sequence[StimulusSet],
    evoked: Sequence[tuple[StimulusSet, int]],
    settings: Settings,
) -> Unmarked:
    """Look for M waves before the first marked stimulus, after the last, and in the pauses between.

    Parameters
    ----------
    recording : Recording
    sets : sequence of StimulusSet
        All of the recording.
    evoked : sequence of (set, channel)
        Direct muscles that show an M wave of the set.
    settings : Settings

    Returns
    -------
    Unmarked

    Raises
    ------
    UnreadableSamples
    """
    told = (StimulusSource.ANNOTATION, StimulusSource.TRIGGER_CHANNEL)
    if any(one.source not in told or "outside_window" in one.n_left_out for one in sets):
        return Unmarked()
    times = np.sort([stimulus.time_s for one in sets for stimulus in one.stimuli])
    if not evoked:
        return _by_artifacts(recording, times, settings) if times.size <= _MOST_RUNS else Unmarked()
    known = [(channel, _m_wave_uv(recording, one, channel)) for one, channel in evoked]
    longest = np.argsort(-np.diff(times), kind="stable")[:_MOST_PAUSES].tolist()
    pauses = [(times[k], times[k + 1]) for k in longest if times[k + 1] - times[k] > _LEAST_PAUSE_S]
    return Unmarked(
        before=_shows_any(recording, known, [(-np.inf, times[0])]),
        between=_shows_any(recording, known, pauses),
        after=_shows_any(recording, known, [(times[-1], np.inf)]),
    )


def _by_artifacts(recording: Recording, times_s: NDArray[np.float64], settings: Settings) -> Unmarked:
    """Where stimulus artifacts recur, if hardly any of them is at a marker."""
    channels = channels_for_artifacts(recording, settings)
    series = find_series(recording, channels)[0] if channels else []
    pulses_s = np.concatenate([np.empty(0), *series])
    place = np.searchsorted(times_s, pulses_s)
    edges_s = np.concatenate([[-np.inf], times_s, [np.inf]])
    is_away = np.minimum(pulses_s - edges_s[place], edges_s[place + 1] - pulses_s) > _CLEAR_S
    if is_away.sum() < _AWAY_SHARE * pulses_s.size:
        return Unmarked()
    n_before, n_after = (int((is_away & (place == end)).sum()) for end in (0, times_s.size))
    return Unmarked(
        before=n_before >= _FEWEST,
        between=int(is_away.sum()) - n_before - n_after >= _FEWEST,
        after=n_after >= _FEWEST,
        shown_by="stimulus artifacts recur",
    )


def _m_wave_uv(recording: Recording, found: StimulusSet, channel: int) -> NDArray[np.float64]:
    """The median of what stimuli evoke: (n_samples,); empty where none can be cut."""
    times_s = np.array([one.time_s for one in found.stimuli])
    some = np.linspace(0, len(times_s) - 1, min(len(times_s), _KNOWN_BY)).round().astype(int)
    cut = [
        batch.samples[:, 0]
        for batch in recording.windows(times_s[some], -_M_WAVE_S[0], _M_WAVE_S[1], [channel])
    ]
    return np.median(np.concatenate(cut), axis=0).astype(np.float64) if cut else np.empty(0)


def _shows_any(
    recording: Recording,
    known: Sequence[tuple[int, NDArray[np.float64]]],
    spans: Sequence[tuple[float, float]],
) -> bool:
    """Whether any stretch between two times, of several, shows M waves at an even pace."""
    stretches = [
        stretch
        for from_s, to_s in spans
        for stretch in _stretches(recording, from_s + _CLEAR_S, to_s - _CLEAR_S)
    ]
    if not stretches:
        return False
    chosen = np.unique(np.linspace(0, len(stretches) - 1, min(len(stretches), _MOST_STRETCHES)).round())
    return any(
        _is_stimulated(batch.samples[0, 0], m_wave_uv, batch.rate_hz)
        for k in chosen.astype(int).tolist()
        for channel, m_wave_uv in known
        for batch in recording.windows([stretches[k][0]], 0.0, stretches[k][1], [channel])
    )


def _stretches(recording: Recording, from_s: float, to_s: float) -> Iterator[tuple[float, float]]:
    """Start and length of what was recorded between two times."""
    for segment in recording.segments:
        start_s, stop_s = max(segment.start_s, from_s), min(segment.stop_s, to_s)
        for begin_s in np.arange(start_s, stop_s - _FEWEST * _APART_S, _STRETCH_S).tolist():
            yield begin_s, min(_STRETCH_S, stop_s - begin_s - 1e-3)


def _is_stimulated(emg_uv: NDArray[np.float32], m_wave_uv: NDArray[np.float64], rate_hz: float) -> bool:
    """Whether a stretch shows the M wave again and again, at an even pace."""
    n = m_wave_uv.size
    if n < 5 or emg_uv.size < 2 * n or not np.isfinite(emg_uv).all() or np.ptp(m_wave_uv) == 0:
        return False
    shape = m_wave_uv - m_wave_uv.mean()
    length = float(np.sqrt(shape @ shape))
    emg = emg_uv.astype(np.float64) - float(np.median(emg_uv))
    along, sums = _correlate(emg, shape / length), _correlate(emg, np.ones(n))
    squares = _correlate(emg**2, np.ones(n))
    energy = np.maximum(squares - sums**2 / n, 1e-9 * length**2)
    low, high = _SIZES
    alike = (along > _ALIKE * np.sqrt(energy)) & (along > low * length) & (along < high * length)
    places = np.flatnonzero(alike)
    begins = places[np.diff(places, prepend=-rate_hz) > _APART_S * rate_hz]
    if begins.size < _FEWEST:
        return False
    intervals = np.diff(begins)
    usual = float(np.median(intervals))
    return float(np.mean(np.abs(intervals - usual) <= _EVENLY * usual)) >= _EVEN_SHARE


def _correlate(values: NDArray[np.float64], shape: NDArray[np.float64]) -> NDArray[np.float64]:
    """Products with a shape at every place that holds all of it; scipy.signal takes half a second to load."""
    spectrum = np.fft.rfft(values) * np.conj(np.fft.rfft(shape, values.size))
    return np.fft.irfft(spectrum, values.size)[: values.size - shape.size + 1]
