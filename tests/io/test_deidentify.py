"""Copies that tell nothing of the patient, and all of the EMG."""

from __future__ import annotations

import numpy as np
import pytest

from lsr.errors import RecordingError, UnknownFormat
from lsr.io.deidentify import deidentify
from lsr.io.registry import read_recording

KEPT = (
    "Stim right zygomatic 15.3 mA",
    "Stimulus right zygomatic 0.2ms x 15.3mA",
    "Baseline",
    "Teflon inserted",
    "StimB",
    "<EDF_XMLnote><intensity>12.5</intensity></EDF_XMLnote>",
)
KEPT_TOO = (
    "Stim 1 12 mA",
    "Stimulus 1: 12 mA",
    "Stim 3 (12 mA)",
    "Stim #3 10.5 mA",
    "Stim 1,5 mA",
    "Stim 12.125 mA",
    "Stim 3.000 Hz",
    "Stimulus 0.2ms x 15.345mA",
    "Stim right \u2013 12\u00a0mA",
    "12",
    "Stimulus 12-14 mA",
    "Threshold 0.0002 s",
    "12.5 \u00b5V",
    "2 of 20 rejected",
    "Sweeps 12-14",
    "12-14 mA",
    "",
)
NUMBERS_OF_PERSONS = (
    "04.07.57",
    "M 04/07/57",
    "57-07-04",
    "123 456 789",
    "n 123-45-678",
    "030.1234 567.8901",
    "n 471.1815",
    "stimulus 4/7/57",
    "stimulus 4 7 57 mA",
    "n 471 181 mA",
    "\u24c2\u24e4\u24e2\u24e3\u24d4\u24e1",
    "stimulus \u5f35",
)
BLANKED = ("Anna Secret 02.05.1951", "Stim by Dr Who", "1951", "0234567", "Secret: baseline", "Nähe Secret")


@pytest.fixture
def case(write_edf, drawn, keep_time, saved):
    extra = [
        f"+{record}.25\x15{record}.5\x14{kept}\x14{blanked}\x14\0".encode()
        for record, (kept, blanked) in enumerate(zip(KEPT, BLANKED, strict=True))
    ]
    extra[2] += b"\0Secret without an onset\0"
    rng = np.random.default_rng(6)
    signals = [
        drawn(
            stored=rng.integers(-32768, 32767, (6, 50)),
            fields={"transducer": "Electrode of Secret", "prefilter": "HP:10Hz", "reserved": "Secret"},
        ),
        keep_time([f"+{record}" for record in range(6)], extra),
    ]
    fixed = {"reserved": "EDF+C Secret", "n_records": "-1"}
    return saved(write_edf(signals, fixed=fixed, tail=b"Secret trailing bytes"))


def test_nothing_of_the_patient_stays(case, tmp_path):
    deidentify(case, tmp_path / "out.edf")
    raw = (tmp_path / "out.edf").read_bytes()
    for word in (
        b"Secret",
        b"Anna",
        b"MCH",
        b"1951",
        b"0234567",
        b"Tech",
        b"Device",
        b"Who",
        b"MAR-2023",
        b"02.03.23",
    ):
        assert word not in raw
    assert raw[8:88].strip() == b"X X X X"
    assert raw[88:168].strip() == b"Startdate X X X X"
    assert not (tmp_path / "out.edf.part").exists()


def test_times_stimuli_and_samples_stay_bit_for_bit(case, tmp_path):
    deidentify(case, tmp_path / "out.edf")
    with read_recording(case) as before, read_recording(tmp_path / "out.edf") as after:
        np.testing.assert_array_equal(before.read_digital(0), after.read_digital(0))
        np.testing.assert_array_equal(before.record_times_s, after.record_times_s)
        assert before.channels[0].resolution_uv == after.channels[0].resolution_uv
        assert after.channels[0].prefilter == "HP:10Hz"
        assert after.start is None
        assert after.start_clock == before.start_clock
        places = [(a.time_s, a.duration_s, a.record) for a in before.annotations]
        assert [(a.time_s, a.duration_s, a.record) for a in after.annotations] == places
        assert [a.text for a in after.annotations[::2]] == list(KEPT)
        assert {a.text for a in after.annotations[1::2]} == {"X"}


