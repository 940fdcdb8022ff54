"""Does the direct muscle show an M wave, and so prove that the stimulus reached the nerve?

Conventions
-----------
Rows are sweeps, columns samples; time is milliseconds from the stimulus, EMG microvolts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from lsr.cleaning.artifact import ring_columns, tail_columns
from lsr.detection.detection import MWave, Presence
from lsr.detection.evidence import Model, log_evidence
from lsr.detection.onset import draw_from, search
from lsr.detection.prepare import (
    CLIPPED_SHARE,
    EARLIEST_MS,
    check_sweeps,
    clean,
    clear_times_ms,
    count_clipped,
)
from lsr.detection.rivals import SPIKE_BENDS, SPIKE_NEAR_MS
from lsr.detection.waveform import Family
from lsr.settings import DetectionSettings

_ENDS_MS = 20.0  # an M wave with its repolarisation
_LEAST_UV = 50.0  # below this a direct response proves little; facial M waves are 0.5 to 5 mV
_LEAST_SNR = 8.0
_LEAST_SAMPLES = 8
_LEAST_EVIDENCE, _COARSER = 10.0, 8.0  # log evidence; what a coarse look may miss of it
_FINEST_SHARE = 0.003  # of the peak: well below the 5 % that define an onset
_OVER_MS = 15.0
_LATER_SHARE, _LATER_MS = 0.05, 6.0  # of the peak, that much after the window: its end tells no onset
_RISES_MS = 0.5  # before its onset, into which nothing of it reaches
_TAIL_SIZES, _RING_SIZES = (0.3, 1.0, 3.0), (0.01, 0.1, 1.0)  # both of the first millisecond's largest value
_WINDOW_SLACK_MS = 0.5  # after the last start, an onset of 5 % of the peak may lie
_NEGLIGIBLE = 60.0  # log evidence below the best by which a coarse start is passed over
_N_DRAWS = 100
_FINE_MS = 0.25  # between samples: farther apart, a muscle bends as sharply as a pulse
_LAST_PULSE_MS, _MOST_PULSES = 16.0, 4
_OWN_SHARE = 0.2  # of what is found, at least so much has to be there without the spikes of later pulses
_SPIKE_MS = (0.7, 0.9)  # of a later pulse, before and after where it bends most
_FAMILIES = tuple(
    Family(width_ms=width, rise_ms=rise, length_ms=length)
    for width, length in ((0.35, 4.0), (0.7, 6.0), (1.3, 8.0))
    for rise in (0.5, 2.0)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectMuscle:
    """The sweeps of a muscle supplied by the stimulated branch, cleaned once for all muscles beside it."""

    time_ms: np.ndarray  # (n_samples,), at the analysis rate
    emg_uv: np.ndarray  # (n_sweeps, n_samples): hum removed, spike bridged; missing samples are zero
    m_wave: MWave
    tail_uv: np.ndarray  # (n_samples,): what the average holds besides the M wave
    is_hidden: bool  # by the artifact, in all sweeps: that no M wave was found tells nothing

    def wave_uv(self, used: np.ndarray, time_ms: np.ndarray) -> np.ndarray | None:
        """Average M wave in some of the sweeps, at other times, shape (n_times,); None if there is none."""
        if self.m_wave.onset_latency_ms is None:
            return None
        begun = np.clip((self.time_ms - self.m_wave.onset_latency_ms) / _RISES_MS + 1, 0, 1)
        average: np.ndarray = (self.emg_uv[used].mean(axis=0) - self.tail_uv) * begun
        if average.size == time_ms.size and np.allclose(self.time_ms, time_ms):
            return average
        there: np.ndarray = np.interp(time_ms, self.time_ms, average)
        return there


def read_direct(emg_uv: np.ndarray, time_ms: np.ndarray, settings: DetectionSettings) -> DirectMuscle:
    """Clean the raw sweeps of a direct muscle and find its M wave.

    Parameters
    ----------
    emg_uv, time_ms : np.ndarray, shapes (n_sweeps, n_samples) and (n_samples,)
    settings : DetectionSettings

    Returns
    -------
    DirectMuscle
        Its M wave is absent where the artifact hides it in all sweeps.

    Raises
    ------
    SweepsError
        Arrays that are no sweeps.
    """
    emg, time = check_sweeps(emg_uv, time_ms)
    search_ms, emg = settings.search_window_ms, np.nan_to_num(emg)
    clear_ms = clear_times_ms(emg, time, search_ms)
    seen = clear_ms <= search_ms[0] - 0.5
    start_ms = float(clear_ms[seen].max()) if seen.any() else float(clear_ms.min())
    start_ms = max(start_ms, EARLIEST_MS)
    found = clean(emg, time, start_ms=start_ms, search_ms=search_ms, mains_hz=settings.mains_hz)
    m_wave, tail_uv = MWave.absent(), np.zeros(found.time_ms.size)
    if seen.any():
        quiet = found.before if found.before.any() else found.after
        average = found.emg_uv[seen].mean(axis=0)
        noise_uv = float(average[quiet].std()) if quiet.any() else _spread_uv(found.emg_uv[seen])

        def look(window_ms: tuple[float, float], seen_uv: np.ndarray = average) -> tuple[MWave, np.ndarray]:
            return find_m_wave(
                found.time_ms, seen_uv, clear_ms=start_ms, noise_uv=noise_uv, window_ms=window_ms
            )

        m_wave, tail_uv = look(settings.direct_window_ms)
        bridged = bridge_pulses(found.time_ms, average, start_ms)
        if m_wave.amplitude_uv is not None and bridged is not average:
            beside = look(settings.direct_window_ms, bridged)
            if (beside[0].amplitude_uv or 0.0) < _OWN_SHARE * m_wave.amplitude_uv:
                m_wave, tail_uv = beside  # most of what was found is the spike of another pulse
        if m_wave.presence is Presence.ABSENT:
            m_wave = MWave.absent(late_onset_ms=_late_onset_ms(look, settings))
        elif count_clipped(emg[seen], time, start_ms, _ENDS_MS) >= CLIPPED_SHARE * seen.sum():
            m_wave = replace(m_wave, is_clipped=True)
    return DirectMuscle(
        time_ms=found.time_ms,
        emg_uv=found.emg_uv,
        m_wave=m_wave,
        tail_uv=tail_uv,
        is_hidden=not seen.any(),
    )


def bridge_pulses(time_ms: np.ndarray, average_uv: np.ndarray, clear_ms: float) -> np.ndarray:
    """Draw a straight line where another pulse of a train has its spike: no muscle bends so sharply.

    Parameters
    ----------
    time_ms, average_uv : np.ndarray, shape (n_samples,)
    clear_ms : float
        End of the first pulse's spike.

    Returns
    -------
    np.ndarray, shape (n_samples,)
        The average itself where there is no such spike, or samples are too far apart to tell one.
    """
    step_ms = float(time_ms[1] - time_ms[0])
    if step_ms > _FINE_MS:
        return average_uv
    bridged = average_uv
    later = np.flatnonzero((time_ms[1:-1] > clear_ms) & (time_ms[1:-1] < _LAST_PULSE_MS)) + 1
    for _ in range(_MOST_PULSES if later.size else 0):
        bends = np.abs(bridged[later - 1] - 2 * bridged[later] + bridged[later + 1])
        at_ms = time_ms[later[int(np.argmax(bends))]]
        near = np.abs(time_ms - at_ms) < SPIKE_NEAR_MS
        if float(np.ptp(bridged[near])) < _LEAST_UV or bends.max() < SPIKE_BENDS * np.ptp(bridged[near]):
            break
        spike = (time_ms > at_ms - _SPIKE_MS[0]) & (time_ms < at_ms + _SPIKE_MS[1])
        bridged = np.where(spike, np.interp(time_ms, time_ms[~spike], bridged[~spike]), bridged)
    return bridged


def _late_onset_ms(
    look: Callable[[tuple[float, float]], tuple[MWave, np.ndarray]], settings: DetectionSettings
) -> float | None:
    """When the muscle first answers, where that is after the direct window, within the search window."""
    ends_ms, latest_ms = settings.direct_window_ms[1], settings.search_window_ms[1]
    return look((ends_ms, latest_ms))[0].onset_latency_ms if latest_ms > ends_ms else None


def _spread_uv(emg_uv: np.ndarray) -> float:
    """Noise of the average from what the sweeps differ by; from the last third of a single one."""
    if emg_uv.shape[0] > 1:
        return float(np.median(emg_uv.std(axis=0, ddof=1)) / np.sqrt(emg_uv.shape[0]))
    return float(emg_uv[0, -emg_uv.shape[1] // 3 :].std())


def find_m_wave(
    time_ms: np.ndarray,
    average_uv: np.ndarray,
    *,
    clear_ms: float,
    noise_uv: float,
    window_ms: tuple[float, float],
) -> tuple[MWave, np.ndarray]:
    """Find the M wave in the average of a direct muscle, and the artifact tail that it stands on.

    Found as an LSR is: a response with unknown start and waveform over an artifact tail of unknown size.
    An M wave stands so far out of the noise that a share of its peak takes the noise's place, and a larger
    one after the window: else a slow end that no waveform fits would be taken for a tail, and the M wave
    would begin early to hide that tail.

    Parameters
    ----------
    time_ms, average_uv : np.ndarray, shape (n_samples,)
        Hum removed, spike bridged, baseline at zero.
    clear_ms : float
        End of the spike.
    noise_uv : float
        Standard deviation of the average's noise.
    window_ms : tuple of float
        Where an M wave may start.

    Returns
    -------
    MWave
        Absent where nothing that starts in the window exceeds 50 uV and eight deviations of the noise.
    np.ndarray, shape (n_samples,)
        The tail; zero where no M wave was found, and before the end of the spike.
    """
    nothing = MWave.absent(), np.zeros(time_ms.size)
    after = time_ms >= clear_ms
    window = after & (time_ms <= _ENDS_MS)
    at, wave = time_ms[window], average_uv[window]
    if at.size < 2 * _LEAST_SAMPLES:
        return nothing
    low, high = max(window_ms[0], float(at[0]) + 0.2), window_ms[1]
    if low > high:  # the spike outlasts the window
        return nothing
    peak = float(np.abs(wave - np.median(wave)).max())
    deviation = max(noise_uv, _FINEST_SHARE * peak, 1e-9)
    later = np.clip((at - high) / _LATER_MS, 0, 1)
    each = np.hypot(deviation, _LATER_SHARE * peak * later)
    tail = _tail(time_ms[after], wave, each)
    model = Model.build(at, wave, np.diag(1 / each), tail[: at.size])
    sizes = deviation * 4.0 ** np.arange(1, 7)
    if float(np.ptp(wave)) < _LEAST_UV:
        return nothing
    found = search(
        model, _FAMILIES, (low, high), sizes, negligible=_NEGLIGIBLE, worth=_LEAST_EVIDENCE - _COARSER
    )
    evidence = [one.log_evidence(sizes) for one in found]
    if not found or max(float(one.max()) for one in evidence) <= _LEAST_EVIDENCE:
        return nothing
    draws = draw_from(found, evidence, sizes, _N_DRAWS, np.random.default_rng(0))
    onset = draws.onset()
    amplitude = float(np.median(np.ptp(draws.waves_uv, axis=1)))
    if amplitude < max(_LEAST_UV, _LEAST_SNR * noise_uv) or onset > high + _WINDOW_SLACK_MS:
        return nothing
    peaks = draws.start_ms + np.abs(draws.waves_uv).argmax(axis=1) * draws.step_ms
    m_wave = MWave(
        presence=Presence.PRESENT,
        amplitude_uv=amplitude,
        onset_latency_ms=onset,
        peak_latency_ms=float(np.median(peaks)),
    )
    rest = wave - draws.mean_uv(at)
    tail_uv = np.zeros(time_ms.size)
    tail_uv[after] = tail @ (tail[: at.size].T @ (model.root.T @ (model.root @ rest)))
    return m_wave, tail_uv


def _tail(after_ms: np.ndarray, wave: np.ndarray, deviation: np.ndarray) -> np.ndarray:
    """Level, tail and ringing, each as large as the samples before and after an M wave ask for.

    Times are those after the spike, (n_after,); wave and the deviation of its noise begin with them.
    """
    at = after_ms[: wave.size]
    outside = (at < at[0] + 1) | (at > _OVER_MS)
    parts = [np.ones((after_ms.size, 1)), tail_columns(after_ms), ring_columns(after_ms)]
    shapes = np.concatenate(parts, axis=1)
    finest = float(deviation.min())
    first = float(np.abs(wave[at < at[0] + 1]).max()) + finest
    tried = [(10 * finest, tail * first, ring * first) for tail in _TAIL_SIZES for ring in _RING_SIZES]
    sizes = np.repeat(tried, [part.shape[1] for part in parts], axis=1)
    seen, target = (shapes[: at.size] / deviation[:, None])[outside], (wave / deviation)[outside]
    evidence = log_evidence(seen.T @ seen, seen.T @ target, float(target @ target), sizes)
    chosen: np.ndarray = shapes * sizes[int(np.argmax(evidence))]
    return chosen
