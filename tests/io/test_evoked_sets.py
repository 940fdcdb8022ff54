"""Sets of evoked sweeps as EDF+ files hold them, from the bytes to the stimuli and their sweeps."""

from __future__ import annotations

import numpy as np
import pytest

import lsr
from lsr.anatomy import Branch, Side
from lsr.detection.detection import Presence
from lsr.io.registry import read_recording
from lsr.settings import Settings
from lsr.stimuli import StimulusSource, find_stimuli
from lsr.synthetic import draw_sweeps

RATE_HZ = 10_000
RECORD_S = 0.1
ONE_SIDE = ("Orb_Oc", "Mentalis", "Frontalis", "Nasalis")


def tal(time_s, *texts):
    return f"{time_s:+.6f}\x14".encode() + b"".join(text.encode() + b"\x14" for text in texts) + b"\0"


def xml_note(site="right zygomatic", ma=15.3):
    return (
        '<EDF_XMLnote>\n<Stimulus_zyg><duration unit="ms">0.2</duration>\n'
        f'<intensity mode="current" unit="mA">{ma}</intensity>\n<position>{site}</position></Stimulus_zyg>\n'
        "</EDF_XMLnote>"
    )


MEASURES = '<EDF_XMLnote><measurements><latency unit="ms">9.8</latency></measurements></EDF_XMLnote>'
STRENGTH = '<EDF_XMLnote><settings><current unit="mA">11.5</current></settings></EDF_XMLnote>'


@pytest.fixture
def sweeps(drawn, keep_time, write_edf, saved):
    """Write a file of sweeps: noise with an artifact; texts by record, as bytes of annotation lists."""

    def write(
        texts, starts_s, *, labels=("EMG R_Orb_Oc", "EMG R_Mentalis"), at_ms=0.0, more=(), name="R.edf"
    ):
        rng = np.random.default_rng(4)
        signals = []
        for label in labels:
            stored = rng.normal(0, 30, (len(starts_s), round(RECORD_S * RATE_HZ)))
            first = round(at_ms * RATE_HZ / 1e3)
            stored[:, first : first + 2] += 5000 if at_ms >= 0 else 0
            signals.append(drawn(label=label, stored=stored.astype(int)))
        keeping = keep_time([f"{start_s:+.6f}" for start_s in starts_s], texts)
        extra = [drawn(label="EDF Annotations", notes=notes) for notes in more]
        return saved(write_edf([signals[0], keeping, *signals[1:], *extra], str(RECORD_S), "EDF+D"), name)

    return write


def stimuli_of(path, settings=None):
    with read_recording(path) as recording:
        return find_stimuli(recording, settings or Settings())


STARTS_S = 0.5 * np.arange(12)


def test_left_and_right_stimuli_in_turn_are_two_sets_of_one_file_with_eight_signals(sweeps):
    labels = [f"EMG {side}_{muscle}" for side in "RL" for muscle in ONE_SIDE]
    texts = [tal(t, f"Stimulus {('right', 'left')[k % 2]} zygomatic 12mA") for k, t in enumerate(STARTS_S)]
    path = sweeps(texts, STARTS_S, labels=labels)
    right, left = stimuli_of(path)
    assert [(one.side, one.branch, len(one.stimuli)) for one in (right, left)] == [
        (Side.RIGHT, Branch.ZYGOMATIC, 6),
        (Side.LEFT, Branch.ZYGOMATIC, 6),
    ]
    np.testing.assert_array_equal([one.time_s for one in left.stimuli], STARTS_S[1::2])
    report = lsr.analyze(path)
    assert {(pair.stimulation, pair.channel.split()[1][0]) for pair in report.pairs} == {
        ("S1", "R"),
        ("S2", "L"),
    }
    assert len(report.pairs) == 8


def test_each_kind_of_stimulus_has_its_own_text_and_becomes_its_own_set(sweeps):
    texts = [tal(t, f"Stim{'ABC'[k % 3]}") for k, t in enumerate(STARTS_S)]
    assert [one.text for one in stimuli_of(sweeps(texts, STARTS_S))] == ["StimA", "StimB", "StimC"]


@pytest.mark.parametrize("mark", ["Stimulus_zyg", None])
@pytest.mark.parametrize("stimulus_ms", [0.0, 10.0])
def test_an_xml_note_tells_strength_and_site_of_the_stimulus_of_its_record(sweeps, mark, stimulus_ms):
    texts = []
    for k, t in enumerate(STARTS_S):
        marks = tal(t + stimulus_ms / 1e3, mark) if mark else b""
        at = t if mark else t + stimulus_ms / 1e3
        texts.append(marks + tal(at, xml_note(ma=10 + k)) + tal(at, MEASURES))
    (found,) = stimuli_of(sweeps(texts, STARTS_S, at_ms=stimulus_ms))
    assert (found.side, found.branch) == (Side.RIGHT, Branch.ZYGOMATIC)
    np.testing.assert_allclose([one.time_s for one in found.stimuli], STARTS_S + stimulus_ms / 1e3)
    assert [one.intensity_ma for one in found.stimuli] == list(range(10, 22))
    assert {one.pulse_width_ms for one in found.stimuli} == {0.2}
    assert {one.train_ms for one in found.stimuli} == {(0.0,)}


