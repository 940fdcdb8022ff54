"""Files that break the rules: each is read right, with the fault reported, or refused with the way out.

One table drives them all. A case says how its bytes come about, and then either the codes of the problems
that are reported and a check of what was read, or what the error has to name.
"""

# ruff: noqa: E501 - a table is read row by row

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lsr.errors import LsrError, MalformedRecording, RecordingNotFound, UnknownFormat, UnknownUnit
from lsr.io.registry import read_recording


@dataclass(frozen=True)
class Case:
    name: str
    fixed: dict[str, Any] | None = None  # fields of the fixed header
    fields: dict[str, Any] | None = None  # fields of the first signal
    starts: tuple[str, ...] = ("+0", "+1", "+2", "+3")
    extra: tuple[bytes, ...] | None = None  # behind the time-keeping annotation of each record
    label: str = "EMG R_Mentalis"
    label_2: str = "EMG L_Mentalis"
    kind: str = "EDF+C"
    record_s: str = "1"
    change: Callable[[bytes], bytes] = bytes  # what happens to the file
    problems: tuple[str, ...] = ()
    check: Callable[[Any], bool] = lambda recording: True
    error: type[LsrError] | None = None
    names: tuple[str, ...] = ()  # what the message has to hold


HEADER = 1024  # three signals: two channels and the annotations
RECORD_BYTES = 2 * (100 + 100) + 64


def whole(recording) -> bool:
    """All four records are there, and hold what was written."""
    stored = np.concatenate([block.samples[0] for block in recording.stream()])
    return np.allclose(stored, np.arange(400) * 0.1, rtol=1e-5, atol=1e-5)


def as_stored(recording) -> bool:
    """The first channel comes as stored numbers and refuses to be a voltage."""
    (block,) = recording.stream([0], seconds=10)
    with pytest.raises(UnknownUnit, match="EMG R_Mentalis"):
        recording.require_voltage(0)
    return np.array_equal(block.samples[0], np.arange(400)) and recording.channels[0].resolution_uv is None


def factor(value: float) -> Callable[[Any], bool]:
    """The first channel is a voltage, one unit of which has so many microvolts."""

    def check(recording) -> bool:
        (block,) = recording.stream([0], seconds=10)
        return recording.channels[0].is_voltage and np.allclose(
            block.samples[0], np.arange(400) * 0.1 * value, rtol=1e-5, atol=1e-3 * value
        )

    return check


def n_records(count: int) -> Callable[[Any], bool]:
    return lambda recording: (
        len(recording.record_times_s) == count
        and recording.read_digital(0).tolist() == list(range(100 * count))
    )


def texts(*expected: str) -> Callable[[Any], bool]:
    return lambda recording: [annotation.text for annotation in recording.annotations] == list(expected)


LENGTH = {"truncated": HEADER + 3 * RECORD_BYTES + 100}
STIM = b"+0.5\x14Stim\x14\0"

