"""An LSR under crosstalk that no block sees through is told by what one stage shows and another does not."""

import numpy as np
import pytest

import lsr
from lsr import Recording
from lsr.recording import Annotation

RATE_HZ = 8000.0
STAGES = ("Baseline", "Dura opening", "Decompression", "Closing")
BLOCKS_EACH, PER_BLOCK = 2, 20


def operation(
    lsr_by_stage,
    *,
    m_wave_by_stage=(1.0, 1.0, 1.0, 1.0),
    later_ms_by_stage=(0.0, 0.0, 0.0, 0.0),
    crosstalk_uv=60,
    hum_uv=0.0,
    noise_uv=4.0,
    late_uv=0.0,
    seed=0,
):
    """Four stages of forty stimuli; a muscle beside shows crosstalk of its own shape, and an LSR of 30 uV.

    Hum, 60.003 Hz and two harmonics, keeps its phase to the stimuli of a stage; in the next it has another.
    Afterdischarges come with the LSR alone; then it varies in latency, too.
    """
    rng = np.random.default_rng(seed)
    n_stimuli = BLOCKS_EACH * PER_BLOCK
    times_s = np.concatenate([1 + 120.0 * k + 0.25 * np.arange(n_stimuli) for k in range(len(STAGES))])
    emg_uv = rng.normal(0, noise_uv, (2, round((times_s[-1] + 2) * RATE_HZ)))
    since_ms = np.arange(round(0.08 * RATE_HZ)) * 1000 / RATE_HZ
    m_wave = 1500 * np.exp(-(((since_ms - 5.5) / 1.1) ** 2)) * np.sin(1.6 * (since_ms - 5.2))
    crosstalk = crosstalk_uv * np.exp(-(((since_ms - 6.3) / 2.2) ** 2)) * np.sin(1.1 * (since_ms - 4.7))
    onward_ms = [since_ms - later_ms for later_ms in later_ms_by_stage]
    response = [16 * np.exp(-(((at - 11.5) / 1.6) ** 2)) * np.sin(1.5 * (at - 11.3)) for at in onward_ms]
    for k, time_s in enumerate(times_s):
        stage = k // n_stimuli
        at = slice(round(time_s * RATE_HZ), round(time_s * RATE_HZ) + since_ms.size)
        reached = m_wave_by_stage[stage] * rng.normal(1, 0.02)
        emg_uv[0, at] += reached * m_wave
        lsr_uv = lsr_by_stage[stage] * rng.normal(1, 0.2) * response[stage]
        if late_uv:
            lsr_uv = np.roll(lsr_uv, round(rng.normal(0, 0.4) * RATE_HZ / 1000))
            since_late = since_ms - rng.normal(38, 3)
            size_uv = late_uv * rng.lognormal(0, 0.6) * min(lsr_by_stage[stage], 1.0)
            lsr_uv += size_uv * np.exp(-((since_late / 4) ** 2)) * np.sin(1.5 * since_late)
        emg_uv[1, at] += reached * crosstalk + lsr_uv
    angle = 2 * np.pi * 60.003 * np.arange(emg_uv.shape[1]) / RATE_HZ
    emg_uv[1] += hum_uv * sum(np.cos(order * angle + order) / order for order in (1, 2, 3))
    notes = [(120.0 * k + 0.5, name) for k, name in enumerate(STAGES)]
    notes += [(float(time_s), "Stim R zygomatic") for time_s in times_s]
    return Recording.from_arrays(
        list(emg_uv.astype(np.float32)),
        rates_hz=RATE_HZ,
        labels=["R O.Oculi", "R Mentalis"],
        annotations=[Annotation(time_s=at, duration_s=None, text=text) for at, text in sorted(notes)],
        name="operation",
    )


def course_of(recording):
    (pair,) = (pair for pair in lsr.analyze(recording).pairs if pair.channel == "R Mentalis")
    return pair


@pytest.mark.parametrize(
    ("lsr_by_stage", "course"),
    [
        ((1.0, 1.0, 0.0, 0.0), "disappeared"),
        ((1.0, 0.0, 0.0, 0.0), "disappeared_before_decompression"),
        ((1.0, 0.0, 1.0, 1.0), "reappeared"),
    ],
)
def test_what_became_of_an_lsr_under_crosstalk_is_told_by_the_stages(lsr_by_stage, course):
    found = course_of(operation(lsr_by_stage))
    assert found.course == course
    if found.disappeared_at is not None:
        assert found.disappeared_at.stage == ("opening" if "before" in course else "decompression")


@pytest.mark.parametrize(
    ("lsr_by_stage", "course"),
    [
        ((2.0, 2.0, 2.0, 2.0), "persisted"),
        ((2.0, 2.0, 0.0, 0.0), "disappeared"),
        ((2.0, 0.0, 0.0, 0.0), "disappeared_before_decompression"),
        ((2.0, 0.0, 2.0, 2.0), "reappeared"),
    ],
)
@pytest.mark.parametrize("seed", range(2))
def test_hum_of_another_phase_in_every_stage_makes_no_course(lsr_by_stage, course, seed):
    found = course_of(operation(lsr_by_stage, hum_uv=50.0, crosstalk_uv=20, seed=seed))
    assert found.course == course


@pytest.mark.parametrize(
    ("lsr_by_stage", "course"), [((5.0, 5.0, 5.0, 0.0), "disappeared"), ((5.0, 0.0, 5.0, 5.0), "reappeared")]
)
@pytest.mark.parametrize("seed", range(2))
def test_noise_that_falls_as_afterdischarges_are_lost_is_no_electrode_that_came_off(
    lsr_by_stage, course, seed
):
    found = course_of(operation(lsr_by_stage, noise_uv=1.0, late_uv=30.0, crosstalk_uv=0, seed=seed))
    assert found.course == course


@pytest.mark.parametrize("seed", range(2))
def test_crosstalk_that_falls_with_the_m_wave_is_no_lsr_that_disappeared(seed):
    found = course_of(operation((0.0,) * 4, m_wave_by_stage=(1.0, 1.0, 0.6, 0.6), seed=seed))
    assert found.course in (None, "not_detected_at_baseline")


@pytest.mark.parametrize("seed", range(2))
def test_crosstalk_that_stays_is_neither_an_lsr_that_went_nor_one_that_came(seed):
    found = course_of(operation((0.0,) * 4, seed=seed))
    assert found.course in (None, "not_detected_at_baseline")


@pytest.mark.parametrize("later_ms", [5.5, 7.0])
def test_an_lsr_that_comes_later_than_the_window_after_decompression_is_not_gone(later_ms):
    """Planted: at the end it is half as large and begins after the window; where it was, nothing is left."""
    changed = {"later_ms_by_stage": (0.0, 0.0, later_ms, later_ms), "crosstalk_uv": 0}
    recording = operation((4.0, 4.0, 2.0, 2.0), **changed)
    report = lsr.analyze(recording)
    (pair,) = (pair for pair in report.pairs if pair.channel == "R Mentalis")
    assert pair.course is None
    assert report.residual_lsr is None
    gone = lsr.analyze(operation((4.0, 4.0, 0.0, 0.0), **changed))
    assert gone.residual_lsr is False
