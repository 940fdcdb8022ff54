"""Stimuli that no marker tells of, before the first marker or after the last: M waves at an even pace.

Conventions
-----------
Times are seconds since the recording's start. An M wave is known by the waveform that the marked stimuli
evoke in the same channel. Spasms are uneven and of other shapes; so are cautery and other stimulators.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lsr.recording import Problem, Recording
from lsr.stimuli.stimulus import StimulusSet, StimulusSource

_M_WAVE_S = (1.5e-3, 12e-3)  # after the stimulus
_KNOWN_BY = 60  # marked stimuli
_CLEAR_S = 0.1  # of a marked stimulus
_STRETCH_S = 20.0
_MOST_STRETCHES = 30  # on either side, evenly spaced
_ALIKE = 0.9  # correlation with the known waveform
_SIZES = (0.5, 2.0)  # times the known one
_APART_S = 0.05
_FEWEST = 5
_EVEN_SHARE, _EVENLY = 0.5, 0.1  # so many intervals differ from the median by no more


@dataclass(frozen=True, slots=True, kw_only=True)
class Unmarked:
    """Whether somebody stimulated where no marker says so."""

    before: bool = False
    after: bool = False
    problems: tuple[Problem, ...] = ()


def find_unmarked(
    recording: Recording, sets: Sequence[StimulusSet], evoked: Sequence[tuple[StimulusSet, int]]
) -> Unmarked:
    """Look for M waves before the first marked stimulus and after the last.

    Parameters
    ----------
    recording : Recording
    sets : sequence of StimulusSet
        All of the recording.
    evoked : sequence of (set, channel)
        Channels that show an M wave of the set.

    Returns
    -------
    Unmarked

    Raises
    ------
    UnreadableSamples
    """
    told = (StimulusSource.ANNOTATION, StimulusSource.TRIGGER_CHANNEL)
    if not evoked or any(one.source not in told or "outside_window" in one.n_left_out for one in sets):
        return Unmarked()
    times = [stimulus.time_s for one in sets for stimulus in one.stimuli]
    known = [(channel, _m_wave_uv(recording, one, channel)) for one, channel in evoked]
    before = _shows_any(recording, known, -np.inf, min(times) - _CLEAR_S)
    after = _shows_any(recording, known, max(times) + _CLEAR_S, np.inf)
    problems = tuple(
        Problem(
            code="stimuli_not_marked",
            message=f"{where} M waves follow each other evenly: stimuli without a marker, which are not used",
        )
        for shown, where in ((before, "before the first stimulus"), (after, "after the last stimulus"))
        if shown
    )
    return Unmarked(before=before, after=after, problems=problems)


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
    from_s: float,
    to_s: float,
) -> bool:
    """Whether any stretch between two times shows M waves at an even pace."""
    stretches = list(_stretches(recording, from_s, to_s))
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
    from scipy.signal import fftconvolve

    n = m_wave_uv.size
    if n < 5 or emg_uv.size < 2 * n or not np.isfinite(emg_uv).all() or np.ptp(m_wave_uv) == 0:
        return False
    shape = m_wave_uv - m_wave_uv.mean()
    length = float(np.sqrt(shape @ shape))
    emg = emg_uv.astype(np.float64) - float(np.median(emg_uv))
    along = fftconvolve(emg, shape[::-1] / length, mode="valid")
    sums, squares = (fftconvolve(some, np.ones(n), mode="valid") for some in (emg, emg**2))
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
