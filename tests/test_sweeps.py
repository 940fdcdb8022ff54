"""Sweeps are cut where there is signal: before the stimulus, from it on, or from soon after it on."""

import numpy as np
import pytest

from lsr.recording import Annotation, Recording, Segment
from lsr.settings import Settings, SweepSettings
from lsr.stimuli import find_stimuli
from lsr.sweeps import cut_sweeps, plan_cut

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
