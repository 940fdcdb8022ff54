"""Mains hum is fitted, not filtered, and taking it out neither creates nor erases a response."""

import numpy as np
import pytest

import lsr
from lsr.cleaning.mains import find_hum
from lsr.synthetic import draw_sweeps

TIME_MS = np.arange(-50.0, 60.0, 0.2)
QUIET = (TIME_MS < -1) | (TIME_MS > 26)


def hum_uv(frequency_hz, phases, size_uv=40.0):
    angle = 2 * np.pi * frequency_hz * TIME_MS / 1000.0 + np.asarray(phases)[:, None]
    return size_uv * (np.sin(angle) + 0.3 * np.sin(3 * angle))


def noise_uv(n_sweeps, seed=1):
    return np.random.default_rng(seed).normal(0.0, 2.0, (n_sweeps, TIME_MS.size))


@pytest.mark.parametrize("frequency_hz", [50.0, 60.0])
@pytest.mark.parametrize("locked", [True, False])
def test_hum_is_found_and_fitted_in_every_sweep(frequency_hz, locked):
    phases = np.full(8, 0.7) if locked else np.linspace(0, 6, 8)
    planted = hum_uv(frequency_hz, phases)
    found = find_hum(planted + noise_uv(8), TIME_MS, QUIET)
    assert found.frequency_hz == frequency_hz
    assert {1, 3} <= set(found.harmonics)
    left = planted - found.hum_uv
    assert np.sqrt(np.mean(left**2)) < 2.0


def test_noise_without_hum_is_hardly_changed():
    noise = noise_uv(8)
    found = find_hum(noise, TIME_MS, QUIET)
    removed = np.zeros_like(noise) if found is None else found.hum_uv
    assert np.sqrt(np.mean(removed**2)) < 0.7


def test_the_frequency_asked_for_is_the_one_fitted():
    planted = hum_uv(50.0, np.zeros(4))
    assert find_hum(planted + noise_uv(4), TIME_MS, QUIET, mains_hz=50.0).frequency_hz == 50.0


def test_a_stretch_too_short_for_a_period_tells_no_hum():
    short = (TIME_MS > -10) & (TIME_MS < 0)
    assert find_hum(hum_uv(50.0, np.zeros(4)) + noise_uv(4), TIME_MS, short) is None


def test_a_response_is_not_taken_for_hum():
    """The fit looks only where no response is: what it removes from the response is next to nothing."""
    since = np.maximum(TIME_MS - 9.0, 0.0)
    response = 300.0 * since * np.exp(-since)
    noise = noise_uv(8)
    without = find_hum(hum_uv(50.0, np.zeros(8)) + noise, TIME_MS, QUIET).hum_uv
    with_it = find_hum(hum_uv(50.0, np.zeros(8)) + noise + response, TIME_MS, QUIET).hum_uv
    assert np.abs(with_it - without).max() < 2.0


@pytest.mark.parametrize("seed", [300, 301, 302])
def test_a_planted_response_outlives_the_hum(seed):
    drawn = draw_sweeps(
        seed=seed,
        n_sweeps=20,
        rate_hz=10_000,
        before_ms=50,
        after_ms=60,
        snr=20,
        latency_ms=10,
        nuisance="hum",
    )
    found = lsr.detect(drawn.emg_uv, drawn.time_ms, drawn.direct_emg_uv)
    assert found.presence == "present"
    assert found.onset_latency_ms == pytest.approx(drawn.truth.onset_ms, abs=1.0)


def test_hum_alone_is_seldom_a_response():
    called = 0
    for seed in range(310, 318):
        drawn = draw_sweeps(
            seed=seed, n_sweeps=20, rate_hz=5_000, before_ms=50, after_ms=60, present=False, nuisance="hum"
        )
        called += lsr.detect(drawn.emg_uv, drawn.time_ms, drawn.direct_emg_uv).presence == "present"
    assert called <= 1
