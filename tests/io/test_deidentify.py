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
