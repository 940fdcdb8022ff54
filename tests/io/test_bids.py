"""The sidecars of an EMG-BIDS data set tell muscles, units, stimuli and stages."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

import lsr
from lsr.anatomy import Branch, Muscle, Side
from lsr.io.bids_names import all_sidecars, find_bids_name, find_recordings, find_sidecars
from lsr.stages import find_stages
from lsr.stimuli import find_stimuli
from lsr.synthetic.edf_writer import EdfChannel, EdfText, write_continuous, write_discontinuous

STEM = "sub-01_task-lsr"
RATE_HZ = 5000.0
PULSES_S = [1.0 + 0.5 * number for number in range(12)]


def _channels(labels, units, n_samples):
    noise = np.random.default_rng(5).integers(-50, 50, (len(labels), n_samples)).astype(np.int16)
    return [
        EdfChannel(label=label, unit=unit, step=0.1, digital=row)
        for label, unit, row in zip(labels, units, noise, strict=True)
    ]


@pytest.fixture
def dataset(tmp_path):
    """Write a data set of one recording: tables as rows, JSON as dicts; gives the path."""

    def write(*, labels=("E1", "E2"), units=("uV", "uV"), texts=(), gap=False, **sidecars):
        emg = tmp_path / "sub-01" / "emg"
        emg.mkdir(parents=True, exist_ok=True)
        path = emg / f"{STEM}_emg.edf"
        notes = [EdfText(time_s=time_s, text=text) for time_s, text in texts]
        channels = _channels(labels, units, round(8 * RATE_HZ))
        if gap:
            starts = np.array([0.0, 1.0, 2.0, 3.0, 104.0, 105.0, 106.0, 107.0])
            write_discontinuous(path, channels, record_starts_s=starts, record_s=1.0, texts=notes)
        else:
            write_continuous(path, channels, rate_hz=RATE_HZ, texts=notes)
        for name, content in sidecars.items():
            if isinstance(content, dict):
                (emg / f"{STEM}_{name.removesuffix('_json')}.json").write_text(json.dumps(content))
            else:
                (emg / f"{STEM}_{name}.tsv").write_text("\n".join("\t".join(row) for row in content) + "\n")
        return path

    return write


def _events(*columns, rows):
    return [["onset", "duration", *columns], *[[str(cell) for cell in row] for row in rows]]


def _sets(path):
    with lsr.read_recording(path) as recording:
        return find_stimuli(recording, lsr.Settings())


def _problems(path):
    with lsr.read_recording(path) as recording:
        return [problem.code for problem in recording.problems]


def _channels_read(path):
    with lsr.read_recording(path) as recording:
        return recording.channels


def test_muscle_and_side_come_from_the_channels_table(dataset):
    path = dataset(
        channels=[
            ["name", "type", "units", "target_muscle", "description"],
            ["E2", "EMG", "uV", "right mentalis", "n/a"],
            ["E1", "EMG", "uV", "orbicularis oculi", "electrodes on the right side"],
        ]
    )
    first, second = _channels_read(path)
    assert (first.muscle, first.side) == (Muscle.ORBICULARIS_OCULI, Side.RIGHT)
    assert (second.muscle, second.side) == (Muscle.MENTALIS, Side.RIGHT)


def test_a_table_stands_above_labels_and_says_so(dataset):
    rows = [["name", "type", "units", "target_muscle"], ["R Ment", "EMG", "uV", "left frontalis"]]
    path = dataset(labels=("R Ment", "R Nas"), channels=rows)
    first, second = _channels_read(path)
    assert (first.muscle, first.side) == (Muscle.FRONTALIS, Side.LEFT)
    assert second.muscle is Muscle.NASALIS  # the table says nothing of it
    assert _problems(path) == ["bids_muscle_differs"]


@pytest.mark.parametrize(
    ("row", "code"),
    [
        (["R Ment", "EMG", "uV", "n/a", "bad", "fell off"], "bids_channel_bad"),
        (["R Ment", "EMG", "uV", "biceps", "good", "n/a"], "bids_muscle_unknown"),
        (["R Ment", "EMG", "mV", "n/a", "good", "n/a"], "bids_units_differ"),
        (["gone", "EMG", "uV", "n/a", "good", "n/a"], "bids_channel_missing"),
    ],
)
def test_what_is_odd_about_a_channel_is_told(dataset, row, code):
    head = ["name", "type", "units", "target_muscle", "status", "status_description"]
    path = dataset(labels=("R Ment", "R Nas"), channels=[head, row])
    assert _problems(path) == [code]
    assert (_channels_read(path)[0].muscle is None) == (code == "bids_channel_bad")


def test_why_a_channel_is_bad_is_told_only_in_words_of_the_field(dataset):
    head = ["name", "type", "units", "status", "status_description"]
    rows = [
        ["R Ment", "EMG", "uV", "bad", "Greta Mustermann moved"],
        ["R Nas", "EMG", "uV", "bad", "artifact"],
    ]
    with lsr.read_recording(dataset(labels=("R Ment", "R Nas"), channels=[head, *rows])) as recording:
        first, second = (problem.message for problem in recording.problems)
    assert first == "channel 'R Ment': channels.tsv marks it bad; it is left out"
    assert "(artifact)" in second


@pytest.mark.parametrize(
    "cells", [["R Ment", "EMG", "uV", "bad"], ["R Ment", "EMG", "uV", "n/a", "bad", "more"]]
)
def test_a_row_with_a_cell_too_few_or_too_many_is_an_error(dataset, cells):
    head = ["name", "type", "units", "target_muscle", "status"]
    path = dataset(labels=("R Ment", "R Nas"), channels=[head, ["R Nas", "EMG", "uV", "n/a", "good"], cells])
    with pytest.raises(
        lsr.MalformedRecording, match=rf"channels\.tsv, line 3: {len(cells)} cells below 5 col"
    ):
        lsr.read_recording(path)


def test_a_channel_of_another_kind_is_no_muscle(dataset):
    path = dataset(labels=("R Ment", "R Nas"), channels=[["name", "type", "units"], ["R Ment", "MISC", "uV"]])
    assert [channel.muscle for channel in _channels_read(path)] == [None, Muscle.NASALIS]


def test_a_unit_that_the_file_leaves_open_comes_from_the_table(dataset):
    rows = [["name", "type", "units"], ["E1", "EMG", "mV"], ["E2", "EMG", "n/a"]]
    path = dataset(units=("", ""), channels=rows)
    first, second = _channels_read(path)
    assert (first.is_voltage, first.unit, second.is_voltage) == (True, "mV", False)
    with lsr.read_recording(path) as recording:
        block = next(recording.stream([0], seconds=1.0))
        np.testing.assert_allclose(block.samples[0], recording.read_digital(0)[:5000] * 100.0, rtol=1e-4)


def test_stimuli_and_stages_come_from_the_events(dataset):
    rows = [(0.5, "n/a", "Baseline"), *[(time_s, 0, "Stim R zyg 12 mA") for time_s in PULSES_S]]
    path = dataset(events=_events("trial_type", rows=rows), texts=[(0.2, "Stim left buccal")])
    (one,) = _sets(path)
    assert (one.side, one.branch) == (Side.RIGHT, Branch.ZYGOMATIC)
    assert [stimulus.time_s for stimulus in one.stimuli] == PULSES_S
    assert {stimulus.intensity_ma for stimulus in one.stimuli} == {12.0}
    assert _problems(path) == ["bids_events_differ"]
    with lsr.read_recording(path) as recording:
        (stage,) = find_stages(recording, lsr.Settings().course)
    assert (stage.name, stage.start_s) == ("baseline", 0.5)


def test_columns_of_their_own_tell_side_branch_and_current(dataset):
    rows = [(time_s, 0, "stimulus", "right", "buccal", 8 + (k % 2)) for k, time_s in enumerate(PULSES_S)]
    columns = ("trial_type", "side", "stimulated_branch", "current")
    path = dataset(
        events=_events(*columns, rows=rows), events_json={"current": {"Description": "c", "Units": "mA"}}
    )
    (one,) = _sets(path)
    assert (one.side, one.branch) == (Side.RIGHT, Branch.BUCCAL)
    assert [stimulus.intensity_ma for stimulus in one.stimuli[:2]] == [8.0, 9.0]


def test_levels_and_parameters_tell_what_a_code_means(dataset):
    rows = [(time_s, 0, "1") for time_s in PULSES_S]
    levels = {"value": {"Levels": {"1": "Stimulus right zygomatic branch", "2": "pause"}}}
    path = dataset(
        events=_events("value", rows=rows),
        events_json=levels,
        emg={"ElectricalStimulationParameters": "single pulses of 0.2 ms, 12.5 mA"},
    )
    (one,) = _sets(path)
    assert (one.side, one.branch) == (Side.RIGHT, Branch.ZYGOMATIC)
    assert (one.stimuli[0].intensity_ma, one.stimuli[0].pulse_width_ms) == (12.5, 0.2)


def test_a_column_of_stages_opens_a_stage_where_it_changes(dataset):
    stages = ["baseline"] * 6 + ["decompression"] * 6
    rows = [(time_s, 0, "stim", stage) for time_s, stage in zip(PULSES_S, stages, strict=True)]
    path = dataset(events=_events("trial_type", "stage", rows=rows))
    with lsr.read_recording(path) as recording:
        found = find_stages(recording, lsr.Settings().course)
    assert [(stage.name, stage.start_s) for stage in found] == [("baseline", 1.0), ("decompression", 4.0)]


def test_annotations_stay_where_events_tell_of_no_stimulus(dataset):
    texts = [(0.5, "Baseline"), *[(time_s, "Stim right zygomatic") for time_s in PULSES_S]]
    path = dataset(
        texts=texts, events=_events("trial_type", rows=[(0.5, 0, "Baseline"), (4.2, 0, "Closing")])
    )
    (one,) = _sets(path)
    assert len(one.stimuli) == len(PULSES_S)
    with lsr.read_recording(path) as recording:
        assert sum(note.text == "Baseline" for note in recording.annotations) == 1
        assert [s.name for s in find_stages(recording, lsr.Settings().course)] == ["baseline", "closing"]


@pytest.mark.parametrize(("kind", "n_stimuli"), [("continuous", 6), ("discontinuous", 3)])
def test_events_that_overlook_gaps_are_not_trusted(dataset, kind, n_stimuli):
    times = [0.5, 1.5, 2.5, 104.5, 105.5, 106.5]
    path = dataset(
        gap=True,
        texts=[(time_s, "Stim right zygomatic") for time_s in times],
        events=_events("trial_type", rows=[(time_s, 0, "Stim right zygomatic") for time_s in times[:3]]),
        emg={"RecordingType": kind},
    )
    (one,) = _sets(path)
    assert len(one.stimuli) == n_stimuli
    expected = "bids_gaps_ignored" if kind == "continuous" else "bids_events_differ"
    assert expected in _problems(path)


def test_sidecars_are_inherited_and_the_nearer_stands_above(dataset, tmp_path):
    path = dataset(emg={"PowerLineFrequency": 50})
    (tmp_path / "emg.json").write_text('{"RecordingType": "continuous"}')
    (tmp_path / "task-lsr_events.tsv").write_text("onset\tduration\n")
    (tmp_path / "task-other_events.tsv").write_text("onset\tduration\n")
    (tmp_path / "sub-01" / "sub-01_task-lsr_channels.tsv").write_text("name\ttype\tunits\n")
    named = find_bids_name(path)
    assert [one.name for one in find_sidecars(named, "emg", ".json")] == ["emg.json", f"{STEM}_emg.json"]
    assert [one.name for one in find_sidecars(named, "events", ".tsv")] == ["task-lsr_events.tsv"]
    assert len(all_sidecars(named)) == 4


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("events.tsv", "onset,duration\n1,0\n", "needs 'onset'"),
        ("events.tsv", "onset\tduration\ttrial_type\nsoon\t0\tstim\n", "line 2: onset is 'soon'"),
        ("events.tsv", "onset\tduration\nn/a\t0\n", "line 2: onset is 'missing'"),
        ("events.tsv", "onset\tduration\n1\t0\tstim\n", "line 2: 3 cells below 2 columns"),
        ("channels.tsv", "", "needs 'name'"),
        ("emg.json", "{", "not valid JSON"),
        ("emg.json", "[]", "no JSON object"),
    ],
)
def test_a_broken_sidecar_is_refused_by_name_and_place(dataset, name, content, told):
    path = dataset()
    path.with_name(f"{STEM}_{name}").write_text(content)
    with pytest.raises(lsr.MalformedRecording, match=name) as error:
        lsr.read_recording(path)
    assert told in str(error.value)


def test_the_same_file_elsewhere_has_no_sidecars(dataset, tmp_path):
    path = dataset(
        channels=[["name", "type", "units", "target_muscle"], ["E1", "EMG", "uV", "right mentalis"]]
    )
    shutil.copy(path, tmp_path / path.name)
    assert _channels_read(tmp_path / path.name)[0].muscle is None


def test_recordings_are_found_by_subject_and_session(tmp_path):
    for place in ("sub-01/emg/sub-01_task-a_emg.edf", "sub-02/ses-1/emg/sub-02_ses-1_task-a_emg.bdf"):
        (tmp_path / place).parent.mkdir(parents=True)
        (tmp_path / place).touch()
    (tmp_path / "sub-01/emg/sub-01_task-a_emg.json").touch()
    found = find_recordings(tmp_path)
    assert [(one.subject, one.folder.as_posix()) for one in found] == [
        ("01", "sub-01/emg"),
        ("02", "sub-02/ses-1/emg"),
    ]
    assert [one.subject for one in find_recordings(tmp_path, ["sub-02"])] == ["02"]
    assert isinstance(found[0].path, Path)


def test_a_link_to_a_file_elsewhere_has_the_sidecars_of_its_own_name(dataset, tmp_path):
    path = dataset(
        channels=[["name", "type", "units", "target_muscle"], ["E1", "EMG", "uV", "right mentalis"]]
    )
    (tmp_path / "store").mkdir()
    path.rename(tmp_path / "store" / "MD5E-1234")
    path.symlink_to(tmp_path / "store" / "MD5E-1234")
    assert _channels_read(path)[0].muscle is Muscle.MENTALIS
    with lsr.read_recording(path) as recording:
        assert recording.name == path.name
    from lsr.io.signatures import files_of

    assert [one.name for one in files_of(path)] == [f"{STEM}_emg.edf", f"{STEM}_channels.tsv"]
