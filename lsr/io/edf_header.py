"""What does the header of an EDF or BDF file say, and what of it can be trusted?

Conventions
-----------
Follows the EDF (Kemp et al. 1992) and EDF+ (Kemp & Olivan 2003) specifications, and BioSemi's BDF, which
differs by its first byte and by samples of 24 bits. Byte offsets count from the start of the file. What can
be read without doubt in spite of a fault is read, and the fault becomes a `Problem`; anything else raises
`MalformedRecording`. Patient, recording and equipment fields never leave this module.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from fractions import Fraction
from types import MappingProxyType
from typing import BinaryIO

from lsr.errors import MalformedRecording
from lsr.io.units import is_known_unit, microvolts_per
from lsr.recording import Problem

FIXED_BYTES = 256  # the part before the signals, and the part of each signal
_ANNOTATION_LABELS = frozenset({"EDF Annotations", "BDF Annotations"})
_LIKE_ANNOTATIONS = re.compile(r"[eb]df\s+annotations?", re.IGNORECASE)

# name, width and place of each field of the fixed part
FIXED_FIELDS = {
    "version": (0, 8),
    "patient identification": (8, 80),
    "recording identification": (88, 80),
    "start date": (168, 8),
    "start time": (176, 8),
    "header bytes": (184, 8),
    "reserved": (192, 44),
    "number of data records": (236, 8),
    "duration of a data record": (244, 8),
    "number of signals": (252, 4),
}
# name and width of each field that every signal has, in the order of the file
SIGNAL_FIELDS = {
    "label": 16,
    "transducer": 80,
    "physical dimension": 8,
    "physical minimum": 8,
    "physical maximum": 8,
    "digital minimum": 8,
    "digital maximum": 8,
    "prefiltering": 80,
    "samples in a data record": 8,
    "reserved": 32,
}
_NUMBER = re.compile(rb"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_THOUSANDS = re.compile(rb"[+-]?[1-9]\d{0,2}(,\d{3})+")
_PRINTABLE = re.compile(rb"[ -~]*")
_START_DATE = re.compile(rb"Startdate +(\S+)")
_CLOCK_TIME = re.compile(rb"(\d\d?)[.:](\d\d?)[.:](\d\d?)")
_SHORT_DATE = re.compile(rb"(\d\d?)[./-](\d\d?)[./-](\d\d)")
_LONG_DATE = re.compile(rb"(\d\d?)-([A-Z]{3})-(\d{4})")
# No amplifier samples faster; a header that says so has a broken record duration.
_FASTEST_HZ = 10_000_000
# Nor has one such a range, in any unit; beyond it samples would overflow.
_LARGEST_RANGE = 1e15
_LARGEST_COUNT = 1e15  # whole beyond doubt in a float
_LONGEST_RECORD_S = 1e9  # thirty years
_WORD = re.compile(rb"[A-Za-z]{3,}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A field of the header as its bytes stand in the file."""

    name: str
    offset: int
    raw: bytes
    private: bytes = b""  # what else stands in the header, and no message may repeat

    @property
    def place(self) -> str:
        """Where the field is and what it holds, for a message; words of private fields do not show.

        In a header whose fields are shifted a number's place may hold a part of a name.
        """
        return f"{self.name} (byte {self.offset}) holds {self.shown!r}"

    @property
    def shown(self) -> bytes:
        """What it holds, without words of private fields."""
        return _WORD.sub(lambda word: b"***" if word[0] in self.private else word[0], self.raw)


@dataclass(frozen=True, slots=True, kw_only=True)
class EdfSignal:
    """One signal of the header: an ordinary one, or one that holds annotations."""

    label: str
    transducer: str
    unit: str
    prefilter: str
    samples_per_record: int
    record_offset: int  # bytes from the start of a data record
    is_annotation: bool
    is_voltage: bool
    gain: float  # stored number x gain + offset = microvolts, or the unit where it is no voltage
    offset: float
    rail_low: float
    rail_high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class EdfHeader:
    """What the header says, as far as analysis needs it."""

    format: str
    sample_bytes: int  # 2 in EDF, 3 in BDF
    start: datetime | None
    start_clock: time | None
    record_duration: Fraction
    n_records: int  # whole records in the file, whatever the header says
    header_bytes: int
    record_bytes: int
    signals: tuple[EdfSignal, ...]
    problems: tuple[Problem, ...]

    @property
    def is_plus(self) -> bool:
        """The file is marked EDF+ or BDF+."""
        return "+" in self.format