@pytest.mark.parametrize(
    ("text", "stays"), [(t, True) for t in KEPT_TOO] + [(t, False) for t in NUMBERS_OF_PERSONS]
)
def test_numbers_stay_where_words_say_what_of(
    write_edf, drawn, keep_time, count_up, saved, tmp_path, text, stays
):
    notes = keep_time(["+0"], [f"+0.5\x14{text}\x14".encode()])
    deidentify(saved(write_edf([drawn(stored=count_up(1, 50)), notes])), tmp_path / "out.edf")
    with read_recording(tmp_path / "out.edf") as after:
        assert [a.text for a in after.annotations] == ([text] if stays else ["X"]) * bool(text)


def test_times_of_other_forms_stay(write_edf, drawn, keep_time, count_up, saved, tmp_path):
    extra = [b"+0,5\x150,2\x14Stim\x14\0+0.6\x1504.07.1957\x14Stim\x14", b""]
    source = saved(write_edf([drawn(stored=count_up(2, 50)), keep_time(["+0", "+5,5"], extra)], kind="EDF+D"))
    deidentify(source, tmp_path / "out.edf")
    with read_recording(tmp_path / "out.edf") as after:
        assert after.record_times_s.tolist() == [0.0, 5.5]
        assert [(a.time_s, a.duration_s, a.text) for a in after.annotations] == [
            (0.5, 0.2, "Stim"),
            (0.6, None, "Stim"),
        ]
    assert b"1957" not in (tmp_path / "out.edf").read_bytes()


def test_free_text_of_the_header_goes(write_edf, drawn, count_up, saved, tmp_path):
    fields = {"prefilter": "HP:10Hz Anna", "unit": "Secret"}
    source = saved(write_edf([drawn(stored=count_up(1, 50), fields=fields)], fixed={"time": "04.07.57x"[:8]}))
    deidentify(source, tmp_path / "out.edf")
    raw = (tmp_path / "out.edf").read_bytes()
    assert b"Anna" not in raw
    assert b"Secret" not in raw
    with read_recording(source) as before, read_recording(tmp_path / "out.edf") as after:
        assert [one.label for one in after.channels] == [one.label for one in before.channels]
        np.testing.assert_array_equal(before.read_digital(0), after.read_digital(0))


@pytest.mark.parametrize(
    ("prefilter", "stays"),
    [
        ("HP:0.1Hz LP:75Hz N:50Hz", True),
        ("BP:10-3000 Hz", True),
        ("DC; LP: 10kHz", True),
        ("04-07-1957", False),
        ("HP: 04/07/57", False),
        ("19570704", False),
        ("N:04071957", False),
        ("0201/12345", False),
        ("1" * 79 + "x", False),  # at once, whatever it is
    ],
)
def test_numbers_that_are_no_filters_go(write_edf, drawn, count_up, saved, tmp_path, prefilter, stays):
    source = saved(write_edf([drawn(stored=count_up(1, 50), fields={"prefilter": prefilter})]))
    deidentify(source, tmp_path / "out.edf")
    with read_recording(tmp_path / "out.edf") as after:
        assert after.channels[0].prefilter == (prefilter if stays else "")


@pytest.mark.parametrize("label", ["EDF Annotations2", "Notes"])
def test_annotations_under_another_label_are_not_copied(
    write_edf, drawn, keep_time, count_up, saved, tmp_path, label
):
    notes = keep_time(["+0"], [b"+0.5\x14Secret\x14"])
    notes.label = label
    source = saved(write_edf([drawn(stored=count_up(1, 50)), notes], kind="EDF"))
    with pytest.raises(RecordingError, match="correct the label"):
        deidentify(source, tmp_path / "out.edf")
    assert not (tmp_path / "out.edf").exists()


