"""Stimuli are found by whatever tells of them, doubtful ones are counted, and nothing is made up."""

import re
import time
from pathlib import Path

import numpy as np
import pytest

from lsr.anatomy import Branch, Side
from lsr.errors import NoStimuli
from lsr.io.registry import read_recording
from lsr.recording import Annotation, Recording, Segment
from lsr.settings import Settings
from lsr.stimuli import BranchSource, StimulusSource, find_stimuli
from lsr.stimuli.sweep_files import holds_sweeps
from lsr.synthetic.edf_writer import EdfText, quantise, write_continuous

RATE_HZ = 10_000.0
LABELS = ("R Orb Oc", "R Mentalis", "R Frontalis")
PLAIN = Settings()


def draw_emg_uv(
    times_s, *, seconds=30.0, rate_hz=RATE_HZ, artifact_uv=800.0, seed=1, lag_ms=0.0, m_wave_uv=900.0
):
    """Draw noise, with an artifact in every channel and an M wave in the first at each stimulus."""
    rng = np.random.default_rng(seed)
    emg_uv = rng.normal(0, 5, (3, round(seconds * rate_hz)))
    sizes_uv = np.broadcast_to(np.asarray(artifact_uv, dtype=float), np.shape(times_s))
    for time_s, size_uv in zip(times_s, sizes_uv, strict=True):
        first = round((time_s + lag_ms / 1e3) * rate_hz)
        width = max(1, round(0.2e-3 * rate_hz))
        for channel, share in enumerate((1.0, -0.7, 0.4)):
            emg_uv[channel, first : first + width] += share * size_uv
            emg_uv[channel, first + width : first + 2 * width] -= 0.6 * share * size_uv
        wave_ms = np.arange(0, 5, 1e3 / rate_hz)
        begin = first + round(3e-3 * rate_hz)
        emg_uv[0, begin : begin + len(wave_ms)] += m_wave_uv * np.sin(2 * np.pi * wave_ms / 5)
    return emg_uv


def record(emg_uv, annotations=(), *, extra=(), rate_hz=RATE_HZ, **more):
    """Make a recording of the drawn EMG; `extra` channels are (label, unit, samples)."""
    samples = [*emg_uv, *(values for _, _, values in extra)]
    labels = [*LABELS, *(label for label, _, _ in extra)]
    units = ["uV"] * 3 + [unit for _, unit, _ in extra]
    texts = [Annotation(time_s=time_s, duration_s=None, text=text) for time_s, text in annotations]
    return Recording.from_arrays(
        samples, rates_hz=rate_hz, labels=labels, units=units, annotations=texts, name="case.edf", **more
    )


TIMES_S = np.arange(1.0003, 29, 0.7)


def times_of(stimuli):
    return np.array([stimulus.time_s for stimulus in stimuli.stimuli])


# --- annotations ---------------------------------------------------------------------------------------


def test_annotations_tell_time_branch_side_intensity_and_width():
    texts = [(time_s, "Stimulus right zygomatic 0.2ms x 15.3mA") for time_s in TIMES_S]
    (found,) = find_stimuli(record(draw_emg_uv(TIMES_S), texts), PLAIN)
    assert (found.id, found.side, found.branch) == ("S1", Side.RIGHT, Branch.ZYGOMATIC)
    assert (found.branch_source, found.source) == (BranchSource.ANNOTATION, StimulusSource.ANNOTATION)
    np.testing.assert_array_equal(times_of(found), TIMES_S)
    assert found.stimuli[0].intensity_ma == 15.3
    assert found.stimuli[0].pulse_width_ms == 0.2
    assert found.text == "Stimulus right zygomatic"
    assert found.n_left_out == {}
    assert found.problems == ()
    assert found.precision_ms <= 0.1


@pytest.mark.parametrize("lag_ms", [0.8, 4.0, 12.0])
def test_a_second_mark_of_each_stimulus_is_no_second_stimulus(lag_ms):
    """Planted: a monitor that states side and branch, and its software, which writes the current later."""
    texts = [(time_s, "Stim right zygomatic") for time_s in TIMES_S]
    texts += [(time_s + lag_ms / 1e3, "Trigger 12 mA") for time_s in TIMES_S]
    (found,) = find_stimuli(record(draw_emg_uv(TIMES_S), texts), PLAIN)
    assert (found.id, found.side, found.branch) == ("S1", Side.RIGHT, Branch.ZYGOMATIC)
    np.testing.assert_allclose(times_of(found), TIMES_S, atol=1e-4)
    assert {one.intensity_ma for one in found.stimuli} == {12.0}
    assert found.n_left_out == {"duplicate": len(TIMES_S)}
    (problem,) = [one for one in found.problems if one.code == "told_twice"]
    twice = "stimuli 'Trigger' are told a second time, by 'Stim right zygomatic': the former are not used"
    assert problem.message == f"{len(TIMES_S)} of {len(TIMES_S)} {twice}"


def test_marks_of_all_stimuli_beside_those_of_each_branch_are_told_twice():
    branches = ("zygomatic", "marginal mandibular")
    texts = [(time_s, f"Stim right {branches[i % 2]}") for i, time_s in enumerate(TIMES_S)]
    texts += [(time_s + 0.002, "Trigger") for time_s in TIMES_S]
    found = find_stimuli(record(draw_emg_uv(TIMES_S), texts), PLAIN)
    assert [(one.branch, len(one.stimuli)) for one in found] == [
        (Branch.ZYGOMATIC, len(TIMES_S[::2])),
        (Branch.MARGINAL_MANDIBULAR, len(TIMES_S[1::2])),
    ]


@pytest.mark.parametrize(
    ("first", "second", "lag_ms", "share"),
    [
        ("Stim right zygomatic", "Stim right temporal", 4.0, 1.0),  # two branches
        ("Stim right zygomatic", "Stim left zygomatic", 4.0, 1.0),  # two sides
        ("Stim right zygomatic", "Trigger", 60.0, 1.0),  # too far apart for one stimulus
        ("Stim right zygomatic", "Trigger", 4.0, 0.5),  # half of them have no other mark
    ],
)
def test_stimuli_that_may_be_others_stay(first, second, lag_ms, share):
    texts = [(time_s, first) for time_s in TIMES_S[: round(share * len(TIMES_S))]]
    texts += [(time_s + lag_ms / 1e3, second) for time_s in TIMES_S]
    times_s = np.sort(np.concatenate([TIMES_S, TIMES_S + lag_ms / 1e3]))
    found = find_stimuli(record(draw_emg_uv(times_s), texts), PLAIN)
    assert len(found) == 2
    assert "told_twice" not in {problem.code for one in found for problem in one.problems}


def test_both_directions_become_two_sets_in_the_order_of_their_first_stimuli():
    texts = [(time_s, ("Stim R MM 12 mA", "Stim R zyg 8 mA")[i % 2]) for i, time_s in enumerate(TIMES_S)]
    found = find_stimuli(record(draw_emg_uv(TIMES_S), texts), PLAIN)
    assert [(one.id, one.branch) for one in found] == [
        ("S1", Branch.MARGINAL_MANDIBULAR),
        ("S2", Branch.ZYGOMATIC),
    ]
    assert sum(len(one.stimuli) for one in found) == len(TIMES_S)


def test_an_intensity_ramp_stays_one_set():
    ramp_ma = np.linspace(1, 20, len(TIMES_S))
    texts = [(time_s, f"Stim R zyg {ma:.1f} mA") for time_s, ma in zip(TIMES_S, ramp_ma, strict=True)]
    (found,) = find_stimuli(record(draw_emg_uv(TIMES_S, artifact_uv=ramp_ma * 40), texts), PLAIN)
    np.testing.assert_allclose([one.intensity_ma for one in found.stimuli], ramp_ma, atol=0.06)
    assert found.n_left_out == {}


def test_a_ramp_from_the_noise_up_loses_no_stimulus_even_without_intensities():
    texts = [(time_s, "Stim R zyg") for time_s in TIMES_S]
    ramp_uv = np.linspace(20, 900, len(TIMES_S))
    emg_uv = draw_emg_uv(TIMES_S, artifact_uv=ramp_uv, m_wave_uv=0.0)
    (found,) = find_stimuli(record(emg_uv, texts), PLAIN)
    assert len(found.stimuli) == len(TIMES_S)


def test_settings_say_what_classes_of_texts_mean():
    texts = [(time_s, ("StimA", "StimB")[i % 2]) for i, time_s in enumerate(TIMES_S)]
    settings = Settings.from_dict(
        {
            "stimulation": [
                {"annotation": "StimA", "side": "right", "branch": "zygomatic"},
                {"annotation": "StimB", "side": "right", "branch": "marginal mandibular"},
            ]
        }
    )
    found = find_stimuli(record(draw_emg_uv(TIMES_S), texts), settings)
    assert [(one.text, one.branch) for one in found] == [
        ("StimA", Branch.ZYGOMATIC),
        ("StimB", Branch.MARGINAL_MANDIBULAR),
    ]
    assert {one.branch_source for one in found} == {BranchSource.SETTINGS}


def test_settings_divide_a_recording_by_time():
    texts = [(time_s, "stimulus") for time_s in TIMES_S]
    settings = Settings.from_dict(
        {
            "stimulation": [
                {"window_s": [0, 10], "branch": "zygomatic", "side": "right"},
                {"window_s": [10, 20], "branch": "temporal", "side": "right"},
            ]
        }
    )
    found = find_stimuli(record(draw_emg_uv(TIMES_S), texts), settings)
    assert [one.branch for one in found] == [Branch.ZYGOMATIC, Branch.TEMPORAL]
    assert times_of(found[0]).max() < 10 <= times_of(found[1]).min() < 20
    assert found[0].n_left_out == {"outside_window": int((TIMES_S >= 20).sum())}


