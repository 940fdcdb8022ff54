"""Paragraphs of the EDF+ specification that matter to stimulated EMG, each with what it asks of a reader."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from lsr.io.registry import read_recording


def write(
    path: Path, records: list[tuple[bytes, list[int]]], record_s: str, kind: str, **fields: str
) -> Path:
    """Write records of annotation bytes and samples of one channel, as the specification lays them out."""
    width, n_samples = 120, len(records[0][1])
    columns = [
        ("EDF Annotations", fields.get("label", "NC R_APB"), 16),
        ("", "", 80),
        ("", fields.get("unit", "mV"), 8),
        ("-1", fields.get("low", "-32.768"), 8),
        ("1", fields.get("high", "32.767"), 8),
        ("-32768", "-32768", 8),
        ("32767", "32767", 8),
        ("", "HP:10Hz LP:3kHz", 80),
        (str(width // 2), str(n_samples), 8),
        ("", "", 32),
    ]
    fixed = ["0", "X X X X", "Startdate 02-MAR-2023 X X X", "02.03.23", "10.00.00", "768", kind]
    fixed += [str(len(records)), record_s, "2"]
    widths = [8, 80, 80, 8, 8, 8, 44, 8, 8, 4]
    header = "".join(text.ljust(size) for text, size in zip(fixed, widths, strict=True))
    header += "".join(first.ljust(size) + second.ljust(size) for first, second, size in columns)
    data = b"".join(
        notes.ljust(width, b"\0") + struct.pack(f"<{n_samples}h", *samples) for notes, samples in records
    )
    path.write_bytes(header.encode("ascii") + data)
    return path


def test_2_2_2_several_texts_may_share_one_onset_and_duration(tmp_path):
    path = write(
        tmp_path / "a.edf",
        [(b"+0\x14\x14\0+180\x151800\x14Lights off\x14Close door\x14\0", [0])],
        "1",
        "EDF+C",
    )
    with read_recording(path) as recording:
        found = [(a.time_s, a.duration_s, a.text) for a in recording.annotations]
    assert found == [(180.0, 1800.0, "Lights off"), (180.0, 1800.0, "Close door")]


def test_2_2_3_equal_stimuli_carry_equal_texts_and_may_lie_before_their_record(tmp_path):
    records = [
        (b"+0\x14\x14Stimulus click 35dB both ears\x14\0-0.065\x14Pre-stimulus beep 1000Hz\x14\0", [1, 2]),
        (b"+0.3\x14\x14Stimulus click 35dB both ears\x14\0+0.235\x14Pre-stimulus beep 1000Hz\x14\0", [3, 4]),
    ]
    with read_recording(write(tmp_path / "a.edf", records, "0.2", "EDF+D")) as recording:
        found = [(a.time_s, a.text, a.inside, a.record) for a in recording.annotations]
    assert found == [
        (0.0, "Stimulus click 35dB both ears", True, 0),
        (-0.065, "Pre-stimulus beep 1000Hz", False, 0),
        (0.3, "Stimulus click 35dB both ears", True, 1),
        (0.235, "Pre-stimulus beep 1000Hz", False, 1),
    ]


def test_2_2_4_the_first_annotation_of_a_record_tells_its_start_to_any_accuracy(tmp_path):
    records = [(b"+0.1234567\x14\x14\0", [1, 2]), (b"+601.00000025\x14\x14\0", [3, 4])]
    with read_recording(write(tmp_path / "a.edf", records, "0.05", "EDF+D")) as recording:
        assert recording.record_times_s.tolist() == [0.1234567, 601.00000025]
        assert recording.record_duration_s == 0.05
        assert [segment.start_s for segment in recording.segments] == [0.1234567, 601.00000025]


def test_3_2_nerve_conduction_one_record_for_each_stimulus(tmp_path):
    note = "Stimulus right elbow 0.2ms x 15.3mA at 28.5cm from recording site"
    records = [(f"+{10 * (n + 1)}\x14\x14{note}\x14\0".encode(), [n * 100] * 50) for n in range(3)]
    with read_recording(write(tmp_path / "a.edf", records, "0.05", "EDF+D")) as recording:
        assert {annotation.text for annotation in recording.annotations} == {note}
        times = [annotation.time_s for annotation in recording.annotations]
        (batch,) = recording.windows(times, 0.0, 0.05)
    assert batch.index.tolist() == [0, 1, 2]
    # Millivolts of the file are microvolts here.
    np.testing.assert_allclose(batch.samples[:, 0, 0], [0.0, 100.0, 200.0], atol=0.01)


def test_3_2_vep_sampling_starts_before_the_stimulus(tmp_path):
    records = [(f"+{n}\x14\x14\0+{n}.010\x14Stimulus\x14\0".encode(), list(range(100))) for n in range(2)]
    with read_recording(write(tmp_path / "a.edf", records, "0.1", "EDF+D")) as recording:
        (batch,) = recording.windows([a.time_s for a in recording.annotations], 0.010, 0.05)
    np.testing.assert_allclose(batch.samples[:, 0], np.arange(60) + np.zeros((2, 1)), atol=0.01)


def test_a_negative_gain_is_physical_maximum_below_physical_minimum(tmp_path):
    path = write(tmp_path / "a.edf", [(b"+0\x14\x14\0", [100])], "1", "EDF+C", low="32.768", high="-32.767")
    with read_recording(path) as recording:
        (block,) = recording.stream()
        assert block.samples[0, 0] == pytest.approx(-100, abs=0.01)
        channel = recording.channels[0]
        assert (channel.rail_min_uv, channel.rail_max_uv) == pytest.approx((-32767.0, 32768.0))
        assert channel.resolution_uv == pytest.approx(1.0)


def test_an_empty_unit_is_no_voltage(tmp_path):
    path = write(tmp_path / "a.edf", [(b"+0\x14\x14\0", [100])], "1", "EDF+C", unit="", label="Trigger")
    with read_recording(path) as recording:
        assert not recording.channels[0].is_voltage
        assert not recording.problems


def test_prefilter_is_kept(tmp_path):
    with read_recording(write(tmp_path / "a.edf", [(b"+0\x14\x14\0", [1])], "1", "EDF+C")) as recording:
        assert recording.channels[0].prefilter == "HP:10Hz LP:3kHz"
