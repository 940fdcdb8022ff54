"""Synthetic recordings: responses lie where their stimuli are, and courses are told by their blocks."""

from dataclasses import replace

import numpy as np
import pytest

from lsr.anatomy import Branch, Muscle, Side
from lsr.synthetic.recording import (
    ChannelPlan,
    RecordingPlan,
    ResponsePlan,
    StagePlan,
    StimulationPlan,
    draw_recording,
    marker_text,
)

TIMES_S = np.round(1.00003 + 0.31 * np.arange(40), 6)
MENTALIS = ChannelPlan(label="R Ment", muscle=Muscle.MENTALIS, side=Side.RIGHT, spike_uv=0.0)
LEFT = ChannelPlan(label="L Ment", muscle=Muscle.MENTALIS, side=Side.LEFT, spike_uv=0.0)
OCULI = ChannelPlan(label="R OOc", muscle=Muscle.ORBICULARIS_OCULI, side=Side.RIGHT, spike_uv=0.0)
STIMULATION = StimulationPlan(
    side=Side.RIGHT,
    branch=Branch.ZYGOMATIC,
    times_s=TIMES_S,
    text="Stim {ma} mA",
    intensity_ma=np.full(40, 12.0),
)
PLAN = RecordingPlan(
    scenario="test",
    description="test",
    rate_hz=5_000.0,
    stretches_s=np.array([[0.0, 14.0]]),
    channels=(MENTALIS, LEFT, OCULI),
    stimulation=(STIMULATION,),
    responses=(
        ResponsePlan(stimulation=0, channel=0, lsr_uv=200.0, persistence=1.0),
        ResponsePlan(stimulation=0, channel=2, m_wave_uv=1500.0),
    ),
)


def stages(*names):
    """Stages of ten stimuli each."""
    return tuple(
        StagePlan(time_s=float(TIMES_S[10 * k]) - 0.05, text=name, stage=name) for k, name in enumerate(names)
    )


def with_course(*sizes, names=("baseline", "opening", "decompression", "closing")):
    responses = (replace(PLAN.responses[0], lsr_scale=np.repeat(sizes, 10)), PLAN.responses[1])
    return draw_recording(replace(PLAN, stages=stages(*names), responses=responses), seed=1)


def cut(emg_uv, times_s, rate_hz=5_000.0, after_s=0.04):
    first = np.round(times_s * rate_hz).astype(int)
    return np.stack([emg_uv[k : k + round(after_s * rate_hz)] for k in first])


def test_the_mean_sweep_leaves_the_noise_at_the_true_onset():
    drawn = draw_recording(PLAN, seed=3)
    pair = drawn.pairs[0]
    mean_uv = cut(drawn.emg_uv[0], TIMES_S).mean(axis=0)
    before = mean_uv[: int(pair.onset_latency_ms * 5)]
    assert np.abs(before).max() < 5.0
    assert np.ptp(mean_uv) == pytest.approx(pair.amplitude_uv, rel=0.1)


def test_only_the_stimulated_side_makes_pairs():
    drawn = draw_recording(PLAN, seed=3)
    assert [(pair.channel, pair.relation) for pair in drawn.pairs] == [
        ("R Ment", "target"),
        ("R OOc", "direct"),
    ]
    assert np.ptp(cut(drawn.emg_uv[1], TIMES_S).mean(axis=0)) < 12.0
    assert drawn.pairs[1].m_wave_amplitude_uv == pytest.approx(1500.0, rel=0.05)
    assert not drawn.pairs[1].present


def test_nothing_is_evoked_across_a_gap():
    stretches_s = np.column_stack([TIMES_S - 0.02, TIMES_S + 0.06])
    drawn = draw_recording(replace(PLAN, stretches_s=stretches_s), seed=3)
    assert drawn.emg_uv.shape == (3, 40 * 400)
    sweeps_uv = drawn.emg_uv[2].reshape(40, 400)
    assert np.abs(sweeps_uv[:, :100]).max() < 30.0
    assert np.ptp(sweeps_uv.mean(axis=0)) == pytest.approx(1500.0, rel=0.05)


def test_below_the_threshold_nothing_answers():
    ramp = replace(STIMULATION, intensity_ma=np.repeat([2.0, 5.0, 8.0, 11.0], 10))
    responses = (replace(PLAN.responses[0], threshold_ma=7.0), PLAN.responses[1])
    drawn = draw_recording(replace(PLAN, stimulation=(ramp,), responses=responses), seed=3)
    assert drawn.pairs[0].stimulus_threshold_ma == 8.0
    assert np.ptp(cut(drawn.emg_uv[0], TIMES_S[:20]).mean(axis=0)) < 12.0
    assert np.ptp(cut(drawn.emg_uv[2], TIMES_S[:10]).mean(axis=0)) < 12.0


@pytest.mark.parametrize(
    ("sizes", "course"),
    [
        ((1, 1, 1, 1), "persisted"),
        ((1, 1, 0.4, 0.2), "reduced"),
        ((1, 1, 0, 0), "disappeared"),
        ((1, 0, 0, 0), "disappeared_before_decompression"),
        ((1, 1, 0, 1), "reappeared"),
        ((0, 1, 1, 1), "not_detected_at_baseline"),
    ],
)
def test_the_course_is_told_by_the_blocks(sizes, course):
    drawn = with_course(*sizes)
    assert drawn.pairs[0].course == course
    truth = drawn.truth(name="x.edf", file_format="EDF+C", marked_by="annotation")
    assert truth.residual_lsr == (sizes[-1] > 0)


def test_it_disappears_with_the_first_stimulus_that_is_no_longer_answered():
    gone = with_course(1, 1, 0, 0).pairs[0].disappeared_at
    assert gone == {"time_s": float(TIMES_S[20]), "stage": "decompression"}


def test_stimuli_of_one_stage_are_judged_in_blocks_of_twenty():
    blocks = draw_recording(PLAN, seed=1).pairs[0].blocks
    assert [block.n_stimuli for block in blocks] == [20, 20]
    assert [block.n_stimuli for block in with_course(1, 1, 1, 1).pairs[0].blocks] == [10, 10, 10, 10]


def test_an_annotation_names_the_intensity():
    assert marker_text(STIMULATION, 0) == "Stim 12 mA"


def test_spasm_bursts_come_at_the_same_time_in_every_muscle():
    channels = tuple(replace(channel, burst_uv=200.0) for channel in PLAN.channels)
    drawn = draw_recording(replace(PLAN, channels=channels, responses=(), n_bursts=6), seed=3)
    level = np.abs(drawn.emg_uv).reshape(3, -1, 50).mean(axis=2)
    assert np.corrcoef(level[0] > 40, level[1] > 40)[0, 1] > 0.8