@pytest.mark.parametrize("second", [{"branch": "temporal"}, {"branch": "temporal", "annotation": "stim*"}])
def test_a_set_of_the_settings_that_no_stimulus_belongs_to_is_told(second):
    """As where the one before it takes all: what was the second branch's counts as the first's."""
    texts = [(time_s, "stimulus") for time_s in TIMES_S]
    first = {"branch": "zygomatic", **{name: "s*" for name in second if name == "annotation"}}
    settings = Settings.from_dict({"stimulation": [first, second]})
    (found,) = find_stimuli(record(draw_emg_uv(TIMES_S), texts), settings)
    (problem,) = found.problems
    assert problem.code == "stimulation_not_there"
    assert "number 2 (branch = temporal" in problem.message


def test_the_settings_stand_where_the_annotations_disagree_and_a_problem_says_so():
    texts = [(time_s, ("Stim R zyg", "Stim R temporal")[i % 2]) for i, time_s in enumerate(TIMES_S)]
    settings = Settings.from_dict({"stimulation": {"side": "right", "branch": "zygomatic"}})
    found = find_stimuli(record(draw_emg_uv(TIMES_S), texts), settings)
    assert [one.branch for one in found] == [Branch.ZYGOMATIC, Branch.ZYGOMATIC]
    assert [[problem.code for problem in one.problems] for one in found] == [[], ["branch_disagrees"]]


@pytest.mark.parametrize(
    ("others", "stimulation", "code"),
    [
        ([], {"side": "left", "branch": "buccal"}, "side_disagrees"),
        ([(29.999, "Stim L buccal Muller")], {}, "stimulus_set_left_out"),
        ([(time_s + 0.002, "Stimulus Muller") for time_s in TIMES_S], {}, "told_twice"),
    ],
)
def test_a_problem_of_stimuli_quotes_no_word_that_may_name_a_person(others, stimulation, code):
    texts = [(time_s, "Stim R zyg Muller" if stimulation else "Stim R zyg 12 mA") for time_s in TIMES_S]
    settings = Settings.from_dict({"stimulation": stimulation})
    found = find_stimuli(record(draw_emg_uv(TIMES_S), texts + others), settings)
    problem = next(one for set_ in found for one in set_.problems if one.code == code)
    assert "(free text)" in problem.message
    assert "Muller" not in problem.message


def test_a_text_that_says_no_branch_leaves_it_open():
    texts = [(time_s, "stimulus") for time_s in TIMES_S]
    (found,) = find_stimuli(record(draw_emg_uv(TIMES_S), texts), PLAIN)
    assert (found.side, found.branch, found.branch_source) == (None, None, None)


def test_speaking_of_stimulation_makes_no_stimulus():
    texts = [(0.5, "Stimulator on"), (0.7, "Stim. threshold test begins"), (28.9, "stimulation stopped")]
    texts += [(time_s, "Stim R zyg") for time_s in TIMES_S]
    (found,) = find_stimuli(record(draw_emg_uv(TIMES_S), texts), PLAIN)
    assert len(found.stimuli) == len(TIMES_S)


def test_notes_of_a_parameter_are_no_pulses_beside_plain_marks():
    texts = [(time_s, "stimulus") for time_s in TIMES_S]
    texts += [(time_s + 0.1, f"stimulus_V={0.3 + i / 100:.3f}") for i, time_s in enumerate(TIMES_S)]
    (found,) = find_stimuli(record(draw_emg_uv(TIMES_S), texts), PLAIN)
    np.testing.assert_array_equal(times_of(found), TIMES_S)
    assert found.stimuli[0].intensity_ma is None


def test_parameters_alone_are_pulses():
    texts = [(time_s, f"stimulus_V={0.3 + i / 100:.3f}") for i, time_s in enumerate(TIMES_S)]
    (found,) = find_stimuli(record(draw_emg_uv(TIMES_S), texts), PLAIN)
    assert (found.source, len(found.stimuli)) == (StimulusSource.ANNOTATION, len(TIMES_S))
    assert found.stimuli[0].intensity_ma is None


def test_a_running_count_makes_no_kinds_but_a_repeated_number_does():
    counting = [(time_s, f"Stim {i}") for i, time_s in enumerate(TIMES_S)]
    repeated = [(time_s, f"Stim {1 + i % 2}") for i, time_s in enumerate(TIMES_S)]
    emg_uv = draw_emg_uv(TIMES_S)
    assert len(find_stimuli(record(emg_uv, counting), PLAIN)) == 1
    assert [one.text for one in find_stimuli(record(emg_uv, repeated), PLAIN)] == ["Stim 1", "Stim 2"]


def test_an_xml_note_fills_in_the_mark_at_its_time():
    note = (
        '<EDF_XMLnote><Stimulus><duration unit="ms">0.2</duration><intensity unit="mA">15.3</intensity>'
        "<position>right zygomatic</position></Stimulus></EDF_XMLnote>"
    )
    texts = [pair for time_s in TIMES_S for pair in ((time_s, "StimB"), (time_s, note))]
    (found,) = find_stimuli(record(draw_emg_uv(TIMES_S), texts), PLAIN)
    assert len(found.stimuli) == len(TIMES_S)
    assert (found.branch, found.stimuli[0].intensity_ma) == (Branch.ZYGOMATIC, 15.3)
    assert found.n_left_out == {}


@pytest.mark.parametrize("pulses_ms", [(0.0, 0.8), (0.0, 3.0), (0.0, 2.0, 4.0, 6.0), (0.0, 6.9, 13.8)])
def test_pulses_a_few_milliseconds_apart_are_one_stimulus(pulses_ms):
    texts = [(time_s + ms / 1e3, "Stim R zyg") for time_s in TIMES_S for ms in pulses_ms]
    (found,) = find_stimuli(record(draw_emg_uv([time_s for time_s, _ in texts]), texts), PLAIN)
    np.testing.assert_array_equal(times_of(found), TIMES_S)
    np.testing.assert_allclose(found.stimuli[3].train_ms, pulses_ms, atol=1e-3)


# --- doubtful markers ----------------------------------------------------------------------------------


def test_markers_without_the_artifact_that_all_others_have_are_left_out_and_counted():
    spurious = [(5.55, "Stim R zyg"), (20.07, "Stim R zyg")]
    texts = sorted([(time_s, "Stim R zyg") for time_s in TIMES_S] + spurious)
    (found,) = find_stimuli(record(draw_emg_uv(TIMES_S), texts), PLAIN)
    np.testing.assert_array_equal(times_of(found), TIMES_S)
    assert found.n_left_out == {"no_artifact": 2}


@pytest.mark.parametrize("away_ms", [-8.5, 8.5])
def test_a_marker_beside_the_artifact_of_another_has_none_of_its_own(away_ms):
    spurious = [(float(time_s) + away_ms / 1e3, "Stim R zyg") for time_s in TIMES_S[[7, 20]]]
    texts = sorted([(float(time_s), "Stim R zyg") for time_s in TIMES_S] + spurious)
    (found,) = find_stimuli(record(draw_emg_uv(TIMES_S, m_wave_uv=0.0), texts), PLAIN)
    np.testing.assert_array_equal(times_of(found), TIMES_S)
    assert found.n_left_out == {"no_artifact": 2}


def test_markers_without_an_artifact_do_not_hide_how_the_others_lie_to_theirs():
    spurious = [(5.55, "Stim R zyg"), (20.07, "Stim R zyg")]
    texts = sorted([(float(time_s) + 0.7e-3, "Stim R zyg") for time_s in TIMES_S] + spurious)
    (found,) = find_stimuli(record(draw_emg_uv(TIMES_S), texts), PLAIN)
    assert found.n_left_out == {"no_artifact": 2}
    (problem,) = found.problems
    assert lag_said_ms(problem.message) == pytest.approx(-0.7, abs=0.11)
    assert "in 40 of 42 stimuli" in problem.message


