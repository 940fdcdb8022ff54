"""Lowering the rate delays nothing; slow waves neither create nor erase a response."""

import numpy as np
import pytest

import lsr
from lsr.cleaning.filters import decimate
from lsr.synthetic import draw_sweeps


@pytest.mark.parametrize("rate_hz", [20_000, 25_000, 32_000])
def test_every_kept_sample_stands_at_its_time(rate_hz):
    time_ms = np.arange(0.0, 40.0, 1000.0 / rate_hz)
    wave = np.exp(-(((time_ms - 17.3) / 1.5) ** 2))[None, :]
    lowered, kept_ms = decimate(wave, time_ms, highest_hz=10_000)
    assert 10_000 <= 1000.0 / (kept_ms[1] - kept_ms[0]) < 20_000
    np.testing.assert_allclose(lowered[0], np.exp(-(((kept_ms - 17.3) / 1.5) ** 2)), atol=0.01)


def test_rates_that_are_low_enough_are_left_alone():
    time_ms = np.arange(0.0, 40.0, 0.1)
    emg_uv = np.random.default_rng(1).normal(size=(2, time_ms.size))
    lowered, kept_ms = decimate(emg_uv, time_ms, highest_hz=10_000)
    np.testing.assert_array_equal(lowered, emg_uv)
    np.testing.assert_array_equal(kept_ms, time_ms)


@pytest.mark.parametrize("stretched", [1.0, 1 + 1e-9, 1 - 1e-9])
def test_a_time_axis_that_rounding_stretches_is_lowered_alike(stretched):
    time_ms = 0.1 * stretched * np.arange(1000)
    _, kept_ms = decimate(np.zeros((2, 1000)), time_ms, highest_hz=5000.0)
    assert kept_ms.size == 500


def test_nothing_is_smeared_farther_than_half_a_millisecond():
    time_ms = np.arange(0.0, 40.0, 0.05)
    step = np.where(time_ms >= 10.0, 1.0, 0.0)[None, :]
    lowered, kept_ms = decimate(step, time_ms, highest_hz=10_000)
    assert np.abs(lowered[0, kept_ms < 9.4]).max() < 1e-6


@pytest.mark.parametrize("nuisance", ["drift", "ecg"])
@pytest.mark.parametrize("seed", [500, 501])
def test_a_planted_response_outlives_slow_waves(nuisance, seed):
    drawn = draw_sweeps(
        seed=seed, n_sweeps=20, rate_hz=10_000, after_ms=50, snr=20, latency_ms=10, nuisance=nuisance
    )
    found = lsr.detect(drawn.emg_uv, drawn.time_ms, drawn.direct_emg_uv)
    assert found.presence == "present"
    assert found.onset_latency_ms == pytest.approx(drawn.truth.onset_ms, abs=1.0)


@pytest.mark.parametrize("nuisance", ["drift", "ecg"])
def test_slow_waves_alone_are_seldom_a_response(nuisance):
    called = 0
    for seed in range(510, 516):
        drawn = draw_sweeps(
            seed=seed, n_sweeps=20, rate_hz=5_000, after_ms=50, present=False, nuisance=nuisance
        )
        called += lsr.detect(drawn.emg_uv, drawn.time_ms, drawn.direct_emg_uv).presence == "present"
    assert called <= 1