def test_an_xml_note_that_only_states_the_current_makes_no_stimulus_but_adds_to_one(sweeps):
    texts = [tal(t + 0.01, "Stim R zyg") + tal(t, STRENGTH) for t in STARTS_S]
    (found,) = stimuli_of(sweeps(texts, STARTS_S, at_ms=10.0))
    assert {one.intensity_ma for one in found.stimuli} == {11.5}


@pytest.mark.parametrize("late_ms", [0.0, 1.0, 3.0])
def test_sweeps_that_begin_with_their_stimulus_or_after_it_show_the_response(
    drawn, keep_time, write_edf, saved, late_ms
):
    """The pulse, and its annotation, may precede the record that holds the response to it."""
    truth = draw_sweeps(seed=3, rate_hz=RATE_HZ, before_ms=5.0, snr=20, latency_ms=9.5, between_samples=False)
    first = int(np.argmin(np.abs(truth.time_ms - late_ms)))
    kept = slice(first, first + round(RECORD_S * RATE_HZ) - 100)
    signals = [
        drawn(label=label, stored=np.clip(np.rint(emg_uv[:, kept] * 10), -32768, 32767).astype(int))
        for label, emg_uv in (("EMG R_Orb_Oc", truth.direct_emg_uv), ("EMG R_Mentalis", truth.emg_uv))
    ]
    starts_s = 0.5 * np.arange(20) + late_ms / 1e3
    texts = [tal(t - late_ms / 1e3, "Stimulus right zygomatic 0.2ms x 12mA") for t in starts_s]
    keeping = keep_time([f"{t:+.6f}" for t in starts_s], texts)
    report = lsr.analyze(saved(write_edf([*signals, keeping], "0.09", "EDF+D")))
    pair = report.pairs[1]
    assert pair.n_stimuli_used == 20
    assert pair.presence is Presence.PRESENT
    assert pair.onset_latency_ms == pytest.approx(truth.truth.onset_ms, abs=0.5)


def test_stimuli_are_read_from_every_annotation_signal(sweeps):
    texts = [tal(t, "Stim R zyg 12 mA") for t in STARTS_S]
    nothing = [b""] * len(STARTS_S)
    for first, others in ((nothing, [texts]), (texts, [nothing]), (nothing, [nothing, texts])):
        (found,) = stimuli_of(sweeps(first, STARTS_S, more=others))
        assert len(found.stimuli) == 12
    counts = [tal(t, "Average of 8 sweeps") for t in STARTS_S]
    (found,) = stimuli_of(sweeps(texts, STARTS_S, more=[counts]))
    assert found.source is StimulusSource.AVERAGE
    assert {one.n_averaged for one in found.stimuli} == {8}


@pytest.mark.parametrize(
    "count",
    [
        "14 sweeps accepted, 2 rejected",
        "2 sweeps rejected, 14 accepted",
        "accepted: 14, rejected: 2",
        "Number of sweeps 14",
        "<EDF_XMLnote><average><sweeps><accepted>14</accepted><rejected>2</rejected></sweeps></average></EDF_XMLnote>",
        '<EDF_XMLnote><sweeps mode="rejected">2</sweeps><sweeps mode="accepted">14</sweeps></EDF_XMLnote>',
    ],
)
def test_a_derived_file_of_averages_tells_how_many_sweeps_each_holds(sweeps, count):
    texts = [tal(t, "Stim R zyg 12 mA", count) for t in STARTS_S[:3]]
    sweeps(texts, STARTS_S[:3])
    (found,) = stimuli_of(sweeps(texts, STARTS_S[:3], name="RA.edf"))
    assert (found.source, found.text) == (StimulusSource.AVERAGE, "Stim R zyg")
    assert [one.n_averaged for one in found.stimuli] == [14, 14, 14]
    assert found.problems == ()


def test_averages_beside_single_sweeps_are_not_counted_among_them(sweeps):
    texts = [tal(t, "Stim R zyg 12 mA") for t in STARTS_S]
    texts[-1] = tal(STARTS_S[-1], "Stim R zyg 12 mA", "Average of 11 sweeps")
    single, averages = stimuli_of(sweeps(texts, STARTS_S))
    assert (single.source, len(single.stimuli)) == (StimulusSource.ANNOTATION, 11)
    assert (averages.source, [one.n_averaged for one in averages.stimuli]) == (StimulusSource.AVERAGE, [11])
    assert [problem.code for problem in averages.problems] == ["averages_beside_sweeps"]