@pytest.mark.parametrize(("n_artifacts", "n_markers"), [(2, 2), (10, 40)])
def test_a_few_artifacts_do_not_tell_where_the_stimuli_of_all_markers_lie(n_artifacts, n_markers):
    sizes_uv = np.where(np.arange(n_markers) % (n_markers // n_artifacts) == 0, 800.0, 0.0)
    texts = [(float(time_s), "Stim R zyg") for time_s in TIMES_S[:n_markers]]
    emg_uv = draw_emg_uv(TIMES_S[:n_markers], artifact_uv=sizes_uv, m_wave_uv=0.0, lag_ms=0.8)
    (found,) = find_stimuli(record(emg_uv, texts), PLAIN)
    np.testing.assert_array_equal(times_of(found), TIMES_S[:n_markers])
    assert (found.n_left_out, found.problems) == ({}, ())


def test_no_marker_is_doubted_where_artifacts_are_not_recorded():
    texts = [(time_s, "Stim R zyg") for time_s in TIMES_S] + [(29.5, "Dura opening")]
    (found,) = find_stimuli(record(draw_emg_uv(TIMES_S, artifact_uv=0.0), texts), PLAIN)
    assert len(found.stimuli) == len(TIMES_S)
    assert found.n_left_out == {}
    assert found.problems == ()


def test_markers_outside_the_data_or_cut_off_by_a_gap_are_counted():
    times_s = np.array([-1.0, 0.1, 0.995, 1.5, 2.5, 3.999, 9.0])
    segments = (Segment(start_s=0, stop_s=1), Segment(start_s=2, stop_s=4))
    texts = [(time_s, "Stim R zyg") for time_s in times_s]
    recording = record(draw_emg_uv([], seconds=3.0), texts, segments=segments)
    (found,) = find_stimuli(recording, PLAIN)
    np.testing.assert_array_equal(times_of(found), [0.1, 2.5])
    assert found.n_left_out == {"outside_data": 5}


def test_a_mark_told_twice_counts_once_and_keeps_the_text_that_tells_more():
    texts = [
        pair for time_s in TIMES_S for pair in ((time_s, "Trigger"), (time_s + 1e-4, "Stim R zyg 12 mA"))
    ]
    (found,) = find_stimuli(record(draw_emg_uv(TIMES_S), texts), PLAIN)
    assert len(found.stimuli) == len(TIMES_S)
    assert found.branch is Branch.ZYGOMATIC
    assert found.n_left_out == {"duplicate": len(TIMES_S)}


def lag_said_ms(message):
    size_ms, way = re.search(r"starts ([\d.]+) ms (after|before) its marker", message).groups()
    return float(size_ms) * (1 if way == "after" else -1)


def draw_marked(lags_ms, *, artifacts_s=TIMES_S):
    """Draw a recording whose markers come so long before their artifacts."""
    texts = [(float(time_s), "Stim R zyg") for time_s in artifacts_s - np.asarray(lags_ms) / 1e3]
    return record(draw_emg_uv(artifacts_s), texts)


@pytest.mark.parametrize("lag_ms", [-30.0, -4.0, 2.3, 7.5, 10.0, 40.0])
def test_markers_away_from_their_artifacts_by_a_constant_are_moved_to_them_with_a_problem(lag_ms):
    (found,) = find_stimuli(draw_marked(np.full(len(TIMES_S), lag_ms)), PLAIN)
    np.testing.assert_allclose(times_of(found), TIMES_S, atol=1e-4)
    (problem,) = found.problems
    assert problem.code == "marker_offset"
    assert lag_said_ms(problem.message) == pytest.approx(lag_ms, abs=0.11)
    assert found.precision_ms <= 0.1


@pytest.mark.parametrize("jitter_ms", [0.8, 1.5, 15.0])
def test_markers_that_scatter_are_moved_each_to_its_own_artifact_with_a_problem(jitter_ms):
    lags_ms = np.random.default_rng(3).uniform(-jitter_ms, jitter_ms, len(TIMES_S))
    (found,) = find_stimuli(draw_marked(lags_ms), PLAIN)
    np.testing.assert_allclose(times_of(found), TIMES_S, atol=1e-4)
    (problem,) = found.problems
    assert problem.code == "marker_jitter"
    low_ms, high_ms = re.search(r"from (\S+) to (\S+) ms", problem.message).groups()
    assert (float(low_ms), float(high_ms)) == pytest.approx((-jitter_ms, jitter_ms), rel=0.15)
    assert found.precision_ms <= 0.1


@pytest.mark.parametrize("lags_ms", [(0.0, 20.0), (300.0, 5.0)])
def test_markers_of_a_clock_that_drifts_are_moved_to_their_artifacts_with_a_problem(lags_ms):
    (found,) = find_stimuli(draw_marked(np.linspace(*lags_ms, len(TIMES_S))), PLAIN)
    np.testing.assert_allclose(times_of(found), TIMES_S, atol=1e-4)
    (problem,) = found.problems
    assert problem.code == "marker_drift"
    said = re.search(r"from (\S+) to (\S+) ms", problem.message).groups()
    assert tuple(map(float, said)) == pytest.approx(lags_ms, abs=0.2)
    assert found.precision_ms <= 0.1


@pytest.mark.parametrize("lag_ms", [0.0, 0.3, -0.7])
def test_a_lag_below_a_millisecond_moves_no_marker(lag_ms):
    recording = draw_marked(np.full(len(TIMES_S), lag_ms))
    (found,) = find_stimuli(recording, PLAIN)
    np.testing.assert_array_equal(times_of(found), [one.time_s for one in recording.annotations])
    assert [problem.code for problem in found.problems] == (["marker_offset"] if abs(lag_ms) > 0.5 else [])
    assert not any("may be no artifact" in problem.message for problem in found.problems)


def test_markers_are_not_moved_to_a_pulse_that_another_comes_before():
    """Which of two stimulators is meant, a marker 3 ms after the second pulse does not tell."""
    texts = [(float(time_s) + 11.5e-3, "Stim R zyg") for time_s in TIMES_S]
    first_uv, second_uv = (draw_emg_uv(TIMES_S, lag_ms=lag_ms, m_wave_uv=0.0) for lag_ms in (0.0, 8.5))
    (found,) = find_stimuli(record(first_uv + [[0.2], [-1.0], [-4.0]] * second_uv, texts), PLAIN)
    np.testing.assert_array_equal(times_of(found), [time_s for time_s, _ in texts])
    (problem,) = found.problems
    assert "latencies count from the marker" in problem.message


@pytest.mark.parametrize(("lag_ms", "is_moved"), [(3.0, False), (9.0, True)])
def test_markers_of_slow_channels_are_not_moved_to_what_may_be_a_steep_m_wave(lag_ms, is_moved):
    """At 2 kHz an M wave that rises within a sample looks like an artifact, but none begins at 9 ms."""
    texts = [(float(time_s), "Stim R zyg") for time_s in TIMES_S]
    emg_uv = draw_emg_uv(TIMES_S, rate_hz=2000.0, lag_ms=lag_ms, m_wave_uv=0.0)
    (found,) = find_stimuli(record(emg_uv, texts, rate_hz=2000.0), PLAIN)
    np.testing.assert_allclose(times_of(found), TIMES_S + is_moved * lag_ms / 1e3, atol=6e-4)
    (problem,) = found.problems
    assert ("may be no artifact" in problem.message) is not is_moved


def test_markers_at_the_second_pulse_of_a_train_are_not_moved_to_its_first():
    pulses_s = np.sort(np.concatenate([TIMES_S, TIMES_S + 3e-3]))
    texts = [(float(time_s) + 3e-3, "Stim R zyg") for time_s in TIMES_S]
    (found,) = find_stimuli(record(draw_emg_uv(pulses_s, m_wave_uv=0.0), texts), PLAIN)
    np.testing.assert_array_equal(times_of(found), TIMES_S + 3e-3)
    (problem,) = found.problems
    assert "before its marker in 40 of 40 stimuli; latencies count from the marker" in problem.message


def test_markers_that_scatter_too_little_to_be_moved_are_no_more_precise_than_that():
    lags_ms = np.random.default_rng(3).uniform(-0.3, 0.3, len(TIMES_S))
    (found,) = find_stimuli(draw_marked(lags_ms), PLAIN)
    np.testing.assert_allclose(1e3 * (times_of(found) - TIMES_S), -lags_ms, atol=1e-6)
    assert found.precision_ms >= 0.3


def test_scattered_markers_without_an_artifact_are_left_out_and_counted():
    lags_ms = np.random.default_rng(3).uniform(-2, 2, len(TIMES_S))
    spurious = [(5.55, "Stim R zyg"), (20.07, "Stim R zyg")]
    texts = [(float(time_s), "Stim R zyg") for time_s in TIMES_S - lags_ms / 1e3] + spurious
    (found,) = find_stimuli(record(draw_emg_uv(TIMES_S), texts), PLAIN)
    np.testing.assert_allclose(times_of(found), TIMES_S, atol=1e-4)
    assert found.n_left_out == {"no_artifact": 2}


def test_a_train_is_moved_as_one_to_its_first_pulse():
    pulses_s = np.sort(np.concatenate([TIMES_S, TIMES_S + 3e-3]))
    texts = [(time_s - 4e-3, "Stim R zyg") for time_s in pulses_s]
    (found,) = find_stimuli(record(draw_emg_uv(pulses_s), texts), PLAIN)
    np.testing.assert_allclose(times_of(found), TIMES_S, atol=1e-4)
    np.testing.assert_allclose(
        [one.train_ms for one in found.stimuli], [(0.0, 3.0)] * len(TIMES_S), atol=1e-3
    )


def test_markers_are_not_moved_to_spikes_that_have_nothing_to_do_with_them():
    texts = [(float(time_s), "Stim R zyg") for time_s in TIMES_S]
    other_s = np.arange(0.51, 29, 0.0837)
    (found,) = find_stimuli(record(draw_emg_uv(other_s, m_wave_uv=0.0), texts), PLAIN)
    np.testing.assert_array_equal(times_of(found), TIMES_S)
    assert found.problems == ()


@pytest.mark.parametrize("lag_ms", [0.0, 10.0])
def test_spikes_near_some_markers_do_not_pass_for_scatter(lag_ms):
    texts = [(float(time_s) - lag_ms / 1e3, "Stim R zyg") for time_s in TIMES_S]
    artifacts_s = TIMES_S.copy()
    artifacts_s[::3] += np.random.default_rng(6).uniform(-0.04, 0.04, len(TIMES_S[::3]))
    (found,) = find_stimuli(record(draw_emg_uv(artifacts_s, m_wave_uv=0.0), texts), PLAIN)
    np.testing.assert_allclose(times_of(found), TIMES_S, atol=1e-4)
    assert found.n_left_out == {}
    assert [problem.code for problem in found.problems] == (["marker_offset"] if lag_ms else [])


def test_markers_are_not_moved_to_where_a_monitor_ends_to_blank_the_artifact():
    texts = [(float(time_s), "Stim R zyg") for time_s in TIMES_S]
    emg_uv = draw_emg_uv(TIMES_S, lag_ms=2.0)
    for time_s in TIMES_S:
        first = round(time_s * RATE_HZ)
        emg_uv[:, first : first + 20] = emg_uv[:, [first - 1]]
    (found,) = find_stimuli(record(emg_uv, texts), PLAIN)
    np.testing.assert_array_equal(times_of(found), TIMES_S)
    (problem,) = found.problems
    assert "latencies count from the marker, since this may be no artifact" in problem.message


def test_a_channel_that_always_rests_at_one_value_blanks_no_artifact():
    """Planted: steps of 40 uV, so that a muscle at rest shows one value, and markers 5 ms early."""
    emg_uv = 40 * np.round(draw_emg_uv(TIMES_S) / 40)
    texts = [(float(time_s) - 5e-3, "Stim R zyg") for time_s in TIMES_S]
    (found,) = find_stimuli(record(emg_uv, texts), PLAIN)
    np.testing.assert_allclose(times_of(found), TIMES_S, atol=1e-4)
    assert [problem.code for problem in found.problems] == ["marker_offset"]


@pytest.mark.parametrize("noise_uv", [0.6, 1.0])
@pytest.mark.parametrize("is_marked", [True, False])
def test_coarse_steps_of_a_quiet_amplifier_are_no_artifacts(tmp_path, noise_uv, is_marked):
    """Beside noise that mostly leaves a sample as it was, every step of 2.44 uV looked like a spike."""
    time_ms = np.arange(0, 60, 0.1)
    tail, since = np.exp(-time_ms / 8), np.clip(time_ms - 3.5, 0, None)
    wave = since**2 * (3 - since) * np.exp(-since)
    emg_uv = np.random.default_rng(1).normal(0, noise_uv, (3, 300_000))
    for time_s in TIMES_S:
        first = round(time_s * RATE_HZ)
        for channel, (share, m_wave_uv) in enumerate(((1.0, 900), (-0.7, 25), (0.4, -12))):
            emg_uv[channel, first : first + 2] += 400 * share
            emg_uv[channel, first : first + len(time_ms)] += 40 * share * tail + m_wave_uv * wave
    write_continuous(
        tmp_path / "coarse.edf",
        [quantise(x, label=label, unit="uV", step_uv=2.44) for x, label in zip(emg_uv, LABELS, strict=True)],
        rate_hz=RATE_HZ,
        texts=[EdfText(time_s=float(time_s), text="Stim R zyg") for time_s in TIMES_S if is_marked],
    )
    with read_recording(tmp_path / "coarse.edf") as recording:
        (found,) = find_stimuli(recording, PLAIN)
    np.testing.assert_allclose(times_of(found), TIMES_S, atol=1e-4)
    assert found.n_left_out == {}
    assert found.problems == ()


SLOW_S = 1.2503 + 1.03 * np.arange(26) + np.random.default_rng(8).uniform(0, 0.01, 26)


@pytest.mark.parametrize("step_s", [0.1, 1.0])
@pytest.mark.parametrize("round_to", [np.round, np.floor])
def test_markers_rounded_on_export_are_moved_to_the_artifact_in_their_order(step_s, round_to):
    texts = [(float(time_s), "Stim R zyg") for time_s in round_to(SLOW_S / step_s) * step_s]
    (found,) = find_stimuli(record(draw_emg_uv(SLOW_S), texts), PLAIN)
    assert len(found.stimuli) >= 0.9 * len(SLOW_S)
    off_s = np.abs(times_of(found)[:, None] - SLOW_S).min(axis=1)
    np.testing.assert_allclose(off_s, 0, atol=2e-4)
    assert [problem.code for problem in found.problems] == ["marker_jitter"]
    assert found.precision_ms <= 0.1


def test_rounded_markers_of_branches_that_take_turns_keep_each_its_own_stimulus():
    times_s = np.sort(np.concatenate([SLOW_S, SLOW_S + 0.48]))
    said = [("Stim R zyg", "Stim R mm")[i % 2] for i in range(len(times_s))]
    texts = list(zip(np.round(times_s, 1).tolist(), said, strict=True))
    found = find_stimuli(record(draw_emg_uv(times_s), texts), PLAIN)
    for one, true_s in zip(found, (SLOW_S, SLOW_S + 0.48), strict=True):
        np.testing.assert_allclose(times_of(one), true_s, atol=2e-4)


def test_markers_of_branches_that_take_turns_take_no_artifact_that_may_be_the_others():
    times_s = 1.0003 + 0.48 * np.arange(56) + np.random.default_rng(8).uniform(0, 0.02, 56)
    texts = [(time_s + 0.23, ("Stim R zyg", "Stim R mm")[i % 2]) for i, time_s in enumerate(times_s)]
    with pytest.raises(
        NoStimuli, match=r"\(56 not paired\): 5\d stimulus artifacts lie about the 56 markers"
    ):
        find_stimuli(record(draw_emg_uv(times_s), texts), PLAIN)


def test_rounded_markers_that_share_a_time_are_not_used_and_a_problem_says_so():
    quick_s = 11.2503 + 0.31 * np.arange(50)
    slow_s = 1.0003 + 0.7 * np.arange(12)
    texts = [(float(time_s), "Stim R mm") for time_s in np.round(quick_s)]
    texts += [(float(time_s), "Stim R zyg") for time_s in slow_s]
    (found,) = find_stimuli(record(draw_emg_uv(np.append(slow_s, quick_s)), texts), PLAIN)
    np.testing.assert_array_equal(times_of(found), slow_s)
    assert found.branch is Branch.ZYGOMATIC
    assert [problem.code for problem in found.problems] == ["markers_not_paired", "stimulus_set_left_out"]


def test_markers_that_something_follows_are_right_whatever_spikes_come_as_often():
    """Another stimulator at nearly their pace is seen, their own artifact is not; their M waves are."""
    texts = [(float(time_s), "Stim R zyg") for time_s in SLOW_S]
    others_s = 1.0 + 1.05 * np.arange(26)
    emg_uv = draw_emg_uv(SLOW_S, artifact_uv=0.0) + draw_emg_uv(others_s, m_wave_uv=0.0)
    (found,) = find_stimuli(record(emg_uv, texts), PLAIN)
    np.testing.assert_array_equal(times_of(found), SLOW_S)
    assert found.problems == ()


def test_markers_of_which_some_have_their_artifact_are_right_whatever_others_come_as_often():
    texts = [(float(time_s), "Stim R zyg") for time_s in SLOW_S]
    artifacts_s = np.where(np.arange(len(SLOW_S)) % 3, SLOW_S + 0.2, SLOW_S)
    (found,) = find_stimuli(record(draw_emg_uv(artifacts_s, m_wave_uv=0.0), texts), PLAIN)
    np.testing.assert_array_equal(times_of(found), SLOW_S)
    assert found.problems == ()


def test_a_recording_without_markers_before_the_data_ends_says_what_was_left_out():
    texts = [(99.0, "Stim R zyg")]
    with pytest.raises(NoStimuli, match=r"case\.edf: no stimulus can be used \(1 outside data\)"):
        find_stimuli(record(draw_emg_uv([]), texts), PLAIN)


# --- trigger channels ----------------------------------------------------------------------------------


def trigger(times_s, *, high=5.0, rest=0.0, width_s=2e-3, seconds=30.0, noise=0.0, smooth=0, rate_hz=RATE_HZ):
    samples = np.full(round(seconds * rate_hz), rest)
    for time_s in times_s:
        first = int(np.ceil(time_s * rate_hz - 1e-9))
        samples[first : first + round(width_s * rate_hz)] = high
    if smooth:
        samples = np.convolve(samples, np.ones(smooth) / smooth, mode="full")[: len(samples)]
    return samples + np.random.default_rng(5).normal(0, noise, len(samples)) if noise else samples


@pytest.mark.parametrize("label", ["TRIG", "Trigger", "STI 014", "DC1"])
@pytest.mark.parametrize(("high", "rest"), [(5.0, 0.0), (0.0, 5.0), (-3.0, 1.0), (1.0, 0.0)])
def test_a_trigger_channel_tells_whatever_its_polarity_and_level(label, high, rest):
    extra = [(label, "V", trigger(TIMES_S, high=high, rest=rest))]
    (found,) = find_stimuli(record(draw_emg_uv(TIMES_S), extra=extra), PLAIN)
    assert found.source is StimulusSource.TRIGGER_CHANNEL
    np.testing.assert_allclose(times_of(found), TIMES_S, atol=1.01 / RATE_HZ)
    assert found.problems == ()


@pytest.mark.parametrize(("high", "rest"), [(5.0, 0.0), (1.0, 3.0)])
@pytest.mark.parametrize("n_stimuli", [len(TIMES_S), len(TIMES_S) - 1])
def test_a_channel_that_steps_at_each_stimulus_tells_of_all(n_stimuli, high, rest):
    """Planted: a trigger that goes up at one stimulus and down at the next; every second one was lost."""
    times_s = TIMES_S[:n_stimuli]
    ups, ends = times_s[::2], [*times_s[1::2], 30.0]
    steps = sum(trigger([up], width_s=end - up) > 0 for up, end in zip(ups, ends, strict=False))
    extra = [("TRIG", "V", np.where(steps, high, rest))]
    found = find_stimuli(record(draw_emg_uv(times_s), extra=extra), PLAIN)
    assert [one.text for one in found] == [f"TRIG {high:.0f}", f"TRIG {rest:.0f}"]
    np.testing.assert_allclose(np.sort(np.concatenate([times_of(one) for one in found])), times_s, atol=2e-4)
    assert [problem.code for problem in found[0].problems] == ["trigger_steps"]
    assert "told apart" in found[0].problems[0].message
    stated = Settings.from_dict({"stimulation": {"side": "right", "branch": "zygomatic"}})
    (together,) = find_stimuli(record(draw_emg_uv(times_s), extra=extra), stated)
    np.testing.assert_allclose(times_of(together), times_s, atol=2e-4)
    assert "told apart" not in together.problems[0].message


@pytest.mark.parametrize("spikes_s", [[], TIMES_S[::4] + 0.35])
def test_the_ends_of_long_pulses_are_no_stimuli(spikes_s):
    """Spikes of something else may come at some of them."""
    extra = [("TRIG", "V", trigger(TIMES_S, width_s=0.35))]
    emg_uv = draw_emg_uv(TIMES_S) + draw_emg_uv(spikes_s, seed=2)
    (found,) = find_stimuli(record(emg_uv, extra=extra), PLAIN)
    np.testing.assert_allclose(times_of(found), TIMES_S, atol=1.01 / RATE_HZ)
    assert found.problems == ()


@pytest.mark.parametrize(("high", "rest"), [(900.0, 0.0), (-900.0, 0.0), (100.0, 1000.0)])
def test_a_noisy_analogue_trigger_is_timed_to_a_fraction_of_a_sample(high, rest):
    pulses = rest + trigger(TIMES_S, high=high - rest, noise=8.0, smooth=11)
    extra = [("Trigger", "mV", pulses)]
    (found,) = find_stimuli(record(draw_emg_uv(TIMES_S), extra=extra), PLAIN)
    wanted = np.ceil(TIMES_S * RATE_HZ) / RATE_HZ + 4.5 / RATE_HZ  # half its height on the rising line
    np.testing.assert_allclose(times_of(found), wanted, atol=0.35 / RATE_HZ)


def test_a_trigger_goes_the_way_it_goes_much_the_higher_whatever_comes_first():
    dips = trigger(TIMES_S - 4e-3, high=-200.0, noise=4.0)
    extra = [("Trigger", "mV", trigger(TIMES_S, high=900.0) + dips)]
    (found,) = find_stimuli(record(draw_emg_uv([]), extra=extra), PLAIN)
    np.testing.assert_allclose(times_of(found), TIMES_S, atol=1.01 / RATE_HZ)


@pytest.mark.parametrize("is_triggered", [True, False])
def test_pulses_and_artifacts_outside_the_window_of_the_settings_are_counted_and_not_used(is_triggered):
    extra = [("TRIG", "V", trigger(TIMES_S))] if is_triggered else []
    recording = record(draw_emg_uv(TIMES_S), extra=extra)
    settings = Settings.from_dict({"stimulation": [{"window_s": [0, 10], "branch": "zygomatic"}]})
    (found,) = find_stimuli(recording, settings)
    inside = TIMES_S < 10
    np.testing.assert_allclose(times_of(found), TIMES_S[inside], atol=1.01 / RATE_HZ)
    assert found.n_left_out == {"outside_window": (~inside).sum()}
    settings = Settings.from_dict({"stimulation": [{"window_s": [40, 50], "branch": "zygomatic"}]})
    with pytest.raises(NoStimuli, match="40 stimuli lie outside window_s of the settings"):
        find_stimuli(recording, settings)


def test_annotations_outside_the_window_of_the_settings_are_counted_once_and_not_called_unread():
    texts = [(time_s, "Stim R zyg") for time_s in TIMES_S]
    recording = record(draw_emg_uv(TIMES_S), texts)
    settings = Settings.from_dict({"stimulation": [{"window_s": [40, 50]}]})
    with pytest.raises(NoStimuli) as caught:
        find_stimuli(recording, settings)
    assert str(caught.value) == (
        "case.edf: all 40 stimuli lie outside window_s of the settings, [40.0, 50.0]; they are told by "
        "annotation, and the recording ends at 30 s: correct window_s, or leave it out"
    )


def test_a_named_trigger_channel_without_a_pulse_is_told_and_nothing_else_is_taken_for_it():
    named = {"trigger_channel": "X7", "branch": "zygomatic"}
    texts = [(time_s, "StimB") for time_s in TIMES_S]
    recording = record(draw_emg_uv(TIMES_S), texts, extra=[("X7", "V", np.zeros(300_000))])
    with pytest.raises(NoStimuli, match="the trigger channel 'X7' shows no pulse"):
        find_stimuli(recording, Settings.from_dict({"stimulation": named}))
    both = Settings.from_dict({"stimulation": [named, {"annotation": "StimB"}]})
    (found,) = find_stimuli(recording, both)
    assert (found.source, found.branch) == (StimulusSource.ANNOTATION, None)
    assert [problem.code for problem in found.problems] == ["trigger_channel_flat"]


@pytest.mark.parametrize("high", [-1000.0, 1000.0])
@pytest.mark.parametrize("artifacts_s", [TIMES_S, []])  # without them nothing puts the times right
def test_an_ac_coupled_trigger_is_timed_by_the_way_it_goes_first(high, artifacts_s):
    square = trigger(TIMES_S, high=high, width_s=20e-3)
    coupled = np.append(0.0, np.diff(square))
    smooth = np.convolve(coupled, np.exp(-np.arange(40) / 8), mode="full")[: len(coupled)]
    noisy = smooth + np.random.default_rng(2).normal(0, 3, len(smooth))
    (found,) = find_stimuli(record(draw_emg_uv(artifacts_s), extra=[("Trigger", "uV", noisy)]), PLAIN)
    np.testing.assert_allclose(times_of(found), TIMES_S, atol=2 / RATE_HZ)


def test_a_pulse_that_begins_with_a_block_is_not_lost():
    times_s = np.arange(1.0, 45, 1.0)  # blocks of the stream begin at 20 s and 40 s
    extra = [("TRIG", "", trigger(times_s, seconds=46.0))]
    (digital,) = find_stimuli(record(draw_emg_uv(times_s, seconds=46.0), extra=extra), PLAIN)
    extra = [("TRIG", "uV", trigger(times_s, seconds=46.0, noise=0.05))]
    (analogue,) = find_stimuli(record(draw_emg_uv(times_s, seconds=46.0), extra=extra), PLAIN)
    assert len(digital.stimuli) == len(analogue.stimuli) == len(times_s)
    np.testing.assert_allclose(times_of(digital), times_s, atol=1e-7)


def test_a_trigger_beside_muscles_without_artifacts_is_as_exact_as_its_samples():
    for samples, precision_ms in ((trigger(TIMES_S), 0.1), (trigger(TIMES_S, noise=0.05), 0.05)):
        (found,) = find_stimuli(record(draw_emg_uv([]), extra=[("TRIG", "V", samples)]), PLAIN)
        assert found.precision_ms == pytest.approx(precision_ms)


def test_codes_of_a_trigger_channel_become_kinds():
    codes = np.zeros(300_000)
    for index, time_s in enumerate(TIMES_S):
        first = round(time_s * RATE_HZ)
        codes[first : first + 30] = (1, 4)[index % 2]
    found = find_stimuli(record(draw_emg_uv(TIMES_S), extra=[("Trigger", "", codes)]), PLAIN)
    assert [one.text for one in found] == ["Trigger 1", "Trigger 4"]


def test_a_bdf_status_channel_is_read_by_its_low_16_bits():
    flags = np.zeros(300_000) + 0x150000
    flags[150_000:] += 0x80000  # a flag of the amplifier, no trigger
    firsts = np.rint(TIMES_S * RATE_HZ).astype(int)
    for k, first in enumerate(firsts):
        flags[first : first + 30] += (0x5555, 0xAAAA)[k % 2]
    recording = record(draw_emg_uv(TIMES_S), extra=[("Status", "Boolean", flags)], format="BDF+C")
    found = find_stimuli(recording, PLAIN)
    assert [one.text for one in found] == [f"Status {0x5555}", f"Status {0xAAAA}"]
    for k, one in enumerate(found):
        np.testing.assert_allclose(times_of(one), firsts[k::2] / RATE_HZ, atol=1e-7)


def test_a_channel_named_by_the_settings_is_used_and_a_wrong_name_is_refused():
    texts = [(time_s + 0.2, "Stim R zyg") for time_s in TIMES_S]
    recording = record(draw_emg_uv(TIMES_S), texts, extra=[("X7", "V", trigger(TIMES_S))])
    settings = Settings.from_dict({"stimulation": {"trigger_channel": "x7"}})
    (found,) = find_stimuli(recording, settings)
    np.testing.assert_allclose(times_of(found), TIMES_S, atol=1.01 / RATE_HZ)
    wrong = Settings.from_dict({"stimulation": {"trigger_channel": "X8"}})
    with pytest.raises(NoStimuli, match="'X8', but the channels are"):
        find_stimuli(recording, wrong)


def test_a_flat_trigger_channel_is_reported():
    extra = [("Trigger", "V", np.zeros(300_000))]
    (found,) = find_stimuli(record(draw_emg_uv(TIMES_S), extra=extra), PLAIN)
    assert found.source is StimulusSource.ARTIFACT
    assert [problem.code for problem in found.problems] == ["trigger_channel_flat"]


def test_noise_on_a_trigger_channel_is_no_pulse():
    extra = [("Trigger", "V", np.random.default_rng(3).normal(0, 1, 300_000))]
    (found,) = find_stimuli(record(draw_emg_uv(TIMES_S), extra=extra), PLAIN)
    assert found.source is StimulusSource.ARTIFACT


def test_annotations_stand_above_a_trigger_channel_that_counts_otherwise():
    texts = [(time_s, "Stim R zyg") for time_s in TIMES_S]
    extra = [("Trigger", "V", trigger(TIMES_S[:-4]))]
    (found,) = find_stimuli(record(draw_emg_uv(TIMES_S), texts, extra=extra), PLAIN)
    assert found.source is StimulusSource.ANNOTATION
    assert [problem.code for problem in found.problems] == ["trigger_count_differs"]


# --- one record per sweep ------------------------------------------------------------------------------


def sweeps(n_sweeps=20, *, texts=(), stimulus_ms=0.0, record_s=0.1, path=None, artifact_uv=800.0):
    """Make a recording of sweeps 0.1 s long, one a second."""
    starts_s = np.arange(n_sweeps) * 1.0
    segments = [Segment(start_s=start_s, stop_s=start_s + record_s) for start_s in starts_s]
    stimuli_s = np.arange(n_sweeps) * record_s + stimulus_ms / 1e3
    emg_uv = draw_emg_uv(stimuli_s, seconds=n_sweeps * record_s, artifact_uv=artifact_uv)
    annotations = [
        Annotation(time_s=time_s, duration_s=None, text=text, record=record) for time_s, text, record in texts
    ]
    return Recording.from_arrays(
        list(emg_uv),
        rates_hz=RATE_HZ,
        labels=LABELS,
        segments=segments,
        annotations=annotations,
        records_are_segments=True,
        name="case.edf",
        format="EDF+D",
        path=path,
    )


def test_records_tell_where_nothing_else_does():
    (found,) = find_stimuli(sweeps(), PLAIN)
    assert found.source is StimulusSource.RECORD
    np.testing.assert_array_equal(times_of(found), np.arange(20.0))


def test_a_sweep_that_begins_before_its_stimulus_shows_by_the_artifact():
    (found,) = find_stimuli(sweeps(stimulus_ms=8.0), PLAIN)
    np.testing.assert_allclose(times_of(found), np.arange(20.0) + 0.008, atol=1e-4)
    (problem,) = found.problems
    assert problem.code == "marker_offset"
    assert lag_said_ms(problem.message) == pytest.approx(8.0, abs=0.11)


def test_annotations_within_sweeps_stand_above_the_records():
    texts = [(number + 0.02, "Stim R zyg 10 mA", number) for number in range(20)]
    (found,) = find_stimuli(sweeps(texts=texts, stimulus_ms=20.0), PLAIN)
    assert found.source is StimulusSource.ANNOTATION
    np.testing.assert_array_equal(times_of(found), np.arange(20.0) + 0.02)
    assert found.problems == ()


def test_annotation_times_that_count_from_the_record_are_put_right_with_a_problem():
    texts = [(0.02, "Stim R zyg", number) for number in range(20)]
    (found,) = find_stimuli(sweeps(texts=texts, stimulus_ms=20.0), PLAIN)
    np.testing.assert_allclose(times_of(found), np.arange(20.0) + 0.02)
    assert [problem.code for problem in found.problems] == ["annotation_times_relative"]


def test_sweeps_without_a_stimulus_are_counted():
    texts = [(number + 0.02, "Stim R zyg 10 mA", number) for number in range(18)]
    (found,) = find_stimuli(sweeps(texts=texts, stimulus_ms=20.0), PLAIN)
    (problem,) = found.problems
    assert problem.message.startswith("2 of 20 sweeps")


def test_averages_say_how_many_sweeps_they_hold():
    texts = [(number * 1.0, text, number) for number in range(3) for text in ("average of 16", "Baseline")]
    (found,) = find_stimuli(sweeps(3, texts=texts), PLAIN)
    assert found.source is StimulusSource.AVERAGE
    assert [one.n_averaged for one in found.stimuli] == [16, 16, 16]


def test_the_file_of_averages_beside_a_recording_is_told_by_its_name(tmp_path):
    (tmp_path / "R.edf").touch()
    (found,) = find_stimuli(sweeps(3, path=tmp_path / "RA.edf"), PLAIN)
    assert found.source is StimulusSource.AVERAGE
    assert [problem.code for problem in found.problems] == ["average_count_unknown"]
    (found,) = find_stimuli(sweeps(3, path=tmp_path / "QA.edf"), PLAIN)
    assert found.source is StimulusSource.RECORD


# --- the artifact itself -------------------------------------------------------------------------------


@pytest.mark.parametrize("rate_hz", [5_000.0, 10_000.0, 20_000.0])
def test_artifacts_tell_at_the_last(rate_hz):
    recording = record(draw_emg_uv(TIMES_S, rate_hz=rate_hz), rate_hz=rate_hz)
    (found,) = find_stimuli(recording, PLAIN)
    assert found.source is StimulusSource.ARTIFACT
    np.testing.assert_allclose(times_of(found), TIMES_S, atol=1e-3 * found.precision_ms + 1.01 / rate_hz)
    assert found.branch is None


def test_artifacts_are_the_stimuli_where_the_settings_say_that_markers_open_runs():
    """Planted: one annotation for each run of ten stimuli."""
    texts = [(time_s, "Stim R zyg 12 mA") for time_s in TIMES_S[::10]]
    recording = record(draw_emg_uv(TIMES_S), texts)
    (as_marked,) = find_stimuli(recording, PLAIN)
    assert len(as_marked.stimuli) == len(texts)
    settings = Settings.from_dict({"stimulation": {"source": "artifact", "branch": "zygomatic"}})
    (found,) = find_stimuli(recording, settings)
    assert (found.source, found.branch) == (StimulusSource.ARTIFACT, Branch.ZYGOMATIC)
    np.testing.assert_allclose(times_of(found), TIMES_S, atol=3e-4)


def test_each_part_of_a_recording_may_have_its_own_source():
    """Planted: a run for each annotation at first, and an annotation for each stimulus then."""
    later_s = TIMES_S + 30
    texts = [(TIMES_S[0], "Stim R zyg"), *((time_s, "Stim R zyg") for time_s in later_s)]
    recording = record(draw_emg_uv(np.concatenate([TIMES_S, later_s]), seconds=60.0), texts)
    sets = [{"source": "artifact", "window_s": [0, 30]}, {"window_s": [30, 60]}]
    found = find_stimuli(recording, Settings.from_dict({"stimulation": sets}))
    assert [one.source for one in found] == [StimulusSource.ARTIFACT, StimulusSource.ANNOTATION]
    np.testing.assert_allclose(times_of(found[0]), TIMES_S, atol=3e-4)
    np.testing.assert_allclose(times_of(found[1]), later_s, atol=3e-4)


def test_artifacts_that_were_asked_for_and_are_none_are_named():
    settings = Settings.from_dict({"stimulation": {"source": "artifact"}})
    texts = [(time_s, "Stim R zyg") for time_s in TIMES_S]
    with pytest.raises(NoStimuli, match="when it was stimulated: no stimulus artifact recurs"):
        find_stimuli(record(draw_emg_uv(TIMES_S, artifact_uv=0.0, m_wave_uv=0.0), texts), settings)


@pytest.mark.parametrize("blanked_ms", [1.5, 3.0, 8.0])
def test_artifacts_that_a_monitor_blanks_lie_where_it_begins_to(blanked_ms):
    """Found was where it ends, so that every latency was too short by that much, without a word."""
    emg_uv = draw_emg_uv(TIMES_S, m_wave_uv=0.0)
    for time_s in TIMES_S:
        first, stop = round(time_s * RATE_HZ), round((time_s + blanked_ms / 1e3) * RATE_HZ)
        emg_uv[:, first:stop] = 0.0
        emg_uv[:, stop : stop + 10] += 900 * np.exp(-np.arange(10) / 4)
    (found,) = find_stimuli(record(emg_uv), PLAIN)
    np.testing.assert_allclose(times_of(found), TIMES_S, atol=0.3e-3)
    assert [problem.code for problem in found.problems] == ["artifact_blanked"]
    assert found.precision_ms == pytest.approx(blanked_ms, abs=0.4)


def test_polarity_and_size_do_not_move_the_artifacts():
    emg_uv = draw_emg_uv(TIMES_S)
    (found,) = find_stimuli(record(emg_uv), PLAIN)
    (turned,) = find_stimuli(record(-3 * emg_uv), PLAIN)
    np.testing.assert_allclose(times_of(turned), times_of(found), atol=1e-9)


def test_double_pulses_are_told_by_their_artifacts():
    pulses = np.sort(np.concatenate([TIMES_S, TIMES_S + 3e-3]))
    (found,) = find_stimuli(record(draw_emg_uv(pulses, m_wave_uv=0.0)), PLAIN)
    np.testing.assert_allclose(times_of(found), TIMES_S, atol=1e-4)
    np.testing.assert_allclose(
        [one.train_ms for one in found.stimuli], [(0.0, 3.0)] * len(TIMES_S), atol=0.11
    )


def test_channels_of_no_muscle_do_not_hide_that_the_muscle_shows_artifacts():
    emg_uv = draw_emg_uv(TIMES_S)
    others_uv = np.random.default_rng(4).normal(0, 5, (3, emg_uv.shape[1]))
    recording = Recording.from_arrays(
        [emg_uv[0], *others_uv],
        rates_hz=RATE_HZ,
        labels=["Channel 1", "ECG", "EEG C3", "EOG"],
        name="case.edf",
    )
    (found,) = find_stimuli(recording, PLAIN)
    np.testing.assert_allclose(times_of(found), TIMES_S, atol=1.01 / RATE_HZ)


def test_m_waves_spasm_and_heart_are_no_stimuli():
    rng = np.random.default_rng(11)
    emg_uv = draw_emg_uv(TIMES_S, artifact_uv=0.0, m_wave_uv=3000.0)
    unit_ms = np.arange(0, 3, 1e3 / RATE_HZ)
    unit_uv = np.sin(2 * np.pi * unit_ms / 3) * np.hanning(len(unit_ms))
    for burst_s in np.arange(2, 28, 2.3):
        for spike_s in burst_s + np.cumsum(rng.uniform(3e-3, 9e-3, 30)):
            first = round(spike_s * RATE_HZ)
            emg_uv[:, first : first + len(unit_ms)] += rng.uniform(200, 900, (3, 1)) * unit_uv
    beat_ms = np.arange(0, 80, 1e3 / RATE_HZ)
    for beat_s in np.arange(0.5, 29, 0.83):
        first = round(beat_s * RATE_HZ)
        emg_uv[:, first : first + len(beat_ms)] += 400 * np.exp(-(((beat_ms - 40) / 12) ** 2))
    with pytest.raises(NoStimuli, match="no stimulus artifact recurs"):
        find_stimuli(record(emg_uv), PLAIN)


def test_mains_spikes_are_no_stimuli():
    every_10_ms = np.arange(0.5, 29, 0.01)
    with pytest.raises(NoStimuli):
        find_stimuli(record(draw_emg_uv(every_10_ms, m_wave_uv=0.0)), PLAIN)


def test_artifacts_of_two_electrode_positions_become_two_sets():
    emg_uv = draw_emg_uv(TIMES_S, m_wave_uv=0.0)
    half = 150_000
    emg_uv[1, half:] *= -1.0
    emg_uv[2, half:] *= 6.0
    found = find_stimuli(record(emg_uv), PLAIN)
    assert len(found) == 2
    assert sum(len(one.stimuli) for one in found) == len(TIMES_S)
    assert [problem.code for problem in found[0].problems] == ["several_artifact_shapes"]


# --- nothing -------------------------------------------------------------------------------------------


def test_no_stimuli_names_the_file_and_the_way_out_but_no_patient():
    texts = [(1.0, "Anna Muster, born 1961"), (2.0, "Stimulator off"), (3.0, "baseline"), (4.0, " ")]
    with pytest.raises(NoStimuli) as caught:
        find_stimuli(record(draw_emg_uv([]), texts), PLAIN)
    message = str(caught.value)
    assert "case.edf" in message
    assert "none of 3 annotations" in message
    assert "'Stimulator off'" in message
    assert "annotation = " in message
    assert "Muster" not in message
    assert "shows no pulse" not in message  # no channel was named
    assert "window_s" not in message


def test_a_file_that_ends_before_its_first_stimulus_is_told_to_be_cut_off(tmp_path):
    sample = Path(__file__).parents[2] / "sample_data" / "clinic_with_lsr.edf"
    cut = tmp_path / "cut.edf"
    cut.write_bytes(sample.read_bytes()[:100_000])
    with read_recording(cut) as recording, pytest.raises(NoStimuli, match=r"cut off, .*: copy it again"):
        find_stimuli(recording, PLAIN)
    with pytest.raises(NoStimuli) as caught:
        find_stimuli(record(draw_emg_uv([])), PLAIN)
    assert "cut off" not in str(caught.value)


def test_a_pattern_that_matches_nothing_is_no_reason_to_look_elsewhere():
    texts = [(time_s, "Stim R zyg") for time_s in TIMES_S]
    settings = Settings.from_dict({"stimulation": {"annotation": "Schock*"}})
    with pytest.raises(NoStimuli, match=r"none of 40 annotations matches 'Schock\*'") as caught:
        find_stimuli(record(draw_emg_uv(TIMES_S), texts), settings)
    assert "artifact recurs" not in str(caught.value)


def test_a_recording_without_channels_has_no_stimuli():
    with pytest.raises(NoStimuli):
        find_stimuli(Recording.from_arrays([], rates_hz=1000.0, labels=[]), PLAIN)


# --- laws ----------------------------------------------------------------------------------------------


def test_the_order_of_annotations_does_not_matter():
    texts = [(time_s, ("Stim R MM 12 mA", "Stim R zyg 8 mA")[i % 2]) for i, time_s in enumerate(TIMES_S)]
    emg_uv = draw_emg_uv(TIMES_S)
    assert find_stimuli(record(emg_uv, texts[::-1]), PLAIN) == find_stimuli(record(emg_uv, texts), PLAIN)


def test_annotations_moved_with_the_signal_move_the_stimuli_alone():
    texts = [(time_s, "Stim R zyg") for time_s in TIMES_S]
    (found,) = find_stimuli(record(draw_emg_uv(TIMES_S), texts), PLAIN)
    segments = [Segment(start_s=100.0, stop_s=130.0)]
    later = record(draw_emg_uv(TIMES_S), [(time_s + 100, text) for time_s, text in texts], segments=segments)
    (moved,) = find_stimuli(later, PLAIN)
    np.testing.assert_allclose(times_of(moved) - 100, times_of(found), atol=1e-9)


def test_fifty_thousand_annotations_are_sorted_in_little_time():
    times_s = np.arange(50_000) * 0.5 + 0.1
    texts = [(float(time_s), f"Stim R zyg {10 + i % 7} mA") for i, time_s in enumerate(times_s)]
    slow = Recording.from_arrays(
        [np.zeros(2_500_100)],
        rates_hz=100.0,
        labels=["R Mentalis"],
        annotations=[Annotation(time_s=time_s, duration_s=None, text=text) for time_s, text in texts],
    )
    begin = time.process_time()
    (found,) = find_stimuli(slow, PLAIN)
    assert time.process_time() - begin < 3.0  # well under a second on an idle machine
    assert len(found.stimuli) == 50_000


def test_a_recording_that_is_only_a_header_is_told_to_be_one():
    empty = Recording.from_arrays(
        [np.zeros(0)], rates_hz=RATE_HZ, labels=["R Mentalis"], segments=[], name="case.edf"
    )
    with pytest.raises(NoStimuli, match=r"case.edf: holds no data, only a header"):
        find_stimuli(empty, PLAIN)


# --- which source, and which of its marks -------------------------------------------------------------


def test_the_side_of_the_settings_stands_and_a_problem_says_so():
    texts = [(time_s, "Stim R zyg") for time_s in TIMES_S]
    settings = Settings.from_dict({"stimulation": {"side": "left"}})
    (found,) = find_stimuli(record(draw_emg_uv(TIMES_S), texts), settings)
    assert found.side is Side.LEFT
    assert [problem.code for problem in found.problems] == ["side_disagrees"]


def test_a_window_of_the_settings_ends_before_its_end():
    times_s = np.arange(1.0, 20.0)
    texts = [(time_s, "stimulus") for time_s in times_s]
    windows = [{"window_s": [0, 10], "branch": "zygomatic"}, {"window_s": [10, 20], "branch": "temporal"}]
    found = find_stimuli(record(draw_emg_uv(times_s), texts), Settings.from_dict({"stimulation": windows}))
    assert [times_of(one).tolist() for one in found] == [list(range(1, 10)), list(range(10, 20))]


def test_a_pattern_of_the_settings_is_a_shell_pattern_whatever_the_capitals():
    texts = [(time_s, "Schock R zyg 12 mA") for time_s in TIMES_S]
    settings = Settings.from_dict({"stimulation": {"annotation": "schock*"}})
    (found,) = find_stimuli(record(draw_emg_uv(TIMES_S), texts), settings)
    assert len(found.stimuli) == len(TIMES_S)


def test_a_table_of_the_settings_with_a_trigger_channel_takes_no_annotations():
    texts = sorted([(time_s + 0.2, "StimA") for time_s in TIMES_S] + [(29.5, "StimB")])
    settings = Settings.from_dict({"stimulation": [{"trigger_channel": "X7"}, {"annotation": "StimB"}]})
    recording = record(draw_emg_uv(TIMES_S), texts, extra=[("X7", "V", trigger(TIMES_S))])
    assert [(one.source, len(one.stimuli)) for one in find_stimuli(recording, settings)] == [
        (StimulusSource.TRIGGER_CHANNEL, len(TIMES_S)),
        (StimulusSource.ANNOTATION, 1),
    ]


def test_a_trigger_channel_named_beside_annotations_counts_where_there_are_none():
    named = {"annotation": "Stim*", "trigger_channel": "X7", "branch": "zygomatic"}
    settings = Settings.from_dict({"stimulation": named})
    extra = [("X7", "V", trigger(TIMES_S))]
    (found,) = find_stimuli(record(draw_emg_uv(TIMES_S), [(0.5, "Baseline")], extra=extra), settings)
    assert (found.source, len(found.stimuli)) == (StimulusSource.TRIGGER_CHANNEL, len(TIMES_S))
    texts = [(time_s, "Stim R zyg") for time_s in TIMES_S[:-3]]
    (found,) = find_stimuli(record(draw_emg_uv(TIMES_S), texts, extra=extra), settings)
    assert (found.source, len(found.stimuli)) == (StimulusSource.ANNOTATION, len(TIMES_S) - 3)
    with pytest.raises(NoStimuli, match=r"no annotation matches 'Stim\*', and .*'X7', but the channels are"):
        find_stimuli(record(draw_emg_uv(TIMES_S), [(0.5, "Baseline")]), settings)


def test_pulses_half_a_millisecond_apart_are_a_train_and_no_mark_told_twice():
    texts = [(time_s + ms / 1e3, "Stim R zyg") for time_s in TIMES_S for ms in (0.0, 0.5)]
    (found,) = find_stimuli(record(draw_emg_uv([time_s for time_s, _ in texts]), texts), PLAIN)
    np.testing.assert_allclose(found.stimuli[3].train_ms, (0.0, 0.5), atol=1e-3)
    assert found.n_left_out == {}


def test_markers_of_rare_stimuli_are_moved_to_their_artifacts_too():
    """Stimuli every eleven seconds are no series by themselves; markers 12 ms early tell of them."""
    times_s = 2.0 + 11.0 * np.arange(12)
    texts = [(time_s - 0.012, "Stim R zyg") for time_s in times_s]
    (found,) = find_stimuli(record(draw_emg_uv(times_s, seconds=130.0), texts), PLAIN)
    assert [problem.code for problem in found.problems] == ["marker_offset"]
    np.testing.assert_allclose(times_of(found), times_s, atol=3e-4)


def test_a_weak_stimulus_among_strong_ones_is_kept_for_its_intensity():
    weak = np.arange(len(TIMES_S)) % 13 == 6
    intensity_ma = np.where(weak, 0.2, 20.0)
    texts = [(time_s, f"Stim R zyg {ma:g} mA") for time_s, ma in zip(TIMES_S, intensity_ma, strict=True)]
    texts[10] = (TIMES_S[10], "Stim R zyg 0 mA")  # written before the current was set
    emg_uv = draw_emg_uv(TIMES_S, artifact_uv=40 * intensity_ma, m_wave_uv=0.0)
    (found,) = find_stimuli(record(emg_uv, texts), PLAIN)
    assert (len(found.stimuli), found.n_left_out) == (len(TIMES_S), {})


def test_where_half_of_the_marks_show_no_artifact_none_is_doubted():
    texts = [(time_s, "Stim R zyg") for time_s in TIMES_S]
    sizes_uv = np.where(np.arange(len(TIMES_S)) % 2, 800.0, 0.0)
    emg_uv = draw_emg_uv(TIMES_S, artifact_uv=sizes_uv, m_wave_uv=0.0)
    (found,) = find_stimuli(record(emg_uv, texts), PLAIN)
    assert (len(found.stimuli), found.n_left_out) == (len(TIMES_S), {})


def test_a_lag_that_varies_from_stimulus_to_stimulus_is_no_constant_lag():
    lags_s = np.where(np.arange(len(TIMES_S)) % 2, 1e-3, 3e-3)
    texts = [(time_s, "Stim R zyg") for time_s in TIMES_S]
    (found,) = find_stimuli(record(draw_emg_uv(TIMES_S + lags_s), texts), PLAIN)
    assert [problem.code for problem in found.problems] == ["marker_jitter"]
    np.testing.assert_allclose(times_of(found), TIMES_S + lags_s, atol=2e-4)


def test_a_regular_rate_is_no_sign_of_coarse_times():
    times_s = np.arange(1.0, 29.0, 0.5)
    texts = [(time_s, "Stim R zyg") for time_s in times_s]
    (found,) = find_stimuli(record(draw_emg_uv(times_s, artifact_uv=0.0), texts), PLAIN)
    assert found.precision_ms <= 0.5


def test_a_set_of_which_no_stimulus_can_be_used_is_told():
    texts = [(time_s, "Stim R zyg") for time_s in TIMES_S] + [(99.0, "Stim R temporal")]
    (found,) = find_stimuli(record(draw_emg_uv(TIMES_S), texts), PLAIN)
    assert [problem.code for problem in found.problems] == ["stimulus_set_left_out"]


def test_a_trigger_channel_that_counts_a_few_more_than_the_annotations_is_told():
    texts = [(time_s, "Stim R zyg") for time_s in TIMES_S[:-4]]
    recording = record(draw_emg_uv(TIMES_S), texts, extra=[("Trigger", "V", trigger(TIMES_S))])
    (found,) = find_stimuli(recording, PLAIN)
    assert len(found.stimuli) == len(TIMES_S) - 4
    assert [problem.code for problem in found.problems] == ["trigger_count_differs"]


@pytest.mark.parametrize("times_s", [TIMES_S, []], ids=["as often", "silent"])
def test_a_trigger_channel_that_counts_as_the_annotations_or_nothing_is_not_told(times_s):
    texts = [(time_s, "Stim R zyg") for time_s in TIMES_S]
    recording = record(draw_emg_uv(TIMES_S), texts, extra=[("Trigger", "V", trigger(times_s))])
    (found,) = find_stimuli(recording, PLAIN)
    assert (found.source, found.problems) == (StimulusSource.ANNOTATION, ())


# --- what is no pulse ----------------------------------------------------------------------------------


@pytest.mark.parametrize("pulses_s", [np.array([3.0, 9.0, 15.0]), np.arange(1.0, 29.0, 0.02)])
def test_few_or_quick_pulses_of_a_direct_current_input_are_no_stimuli(pulses_s):
    recording = record(draw_emg_uv(TIMES_S), extra=[("DC1", "V", trigger(pulses_s))])
    (found,) = find_stimuli(recording, PLAIN)
    assert found.source is StimulusSource.ARTIFACT


def test_a_segment_that_begins_within_a_pulse_begins_no_stimulus():
    levels = np.zeros(300_000)
    for time_s in (2.0, 4.0, 6.0, 8.0, 12.0, 16.0):
        levels[round(time_s * RATE_HZ) : round(time_s * RATE_HZ) + 30] = 5.0
    levels[100_000:100_020] = 5.0
    segments = (Segment(start_s=0.0, stop_s=10.0), Segment(start_s=20.0, stop_s=40.0))
    recording = record(draw_emg_uv([]), extra=[("TRIG", "V", levels)], segments=segments)
    (found,) = find_stimuli(recording, PLAIN)
    np.testing.assert_allclose(times_of(found), [2, 4, 6, 8, 22, 26])


def test_small_blips_beside_the_pulses_of_an_analogue_trigger_are_no_stimuli():
    samples = trigger(TIMES_S, high=900.0, noise=4.0) + trigger(TIMES_S + 0.3, high=250.0)
    samples -= trigger(TIMES_S[::3], high=350.0)  # lower than the others, but pulses
    (found,) = find_stimuli(record(draw_emg_uv(TIMES_S), extra=[("Trigger", "mV", samples)]), PLAIN)
    assert len(found.stimuli) == len(TIMES_S)


def test_a_flicker_of_a_step_on_a_trigger_channel_is_no_stimulus():
    samples = trigger(TIMES_S)
    samples[50_000:50_010] += 0.01
    samples[120_000:120_400] += 0.01
    (found,) = find_stimuli(record(draw_emg_uv(TIMES_S), extra=[("Trigger", "V", samples)]), PLAIN)
    assert len(found.stimuli) == len(TIMES_S)


def test_a_code_that_gains_a_bit_within_its_pulse_is_the_code_with_that_bit():
    codes = np.zeros(300_000)
    for k, time_s in enumerate(TIMES_S):
        first = round(time_s * RATE_HZ)
        codes[first : first + 30] = 1
        codes[first + 20 : first + 60] = 1 if k % 2 else 3
    found = find_stimuli(record(draw_emg_uv(TIMES_S), extra=[("Trigger", "", codes)]), PLAIN)
    assert {one.text for one in found} == {"Trigger 1", "Trigger 3"}


def test_an_artifact_that_follows_a_few_others_soon_is_no_stimulus():
    both = np.sort(np.concatenate([TIMES_S, TIMES_S[::8] + 0.02]))
    (found,) = find_stimuli(record(draw_emg_uv(both, m_wave_uv=0.0)), PLAIN)
    np.testing.assert_allclose(times_of(found), TIMES_S, atol=3e-4)


def test_stretches_of_nearly_a_second_are_no_sweeps():
    (found,) = find_stimuli(sweeps(record_s=0.9, stimulus_ms=20.0), PLAIN)
    assert found.source is StimulusSource.ARTIFACT


@pytest.mark.parametrize("n_records", [1, 40])
def test_short_records_of_a_continuous_file_are_no_sweeps(tmp_path, n_records):
    channel = quantise(np.zeros(100 * n_records), label="R Mentalis", unit="uV", step_uv=0.1)
    write_continuous(tmp_path / "case.edf", [channel], rate_hz=1000.0, record_s=0.1)
    with read_recording(tmp_path / "case.edf") as recording:
        assert recording.record_duration_s == pytest.approx(0.1)
        assert not holds_sweeps(recording)
