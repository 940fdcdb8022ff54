"""What do the annotation signals of an EDF+ or BDF+ file say: when records start, and what happened when?

Conventions
-----------
An annotation signal is bytes: in each data record a row of time-stamped annotation lists (TALs), each
``onset [0x15 duration] 0x14 text 0x14 … 0x00`` (EDF+, 2.2.2). The first TAL of a record's first annotation
signal has an empty first text, and its onset is the record's start. Onsets are kept as whole numbers of
decimal ticks, so that twelve hours of them add up exactly. Records count from 0 in code and in messages.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from lsr.errors import MalformedRecording
from lsr.recording import Annotation, Problem

TAL = re.compile(
    rb"(?P<onset>(?P<sign>[+-]?)(?:\d+(?:[.,]\d*)?|[.,]\d+))(?:\x15(?P<duration>[^\x14]*))?\x14(?P<texts>.*)",
    re.DOTALL,
)
_DURATION = re.compile(rb"\d+(?:\.\d*)?")
LOOSE_DURATION = re.compile(rb"\+?(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:[eE][+-]?\d{1,2})?")
_LIKE_AN_ONSET = re.compile(rb"[+-]\d+(?:\.\d*)?")
# The usual TAL, in text: a signed onset, perhaps a duration, one text.
_PLAIN_TAL = re.compile(
    "([+-][0-9]{1,17}(?:\\.[0-9]*)?)(?:\x15([0-9]+(?:\\.[0-9]*)?))?\x14([^\x14\x15\x00]+)\x14\x00"
)
_PLAIN_ONSET = re.compile(rb"[+-]?\d+(?:\.\d*)?")
# What stands between the onset of a time-keeping TAL and the rest.
_TIME_KEEPING_END = b"\x14\x14\x00"
_MOST_DIGITS = 18  # of an onset: as many fit 64 bits; a picosecond in eleven days
_SHOWN_BYTES = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordTimes:
    """When the data records start, and which of them are contiguous."""

    start_s: NDArray[np.float64]  # (n_records,)
    first_of_segment: NDArray[np.int64]  # (n_segments,)


# time_s, duration_s, text, record: an annotation before it is known whether it lies within the data.
Event = tuple[float, float | None, str, int]
# A time in seconds as a whole number, and how many of its digits are decimals.
Ticks = tuple[int, int]


@dataclass(slots=True)
class _Odd:
    """How often something odd was met, and where first."""

    count: int = 0
    where: str = ""

    def add(self, where: str) -> None:
        if not self.count:
            self.where = where
        self.count += 1


@dataclass(slots=True)
class AnnotationReader:
    """Reads annotation signals record by record, in the order of the file.

    Parameters
    ----------
    name : str
        What messages call the file.
    keeps_time : bool
        There are annotation signals, which tell when each record starts; without any, no records are read.
    may_have_gaps : bool
        The file is marked EDF+D or BDF+D: records need not follow each other.
    """

    name: str
    keeps_time: bool
    may_have_gaps: bool = False
    events: list[Event] = field(default_factory=list)
    _mantissas: list[NDArray[np.int64]] = field(default_factory=list)
    _decimals: list[NDArray[np.int64]] = field(default_factory=list)
    _elsewhere: dict[int, Ticks] = field(default_factory=dict)  # by record: onsets of TALs without text
    _n_records: int = 0
    _n_untimed: _Odd = field(default_factory=_Odd)
    _broken: _Odd = field(default_factory=_Odd)
    _cut: _Odd = field(default_factory=_Odd)
    _loose: _Odd = field(default_factory=_Odd)
    _odd_length: _Odd = field(default_factory=_Odd)
    _joined: _Odd = field(default_factory=_Odd)
    _moved: _Odd = field(default_factory=_Odd)
    _latin: _Odd = field(default_factory=_Odd)

    def read_records(self, blocks: list[NDArray[np.uint8]], offsets: list[int], record_bytes: int) -> None:
        """Read the next records.

        Parameters
        ----------
        blocks : list[NDArray[np.uint8]]
            One a signal, (n_records, n_bytes).
        offsets : list[int]
            Byte of the file at which each signal starts in the first of these records.
        record_bytes : int
            From one record to the next.
        """
        n_records, n_before = len(blocks[0]), len(self.events)
        mantissas = np.full(n_records, -1, dtype=np.int64)
        decimals = np.full(n_records, -1, dtype=np.int64)  # -1: the record has no time-keeping TAL
        for signal, (block, offset) in enumerate(zip(blocks, offsets, strict=True)):
            for row in np.flatnonzero(block.any(axis=1)).tolist():
                content = block[row].tobytes()
                record = self._n_records + row
                where = offset + row * record_bytes
                if signal == 0:
                    end = content.find(_TIME_KEEPING_END)
                    ticks = _ticks(content[:end]) if end > 0 else None
                    if ticks is not None:  # the usual record: time keeping and nothing else in its TAL
                        mantissas[row], decimals[row] = ticks
                        rest = content[end + len(_TIME_KEEPING_END) :]
                        if rest.count(0) != len(rest):
                            self._read_tals(rest, record, where + end + len(_TIME_KEEPING_END))
                        continue
                for leads, ticks in self._read_tals(content, record, where):
                    if leads and signal == 0:
                        mantissas[row], decimals[row] = ticks
                    else:
                        self._elsewhere.setdefault(record, ticks)
        self._mantissas.append(mantissas)
        self._decimals.append(decimals)
        self._n_records += n_records
        if len(blocks) > 1:  # read signal by signal; in the file they take turns
            self.events[n_before:] = sorted(self.events[n_before:], key=_record)

    def _read_plain(self, content: bytes, record: int) -> bool:
        """Read the usual TALs, one text each, all at once; False, and nothing read, where one is unusual."""
        try:
            body = content.rstrip(b"\0").decode("utf-8") + "\0"
        except UnicodeDecodeError:
            return False
        found = _PLAIN_TAL.findall(body)
        n_marks = 3 * len(found) + body.count("\x15")
        if sum([len(onset) + len(length) + len(text) for onset, length, text in found]) + n_marks != len(
            body
        ):
            return False
        self.events += [
            (float(onset) + 0.0, float(length) if length else None, text, record)
            for onset, length, text in found
        ]
        return True

    def _read_tals(self, content: bytes, record: int, where: int) -> list[tuple[bool, Ticks]]:
        """Read the TALs of a signal in one record; of those that may keep the time: if it leads, onset."""
        may_keep: list[tuple[bool, Ticks]] = []
        if self._read_plain(content, record):
            return may_keep
        for number, tal in enumerate(content.rstrip(b"\0").split(b"\0")):
            if tal:
                read = self._read_tal(tal, record, where + content.index(tal))
                # Other texts may follow the empty one of the TAL that leads.
                if read is not None and not any(read[1] if number else read[1][:1]):
                    may_keep.append((number == 0, read[0]))
        return may_keep

    def _read_tal(self, tal: bytes, record: int, where: int) -> tuple[Ticks, list[bytes]] | None:
        """Keep the texts of one TAL; give its onset, and them."""
        match = TAL.fullmatch(tal)
        ticks = _ticks(match["onset"]) if match else None
        place = f"record {record}, byte {where}: {_without_text(tal)!r}"
        if match is None or ticks is None:
            self._broken.add(place)
            return None
        if not match["sign"] or not _PLAIN_ONSET.fullmatch(match["onset"]):
            self._loose.add(place)
        onset_s = float(match["onset"].replace(b",", b".")) + 0.0  # no negative zero
        texts = match["texts"].split(b"\x14")
        if texts[-1]:
            self._cut.add(place)
        else:
            texts.pop()
        if any(_LIKE_AN_ONSET.fullmatch(text) for text in texts[1:]):
            self._joined.add(place)
        duration_s = self._duration_s(match["duration"], place)
        for raw in texts:
            if raw:
                self.events.append((onset_s, duration_s, self._decode(raw, place), record))
        return ticks, texts

    def _duration_s(self, raw: bytes | None, place: str) -> float | None:
        """Read a duration; what is none costs the duration, not the annotation."""
        if not raw or _DURATION.fullmatch(raw):
            return float(raw) if raw else None
        if LOOSE_DURATION.fullmatch(raw):
            self._loose.add(place)
            return float(raw.replace(b",", b"."))
        self._odd_length.add(place)
        return None

    def _decode(self, raw: bytes, place: str) -> str:
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError:
            self._latin.add(place)
            return raw.decode("latin-1")

    def problems(self) -> list[Problem]:
        """Give everything odd that was met, each kind once."""
        kinds = (
            (self._broken, "annotation_broken", "no time-stamped annotation list; reading goes on after it"),
            (self._cut, "annotation_cut", "an annotation without its end; its text may be cut"),
            (self._loose, "annotation_form", "a number of a form that EDF+ does not have, read nevertheless"),
            (self._odd_length, "annotation_duration", "what stands for a duration is none and is left out"),
            (self._joined, "annotation_joined", "a text like an onset: two may have become one"),
            (self._latin, "annotation_not_utf8", "text that is not UTF-8, read as Latin-1"),
            (self._moved, "time_keeping_moved", "its time-keeping annotation is not the first; it is used"),
            (self._n_untimed, "time_keeping_missing", "no time-keeping annotation; it continues that before"),
        )
        return [
            Problem(code=code, message=f"{odd.where}: {what}{_more(odd.count)}.")
            for odd, code, what in kinds
            if odd.count
        ]

    def record_times(
        self, n_records: int, record_duration: Fraction, tolerance_s: float
    ) -> tuple[RecordTimes, list[Problem]]:
        """Give the start of every record, and which records follow each other without a gap.

        Parameters
        ----------
        n_records : int
            How many there are.
        record_duration : Fraction
            Seconds from the first sample of a record to the one after its last.
        tolerance_s : float
            A record that starts within this of the end of the one before is contiguous: half a sample.

        Raises
        ------
        MalformedRecording
            A record starts before the one before it ends, or there may be gaps, and most records do not tell
            when they start.
        """
        mantissas, decimals = self._record_onsets()
        n_untimed = int((decimals < 0).sum()) if self.keeps_time else n_records
        if self.may_have_gaps and n_records > 1 and 2 * n_untimed > n_records:
            raise MalformedRecording(
                f"{self.name}: marked as a file with gaps (+D), but {n_untimed} of {n_records} data records "
                "have no time-keeping annotation: when their samples were taken cannot be known; export it "
                "again, or mark it EDF+C if nothing was left out"
            )
        if not self.keeps_time or not n_records:
            start_s = np.arange(n_records) * record_duration.numerator / record_duration.denominator
            first = np.zeros(min(n_records, 1), dtype=np.int64)
            return RecordTimes(start_s=start_s, first_of_segment=first), []
        timed = decimals >= 0
        ticks, places = _common_ticks(np.where(timed, mantissas, 0), np.maximum(decimals, 0))
        steps_s, start_s = _continue_untimed(ticks, timed, 10**places, record_duration)
        late_s = steps_s - float(record_duration)
        problems = self._check_order(late_s, steps_s, tolerance_s, 10.0**-places)
        first = np.concatenate([[0], 1 + np.flatnonzero(np.abs(late_s) > tolerance_s)])
        return RecordTimes(start_s=start_s, first_of_segment=first), problems

    def _record_onsets(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Onsets of all records as ticks, and their decimals: -1 where a record does not tell.

        A TAL without text that does not lead its record may be an empty annotation. It keeps the time where
        records need not follow each other, or where most of them keep it so.
        """
        nothing = np.zeros(0, dtype=np.int64)
        mantissas = np.concatenate([nothing, *self._mantissas])
        decimals = np.concatenate([nothing, *self._decimals])
        moved = [record for record in self._elsewhere if decimals[record] < 0]
        if self.may_have_gaps or 2 * len(moved) > decimals.size:
            for record in moved:
                mantissas[record], decimals[record] = self._elsewhere[record]
                self._moved.add(f"record {record}")
        for record in np.flatnonzero(decimals < 0).tolist():
            self._n_untimed.add(f"record {record}")
        return mantissas, decimals

    def _check_order(
        self, late_s: NDArray[np.float64], steps_s: NDArray[np.float64], tolerance_s: float, written_s: float
    ) -> list[Problem]:
        early = np.flatnonzero(late_s < -tolerance_s)
        # Onsets written in whole milliseconds, say, can overlap by one of them without a fault of the clock.
        worse = early[(steps_s[early] <= 0) | (late_s[early] < -1.000001 * min(written_s, 0.001))]
        if len(worse):
            record = int(worse[0]) + 1
            raise MalformedRecording(
                f"{self.name}: record {record} (counted from 0) starts {-late_s[record - 1]:.6g} s before "
                f"record {record - 1} ends: time runs backwards there, {len(worse)} times in all; "
                "export the file again, or correct the time-keeping annotation of that record"
            )
        if not len(early):
            return []
        record = int(early[0]) + 1
        overlap_s = -late_s[record - 1]
        message = f"record {record} starts {overlap_s:.3g} s before the one before ends{_more(len(early))}."
        return [Problem(code="records_overlap", message=message)]


