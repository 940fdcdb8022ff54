"""What the sweeps of a muscle show together, and each by itself."""

import numpy as np
import pytest

import lsr
from lsr.detection.amplitude import Measures, widen_interval
from lsr.detection.onset import Draws
from lsr.detection.persistence import wilson
from lsr.synthetic import draw_sweeps

TIME_MS = np.arange(-40, 60, 0.2)


def detect_nothing(**detection):
    """Judge twenty sweeps that hold no response, with an M wave beside them."""
    drawn = draw_sweeps(
        seed=41, n_sweeps=20, rate_hz=5_000, after_ms=60, present=False, noise_uv=2.0, family="smooth"
    )
    settings = lsr.Settings.from_dict({"detection": detection})
    return lsr.detect(drawn.emg_uv, drawn.time_ms, drawn.direct_emg_uv, settings)


def detect_planted(sizes=None, shifts_ms=None):
    """Judge sweeps with a response at 11 ms, of so many times 200 uV and so much later in each."""
    sizes = np.ones(20) if sizes is None else np.asarray(sizes, dtype=float)
    shifts_ms = np.zeros(sizes.size) if shifts_ms is None else shifts_ms
    late_ms = TIME_MS - 11 - np.asarray(shifts_ms)[:, np.newaxis]
    emg_uv = 200 * sizes[:, np.newaxis] * np.exp(-(late_ms**2)) * np.sin(2 * late_ms)
    return lsr.detect(emg_uv + np.random.default_rng(3).normal(0, 4, emg_uv.shape), TIME_MS)


# --- what would have been seen -------------------------------------------------------------------------


def test_absent_is_said_only_where_the_smallest_response_that_counts_would_have_been_seen():
    limit_uv = detect_nothing().detection_limit_uv
    assert detect_nothing(smallest_response_uv=1.05 * limit_uv).presence == "absent"
    assert detect_nothing(smallest_response_uv=limit_uv / 1.05).presence == "indeterminate"


def test_a_limit_that_is_surely_not_missed_is_higher():
    low, high = (detect_nothing(power=power).detection_limit_uv for power in (0.6, 0.99))
    assert high > 1.2 * low


# --- sweep by sweep ------------------------------------------------------------------------------------


def test_each_sweep_tells_its_own_latency():
    shifts_ms = np.random.default_rng(1).permutation(np.linspace(-0.4, 0.4, 20))
    found = detect_planted(shifts_ms=shifts_ms)
    assert np.corrcoef([sweep.latency_ms for sweep in found.sweeps], shifts_ms)[0, 1] > 0.9


def test_each_sweep_tells_its_own_amplitude():
    sizes_uv = np.array([sweep.amplitude_uv for sweep in detect_planted(np.tile([1.0, 2.0], 10)).sweeps])
    assert sizes_uv[1::2].mean() / sizes_uv[::2].mean() == pytest.approx(2.0, rel=0.1)


def test_the_interval_of_persistence_is_no_narrower_than_that_of_the_count():
    found = detect_planted(np.tile([1.0, 0.0], 5))
    low, high = wilson(5, 10)
    assert found.persistence == 0.5
    assert found.persistence_ci[0] <= low + 1e-9
    assert found.persistence_ci[1] >= high - 1e-9


def test_the_interval_of_an_amplitude_is_widened_by_what_sweeps_differ():
    """Half of 16 sweeps hold 0.5 of it, half 1.5: a deviation of 51.6 uV, of the mean of 12.9 uV."""
    measured = Measures(
        peak_latency_ms=11.0,
        amplitude_uv=100.0,
        amplitude_ci_uv=(98.0, 102.0),
        baseline_to_peak_uv=50.0,
        area_uv_ms=1.0,
        duration_ms=4.0,
        n_phases=2,
        morphology="monophasic",
    )
    low, high = widen_interval(measured, np.tile([0.5, 1.5], 8))
    assert low == pytest.approx(100 - np.hypot(2, 1.96 * 51.64 / 4), abs=0.1)
    assert high > 120
    assert widen_interval(measured, np.ones(1)) == (98.0, 102.0)


def test_a_response_of_which_no_start_lies_in_the_window_is_not_called_present(monkeypatch):
    monkeypatch.setattr(Draws, "within", lambda *_: None)
    found = detect_planted()
    assert (found.presence, found.reason) == ("indeterminate", "starts_outside_window")