@dataclass(slots=True)
class _Parser:
    """The bytes of a header, and the problems met while reading them."""

    name: str
    fixed: bytes
    units: Mapping[str, str]
    per_signal: bytes = b""
    n_signals: int = 0
    problems: list[Problem] = field(default_factory=list)

    def note(self, code: str, message: str) -> None:
        self.problems.append(Problem(code=code, message=message))

    def fail(self, found: Field, remedy: str) -> MalformedRecording:
        return MalformedRecording(f"{self.name}: {found.place}; {remedy}")

    def fixed_field(self, name: str) -> Field:
        begin, width = FIXED_FIELDS[name]
        return Field(name=name, offset=begin, raw=self.fixed[begin : begin + width], private=self.private)

    @property
    def private(self) -> bytes:
        """The fields of patient and recording."""
        return self.fixed[FIXED_FIELDS["patient identification"][0] : FIXED_FIELDS["start date"][0]]

    def signal_field(self, name: str, signal: int) -> Field:
        begin = 0
        for other, width in SIGNAL_FIELDS.items():
            if other == name:
                begin += signal * width
                break
            begin += self.n_signals * width
        raw = self.per_signal[begin : begin + width]
        named = f"{name} of signal {signal + 1}"
        return Field(name=named, offset=FIXED_BYTES + begin, raw=raw, private=self.private)

    def number(self, found: Field) -> float:
        """Read a number; a decimal comma is understood, NaN where nothing can be.

        Nothing is what a comma may mean that stands before three digits: 3,276 is three, or three thousand.
        """
        text = _bare(found.raw)
        value = _as_float(text)
        if b"," in text and not _THOUSANDS.fullmatch(text):
            value = _as_float(text.replace(b",", b"."))
            if not math.isnan(value):
                self.note("decimal_comma", f"{found.place}: the comma is read as a decimal point.")
        return value

    def whole_number(self, found: Field) -> int | None:
        """Read a whole number; None where it is none."""
        value = _as_float(_bare(found.raw))
        return int(value) if abs(value) <= _LARGEST_COUNT and value == int(value) else None


def read_header(
    file: BinaryIO, name: str, file_bytes: int, units: Mapping[str, str] = MappingProxyType({})
) -> EdfHeader:
    """Read the header of an EDF or BDF file.

    Parameters
    ----------
    file : BinaryIO
        Open at its first byte.
    name : str
        What messages call the file.
    file_bytes : int
        Its length, which tells the number of data records.
    units : Mapping[str, str]
        By label, what is known from elsewhere of units that the header leaves open.

    Raises
    ------
    MalformedRecording
        A header that cannot be read without guessing.
    """
    fixed = file.read(FIXED_BYTES)
    if len(fixed) < FIXED_BYTES:
        raise MalformedRecording(
            f"{name}: the header is cut off: {len(fixed)} bytes, but its fixed part alone has {FIXED_BYTES}; "
            "copy the file again from the monitor"
        )
    parser = _Parser(name=name, fixed=fixed, units=units)
    parser.n_signals = _read_n_signals(parser)
    parser.per_signal = file.read(min(FIXED_BYTES * parser.n_signals, file_bytes))
    if len(parser.per_signal) < FIXED_BYTES * parser.n_signals:
        raise MalformedRecording(
            f"{name}: the header is cut off: {parser.fixed_field('number of signals').place}, which needs "
            f"{FIXED_BYTES * (parser.n_signals + 1)} bytes of header, but the file ends at {file_bytes}; "
            "copy the file again from the monitor"
        )
    _check_ascii(parser)
    is_bdf = fixed[:1] == b"\xff"
    sample_bytes = 3 if is_bdf else 2
    duration = _read_record_duration(parser)
    signals = _read_signals(parser, sample_bytes, duration)
    _check_labels(parser, signals)
    header_bytes = _check_header_bytes(parser)
    record_bytes = sample_bytes * sum(signal.samples_per_record for signal in signals)
    n_records = _count_records(parser, file_bytes - header_bytes, record_bytes)
    file_format = _read_format(parser, is_bdf)
    start, start_clock = _read_start(parser, "+" in file_format)
    return EdfHeader(
        format=file_format,
        sample_bytes=sample_bytes,
        start=start,
        start_clock=start_clock,
        record_duration=duration,
        n_records=n_records,
        header_bytes=header_bytes,
        record_bytes=record_bytes,
        signals=signals,
        problems=tuple(parser.problems),
    )


def _bare(raw: bytes) -> bytes:
    """Cut the padding: spaces by the specification, NUL from some writers."""
    return raw.strip(b" \0\t\r\n")


def _as_float(text: bytes) -> float:
    # float() would also take "1_0", "infinity" and digits of other scripts.
    if not _NUMBER.fullmatch(text):
        return math.nan
    return float(text)


