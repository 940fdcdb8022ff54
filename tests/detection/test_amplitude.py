"""How large, how long and of what shape is the response?"""

import numpy as np
import pytest

import lsr
from lsr.detection.amplitude import count_phases
from lsr.synthetic import draw_sweeps

TIME_MS = np.arange(-40.0, 60.0, 0.1)


def planted(response_uv, *, n_sweeps=10, noise_uv=3.0, seed=1):
    noise = np.random.default_rng(seed).normal(0.0, noise_uv, (n_sweeps, TIME_MS.size))
    return lsr.detect(response_uv + noise, TIME_MS)


def biphasic(start_ms=9.0, size_uv=60.0, period_ms=4.0):
    since = TIME_MS - start_ms
    on = (since >= 0) & (since <= period_ms)
    return np.where(on, size_uv * np.sin(2 * np.pi * since / period_ms), 0.0)


def test_peak_to_peak_and_baseline_to_peak_are_those_planted():
    found = planted(biphasic())
    assert found.amplitude_uv == pytest.approx(120.0, rel=0.12)
    assert found.baseline_to_peak_uv == pytest.approx(60.0, rel=0.15)


def test_the_interval_of_the_amplitude_lies_around_it():
    found = planted(biphasic())
    low, high = found.amplitude_ci_uv
    assert low <= found.amplitude_uv <= high
    assert low <= 125.0
    assert high >= 115.0


def test_area_duration_and_peak_latency_are_those_planted():
    found = planted(biphasic(start_ms=9.0, size_uv=80.0, period_ms=4.0))
    assert found.area_uv_ms == pytest.approx(80.0 * 4.0 * 2 / np.pi, rel=0.2)
    assert found.duration_ms == pytest.approx(4.0, abs=1.0)
    assert min(abs(found.peak_latency_ms - 10.0), abs(found.peak_latency_ms - 12.0)) < 0.3


def test_a_wave_of_two_phases_is_not_polyphasic_and_one_of_eight_is():
    assert planted(biphasic()).morphology == "monophasic"
    since = TIME_MS - 8.0
    train = np.where((since >= 0) & (since <= 10), 100.0 * np.sin(2 * np.pi * since / 2.5), 0.0)
    found = planted(train)
    assert found.morphology == "polyphasic"
    assert found.n_phases >= 6


def test_phases_are_counted_where_they_are_large_enough():
    time = np.linspace(0, 1, 400)
    assert count_phases(np.sin(np.pi * time)) == 1
    assert count_phases(np.sin(6 * np.pi * time)) == 6
    assert count_phases(np.sin(2 * np.pi * time) + 0.01 * np.sin(60 * np.pi * time)) == 2


def test_noise_does_not_make_small_responses_large():
    """Peak to peak of a noisy average exceeds that of the response; the bias has to be taken out."""
    ratios = []
    for seed in range(8):
        drawn = draw_sweeps(
            seed=90_000 + seed,
            n_sweeps=10,
            rate_hz=10_000,
            after_ms=40,
            snr=6,
            persistence=1.0,
            jitter_ms=0.05,
        )
        found = lsr.detect(drawn.emg_uv, drawn.time_ms, drawn.direct_emg_uv)
        if found.amplitude_uv is not None:
            ratios.append(found.amplitude_uv / drawn.truth.amplitude_uv)
    assert len(ratios) >= 5
    assert np.median(ratios) == pytest.approx(1.0, abs=0.2)


def test_the_cleaned_average_shows_the_response():
    wave = biphasic()
    found = planted(wave)
    shown = np.interp(TIME_MS, found.time_ms, found.average_uv, left=0.0, right=0.0)
    window = (TIME_MS > 8) & (TIME_MS < 14)
    assert np.corrcoef(shown[window], wave[window])[0, 1] > 0.97
    assert np.ptp(shown[window]) == pytest.approx(120.0, rel=0.15)
