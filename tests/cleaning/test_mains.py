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


SHORT_MS = np.arange(-20.0, 40.0, 0.1)


def short_sweeps_uv(seed, time_ms=SHORT_MS, n_sweeps=20):
    """Locked 50 Hz and harmonics over an artifact, and a direct muscle's M wave; nothing answers."""
    rng = np.random.default_rng(seed)
    sizes = 30.0 * np.r_[1.0, rng.uniform(0, 0.4, 8) * 0.8 ** np.arange(8)]
    phases, jitter = rng.uniform(0, 2 * np.pi, 9), rng.normal(0, 0.05, (n_sweeps, 1))
    hum = np.zeros((n_sweeps, time_ms.size))
    for k, (size, phase) in enumerate(zip(sizes, phases, strict=True), start=1):
        hum += size * np.sin(2 * np.pi * 0.05 * k * time_ms + phase + k * jitter)
    after = np.clip(time_ms, 0, None)
    artifact = (time_ms >= 0) * (3000.0 * (time_ms < 0.2) + 200.0 * np.exp(-after / 0.5))
    since = (time_ms - 5) / 0.8
    m_wave = -800.0 * since * np.exp(-(since**2) / 2)
    noise = rng.normal(0, 4.0, (2, *hum.shape))
    return hum + artifact + noise[0], 0.7 * hum + artifact + m_wave + noise[1]


@pytest.mark.parametrize(("first_ms", "last_ms"), [(-5.0, 40.0), (-20.0, 40.0), (-20.0, 60.0)])
def test_strong_hum_in_short_sweeps_is_no_response(first_ms, last_ms):
    time_ms = np.arange(first_ms, last_ms, 0.1)
    called = 0
    for seed in range(16):
        target, direct = short_sweeps_uv(seed, time_ms)
        called += lsr.detect(target, time_ms, direct).presence == "present"
    assert called <= 1


def test_a_response_in_short_sweeps_with_hum_is_found():
    for seed in range(6):
        target, direct = short_sweeps_uv(seed)
        response = 150.0 * np.exp(-(((SHORT_MS - 11.0) / 0.8) ** 2)) * np.sin(2.5 * (SHORT_MS - 11.0))
        found = lsr.detect(target + response, SHORT_MS, direct)
        assert found.presence == "present"
        assert found.onset_latency_ms == pytest.approx(9.4, abs=0.7)


def test_short_stretches_of_noise_hold_no_hum_to_take_out():
    quiet = (SHORT_MS < -1) | (SHORT_MS > 26)
    rng = np.random.default_rng(4)
    slow = np.cumsum(rng.normal(0, 1.0, (20, SHORT_MS.size)), axis=1)
    assert find_hum(slow - slow.mean(axis=1, keepdims=True), SHORT_MS, quiet) is None


@pytest.mark.parametrize("frequency_hz", [50.0, 60.0])
def test_strong_hum_is_told_by_its_frequency_in_short_stretches_too(frequency_hz):
    quiet = (SHORT_MS < -1) | (SHORT_MS > 26)
    rng = np.random.default_rng(5)
    angle = 2e-3 * np.pi * frequency_hz * SHORT_MS
    hum = 40 * np.sin(angle + 1.0) + 12 * np.sin(3 * angle) + 8 * np.sin(5 * angle + 2.0)
    found = find_hum(hum + rng.normal(0, 2.0, (10, SHORT_MS.size)), SHORT_MS, quiet)
    assert found is not None
    assert found.frequency_hz == frequency_hz