def holds_number(raw: bytes) -> bool:
    """Tell whether a field holds a number and nothing else; a comma may stand in it.

    Examples
    --------
    >>> holds_number(b"-3276,8 "), holds_number(b"04.07.57"), holds_number(b"Doe")
    (True, False, False)
    """
    return _NUMBER.fullmatch(_bare(raw).replace(b",", b".")) is not None


def without_words(raw: bytes) -> bytes:
    """Bytes of what may be any file, for a message: a name in them does not show."""
    return _WORD.sub(b"***", raw)


def _text(raw: bytes) -> str:
    """Decode a text field: ASCII by the specification, UTF-8 or Latin-1 in practice."""
    bare = _bare(raw)
    try:
        return bare.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.reason == "unexpected end of data":
            head = bare[: error.start]
            if any(byte > 127 for byte in head):  # UTF-8 that the width of the field cut in two
                return head.decode("utf-8")
        return bare.decode("latin-1")


def _read_n_signals(parser: _Parser) -> int:
    found = parser.fixed_field("number of signals")
    n_signals = parser.whole_number(found)
    if n_signals is None or n_signals < 1:
        raise parser.fail(found, "it has to be a whole number above 0; correct it, or export the file again")
    return n_signals


def _read_format(parser: _Parser, is_bdf: bool) -> str:
    kind = "BDF" if is_bdf else "EDF"
    reserved = _bare(parser.fixed_field("reserved").raw)
    for mark in (b"+C", b"+D"):
        if reserved.startswith((b"EDF" + mark, b"BDF" + mark)):
            return kind + mark.decode()
    return kind


def _read_record_duration(parser: _Parser) -> Fraction:
    found = parser.fixed_field("duration of a data record")
    value = parser.number(found)
    if not 0 <= value <= _LONGEST_RECORD_S:
        raise parser.fail(found, "it has to be seconds, 0 or more, with a point as decimal mark; correct it")
    if value == 0:
        return Fraction(0)
    # Exact: a third of a second written with six decimals stays what the file says. The exponent is bounded
    # because the float was finite and not zero.
    return Fraction(_bare(found.raw).replace(b",", b".").decode("ascii"))


def _read_signals(parser: _Parser, sample_bytes: int, duration: Fraction) -> tuple[EdfSignal, ...]:
    signals: list[EdfSignal] = []
    offset = 0
    for signal in range(parser.n_signals):
        found = parser.signal_field("samples in a data record", signal)
        n_samples = parser.whole_number(found)
        if n_samples is None or n_samples < 0:
            raise parser.fail(found, "it has to be a whole number, 0 or more; correct it, or export again")
        place = parser.signal_field("label", signal)
        label = _text(place.raw)
        is_annotation = label in _ANNOTATION_LABELS
        if not is_annotation and _LIKE_ANNOTATIONS.fullmatch(label):
            is_annotation = True
            parser.note("annotation_label", f"{place.place}, and is read as the label of annotations.")
        if not is_annotation and n_samples:
            _check_rate(parser, found, n_samples, duration)
        signals.append(_read_signal(parser, signal, label, n_samples, offset, is_annotation, sample_bytes))
        offset += sample_bytes * n_samples
    return tuple(signals)


def _check_rate(parser: _Parser, found: Field, n_samples: int, duration: Fraction) -> None:
    if not duration or n_samples / duration > _FASTEST_HZ:
        record = parser.fixed_field("duration of a data record")
        rate = _in_hz(n_samples / duration) if duration else "no sampling rate"
        raise MalformedRecording(
            f"{parser.name}: {record.place}, and {found.place}: that gives {rate}; "
            "write the true length of a data record in seconds into the header, or export the file again"
        )


def _in_hz(rate: Fraction) -> str:
    try:
        return f"{float(rate):.3g} Hz"
    except OverflowError:
        return "more than 1e+308 Hz"


