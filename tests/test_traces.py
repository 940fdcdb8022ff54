"""What is drawn of a recording is what was recorded: in time, in size, and without the artifact."""

from pathlib import Path

import numpy as np
import pytest

import lsr
from lsr.sweeps import Cut
from lsr.traces import _MOST_SAMPLES, _axis_ms

SAMPLE = Path(__file__).parents[1] / "sample_data" / "clinic_with_lsr.edf"


@pytest.fixture(scope="module")
def report():
    return lsr.analyze(SAMPLE, with_traces=True)


def _found(report, relation):
    return next(
        (pair, traces)
        for pair, traces in zip(report.pairs, report.traces.pairs, strict=True)
        if pair.relation == relation
    )


def test_traces_are_kept_only_where_asked_for(report):
    assert report.traces is not None
    assert "traces" not in report.to_dict()


def test_every_used_sweep_is_there_with_its_time(report):
    pair, traces = _found(report, "target")
    assert traces.sweeps_uv.shape == (pair.n_stimuli_used, traces.time_ms.size)
    assert traces.times_s.shape == traces.blocks.shape == traces.onsets_ms.shape == (pair.n_stimuli_used,)
    assert (np.diff(traces.times_s) > 0).all()
    assert traces.averages_uv.shape[0] == len(pair.blocks)


def test_the_average_is_as_large_as_the_report_says(report):
    pair, traces = _found(report, "target")
    window = (traces.time_ms > 8) & (traces.time_ms < 25)
    for block, average in zip(pair.blocks, traces.averages_uv, strict=True):
        assert np.ptp(average[window]) == pytest.approx(block.amplitude_uv, rel=0.15)


def test_the_m_wave_of_the_direct_muscle_stands_where_it_was_recorded(report):
    pair, traces = _found(report, "direct")
    window = (traces.time_ms > 2) & (traces.time_ms < 15)
    for average in traces.averages_uv:
        assert np.ptp(average[window]) == pytest.approx(pair.m_wave.amplitude_uv, rel=0.15)


def test_before_the_onset_there_is_no_artifact_left(report):
    pair, traces = _found(report, "target")
    quiet = (traces.time_ms > -2) & (traces.time_ms < 6)
    assert np.abs(traces.averages_uv[:, quiet]).max() < 0.15 * pair.amplitude_uv


def test_averages_are_those_of_the_sweeps_shown(report):
    _, traces = _found(report, "target")
    for block, average in enumerate(traces.averages_uv):
        shown = traces.sweeps_uv[traces.blocks == block].mean(axis=0)
        np.testing.assert_allclose(shown, average, atol=0.05)


@pytest.mark.parametrize("n_sweeps", [10, 1600, 4000])
def test_time_is_finer_where_the_lsr_lies_and_samples_are_bounded(n_sweeps):
    axis = _axis_ms(Cut(before_s=0.05, after_s=0.1, kept=np.ones(10, bool)), n_sweeps)
    steps = np.diff(axis)
    assert (steps > 0).all()
    assert 0 in axis
    assert (axis[0], axis[-1]) == (pytest.approx(-5, abs=0.4), pytest.approx(60, abs=2))
    assert steps[axis[:-1] < 19].max() < steps[axis[:-1] > 21].min()
    assert axis.size * n_sweeps <= _MOST_SAMPLES


def test_a_short_sweep_has_a_short_axis():
    axis = _axis_ms(Cut(before_s=0.0, after_s=0.018, kept=np.ones(10, bool)), 10)
    assert axis[0] == 0
    assert axis[-1] <= 18