def place_annotations(
    events: list[Event], start_s: NDArray[np.float64], stop_s: NDArray[np.float64]
) -> tuple[Annotation, ...]:
    """Turn events into annotations, marked as inside or outside the segments that start and stop so."""
    times = np.array([event[0] for event in events], dtype=np.float64)
    if len(start_s):
        segment = np.searchsorted(start_s, times, side="right") - 1
        inside = (segment >= 0) & (times < stop_s[np.maximum(segment, 0)])
    else:
        inside = np.zeros(len(times), dtype=bool)
    return tuple(
        Annotation(time_s=time_s, duration_s=duration_s, text=text, inside=lies, record=record)
        for (time_s, duration_s, text, record), lies in zip(events, inside.tolist(), strict=True)
    )


def _continue_untimed(
    ticks: NDArray[np.int64], timed: NDArray[np.bool_], per_second: int, record_duration: Fraction
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Give the seconds from record to record, and every start; untimed records continue the one before."""
    if timed.all():
        return np.diff(ticks) / per_second, ticks / per_second
    index = np.arange(len(ticks))
    before = np.maximum.accumulate(np.where(timed, index, -1))
    # Records before the first that tells its time count from second 0.
    base = np.where(before >= 0, ticks[np.maximum(before, 0)], 0)
    behind = index - np.maximum(before, 0)
    start_s = base / per_second + behind * record_duration.numerator / record_duration.denominator
    # Differences from exact ticks: starts late in a long recording have lost their last digits.
    steps_s = np.diff(base) / per_second + np.diff(behind) * float(record_duration)
    return steps_s, start_s


def _record(event: Event) -> int:
    return event[3]


def _ticks(onset: bytes) -> Ticks | None:
    """Take an onset to decimal ticks; None if it is no onset."""
    digits, _, part = onset.replace(b",", b".").partition(b".")
    if part and digits in (b"", b"+", b"-"):
        digits += b"0"
    part = part[: max(0, _MOST_DIGITS - len(digits))].rstrip(b"0")
    if not digits.lstrip(b"+-").isdigit() or len(digits) > _MOST_DIGITS or not (part.isdigit() or not part):
        return None
    return int(digits + part), len(part)


def _common_ticks(mantissas: NDArray[np.int64], decimals: NDArray[np.int64]) -> tuple[NDArray[np.int64], int]:
    """Count all onsets in the same ticks, as fine as fit 64 bits; give also the decimals of a tick."""
    largest_s = float(np.max(np.abs(mantissas) / 10.0**decimals, initial=1.0))
    places = min(int(decimals.max(initial=0)), _MOST_DIGITS - 1 - int(np.log10(largest_s)))
    finer = np.maximum(decimals - places, 0)
    return mantissas // 10**finer * 10 ** (places - decimals + finer), places


def _without_text(tal: bytes) -> bytes:
    """Show where a TAL begins: its numbers, and no letter of what may name a person."""
    return re.sub(rb"[^+.,\d\x15-]", b"?", tal.partition(b"\x14")[0][:_SHOWN_BYTES])


def _more(count: int) -> str:
    return f" ({count - 1} more like it)" if count > 1 else ""