def _read_signal(
    parser: _Parser,
    signal: int,
    label: str,
    n_samples: int,
    offset: int,
    is_annotation: bool,
    sample_bytes: int,
) -> EdfSignal:
    def text(name: str) -> str:
        return _text(parser.signal_field(name, signal).shown)

    unit = _text(parser.signal_field("physical dimension", signal).raw)
    if not unit or not is_known_unit(unit):
        unit = parser.units.get(label, text("physical dimension"))
    is_voltage, gain, zero, low, high = False, 1.0, 0.0, 0.0, 0.0
    if not is_annotation:
        who = f"channel {label!r} (signal {signal + 1})"
        calibration = _read_calibration(parser, signal, who, sample_bytes)
        per_unit = microvolts_per(unit)
        if calibration is not None:
            gain, zero, low, high = calibration
            is_voltage = per_unit is not None
            scale = per_unit if per_unit is not None else 1.0
            gain, zero, low, high = gain * scale, zero * scale, low * scale, high * scale
        if not is_known_unit(unit):
            place = parser.signal_field("physical dimension", signal).place
            parser.note(
                "unknown_unit", f"{who}: {place}, a unit that is not known; its samples come as stated."
            )
        if n_samples == 0:
            parser.note("empty_channel", f"{who} has no samples in a data record and is left out.")
    return EdfSignal(
        label=label,
        transducer=text("transducer"),
        unit=unit,
        prefilter=text("prefiltering"),
        samples_per_record=n_samples,
        record_offset=offset,
        is_annotation=is_annotation,
        is_voltage=is_voltage,
        gain=gain,
        offset=zero,
        rail_low=min(low, high),
        rail_high=max(low, high),
    )


def _read_calibration(
    parser: _Parser, signal: int, who: str, sample_bytes: int
) -> tuple[float, float, float, float] | None:
    """Read gain, offset and physical range in the unit of the file; None where they make no sense.

    Physical minimum above maximum is in order: it states a negative gain. A digital range that the samples
    cannot hold says that they are stored otherwise (without sign, say), or that a digit is wrong.
    """
    fields = [
        parser.signal_field(name, signal)
        for name in ("physical minimum", "physical maximum", "digital minimum", "digital maximum")
    ]
    values = [parser.number(found) for found in fields]
    physical_min, physical_max, digital_min, digital_max = values
    broken = [found for found, value in zip(fields, values, strict=True) if not abs(value) < _LARGEST_RANGE]
    bits = 8 * sample_bytes
    # One beyond is let pass: writers round the end of a symmetric range.
    beyond = [k for k in (2, 3) if not abs(values[k]) <= 2 ** (bits - 1) or values[k] != int(values[k])]
    if broken:
        why = f"{broken[0].place}, which is no usable number"
    elif beyond:
        why = f"{fields[beyond[0]].place}, which is no whole number of {bits} bits"
    elif physical_min == physical_max:
        why = f"{fields[0].place}, and {fields[1].place}: no physical range"
    elif digital_min >= digital_max:
        why = f"{fields[2].place}, and {fields[3].place}: the minimum has to be the smaller"
    else:
        gain = (physical_max - physical_min) / (digital_max - digital_min)
        zero = physical_min - digital_min * gain
        # What rounding leaves of an offset of nothing would cost time at every sample.
        return gain, zero if abs(zero) > 1e-9 * abs(gain) else 0.0, physical_min, physical_max
    parser.note(
        "not_calibrated",
        f"{who}: {why}; its samples come as stored numbers, not as a voltage: correct the header to use it.",
    )
    return None


def _check_ascii(parser: _Parser) -> None:
    """Report bytes that the specification forbids; fields about the patient are named, not quoted."""
    for name in FIXED_FIELDS:
        found = parser.fixed_field(name)
        text = found.raw[1:] if name == "version" else found.raw
        if not _is_printable(text):
            parser.note(
                "header_not_ascii", f"{name} (byte {found.offset}) holds bytes outside printable ASCII."
            )
    if _is_printable(parser.per_signal):
        return
    odd = [
        found
        for name in SIGNAL_FIELDS
        for signal in range(parser.n_signals)
        if not _is_printable((found := parser.signal_field(name, signal)).raw)
    ]
    more = f", and {len(odd) - 1} more fields hold such" if len(odd) > 1 else ""
    parser.note(
        "header_not_ascii",
        f"{odd[0].place}, bytes outside printable ASCII, read as UTF-8 or else Latin-1{more}.",
    )


def _is_printable(raw: bytes) -> bool:
    return _PRINTABLE.fullmatch(raw) is not None


def _check_labels(parser: _Parser, signals: tuple[EdfSignal, ...]) -> None:
    labels = [signal.label for signal in signals if not signal.is_annotation]
    empty = labels.count("")
    if empty:
        parser.note("empty_label", f"{empty} of {len(labels)} channels have no label.")
    twice = (
        sorted({label for label in labels if label and labels.count(label) > 1})
        if len(set(labels)) < len(labels)
        else []
    )
    if twice:
        parser.note("duplicate_label", f"Channels share a label: {', '.join(map(repr, twice[:5]))}.")


