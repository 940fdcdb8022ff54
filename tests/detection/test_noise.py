"""How large is the noise, and how is it coloured?"""

import numpy as np
import pytest
from scipy.signal import lfilter

import lsr
from lsr.detection.noise import estimate_noise
from lsr.synthetic import draw_sweeps


def coloured(rng, n_sweeps, n_samples):
    return lfilter([1.0], [1.0, -0.8], rng.standard_normal((n_sweeps, n_samples + 200)), axis=1)[:, 200:]


@pytest.mark.parametrize("noise_uv", [1.5, 12.0])
def test_the_noise_is_that_planted(noise_uv):
    drawn = draw_sweeps(seed=150, rate_hz=10_000, after_ms=60, present=False, noise_uv=noise_uv)
    found = lsr.detect(drawn.emg_uv, drawn.time_ms, drawn.direct_emg_uv)
    assert found.noise_uv == pytest.approx(noise_uv, rel=0.25)


def test_a_response_is_no_noise():
    same = {"seed": 151, "rate_hz": 10_000, "after_ms": 60}
    with_it, without = draw_sweeps(snr=30, **same), draw_sweeps(present=False, **same)
    noise = [lsr.detect(d.emg_uv, d.time_ms, d.direct_emg_uv).noise_uv for d in (with_it, without)]
    assert noise[0] == pytest.approx(noise[1], rel=0.1)


def test_whitened_noise_is_white():
    rng = np.random.default_rng(3)
    noise = estimate_noise([coloured(rng, 20, 400)], step_ms=0.1)
    fresh = coloured(rng, 300, 120)
    white = fresh / np.sqrt(np.mean(fresh**2)) @ noise.whitening(120).T
    covariance = white.T @ white / 300
    assert np.diag(covariance).mean() == pytest.approx(1.0, abs=0.15)
    beside = np.diag(covariance, 1).mean()
    assert abs(beside) < 0.05


def test_sweeps_in_a_burst_count_little():
    rng = np.random.default_rng(4)
    stretch = coloured(rng, 10, 400)
    stretch[[2, 6]] *= 10.0
    weights = estimate_noise([stretch], step_ms=0.1).weights
    assert weights.sum() == pytest.approx(1.0)
    assert weights[[2, 6]].max() < 0.1 * np.delete(weights, [2, 6]).min()


def drifting(rng, n_sweeps, n_samples, times):
    """White noise of unit size on a walk so many times as large, without its level."""
    walk = np.cumsum(rng.standard_normal((n_sweeps, n_samples)), axis=1)
    walk -= walk.mean(axis=1, keepdims=True)
    return rng.standard_normal(walk.shape) + times * walk / walk.std(axis=1, keepdims=True)


@pytest.mark.parametrize("times", [3.0, 10.0])
def test_noise_beside_drift_is_as_small_as_it_is(times):
    """Autocovariances over short stretches would make it up to twice as large."""
    rng = np.random.default_rng(5)
    noise = estimate_noise([drifting(rng, 20, 250, times)], step_ms=0.2)
    fresh = drifting(rng, 200, 250, times) / np.sqrt(noise.variance_uv2.mean())
    assert (fresh @ noise.whitening(250).T)[:, 20:].var() == pytest.approx(1.0, abs=0.1)


def test_noise_that_was_fitted_away_is_counted_in():
    """As where hum of thirteen harmonics is taken out of each sweep's 33 ms of rest."""
    rng = np.random.default_rng(7)
    columns = np.linalg.qr(rng.standard_normal((165, 26)))[0]
    sweeps = rng.standard_normal((20, 165))
    rest = sweeps - (sweeps @ columns) @ columns.T
    variances = [estimate_noise([rest], step_ms=0.2, n_fitted=n).variance_uv2.mean() for n in (0, 26)]
    assert variances == pytest.approx([1 - 26 / 165, 1.0], rel=0.05)


@pytest.mark.parametrize("seed", [160, 161, 162])
def test_bursts_neither_create_nor_erase_a_response(seed):
    same = {"seed": seed, "n_sweeps": 20, "rate_hz": 10_000, "after_ms": 50, "nuisance": "bursts"}
    there = draw_sweeps(snr=20, latency_ms=9.5, **same)
    found = lsr.detect(there.emg_uv, there.time_ms, there.direct_emg_uv)
    assert found.presence == "present"
    assert found.onset_latency_ms == pytest.approx(there.truth.onset_ms, abs=1.0)
    gone = draw_sweeps(present=False, **same)
    assert lsr.detect(gone.emg_uv, gone.time_ms, gone.direct_emg_uv).p_value > 0.001
