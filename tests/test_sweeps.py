"""Sweeps are cut where there is signal: before the stimulus, from it on, or from soon after it on."""

from dataclasses import replace

import numpy as np
import pytest

from lsr.recording import Annotation, Recording, Segment
from lsr.settings import Settings, SweepSettings
from lsr.stimuli import find_stimuli
from lsr.sweeps import Sweeps, cut_sweeps, find_beyond_range, plan_cut

RATE_HZ = 10_000.0
SEARCH_MS = (5.5, 14.0)


def triggered(*, begins_ms, n=6, record_s=0.1):
    """Sweeps a second apart that begin so long after their stimulus; each sample holds its own time in ms."""
    stimuli_s = np.arange(n) + 0.5
    segments = [
        Segment(start_s=t + begins_ms / 1e3, stop_s=t + begins_ms / 1e3 + record_s) for t in stimuli_s
    ]
    own_ms = begins_ms + np.arange(round(record_s * RATE_HZ)) / RATE_HZ * 1e3
    return Recording.from_arrays(
        [np.tile(own_ms, n)],
        rates_hz=RATE_HZ,
        labels=["R Mentalis"],
        segments=segments,
        annotations=[Annotation(time_s=t, duration_s=None, text="Stim R zyg") for t in stimuli_s],
        records_are_segments=True,
        format="EDF+D",
    )


def cut(recording):
    (stimuli,) = find_stimuli(recording, Settings())
    plan = plan_cut(recording, stimuli, SweepSettings(), search_ms=SEARCH_MS)
    return plan, cut_sweeps(recording, stimuli, plan, np.arange(len(stimuli.stimuli)), [0]).get(0)


@pytest.mark.parametrize("begins_ms", [-20.0, -0.3, 0.0, 0.04, 1.0, 3.0])
def test_a_sweep_may_begin_before_with_or_after_its_stimulus(begins_ms):
    plan, sweeps = cut(triggered(begins_ms=begins_ms))
    assert plan.kept.all()
    assert sweeps.emg_uv.shape[0] == 6
    np.testing.assert_allclose(sweeps.emg_uv, np.tile(sweeps.time_ms, (6, 1)), atol=0.051)
    assert begins_ms - 0.051 <= sweeps.time_ms[0] <= begins_ms + 0.21
    assert sweeps.time_ms[-1] > SEARCH_MS[1] + 2


def test_a_sweep_that_begins_too_late_to_show_the_search_window_is_left_out():
    plan, sweeps = cut(triggered(begins_ms=4.5))
    assert not plan.kept.any()
    assert sweeps is None


def test_a_few_stimuli_at_an_edge_do_not_shorten_the_others():
    times_s = np.append(0.001, np.arange(1.0, 40.0))
    recording = Recording.from_arrays(
        [np.zeros(round(41 * RATE_HZ))],
        rates_hz=RATE_HZ,
        labels=["R Mentalis"],
        annotations=[Annotation(time_s=t, duration_s=None, text="Stim R zyg") for t in times_s],
    )
    plan, _ = cut(recording)
    assert plan.before_s == pytest.approx(0.05)
    assert plan.kept.tolist() == [False] + [True] * 39


def test_a_slow_channel_of_no_voltage_does_not_shorten_the_sweeps():
    recording = Recording.from_arrays(
        [np.zeros(round(8 * RATE_HZ)), np.zeros(8)],
        rates_hz=[RATE_HZ, 1.0],
        labels=["R Mentalis", "SpO2"],
        units=["uV", "%"],
        annotations=[Annotation(time_s=t, duration_s=None, text="Stim R zyg") for t in (0.5, 2.5, 4.5, 7.5)],
    )
    plan, sweeps = cut(recording)
    assert (plan.before_s, plan.after_s) == pytest.approx((0.05, 0.1))
    assert sweeps.emg_uv.shape[0] == 4


# --- neighbours ----------------------------------------------------------------------------------------


def continuous(times_s, *, seconds=41.0, train_ms=(0.0,)):
    """A recording in one stretch, stimulated with trains of that form."""
    return Recording.from_arrays(
        [np.zeros(round(seconds * RATE_HZ))],
        rates_hz=RATE_HZ,
        labels=["R Mentalis"],
        annotations=[
            Annotation(time_s=float(t + ms / 1e3), duration_s=None, text="Stim R zyg")
            for t in times_s
            for ms in train_ms
        ],
    )


def test_a_sweep_begins_60_ms_after_the_stimulus_before_and_ends_1_ms_before_the_next():
    plan, _ = cut(continuous(1.0 + 0.08 * np.arange(50)))
    assert plan.kept.all()
    assert plan.before_s == pytest.approx(0.020)
    assert plan.after_s == pytest.approx(0.079)


def test_the_rest_after_a_train_counts_from_its_last_pulse():
    plan, _ = cut(continuous(1.0 + 0.1 * np.arange(50), train_ms=(0.0, 5.0)))
    assert plan.before_s == pytest.approx(0.035)


def test_many_short_intervals_shorten_the_window_and_cost_no_stimulus():
    plan, _ = cut(continuous(np.concatenate([1.0 + 0.04 * np.arange(13), 3.0 + np.arange(27)])))
    assert plan.kept.all()


def test_a_window_that_would_be_hardly_longer_costs_no_stimulus():
    plan, _ = cut(continuous(np.arange(1.0, 40.0), seconds=39.0812))
    assert plan.kept.all()


# --- samples -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("begins_ms", [-20.0, 0.04, -70.03])
def test_the_time_axis_is_that_of_the_samples_to_a_microsecond(begins_ms):
    _, sweeps = cut(triggered(begins_ms=begins_ms, record_s=0.2))
    np.testing.assert_allclose(sweeps.emg_uv, np.tile(sweeps.time_ms, (6, 1)), atol=1e-3)


def test_a_slow_channel_beside_a_fast_one_keeps_its_sweeps():
    rates_hz, n, record_s = [10_000.0, 1_000.0], 6, 0.1
    stimuli_s = np.arange(n) + 0.5
    recording = Recording.from_arrays(
        [np.zeros(round(record_s * rate_hz) * n) for rate_hz in rates_hz],
        rates_hz=rates_hz,
        labels=["R Mentalis", "R O.Oculi"],
        segments=[Segment(start_s=t - 0.0207, stop_s=t - 0.0207 + record_s) for t in stimuli_s],
        annotations=[Annotation(time_s=t, duration_s=None, text="Stim R zyg") for t in stimuli_s],
        records_are_segments=True,
        format="EDF+D",
    )
    (stimuli,) = find_stimuli(recording, Settings())
    plan = plan_cut(recording, stimuli, SweepSettings(), search_ms=SEARCH_MS)
    sweeps = cut_sweeps(recording, stimuli, plan, np.arange(n), [0, 1])
    assert [sweeps[channel].emg_uv.shape[0] for channel in (0, 1)] == [n, n]


@pytest.mark.parametrize("sign", [1, -1])
def test_a_sample_beyond_either_end_of_the_range_is_told_unless_rounding_made_it(sign):
    (channel,) = continuous([1.0]).channels
    channel = replace(channel, rail_min_uv=-100.0, rail_max_uv=100.0, resolution_uv=0.1)
    for beyond_uv, is_told in ((0.1, False), (1.0, True)):
        sweeps = Sweeps(
            channel=channel,
            emg_uv=np.array([[0.0, sign * (100.0 + beyond_uv)]]),
            time_ms=np.array([0.0, 0.1]),
            stimuli=np.array([0]),
        )
        assert bool(find_beyond_range({0: sweeps})) is is_told