def test_samples_that_look_like_annotations_by_chance_are_copied(write_edf, drawn, saved, tmp_path):
    stored = np.zeros((10, 50), int)
    stored[3, :4] = np.frombuffer(b"+12\x14abcd", "<i2")
    empty = drawn(label="empty", stored=np.zeros((10, 0), int))
    source = saved(write_edf([drawn(stored=stored), empty], kind="EDF"))
    deidentify(source, tmp_path / "out.edf")
    with read_recording(tmp_path / "out.edf") as after:
        np.testing.assert_array_equal(after.read_digital(0), stored.ravel())


def test_the_copy_may_be_called_as_its_source_without_its_last_suffix(case, tmp_path):
    source = tmp_path / "out.edf.part"
    source.write_bytes(case.read_bytes())
    deidentify(source, tmp_path / "out.edf")
    assert source.read_bytes() == case.read_bytes()
    assert (tmp_path / "out.edf").stat().st_size > 0


def test_what_is_there_is_not_overwritten(case, tmp_path):
    (tmp_path / "out.edf").write_bytes(b"mine")
    with pytest.raises(RecordingError, match="is there already"):
        deidentify(case, tmp_path / "out.edf")
    assert (tmp_path / "out.edf").read_bytes() == b"mine"


def test_a_pattern_keeps_more(case, tmp_path):
    deidentify(case, tmp_path / "out.edf", keep=["stim by dr ?ho"])
    with read_recording(tmp_path / "out.edf") as after:
        assert "Stim by Dr Who" in [a.text for a in after.annotations]


def test_a_copy_of_a_copy_is_the_same(case, tmp_path):
    deidentify(case, tmp_path / "out.edf")
    deidentify(tmp_path / "out.edf", tmp_path / "again.edf")
    assert (tmp_path / "out.edf").read_bytes() == (tmp_path / "again.edf").read_bytes()


def test_bdf_is_copied(write_edf, drawn, saved, tmp_path):
    rng = np.random.default_rng(6)
    source = saved(write_edf([drawn(stored=rng.integers(-(2**23), 2**23, (3, 50)))], kind="BDF"))
    deidentify(source, tmp_path / "out.bdf")
    with read_recording(source) as before, read_recording(tmp_path / "out.bdf") as after:
        np.testing.assert_array_equal(before.read_digital(0), after.read_digital(0))
        assert after.format == "BDF"


def test_a_file_is_not_written_over_itself(case):
    before = case.read_bytes()
    with pytest.raises(RecordingError, match="same file"):
        deidentify(case, case)
    assert case.read_bytes() == before


def test_another_format_is_refused_and_leaves_nothing(tmp_path):
    (tmp_path / "a.txt").write_text("Secret")
    with pytest.raises(UnknownFormat):
        deidentify(tmp_path / "a.txt", tmp_path / "out.edf")
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


@pytest.mark.parametrize(
    "text", ["n 0.1234567", "stimulus 471181 mA", "12.1234567 mA", "471-181", "stimulus 04/07 n 19-57"]
)
def test_long_numbers_and_those_of_which_nothing_is_said_go(
    write_edf, drawn, keep_time, count_up, saved, tmp_path, text
):
    notes = keep_time(["+0"], [f"+0.5\x14{text}\x14".encode()])
    deidentify(saved(write_edf([drawn(stored=count_up(1, 50)), notes])), tmp_path / "out.edf")
    with read_recording(tmp_path / "out.edf") as after:
        assert [a.text for a in after.annotations] == ["X"]


@pytest.mark.parametrize("field", ["time", "n_records", "header_bytes"])
def test_a_name_where_a_number_of_the_file_should_stand_goes(
    write_edf, drawn, count_up, saved, tmp_path, field
):
    source = saved(write_edf([drawn(stored=count_up(1, 50))], fixed={field: "Secret"}))
    deidentify(source, tmp_path / "out.edf")
    assert b"Secret" not in (tmp_path / "out.edf").read_bytes()


