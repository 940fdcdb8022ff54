"""Which sweeps answer, and how constant is their latency?"""

import numpy as np
import pytest
from scipy.signal import butter, sosfilt

import lsr
from lsr.detection.persistence import wilson
from lsr.synthetic import draw_sweeps


def judge(**changes):
    drawn = draw_sweeps(
        **{"seed": 7, "n_sweeps": 20, "rate_hz": 5_000, "after_ms": 40, "snr": 25, "latency_ms": 9}
        | {"family": "sharp"}
        | changes
    )
    return lsr.detect(drawn.emg_uv, drawn.time_ms, drawn.direct_emg_uv), drawn.truth


@pytest.mark.parametrize("persistence", [0.4, 0.7, 1.0])
def test_persistence_is_the_share_of_answered_sweeps(persistence):
    found, truth = judge(persistence=persistence)
    assert found.persistence == pytest.approx(truth.persistence, abs=0.15)
    low, high = found.persistence_ci
    assert low <= found.persistence <= high
    counted = wilson(sum(sweep.present for sweep in found.sweeps), len(found.sweeps))
    assert low <= counted[0]
    assert high >= counted[1]


def test_persistence_is_not_told_from_sweeps_too_noisy_to_be_judged_one_by_one():
    found, _ = judge(snr=1.5, n_sweeps=100, persistence=1.0, jitter_ms=0.05)
    assert found.presence == "present"
    assert found.persistence is None or found.persistence_ci[1] - found.persistence_ci[0] > 0.05
    assert found.amplitude_uv is not None


@pytest.mark.parametrize("snr", [4.0, 8.0])
def test_the_interval_of_persistence_holds_where_single_sweeps_are_faint(snr):
    """Counting misses what is fainter than noise allows; its interval held a fifth of the truths."""
    held = []
    for seed in range(19_250_000, 19_250_030):
        drawn = draw_sweeps(seed=seed, n_sweeps=60, rate_hz=5000, snr=snr, persistence=0.7, jitter_ms=0.1)
        found = lsr.detect(drawn.emg_uv, drawn.time_ms, drawn.direct_emg_uv)
        if found.persistence_ci is not None:
            low, high = found.persistence_ci
            assert low <= found.persistence <= high
            held.append(low <= drawn.truth.persistence <= high)
    assert len(held) >= 10
    assert np.mean(held) >= 0.8


@pytest.mark.parametrize("seed", [19_260_000, 19_260_002, 19_260_003])
def test_jitter_of_half_a_phase_hides_no_answer(seed):
    """It blurs the mean response to half of a single one; half of the answers were missed beside it."""
    drawn = draw_sweeps(
        seed=seed, n_sweeps=100, rate_hz=5000, snr=15, family="ringing", jitter_ms=0.35, persistence=0.8
    )
    found = lsr.detect(drawn.emg_uv, drawn.time_ms, drawn.direct_emg_uv)
    low, high = found.persistence_ci
    assert low <= drawn.truth.persistence <= high
    assert found.persistence == pytest.approx(drawn.truth.persistence, abs=0.1)


@pytest.mark.parametrize(("small", "persistence"), [(0.0, 0.8), (0.12, 1.0)])
def test_a_small_answer_far_above_the_noise_is_one(small, persistence):
    """Planted: sixteen answers of a millivolt, and four of 120 uV or none, in noise of 5 uV."""
    rng = np.random.default_rng(1)
    time_ms = np.arange(-40, 80, 0.2)
    sizes = np.where(np.arange(20) % 5 == 2, small, 1.0)
    response_uv = 700 * np.exp(-((time_ms - 11) ** 2)) * np.sin(2.5 * (time_ms - 11))
    found = lsr.detect(rng.normal(0, 5, (20, time_ms.size)) + np.outer(sizes, response_uv), time_ms)
    assert [sweep.present for sweep in found.sweeps] == list(sizes > 0)
    assert found.persistence == persistence


def test_jitter_grows_with_that_planted():
    calm, _ = judge(jitter_ms=0.03, persistence=1.0)
    loose, _ = judge(jitter_ms=0.5, persistence=1.0)
    assert calm.latency_jitter_ms < 0.3
    assert loose.latency_jitter_ms > calm.latency_jitter_ms
    assert loose.latency_jitter_ms == pytest.approx(0.5, abs=0.25)


@pytest.mark.parametrize("n_sweeps", [1, 2])
def test_one_or_two_sweeps_have_no_jitter(n_sweeps):
    found, _ = judge(n_sweeps=n_sweeps, persistence=1.0)
    assert [sweep.present for sweep in found.sweeps] == [True] * n_sweeps
    assert found.latency_jitter_ms is None


def test_a_burst_in_three_sweeps_of_twenty_is_no_response():
    drawn = draw_sweeps(seed=77, n_sweeps=20, rate_hz=10_000, after_ms=40, present=False, family="smooth")
    emg_uv = drawn.emg_uv.copy()
    burst = np.random.default_rng(2).normal(0.0, 60.0, (3, 120))
    emg_uv[np.ix_([3, 9, 14], np.flatnonzero((drawn.time_ms >= 8) & (drawn.time_ms < 20)))] += burst
    found = lsr.detect(emg_uv, drawn.time_ms, drawn.direct_emg_uv)
    assert found.presence != "present"


def test_bursts_of_muscle_in_three_sweeps_of_ten_are_no_response():
    """Smoother than the noise: sample by sweep they look weaker than they are beside a response."""
    called, band = 0, butter(2, (40, 250), "band", fs=10_000, output="sos")
    for seed in range(20):
        drawn = draw_sweeps(seed=700 + seed, n_sweeps=10, rate_hz=10_000, present=False, family="smooth")
        rng, emg_uv, time_ms = np.random.default_rng(seed), drawn.emg_uv.copy(), drawn.time_ms
        for row in rng.choice(10, 3, replace=False):
            activity = sosfilt(band, rng.normal(size=time_ms.size))
            start_ms = rng.uniform(0, 15)
            during = (time_ms > start_ms) & (time_ms < start_ms + rng.uniform(15, 40))
            emg_uv[row] += activity * during * 100 / activity.std()
        called += lsr.detect(emg_uv, time_ms, drawn.direct_emg_uv).presence == "present"
    assert called <= 1


def test_the_interval_of_a_share_is_wilsons():
    low, high = wilson(8, 10)
    assert (low, high) == (pytest.approx(0.490, abs=0.001), pytest.approx(0.943, abs=0.001))
    assert wilson(0, 10)[0] == 0.0
    assert wilson(10, 10)[1] == pytest.approx(1.0)
