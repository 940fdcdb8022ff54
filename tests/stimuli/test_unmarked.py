"""Stimuli that no marker tells of are found by the M waves they evoke, and by nothing else."""

from dataclasses import replace

import numpy as np
import pytest

import lsr
from lsr import Recording
from lsr.recording import Annotation
from lsr.stimuli import StimulusSource, find_stimuli
from lsr.stimuli.unmarked import find_unmarked

RATE_HZ = 5000.0
SINCE_MS = np.arange(round(0.08 * RATE_HZ)) * 1000 / RATE_HZ
M_WAVE_UV = 1500 * np.exp(-(((SINCE_MS - 5.5) / 1.1) ** 2)) * np.sin(1.6 * (SINCE_MS - 5.2))
LSR_UV = 60 * np.exp(-(((SINCE_MS - 11.5) / 1.6) ** 2)) * np.sin(1.5 * (SINCE_MS - 11.3))
STAGES = ("Baseline", "Dura opening", "Decompression", "Closing")
PER_STAGE, EVERY_S = 40, 0.31


def record(marked, *, shape_uv=M_WAVE_UV, rng_seed=1, uneven=False, n_shown=PER_STAGE):
    """Four stages of forty stimuli; the LSR is gone in the third and back in the fourth.

    In stages that are not marked the direct muscle shows `shape_uv` at the pace of the stimuli, or unevenly,
    so often.
    """
    rng = np.random.default_rng(rng_seed)
    times_s = np.concatenate([2 + 60.0 * k + EVERY_S * np.arange(PER_STAGE) for k in range(len(STAGES))])
    emg_uv = rng.normal(0, 4, (2, round((times_s[-1] + 12) * RATE_HZ)))
    notes = [(60.0 * k + 0.5, name) for k, name in enumerate(STAGES)]
    for k, time_s in enumerate(times_s.tolist()):
        stage = k // PER_STAGE
        is_marked = marked[stage]
        begins_s = time_s if is_marked or not uneven else time_s + rng.uniform(0, 0.2)
        at = slice(round(begins_s * RATE_HZ), round(begins_s * RATE_HZ) + SINCE_MS.size)
        emg_uv[0, at] += M_WAVE_UV if is_marked else shape_uv * (k % PER_STAGE < n_shown)
        emg_uv[1, at] += (0.0 if stage == 2 else 1.0) * LSR_UV
        if is_marked:
            notes.append((time_s, "Stim R zygomatic"))
    return Recording.from_arrays(
        list(emg_uv.astype(np.float32)),
        rates_hz=RATE_HZ,
        labels=["R O.Oculi", "R Mentalis"],
        annotations=[Annotation(time_s=at, duration_s=None, text=text) for at, text in sorted(notes)],
        name="operation",
    )


def problems(report):
    return [problem.code for problem in report.problems]


@pytest.fixture
def mentalis():
    def of(report):
        (pair,) = (pair for pair in report.pairs if pair.channel == "R Mentalis")
        return pair

    return of


def test_an_lsr_that_came_back_after_the_last_marker_is_not_called_gone(mentalis):
    """Planted: the markers of the last stage were not exported; without them the LSR ends in the third."""
    report = lsr.analyze(record((True, True, True, False)))
    assert "stimuli_not_marked" in problems(report)
    assert report.residual_lsr is None
    assert mentalis(report).course is None
    assert mentalis(report).disappeared_at is None


def test_an_lsr_that_was_there_before_the_first_marker_is_not_called_undetected(mentalis):
    report = lsr.analyze(record((False, False, True, False)))
    assert "stimuli_not_marked" in problems(report)
    assert mentalis(report).course is None


@pytest.mark.parametrize(
    "shown",
    [
        {"shape_uv": np.zeros(SINCE_MS.size)},
        {"shape_uv": np.where(SINCE_MS < 0.3, 3000.0, 0.0)},  # another stimulator
        {"shape_uv": 0.2 * M_WAVE_UV},
        {"shape_uv": 3.0 * M_WAVE_UV},
        {"shape_uv": 800 * np.exp(-(((SINCE_MS - 8) / 5) ** 2)) * np.sin(0.5 * SINCE_MS)},  # a slower muscle
        {"uneven": True},
        {"n_shown": 4},
    ],
    ids=["nothing", "spikes", "small", "large", "slow", "uneven", "few"],
)
def test_what_is_no_m_wave_at_an_even_pace_is_no_stimulus(shown, mentalis):
    report = lsr.analyze(record((True, True, True, False), **shown))
    assert "stimuli_not_marked" not in problems(report)
    assert report.residual_lsr is False
    assert mentalis(report).course == "disappeared"