CASES = [
    # --- length
    Case("record count of a file still recorded", fixed={"n_records": "-1"}, problems=("record_count_unknown",), check=n_records(4)),
    Case("record count no number", fixed={"n_records": "four"}, problems=("record_count_unknown",), check=n_records(4)),
    Case("record count too small", fixed={"n_records": "2"}, problems=("record_count_wrong",), check=n_records(4)),
    Case("record count too large", fixed={"n_records": "9"}, problems=("truncated",), check=n_records(4)),
    Case("last record cut", change=lambda raw: raw[: LENGTH["truncated"]], problems=("truncated", "trailing_bytes"), check=n_records(3)),
    Case("bytes after the last record", change=lambda raw: raw + b"junk", problems=("trailing_bytes",), check=n_records(4)),
    Case("header alone", change=lambda raw: raw[:HEADER], problems=("no_records",), check=lambda r: not r.segments and not list(r.windows([0.5], 0.1, 0.1))),
    Case("not one whole record", change=lambda raw: raw[: HEADER + 50], error=MalformedRecording, names=("samples in a data record", "byte 904", "50 follow", "copy it again")),
    Case("header cut in the signals", change=lambda raw: raw[:500], error=MalformedRecording, names=("number of signals (byte 252)", "500", "copy")),
    Case("header cut in the fixed part", change=lambda raw: raw[:100], error=MalformedRecording, names=("100 bytes", "256", "copy")),
    Case("empty file", change=lambda raw: b"", error=UnknownFormat, names=("empty",)),
    Case("text", change=lambda raw: b"time,EMG\n0,1\n", error=UnknownFormat, names=("byte 0", "b'***,***'", "export")),
    Case("random bytes", change=lambda raw: bytes(range(255, 0, -1)), error=UnknownFormat, names=("byte 0", "xff")),
    # --- fixed header
    Case("header length wrong", fixed={"header_bytes": "768"}, problems=("header_bytes_wrong",), check=whole),
    Case("header length no number", fixed={"header_bytes": "?"}, problems=("header_bytes_wrong",), check=whole),
    Case("number of signals no number", fixed={"n_signals": "ab"}, error=MalformedRecording, names=("number of signals (byte 252)", "b'ab  '", "whole number")),
    Case("number of signals no whole number", fixed={"n_signals": "3.5"}, error=MalformedRecording, names=("number of signals (byte 252)", "3.5", "whole number")),
    Case("number of signals beyond reason", fixed={"n_signals": "1e40"}, error=MalformedRecording, names=("number of signals (byte 252)", "1e40", "whole number")),
    Case("more signals than memory holds", fixed={"n_signals": "9e9"}, error=MalformedRecording, names=("number of signals (byte 252)", "9e9", "the file ends at")),
    Case("record duration beyond reason", record_s="1e300", error=MalformedRecording, names=("duration of a data record (byte 244)", "1e300", "correct")),
    Case("record duration with a comma that may be thousands", record_s="1,000", error=MalformedRecording, names=("byte 244", "1,000", "point")),
    Case("samples in a record with a comma", fields={"n_samples": "1,000"}, error=MalformedRecording, names=("samples in a data record", "1,000", "whole number")),
    Case("a name where a number should be", fixed={"record_s": "Secret"}, error=MalformedRecording, names=("byte 244", "***")),
    Case("no signals", fixed={"n_signals": "0"}, error=MalformedRecording, names=("number of signals (byte 252)", "b'0   '")),
    Case("record duration 0 with channels", fixed={"record_s": "0"}, error=MalformedRecording, names=("duration of a data record (byte 244)", "b'0       '", "seconds")),
    Case("record duration with a comma", record_s="0,5", starts=("+0", "+0.5", "+1", "+1.5"), problems=("decimal_comma",), check=lambda r: whole(r) and r.channels[0].rate == 200),
    Case("record duration no number", record_s="one", error=MalformedRecording, names=("duration of a data record (byte 244)", "one", "correct")),
    Case("record duration negative", record_s="-1", error=MalformedRecording, names=("byte 244", "-1")),
    Case("record duration no whole number", record_s="0.333333", starts=("+0", "+0.333333", "+0.666666", "+1"), check=lambda r: whole(r) and len(r.segments) == 1),
    Case("1e303 Hz", record_s="1e-301", error=MalformedRecording, names=("1e+303 Hz", "byte 244", "true length")),
    Case("more Hz than a float holds", record_s="1e-308", error=MalformedRecording, names=("more than 1e+308 Hz", "byte 244", "true length")),
    Case("record duration beyond numbers", record_s="1e999999", error=MalformedRecording, names=("byte 244",)),
    # --- dates
    Case("date anonymised by X", fixed={"recording": "Startdate X X X X"}, problems=("start_anonymised",), check=lambda r: r.start is None and r.start_clock == time(10, 20, 30)),
    Case("date anonymised as 1985", fixed={"recording": "", "date": "01.01.85"}, problems=("start_anonymised",), check=lambda r: r.start is None),
    Case("date impossible", fixed={"recording": "", "date": "31.02.23"}, problems=("start_date_unreadable",), check=lambda r: r.start is None and whole(r)),
    Case("date of zeros", fixed={"date": "00.00.00"}, problems=("start_date_unreadable",), check=lambda r: r.start == datetime(2023, 3, 2, 10, 20, 30)),
    Case("date before 1985", fixed={"recording": "Startdate 02-MAR-1971 X X X", "date": "02.03.71"}, check=lambda r: r.start == datetime(1971, 3, 2, 10, 20, 30)),
    Case("date after 2084", fixed={"recording": "Startdate 02-MAR-2090 X X X", "date": "02.03.yy"}, problems=("start_date_unreadable",), check=lambda r: r.start.year == 2090),
    Case("dates that differ", fixed={"date": "05.03.23"}, problems=("start_dates_differ",), check=lambda r: r.start.day == 5),
    Case("date with slashes", fixed={"date": "02/03/23"}, check=lambda r: r.start == datetime(2023, 3, 2, 10, 20, 30)),
    Case("time impossible", fixed={"time": "25.00.00"}, problems=("start_time_unreadable",), check=lambda r: r.start is None and whole(r)),
    # --- channels
    Case("samples in a record no number", fields={"n_samples": "x"}, error=MalformedRecording, names=("samples in a data record of signal 1 (byte 904)", "b'x       '", "whole number")),
    Case("samples in a record no whole number", fields={"n_samples": "99.5"}, error=MalformedRecording, names=("byte 904", "99.5", "whole number")),
    Case("samples in a record negative", fields={"n_samples": "-5"}, error=MalformedRecording, names=("byte 904", "-5")),
    Case("samples in a record huge", fields={"n_samples": "9999999"}, error=MalformedRecording, names=("byte 904", "9999999", "copy it again")),
    Case("samples in a record 0", fields={"n_samples": "0"}, change=lambda raw: raw[:HEADER] + b"".join(raw[HEADER + RECORD_BYTES * n + 200 : HEADER + RECORD_BYTES * (n + 1)] for n in range(4)), problems=("empty_channel",), check=lambda r: [c.label for c in r.channels] == ["EMG L_Mentalis"]),
    Case("physical range empty", fields={"physical_min": "5", "physical_max": "5"}, problems=("not_calibrated",), check=as_stored),
    Case("physical range inverted", fields={"physical_min": "3276.7", "physical_max": "-3276.8"}, check=lambda r: np.allclose(next(r.stream([0])).samples[0], -0.1 - np.arange(400) * 0.1, atol=1e-3)),
    Case("physical minimum no number", fields={"physical_min": "NaN"}, problems=("not_calibrated",), check=as_stored),
    Case("physical minimum with a comma", fields={"physical_min": "-3276,8"}, problems=("decimal_comma",), check=factor(1)),
    Case("physical minimum with two commas", fields={"physical_min": "-3,27,6"}, problems=("not_calibrated",), check=as_stored),
    Case("physical range with commas that may be thousands", fields={"physical_min": "-3,276", "physical_max": "3,276"}, problems=("not_calibrated",), check=as_stored),
    Case("physical maximum beyond reason", fields={"physical_max": "1e300"}, problems=("not_calibrated",), check=as_stored),
    Case("digital range empty", fields={"digital_min": "7", "digital_max": "7"}, problems=("not_calibrated",), check=as_stored),
    Case("digital range inverted", fields={"digital_min": "32767", "digital_max": "-32768"}, problems=("not_calibrated",), check=as_stored),
    Case("digital range of samples without sign", fields={"digital_min": "0", "digital_max": "65535"}, problems=("not_calibrated",), check=as_stored),
    Case("digital range of more bits", fields={"digital_max": "8388607"}, problems=("not_calibrated",), check=as_stored),
    Case("digital range with a decimal", fields={"digital_max": "3276.7"}, problems=("not_calibrated",), check=as_stored),
    Case("digital range rounded up by one", fields={"digital_max": "32768"}, check=lambda r: r.channels[0].is_voltage),
    Case("labels that occur twice", label_2="EMG R_Mentalis", problems=("duplicate_label",), check=whole),
    Case("label empty", label="", problems=("empty_label",), check=whole),
    Case("label in Latin-1", fields={"label": "Müller".encode("latin-1")}, problems=("header_not_ascii",), check=lambda r: r.channels[0].label == "Müller"),
    Case("label in Latin-1 that ends in such a letter", fields={"label": "Café".encode("latin-1")}, problems=("header_not_ascii",), check=lambda r: r.channels[0].label == "Café"),
    Case("label of one letter in Latin-1", fields={"label": b"\xe9"}, problems=("header_not_ascii",), check=lambda r: r.channels[0].label == "é"),
    Case("label in UTF-8", fields={"label": "Müller".encode()}, problems=("header_not_ascii",), check=lambda r: r.channels[0].label == "Müller"),
    Case("label in UTF-8 cut in a letter", fields={"label": "äöüäöüä".encode()[:14] + b"a\xc3"}, problems=("header_not_ascii",), check=lambda r: r.channels[0].label == "äöüäöüäa"),
    Case("patient name in UTF-8", fixed={"patient": "X F X Jürgen".encode()}, problems=("header_not_ascii",), check=lambda r: "rgen" not in str(r.problems)),
    Case("patient name in other fields", fields={"unit": "Secret", "prefilter": "HP:3Hz Secret", "transducer": "Anna"}, problems=("unknown_unit",), check=lambda r: (r.channels[0].unit, r.channels[0].prefilter, r.channels[0].transducer) == ("***", "HP:3Hz ***", "***")),
    Case("header padded with NUL", fixed={"n_records": b"4".ljust(8, b"\0")}, problems=("header_not_ascii",), check=n_records(4)),
    # --- units
    Case("unit nV", fields={"unit": "nV"}, check=factor(1e-3)),
    Case("unit mV", fields={"unit": "mV"}, check=factor(1e3)),
    Case("unit V", fields={"unit": "V"}, check=factor(1e6)),
    Case("unit with the micro sign in Latin-1", fields={"unit": "µV".encode("latin-1")}, problems=("header_not_ascii",), check=factor(1)),
    Case("unit with the micro sign in UTF-8", fields={"unit": "\u00b5V".encode()}, problems=("header_not_ascii",), check=factor(1)),
    Case("unit with the Greek letter", fields={"unit": "\u03bcV".encode()}, problems=("header_not_ascii",), check=factor(1)),
    Case("unit empty", fields={"unit": ""}, check=lambda r: not r.channels[0].is_voltage and whole(r)),
    Case("unit of a trigger", fields={"unit": "Boolean"}, check=lambda r: not r.channels[0].is_voltage and whole(r)),
    Case("unit unknown", fields={"unit": "uVolz"}, problems=("unknown_unit",), check=lambda r: r.channels[0].unit == "uVolz" and not r.channels[0].is_voltage and whole(r)),
    # --- annotations and times
    Case("gap in a file marked continuous", starts=("+0", "+1", "+5", "+6"), problems=("gap_not_declared",), check=lambda r: [s.start_s for s in r.segments] == [0, 5]),
    Case("gap in a file marked discontinuous", kind="EDF+D", starts=("+0", "+1", "+5", "+6"), check=lambda r: [s.stop_s for s in r.segments] == [2, 7]),
    Case("time running backwards", starts=("+0", "+5", "+3", "+4"), error=MalformedRecording, names=("record 2", "backwards", "time-keeping annotation")),
    Case("records that overlap", starts=("+0", "+1", "+1.5", "+2.5"), error=MalformedRecording, names=("record 2", "0.5 s")),
    Case("onsets rounded to milliseconds", record_s="0.333333", starts=("+0", "+0.334", "+0.667", "+1"), check=lambda r: whole(r) and len(r.segments) == 1),
    Case("time keeping missing in a record", starts=("+10", "+11", "", "+13"), problems=("time_keeping_missing",), check=lambda r: r.record_times_s.tolist() == [10, 11, 12, 13] and len(r.segments) == 1),
    Case("time keeping missing at first", starts=("", "", "+2", "+3"), problems=("time_keeping_missing",), check=lambda r: r.record_times_s.tolist() == [0, 1, 2, 3]),
    Case("time keeping missing throughout", starts=("", "", "", ""), problems=("time_keeping_missing",), check=lambda r: r.record_times_s.tolist() == [0, 1, 2, 3]),
    Case("time keeping missing throughout where there may be gaps", kind="EDF+D", starts=("", "", "", ""), error=MalformedRecording, names=("+D", "4 of 4 data records", "export it again")),
    Case("time keeping missing in most where there may be gaps", kind="EDF+D", starts=("+0", "", "", ""), error=MalformedRecording, names=("3 of 4 data records",)),
    Case("time keeping behind other annotations", kind="EDF+D", starts=("+0", "+1", "", ""), extra=(b"", b"", b"+5.1\x14Stim\x14\0+5\x14\x14\0", b"+6.1\x14Stim\x14\0+6\x14\x14\0"), problems=("time_keeping_moved",), check=lambda r: r.record_times_s.tolist() == [0, 1, 5, 6] and [a.inside for a in r.annotations] == [True, True]),
    Case("an annotation without text is no time keeping", starts=("", "", "", ""), extra=(STIM, b"+1.5\x14Stim\x14\0", b"+2.5\x14Stim\x14\0+2.7\x14\x14\0", b""), problems=("time_keeping_missing",), check=lambda r: r.record_times_s.tolist() == [0, 1, 2, 3]),
    Case("annotation signals in a plain file", kind="EDF", extra=(STIM, b"", b"", b""), problems=("annotations_not_declared",), check=texts("Stim")),
    Case("annotation in Latin-1", extra=("+0.5\x14Nähe\x14\0".encode("latin-1"), b"", b"", b""), problems=("annotation_not_utf8",), check=texts("Nähe")),
    Case("annotation in UTF-8", extra=("+0.5\x14中文 µ\x14\0".encode(), b"", b"", b""), check=texts("中文 µ")),
    Case("annotation list broken in the middle", extra=(STIM, STIM + b"?!\x15\x14\0" + STIM, b"\xff\xfe", STIM), problems=("annotation_broken",), check=texts("Stim", "Stim", "Stim", "Stim")),
    Case("annotation without an end", extra=(STIM, b"+1.5\x14Stim rig", b"", b""), problems=("annotation_cut",), check=texts("Stim", "Stim rig")),
    Case("annotation with a comma and no sign", extra=(b"0,25\x14Stim\x14\0", b"", b"", b""), problems=("annotation_form",), check=lambda r: r.annotations[0].time_s == 0.25),
    Case("durations of other forms", extra=(b"+0.1\x15+0.2\x14Stim\x14\0+0.5\x152e-1\x14Stim\x14\0", b"", b"", b""), problems=("annotation_form",), check=lambda r: [(a.time_s, a.duration_s) for a in r.annotations] == [(0.1, 0.2), (0.5, 0.2)]),
    Case("a duration that is none", extra=(b"+0.1\x15short\x14Stim\x14\0", b"", b"", b""), problems=("annotation_duration",), check=lambda r: [(a.time_s, a.duration_s) for a in r.annotations] == [(0.1, None)]),
    Case("an onset without a digit before its point", extra=(b"+.25\x14Stim\x14\0", b"", b"", b""), problems=("annotation_form",), check=lambda r: r.annotations[0].time_s == 0.25),
    Case("two annotations joined", extra=(b"+0.2\x14Stim\x14+0.7\x14Stim\x14\0", b"", b"", b""), problems=("annotation_joined",), check=texts("Stim", "+0.7", "Stim")),
    Case("annotation as XML", extra=(b"+0.5\x14<EDF_XMLnote><n>1</n></EDF_XMLnote>\x14\0", b"", b"", b""), check=texts("<EDF_XMLnote><n>1</n></EDF_XMLnote>")),
]  # fmt: skip


