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
    assert find_unmarked(recording, [found], [(found, 0)]).after is is_told
