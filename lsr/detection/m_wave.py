"""Does the direct muscle show an M wave, and so prove that the stimulus reached the nerve?

Conventions
-----------
Rows are sweeps, columns samples; time is milliseconds from the stimulus, EMG microvolts.
"""

from __future__ import annotations

import numpy as np

from lsr.cleaning.artifact import tail_columns
from lsr.detection.detection import MWave, Presence
from lsr.detection.evidence import Model, Scan, log_evidence, scan, start_numbers
from lsr.detection.onset import draw_from
from lsr.detection.prepare import Prepared, check_sweeps, prepare
from lsr.detection.waveform import Family
from lsr.settings import DetectionSettings

_ENDS_MS = 20.0  # an M wave with its repolarisation
_LEAST_UV = 50.0  # below this a direct response proves little; facial M waves are 0.5 to 5 mV
_LEAST_SNR = 8.0
_LEAST_SAMPLES = 8
_LEAST_EVIDENCE = 10.0
_FINEST_SHARE = 0.003  # of the peak: well below the 5 % that define an onset
_OVER_MS = 15.0
_TAIL_SIZES = (0.3, 1.0, 3.0)
_STEP_MS, _COARSE_MS = 0.1, 0.5
_NEGLIGIBLE = 12.0  # log evidence below the best by which a coarse start is passed over
_N_DRAWS = 100
_FAMILIES = tuple(
    Family(width_ms=width, rise_ms=rise, length_ms=length)
    for width, length in ((0.35, 4.0), (0.7, 6.0), (1.3, 8.0))
    for rise in (0.5, 2.0)
)


def detect_m_wave(emg_uv: np.ndarray, time_ms: np.ndarray, settings: DetectionSettings) -> MWave:
    """Find the M wave in the raw sweeps of a direct muscle.

    Parameters
    ----------
    emg_uv, time_ms : np.ndarray, shapes (n_sweeps, n_samples) and (n_samples,)
    settings : DetectionSettings

    Raises
    ------
    SweepsError
        Arrays that are no sweeps.
    """
    emg, time = check_sweeps(emg_uv, time_ms)
    prepared = prepare(emg, time, None, search_ms=settings.search_window_ms, mains_hz=settings.mains_hz)
    if not isinstance(prepared, Prepared):
        return MWave.absent()
    return m_wave_of(prepared, prepared.emg_uv, settings)


def m_wave_of(prepared: Prepared, direct_uv: np.ndarray, settings: DetectionSettings) -> MWave:
    """Find the M wave in cleaned sweeps of a direct muscle, shape (n_sweeps, n_samples)."""
    average = direct_uv.mean(axis=0)
    quiet = prepared.before if prepared.before.any() else prepared.after
    return find_m_wave(
        prepared.time_ms,
        average,
        clear_ms=prepared.clear_ms,
        noise_uv=float(average[quiet].std()) if quiet.any() else prepared.noise.average_sd_uv,
        window_ms=settings.direct_window_ms,
    )


def find_m_wave(
    time_ms: np.ndarray,
    average_uv: np.ndarray,
    *,
    clear_ms: float,
    noise_uv: float,
    window_ms: tuple[float, float],
) -> MWave:
    """Find the M wave in the average of a direct muscle.

    Found as an LSR is: a response with unknown start and waveform over an artifact tail of unknown size.
    An M wave stands so far out of the noise that a share of its peak takes the noise's place.

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
    """
    window = (time_ms >= clear_ms) & (time_ms <= _ENDS_MS)
    at, wave = time_ms[window], average_uv[window]
    if at.size < 2 * _LEAST_SAMPLES:
        return MWave.absent()
    low, high = max(window_ms[0], float(at[0]) + 0.2), window_ms[1]
    deviation = max(noise_uv, _FINEST_SHARE * float(np.abs(wave - np.median(wave)).max()), 1e-9)
    tail = _tail(at, wave, deviation)
    model = Model.build(at, wave, np.eye(at.size) / deviation, tail)
    sizes = deviation * 4.0 ** np.arange(1, 7)
    found = _scan(model, low, high, sizes)
    draws = draw_from(found, _N_DRAWS, np.random.default_rng(0))
    onset = float(np.median(draws.onset_ms))
    amplitude = float(np.median(np.ptp(draws.waves_uv, axis=1)))
    likely = float(found.log_evidence.max()) > _LEAST_EVIDENCE
    if not likely or amplitude < max(_LEAST_UV, _LEAST_SNR * noise_uv) or onset > high + 0.5:
        return MWave.absent()
    peaks = draws.start_ms + np.abs(draws.waves_uv).argmax(axis=1) * draws.step_ms
    return MWave(
        presence=Presence.PRESENT,
        amplitude_uv=amplitude,
        onset_latency_ms=onset,
        peak_latency_ms=float(np.median(peaks)),
    )


def _scan(model: Model, low_ms: float, high_ms: float, sizes_uv: np.ndarray) -> Scan:
    """Look everywhere coarsely, then closely where a start is likely."""
    coarse = scan(model, start_numbers(model, low_ms, high_ms, _COARSE_MS), _FAMILIES, sizes_uv)
    likely = (coarse.log_evidence > coarse.log_evidence.max() - _NEGLIGIBLE).any(axis=2)
    starts = coarse.starts_ms[likely.any(axis=1)]
    families = [family for j, family in enumerate(_FAMILIES) if likely[:, j].any()]
    closely = start_numbers(
        model, max(low_ms, starts.min() - _COARSE_MS), min(high_ms, starts.max() + _COARSE_MS), _STEP_MS
    )
    return scan(model, closely, families, sizes_uv)


def _tail(at: np.ndarray, wave: np.ndarray, deviation: float) -> np.ndarray:
    """Level and tail, as large as the samples before and after an M wave ask for."""
    outside = (at < at[0] + 1) | (at > _OVER_MS)
    shapes = np.concatenate([np.ones((at.size, 1)), tail_columns(at)], axis=1)
    first = float(np.abs(wave[at < at[0] + 1]).max()) + deviation
    sizes = np.full((len(_TAIL_SIZES), shapes.shape[1]), 10 * deviation)
    sizes[:, 1:] = first * np.array(_TAIL_SIZES)[:, None]
    seen, target = shapes[outside] / deviation, wave[outside] / deviation
    evidence = log_evidence(seen.T @ seen, seen.T @ target, float(target @ target), sizes)
    chosen: np.ndarray = shapes * sizes[int(np.argmax(evidence))]
    return chosen