@pytest.fixture
def build(write_edf, drawn, keep_time, count_up, saved) -> Callable[[Case], Path]:
    def make(case: Case) -> Path:
        notes = keep_time(case.starts, case.extra)
        notes.note_samples = 32
        notes.notes = [
            note.removeprefix(b"\x14\x14\0") if not start else note
            for note, start in zip(notes.notes, case.starts, strict=True)
        ]
        signals = [
            drawn(label=case.label, stored=count_up(4, 100), fields=case.fields or {}),
            drawn(label=case.label_2, stored=count_up(4, 100, 1000)),
            notes,
        ]
        raw = write_edf(signals, record_s=case.record_s, kind=case.kind, fixed=case.fixed)
        return saved(case.change(raw))

    return make


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_hard_case_is_read_right_or_refused_with_the_way_out(build, case):
    path = build(case)
    if case.error is not None:
        with pytest.raises(case.error) as refused:
            read_recording(path)
        message = str(refused.value)
        assert [name for name in ("case.edf", *case.names) if name not in message] == [], message
        assert "Secret" not in message
        return
    with read_recording(path) as recording:
        codes = [problem.code for problem in recording.problems]
        assert sorted(set(codes)) == sorted(set(case.problems)), recording.problems
        assert all(problem.message.endswith(".") for problem in recording.problems)
        assert case.check(recording)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(RecordingNotFound, match="no such file"):
        read_recording(tmp_path / "gone.edf")


