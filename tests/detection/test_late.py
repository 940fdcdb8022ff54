"""Is there a late response, and is it kept apart from the early one?"""

import numpy as np
import pytest

import lsr
from lsr.synthetic import draw_sweeps


def judge(seed, **changes):
    drawn = draw_sweeps(seed=seed, **{"n_sweeps": 20, "rate_hz": 10_000, "before_ms": 50} | changes)
    return lsr.detect(drawn.emg_uv, drawn.time_ms, drawn.direct_emg_uv)


@pytest.mark.parametrize("seed", [120, 121, 122])
def test_an_afterdischarge_is_reported_and_is_no_lsr(seed):
    found = judge(seed, present=False, nuisance="late", strength=2.0, family="smooth")
    assert found.late_response.presence == "present"
    assert 20 <= found.late_response.onset_latency_ms <= 60
    assert found.presence != "present"


def test_most_recordings_without_afterdischarge_show_none():
    found = [judge(seed, present=False).late_response.presence for seed in range(130, 136)]
    assert found.count("present") <= 1


def test_an_early_response_is_no_late_one():
    found = judge(140, snr=20, latency_ms=8, morphology="monophasic", family="sharp")
    assert found.presence == "present"
    assert found.late_response.presence != "present"


@pytest.mark.parametrize("tau_ms", [6.0, 8.0, 12.0])
@pytest.mark.parametrize("seed", [1, 2])
def test_an_artifact_that_still_recovers_is_no_late_response(seed, tau_ms):
    """As of a high-pass filter at 13 to 27 Hz after a large artifact."""
    rng = np.random.default_rng(seed)
    time_ms = np.arange(-40, 90, 0.1)
    recovery_uv = np.where(time_ms > 0, -300 * np.exp(-np.maximum(time_ms, 0) / tau_ms), 0.0)
    emg_uv = rng.normal(1, 0.05, (20, 1)) * recovery_uv + rng.normal(0, 5, (20, time_ms.size))
    assert lsr.detect(emg_uv, time_ms).late_response.presence == "absent"
    late_uv, _ = late_sweeps(seed, 35.0, before_ms=40, n_sweeps=20)
    found = lsr.detect(emg_uv + late_uv, time_ms).late_response
    assert found.presence == "present"
    assert 33 <= found.onset_latency_ms <= 38


def test_sweeps_that_end_early_say_nothing_of_late_responses():
    assert judge(141, after_ms=25).late_response is None


def late_sweeps(seed, onset_ms, *, before_ms, n_sweeps):
    """Nothing in the search window, and 300 uV afterwards, as an afterdischarge or a reflex."""
    rng = np.random.default_rng(seed)
    time_ms = np.arange(-before_ms, 90, 0.1)

    def wave(shift_ms):
        since = np.maximum(time_ms - onset_ms - shift_ms, 0)
        return since * np.exp(-since / 2.0) * np.cos(0.9 * since)

    scale_uv = 300 / np.ptp(wave(0.0))
    sweeps = [scale_uv * wave(rng.normal(0, 0.3)) * rng.lognormal(0, 0.3) for _ in range(n_sweeps)]
    return np.stack(sweeps) + rng.normal(0, 5, (n_sweeps, time_ms.size)), time_ms


@pytest.mark.parametrize("onset_ms", [20.0, 27.0, 29.0])
@pytest.mark.parametrize("before_ms", [0, 40])
@pytest.mark.parametrize("n_sweeps", [6, 50])
def test_a_late_response_is_neither_hum_nor_an_lsr(onset_ms, before_ms, n_sweeps):
    """Sines fitted to what comes after the window would be subtracted, and so planted, within it."""
    for seed in range(3):
        emg_uv, time_ms = late_sweeps(seed, onset_ms, before_ms=before_ms, n_sweeps=n_sweeps)
        found = lsr.detect(emg_uv, time_ms)
        assert found.presence != "present", (seed, found.evidence)


def test_hum_is_still_told_where_there_is_no_late_response():
    rng = np.random.default_rng(4)
    time_ms = np.arange(-40, 90, 0.1)
    hum_uv = 60 * np.sin(2e-3 * np.pi * 50 * time_ms + 1.0)
    found = lsr.detect(hum_uv + rng.normal(0, 5, (20, time_ms.size)), time_ms)
    assert found.presence != "present"
    assert found.detection_limit_uv < 20
