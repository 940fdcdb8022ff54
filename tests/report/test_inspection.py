"""An inspection shows what a file is, and judges nothing."""

import json
from dataclasses import replace

import numpy as np
import pytest

from lsr.errors import NoStimuli, UnknownUnit, UnreadableSamples
from lsr.findings.pairs import find_sites
from lsr.recording import Annotation, Problem, Recording, Segment
from lsr.report.inspection import Inspection, inspect, inspection_as_text
from lsr.settings import Settings


@pytest.fixture
def swept():
    """Three sweeps of 100 ms, one a second, each with its annotation."""
    with Recording.from_arrays(
        [np.zeros(3000), np.zeros(3000)],
        rates_hz=10_000,
        labels=["R Mentalis", "Ch2"],
        segments=[Segment(start_s=float(k), stop_s=k + 0.1) for k in range(3)],
        annotations=[
            Annotation(time_s=k + 0.02, duration_s=None, text="Stimulus right zygomatic 0.2ms x 12mA")
            for k in range(3)
        ],
        problems=[Problem(code="odd_header", message="The header is odd.")],
        name="case.edf",
        format="EDF+D",
    ) as made:
        yield made


def test_channels_come_with_what_they_are_taken_for(swept):
    known, unknown = inspect(swept).channels
    assert (known.label, known.rate_hz, known.unit, known.muscle) == ("R Mentalis", 10_000, "uV", "mentalis")
    assert (unknown.muscle, unknown.side) == (None, None)
    named = inspect(swept, Settings.from_dict({"channels": {"Ch2": {"muscle": "platysma"}}}))
    assert named.channels[1].muscle == "platysma"


def test_gaps_lie_between_the_segments(swept):
    inspection = inspect(swept)
    assert inspection.n_segments == 3
    assert [(gap.start_s, gap.stop_s) for gap in inspection.gaps] == [(0.1, 1.0), (1.1, 2.0)]
    assert inspection.duration_s == pytest.approx(0.3)
    assert inspection.end_s == pytest.approx(2.1)


def test_a_stage_that_began_before_the_recording_is_told_with_a_minus(swept, tmp_path):
    events = tmp_path / "stages.csv"
    events.write_text("time_s,text\n-60,Baseline\n1,Closing\n")
    assert "- baseline: -00:01:00 to 00:00:01" in inspection_as_text(inspect(swept, events=events))


def test_annotations_are_counted_by_their_text(swept):
    (texts,) = inspect(swept).annotations
    assert (texts.count, texts.first_s) == (3, 0.02)


def test_stimuli_are_told_with_source_count_and_intensity(swept):
    (stimuli,) = inspect(swept).stimulation
    assert (stimuli.side, stimuli.branch, stimuli.source) == ("right", "zygomatic", "annotation")
    assert stimuli.n_stimuli + sum(stimuli.n_left_out.values()) == 3


def test_missing_stimuli_are_told_and_are_no_error(swept, monkeypatch):
    import lsr.stimuli

    def find_nothing(recording, settings):
        raise NoStimuli("nothing tells of stimuli; name them with annotation")

    monkeypatch.setattr(lsr.stimuli, "find_stimuli", find_nothing)
    inspection = inspect(swept)
    assert inspection.stimulation == []
    assert "name them with annotation" in inspection.no_stimuli
    assert "No stimuli: nothing tells" in inspection_as_text(inspection)


def test_everything_odd_is_told(swept):
    assert "odd_header" in [problem.code for problem in inspect(swept).problems]
    assert "The header is odd. [odd_header]" in inspection_as_text(inspect(swept))


def test_an_inspection_survives_json(swept):
    inspection = inspect(swept)
    assert (
        Inspection.model_validate(json.loads(json.dumps(inspection.to_dict(), allow_nan=False))) == inspection
    )


def test_every_line_fits_the_terminal(swept):
    many = [
        replace(swept.annotations[0], text=f"a long text of annotation number {k} " * 4) for k in range(30)
    ]
    swept.annotations = (*swept.annotations, *many)
    text = inspection_as_text(inspect(swept))
    assert max(map(len, text.splitlines())) <= 80
    assert "11 other texts" in text


def test_samples_that_cannot_be_read_are_no_missing_stimuli(swept, monkeypatch):
    import lsr.stimuli

    def fail(recording, settings):
        raise UnreadableSamples("case.edf: the disk failed")

    monkeypatch.setattr(lsr.stimuli, "find_stimuli", fail)
    with pytest.raises(UnreadableSamples, match="disk failed"):
        inspect(swept)


def test_a_trigger_channel_that_is_not_there_is_told_beside_the_channels_that_are(swept):
    inspection = inspect(swept, Settings.from_dict({"stimulation": {"trigger_channel": "DC9"}}))
    assert "'DC9'" in inspection.no_stimuli
    assert len(inspection.channels) == 2


def test_channels_that_are_no_muscle_are_told_as_what_they_are_taken_for(swept):
    pulses = np.zeros((2, 30_000))
    pulses[1] = np.where(np.arange(30_000) % 5000 < 50, 5.0, 0.0)
    with Recording.from_arrays(
        [*pulses, *pulses], rates_hz=10_000, labels=["R Mentalis", "DC1", "Ch2", "Ch3"], units=["uV", "V"] * 2
    ) as recording:
        settings = {"channels": {"Ch2": {"relation": "target"}, "Ch3": {"relation": "ignore"}}}
        inspection = inspect(recording, Settings.from_dict(settings))
    assert [one.is_trigger for one in inspection.channels] == [False, True, False, False]
    assert [one.relation for one in inspection.channels] == [None, None, "target", "ignore"]
    assert inspection.stimulation[0].trigger_channel == "DC1"
    text = inspection_as_text(inspection)
    rows = {line[:10].rstrip(): line[54:] for line in text.splitlines() if "10000" in line}
    assert rows == {
        "R Mentalis": "mentalis",
        "DC1": "trigger",
        "Ch2": "target, as set",
        "Ch3": "nothing: ignored",
    }
    assert "told by trigger channel 'DC1'" in " ".join(text.split())


@pytest.mark.parametrize("unit", ["", "furlong", "%"])
def test_a_muscle_without_a_voltage_is_odd_unless_it_is_left_out(unit):
    with Recording.from_arrays(
        np.zeros((2, 10_000)), rates_hz=10_000, labels=["R Ment", "DC1"], units=[unit, ""]
    ) as recording:
        (odd,) = [one for one in inspect(recording).problems if one.code == "no_voltage"]
        with pytest.raises(UnknownUnit) as refused:
            find_sites(recording, Settings())
        left_out = inspect(recording, Settings.from_dict({"channels": {"R Ment": {"relation": "ignore"}}}))
    for told in (odd.message, str(refused.value)):
        assert "'R Ment'" in told
        assert '[channels] "R Ment" = { relation = "ignore" }' in told
    assert left_out.problems == []