@pytest.mark.parametrize("name", ["CASE.EDF", "case.rec", "Müller öffne mich/a b.edf", "no suffix"])
def test_the_name_of_a_file_does_not_matter(build, tmp_path, name):
    raw = build(Case("plain")).read_bytes()
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(raw)
    with read_recording(str(path)) as recording:
        assert whole(recording)
        assert recording.name == path.name


def test_a_read_only_file_is_read(build):
    path = build(Case("plain"))
    path.chmod(0o400)
    with read_recording(path) as recording:
        assert whole(recording)


def test_annotations_alone_make_a_recording(write_edf, keep_time, saved):
    notes = keep_time(["+0"], [b"".join(b"+%d\x14Sleep stage W\x14\0" % n for n in range(50))])
    for record_s in ("0", "1"):
        with read_recording(saved(write_edf([notes], record_s=record_s))) as recording:
            assert len(recording.annotations) == 50
            assert not recording.channels
            assert not list(recording.stream())
            assert not list(recording.windows([0.0], 0, 1))


def test_fifty_thousand_annotations_are_read(write_edf, drawn, keep_time, count_up, saved):
    extra = [
        b"".join(b"+%d.%03d\x14Stim right zygomatic\x14\0" % (record, n) for n in range(1000))
        for record in range(50)
    ]
    notes = keep_time([f"+{n}" for n in range(50)], extra)
    with read_recording(saved(write_edf([drawn(stored=count_up(50, 100)), notes]))) as recording:
        assert len(recording.annotations) == 50_000
        assert recording.annotations[12_345].time_s == 12.345
        assert all(annotation.inside for annotation in recording.annotations)