def _check_header_bytes(parser: _Parser) -> int:
    """Take the length of the header from the number of signals; the field itself is often wrong."""
    true_bytes = FIXED_BYTES * (parser.n_signals + 1)
    found = parser.fixed_field("header bytes")
    if parser.whole_number(found) != true_bytes:
        parser.note(
            "header_bytes_wrong",
            f"{found.place}, but {parser.n_signals} signals make {true_bytes}; the data are read from there.",
        )
    return true_bytes


def _count_records(parser: _Parser, data_bytes: int, record_bytes: int) -> int:
    """Count the whole records that the file holds, and report how that differs from its header."""
    found = parser.fixed_field("number of data records")
    stated = parser.whole_number(found)
    if record_bytes == 0:
        parser.note("no_records", "No signal has samples in a data record: there is nothing to read.")
        return 0
    n_records, rest = divmod(data_bytes, record_bytes)
    if n_records == 0 and data_bytes > 0:
        samples = parser.signal_field("samples in a data record", 0)
        raise MalformedRecording(
            f"{parser.name}: {samples.place}, so a data record takes {record_bytes} bytes, but only "
            f"{data_bytes} follow the header: not one whole record; copy it again, or correct the header"
        )
    if n_records == 0:
        parser.note("no_records", f"The file ends with its header; {found.place}.")
        return 0
    if stated is None or stated < 0:
        parser.note(
            "record_count_unknown", f"{found.place}; the file holds {n_records} records, and all are read."
        )
    elif stated > n_records:
        parser.note(
            "truncated", f"{found.place}, but the file holds {n_records} whole records: the rest is missing."
        )
    elif stated < n_records:
        parser.note(
            "record_count_wrong", f"{found.place}, but the file holds {n_records} records, and all are read."
        )
    if rest:
        parser.note(
            "trailing_bytes", f"The last {rest} bytes of the file make no whole data record and are left out."
        )
    return n_records


_MONTHS = (b"JAN", b"FEB", b"MAR", b"APR", b"MAY", b"JUN", b"JUL", b"AUG", b"SEP", b"OCT", b"NOV", b"DEC")


def _read_start(parser: _Parser, is_plus: bool) -> tuple[datetime | None, time | None]:
    """Read date and clock time of the start; None for what is anonymised or impossible."""
    clock = _read_clock(parser)
    found = parser.fixed_field("start date")
    recording = parser.fixed_field("recording identification").raw
    full = _START_DATE.match(recording) if is_plus else None
    full_date = _full_date(full.group(1)) if full else None
    if full and full.group(1).upper() == b"X":
        parser.note("start_anonymised", "The recording's start date is anonymised (X).")
        return None, clock
    header_date = _header_date(found.raw)
    if header_date is None and full_date is None:
        parser.note(
            "start_date_unreadable", f"{found.place}, no date of the form dd.mm.yy: the date is unknown."
        )
    elif header_date is None:
        parser.note(
            "start_date_unreadable", f"{found.place}; the date is taken from the recording identification."
        )
    elif full_date is not None and _short(full_date) != _short(header_date):
        parser.note("start_dates_differ", f"{found.place}, not the date of the recording identification.")
        full_date = None
    elif full_date is None and header_date == date(1985, 1, 1):
        parser.note("start_anonymised", f"{found.place}, the date that stands for an anonymised one.")
        return None, clock
    day = full_date or header_date
    if day is None or clock is None:
        return None, clock
    return datetime.combine(day, clock), clock


def _short(day: date) -> tuple[int, int, int]:
    return day.day, day.month, day.year % 100


def _read_clock(parser: _Parser) -> time | None:
    found = parser.fixed_field("start time")
    match = _CLOCK_TIME.fullmatch(_bare(found.raw))
    try:
        if match:
            hour, minute, second = (int(part) for part in match.groups())
            return time(hour, minute, second)
    except ValueError:
        pass
    parser.note(
        "start_time_unreadable", f"{found.place}, no time of the form hh.mm.ss: the clock time is unknown."
    )
    return None


def _header_date(raw: bytes) -> date | None:
    """Read dd.mm.yy; years from 85 on belong to the last century, as EDF has it."""
    match = _SHORT_DATE.fullmatch(_bare(raw))
    if not match:
        return None
    day, month, year = (int(part) for part in match.groups())
    try:
        return date(year + (1900 if year >= 85 else 2000), month, day)
    except ValueError:
        return None


def _full_date(text: bytes) -> date | None:
    """Read the dd-MMM-yyyy of an EDF+ recording identification, which knows years before 1985."""
    match = _LONG_DATE.fullmatch(text.upper())
    if not match or match.group(2) not in _MONTHS:
        return None
    try:
        return date(int(match.group(3)), _MONTHS.index(match.group(2)) + 1, int(match.group(1)))
    except ValueError:
        return None
