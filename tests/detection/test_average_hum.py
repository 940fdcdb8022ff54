"""Hum that averaging left is told by the stretches beside the response, with what they leave open."""

from types import SimpleNamespace

import numpy as np
import pytest
from scipy.signal import lfilter

from lsr.detection.average_hum import find_average_hum

STEP_MS = 0.2
TIME_MS = np.arange(-40, 70, STEP_MS)
WINDOW = (TIME_MS > 1.5) & (TIME_MS < 26)
BEFORE, AFTER = TIME_MS < -1, TIME_MS > 26
NOTHING = np.zeros(TIME_MS.size, bool)
WHITE = np.array([1.0])


def hum_uv(hz, size_uv=5.0):
    turns = 2e-3 * np.pi * hz * TIME_MS
    return size_uv * (np.sin(turns + 0.4) + 0.3 * np.cos(3 * turns))


def noise_uv(seed=1, size_uv=0.3):
    return np.random.default_rng(seed).normal(0, size_uv, TIME_MS.size)


def find(average_uv, *, taken_uv=None, taken_hz=50.0, before=BEFORE, after=AFTER, taps=WHITE, sd_uv=0.3):
    """Hum in the average of two sweeps, out of which some of it may be taken before."""
    hum = None
    if taken_uv is not None:
        hum = SimpleNamespace(frequency_hz=taken_hz, hum_uv=np.stack([0.5 * taken_uv, 1.5 * taken_uv]))
    prepared = SimpleNamespace(
        before=before,
        after=after,
        hum=hum,
        noise=SimpleNamespace(weights=np.array([0.5, 0.5]), average_sd_uv=sd_uv, taps=taps),
        step_ms=STEP_MS,
        time_ms=TIME_MS,
    )
    return find_average_hum(average_uv, prepared, WINDOW, np.eye(TIME_MS.size))


@pytest.mark.parametrize("hz", [50.0, 60.0])
@pytest.mark.parametrize("drift_uv", [0.0, 30.0])
def test_hum_is_told_where_a_response_may_be_with_what_is_left_open(hz, drift_uv):
    found = find(hum_uv(hz) + noise_uv() + drift_uv * (TIME_MS / 40) ** 2)
    error_uv, open_uv = found.left_uv - hum_uv(hz)[WINDOW], np.sqrt((found.columns**2).sum(axis=1))
    assert found.is_told
    assert np.abs(error_uv).max() < 0.6
    assert np.abs(error_uv / open_uv).max() < 4
    assert open_uv.max() < 0.6


@pytest.mark.parametrize("seed", [0, 1, 3])
@pytest.mark.parametrize("drift_uv", [0.0, 30.0])
def test_without_hum_nothing_is_taken_and_nothing_left_open(seed, drift_uv):
    found = find(noise_uv(seed) + drift_uv * TIME_MS / 40)
    assert found.is_told
    assert found.columns.shape == (WINDOW.sum(), 0)
    assert not found.left_uv.any()


@pytest.mark.parametrize("hum_hz", [None, 60.0])
@pytest.mark.parametrize("times", [1.0, 1.5])
def test_how_much_more_there_is_at_rest_than_averaging_leaves_is_told(hum_hz, times):
    average_uv = noise_uv(size_uv=0.3 * times) + (0.0 if hum_hz is None else hum_uv(hum_hz))
    assert find(average_uv).excess == pytest.approx(times**2, rel=0.25)
    assert find(average_uv, before=NOTHING).excess == 1.0  # what comes after may be a response


def test_slow_noise_is_not_taken_for_hum_every_time():
    """Of the colour of muscle far away: at 50 Hz more than ten times as much as of white noise."""
    whitening, told = np.array([1.0, -0.9]) / np.sqrt(1 - 0.9**2), []
    for seed in range(8):
        white = np.random.default_rng(seed).normal(0, 0.3, 2 * TIME_MS.size)
        slow_uv = lfilter([1.0], whitening, white)[TIME_MS.size :]
        told.append([find(slow_uv, taps=taps).columns.shape[1] > 0 for taps in (whitening, WHITE)])
    known, unknown = np.sum(told, axis=0)
    assert known <= 5 < unknown == 8


def test_faint_hum_is_told_by_both_stretches_though_by_neither_alone():
    faint_uv = hum_uv(60.0, 0.09) + noise_uv(3)
    assert [find(faint_uv, **{side: NOTHING}).columns.shape[1] for side in ("before", "after")] == [0, 0]
    found = find(faint_uv)
    assert found.columns.shape[1] > 0
    assert np.corrcoef(found.left_uv, hum_uv(60.0)[WINDOW])[0, 1] > 0.4


def test_how_well_hum_was_known_that_was_taken_out_counts_as_well():
    found = find(noise_uv(), taken_uv=hum_uv(50.0))
    assert found.columns.shape[1] > 0
    assert np.abs(found.left_uv).max() < 0.6


def test_hum_that_was_taken_out_though_there_was_none_is_put_back():
    found = find(noise_uv() - hum_uv(50.0), taken_uv=hum_uv(50.0))
    assert found.is_told
    assert found.columns.shape[1] == 0
    np.testing.assert_allclose(found.left_uv, -hum_uv(50.0)[WINDOW])


def test_in_short_stretches_both_frequencies_may_be():
    short = {"before": (TIME_MS > -26) & BEFORE, "after": NOTHING}
    both, one = find(hum_uv(50.0) + noise_uv(), **short), find(noise_uv(), taken_uv=hum_uv(50.0), **short)
    long = find(hum_uv(50.0) + noise_uv())
    assert both.columns.shape[1] == 2 * one.columns.shape[1] == 2 * long.columns.shape[1]


@pytest.mark.parametrize(
    "activity",
    [
        lambda t: 20 * np.exp(-(((t - 40) / 4) ** 2)) * np.sin(0.9 * t),  # a late response
        lambda t: 5 * np.sin(2e-3 * np.pi * 128 * t),  # at an even pace, but that of no mains
        lambda t: np.where(
            (t > 29.5) & (t < 40.5), 4 * np.sin(2e-3 * np.pi * 100 * t), 0
        ),  # that does not go on
    ],
)
@pytest.mark.parametrize("size_uv", [0.0, 3.0, 10.0])
def test_activity_after_the_response_is_no_hum(activity, size_uv):
    found = find(hum_uv(50.0, size_uv) + noise_uv() + np.where(AFTER, activity(TIME_MS), 0.0))
    assert found.is_told
    assert np.abs(found.left_uv - hum_uv(50.0, size_uv)[WINDOW]).max() < 0.6
    assert (found.columns.shape[1] > 0) == (size_uv > 0)


def test_in_one_period_harmonics_explain_a_burst_too_but_hum_goes_on():
    given = {"before": NOTHING, "after": AFTER & (TIME_MS < 46)}
    burst_uv = 5 * np.exp(-(((TIME_MS - 31) / 2) ** 2)) * np.sin(2 * TIME_MS)
    assert find(hum_uv(50.0) + noise_uv(), **given).is_told
    assert not find(burst_uv + noise_uv(), **given).is_told


def test_where_activity_is_on_both_sides_hum_is_not_told():
    activity = 20 * np.sin(2e-3 * np.pi * 128 * TIME_MS) * ~WINDOW
    for given in ({}, {"taken_uv": hum_uv(50.0)}, {"before": NOTHING, "after": NOTHING}):
        found = find(activity + noise_uv(), **given)
        assert not found.is_told
        assert found.columns.shape == (WINDOW.sum(), 0)
        assert not found.left_uv.any()