@pytest.mark.parametrize("field", ["physical_min", "physical_max", "digital_min", "digital_max"])
@pytest.mark.parametrize("text", ["Secret", "04.07.57", "-5 Anna"])
def test_what_is_no_number_goes_from_the_calibration(
    write_edf, drawn, count_up, saved, tmp_path, field, text
):
    source = saved(write_edf([drawn(stored=count_up(1, 50), fields={field: text})]))
    deidentify(source, tmp_path / "out.edf")
    assert text.encode() not in (tmp_path / "out.edf").read_bytes()
    with read_recording(source) as before, read_recording(tmp_path / "out.edf") as after:
        np.testing.assert_array_equal(before.read_digital(0), after.read_digital(0))
        assert after.channels[0].resolution_uv == before.channels[0].resolution_uv


@pytest.mark.parametrize("low", ["-3276,8", "-3276.80", "-3.276e3"])
def test_numbers_of_the_calibration_stay_as_they_are_written(
    write_edf, drawn, count_up, saved, tmp_path, low
):
    source = saved(write_edf([drawn(stored=count_up(1, 50), fields={"physical_min": low})]))
    deidentify(source, tmp_path / "out.edf")
    assert low.encode() in (tmp_path / "out.edf").read_bytes()


def test_annotations_in_most_records_are_not_copied_though_the_last_has_none(
    write_edf, drawn, keep_time, count_up, saved, tmp_path
):
    notes = keep_time(["+0", "+1", ""], [b"+0.5\x14Secret\x14", b"+1.5\x14Secret\x14", b""])
    notes.label = "Notes"
    (tmp_path / "copies").mkdir()
    source = saved(write_edf([drawn(stored=count_up(3, 50)), notes], kind="EDF"))
    with pytest.raises(RecordingError, match="correct the label"):
        deidentify(source, tmp_path / "copies" / "out.edf")
    assert list((tmp_path / "copies").iterdir()) == []


def test_a_link_to_nothing_is_there_already(write_edf, drawn, count_up, saved, tmp_path):
    (tmp_path / "out.edf").symlink_to(tmp_path / "nowhere")
    with pytest.raises(RecordingError, match="is there already"):
        deidentify(saved(write_edf([drawn(stored=count_up(1, 50))])), tmp_path / "out.edf")


def test_the_copy_of_a_bdf_file_says_that_its_samples_have_24_bits(write_edf, drawn, saved, tmp_path):
    deidentify(saved(write_edf([drawn(stored=np.zeros((3, 50), int))], kind="BDF")), tmp_path / "out.bdf")
    assert (tmp_path / "out.bdf").read_bytes()[192:236].strip() == b"24BIT"


@pytest.mark.parametrize("kind", ["EDF", "EDF+C", "EDF+D", "BDF+C", "BDF+D"])
def test_the_copy_says_as_its_source_does_whether_there_may_be_gaps(
    write_edf, drawn, keep_time, count_up, saved, tmp_path, kind
):
    notes = [keep_time(["+0", "+5" if kind.endswith("D") else "+1"])] if "+" in kind else []
    source = saved(write_edf([drawn(stored=count_up(2, 50)), *notes], kind=kind))
    deidentify(source, tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes()[192:236].strip() == (kind.encode() if notes else b"")
    with read_recording(source) as before, read_recording(tmp_path / "copy") as after:
        assert after.format == before.format == kind
        assert after.record_times_s.tolist() == before.record_times_s.tolist()


def test_a_source_that_is_not_there_replaces_nothing(tmp_path):
    (tmp_path / "out.edf").write_bytes(b"mine")
    with pytest.raises(RecordingError, match="is there already"):
        deidentify(tmp_path / "missing.edf", tmp_path / "out.edf")


def test_what_is_read_as_edf_can_be_copied(write_edf, drawn, count_up, saved, tmp_path):
    raw = write_edf([drawn(stored=count_up(1, 50))])
    source = saved(b"0".ljust(8, b"\0") + raw[8:])
    deidentify(source, tmp_path / "out.edf")
    with read_recording(source) as before, read_recording(tmp_path / "out.edf") as after:
        np.testing.assert_array_equal(before.read_digital(0), after.read_digital(0))