def test_where_all_stimuli_are_marked_nothing_is_said():
    report = lsr.analyze(record((True, True, True, True)))
    assert "stimuli_not_marked" not in problems(report)
    assert report.residual_lsr is True


def test_stimuli_that_the_settings_leave_out_are_no_surprise():
    settings = lsr.Settings.from_dict({"stimulation": [{"window_s": [0.0, 170.0]}]})
    report = lsr.analyze(record((True, True, True, True)), settings)
    assert "stimuli_not_marked" not in problems(report)


@pytest.mark.parametrize(
    ("source", "is_told"),
    [
        (StimulusSource.ANNOTATION, True),
        (StimulusSource.TRIGGER_CHANNEL, True),
        (StimulusSource.RECORD, False),
        (StimulusSource.ARTIFACT, False),
    ],
)
def test_stimuli_that_no_marker_told_lack_none(source, is_told):
    recording = record((True, True, True, False))
    (found,) = find_stimuli(recording, lsr.Settings())
    found = replace(found, source=source)
    assert find_unmarked(recording, [found], [(found, 0)], lsr.Settings()).after is is_told


def test_stimuli_between_marked_ones_are_told_with_the_way_out():
    """Planted: the markers of the third stage were not exported; the LSR is gone there."""
    report = lsr.analyze(record((True, True, False, True)))
    (said,) = (one.message for one in report.problems if one.code == "stimuli_not_marked")
    assert said.startswith("between marked ones M waves follow")
    assert 'source = "artifact"' in said


@pytest.mark.parametrize("marked", [(True, True, True, False), (True, False, True, True)])
def test_what_unmarked_stimuli_evoke_is_no_spasm(marked):
    """Planted: no muscle does anything but answer."""
    assert lsr.analyze(record((True,) * 4)).spontaneous is not None
    assert lsr.analyze(record(marked)).spontaneous is None


def record_runs(markers_s, *, m_wave_uv):
    """Two minutes at 2 Hz with artifacts in both channels; the direct muscle answers, or does not."""
    rng = np.random.default_rng(5)
    emg_uv = rng.normal(0, 4, (2, round(125 * RATE_HZ)))
    for time_s in RUN_S:
        first = round(time_s * RATE_HZ)
        emg_uv[:, first : first + 2] += [[900.0], [-500.0]]
        emg_uv[0, first : first + SINCE_MS.size] += m_wave_uv
    return Recording.from_arrays(
        list(emg_uv.astype(np.float32)),
        rates_hz=RATE_HZ,
        labels=["R O.Oculi", "R Mentalis"],
        annotations=[Annotation(time_s=at, duration_s=None, text="Stim R zygomatic") for at in markers_s],
        name="runs",
    )


RUN_S = np.arange(1.0, 121.0, 0.5)


def test_typed_marks_of_runs_say_which_way_out_there_is():
    """Planted: a mark typed a fifth of a second before each of eight runs, so no stimulus is at any."""
    recording = record_runs((RUN_S[::30] - 0.2).tolist(), m_wave_uv=M_WAVE_UV)
    report = lsr.analyze(recording)
    (said,) = (one.message for one in report.problems if one.code == "stimuli_not_marked")
    assert "between marked ones and after the last marked one stimulus artifacts recur" in said
    assert report.spontaneous is None
    settings = {"stimulation": {"source": "artifact", "side": "right", "branch": "zygomatic"}}
    found = lsr.analyze(recording, lsr.Settings.from_dict(settings))
    assert found.stimulation[0].n_stimuli == RUN_S.size
    assert "stimuli_not_marked" not in problems(found)


def test_stimuli_that_evoke_nothing_are_marked_all_the_same():
    report = lsr.analyze(record_runs(RUN_S.tolist(), m_wave_uv=0.0))
    assert "stimuli_not_marked" not in problems(report)
