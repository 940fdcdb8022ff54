"""How are EDF, EDF+ and BDF files read: lazily, at the speed of the disk, with the true time of every record?

Conventions
-----------
Samples are little-endian integers, 16 bits in EDF and 24 in BDF. A data record holds the samples of each
signal one signal after the other. Only whole records are read. Annotation signals are no channels.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NoReturn

import numpy as np
from numpy.typing import NDArray

from lsr.errors import RecordingNotFound, UnreadableSamples
from lsr.io.edf_annotations import AnnotationReader, RecordTimes, place_annotations
from lsr.io.edf_header import EdfHeader, EdfSignal, read_header
from lsr.io.labels import read_label
from lsr.recording import Channel, Problem, Recording, Segment

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

# Bytes that one read takes at most, unless a single record has more: what a processor's cache holds.
_CHUNK_BYTES = 512 << 10
# Reading everything between two wanted stretches is quicker than a second system call below this.
_CHEAP_SPAN_BYTES = 64 << 10
_WORTH_A_THREAD_BYTES = 2 << 20  # decoded; below, starting a thread takes longer than it saves
# Before what is read: decoding 24 bits needs one, and the system copies faster to a round address.
_SPARE_BYTES = 64
_HAS_PREADV = hasattr(os, "preadv")


class RawFile:
    """Bytes of a file by offset: one system call a read where the platform has `preadv`.

    Parameters
    ----------
    path : Path
        The file; it stays open until `close`.

    Raises
    ------
    RecordingNotFound
        No such file, or no right to read it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self.file: BinaryIO = open(path, "rb", buffering=0)  # noqa: SIM115 - closed by `close`
        except OSError as error:
            raise RecordingNotFound(
                f"{path}: {error.strerror or error}; check the path, and the right to read it"
            ) from error
        self._number = self.file.fileno()
        self._lock = threading.Lock()
        self.n_bytes = os.fstat(self._number).st_size

    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled or copied: the path may lead elsewhere to another file."""
        raise TypeError(
            f"{self.path.name}: an open recording cannot go to another process, nor be copied; "
            "hand on its path, and read it again there"
        )

    def read_into(self, buffer: memoryview, offset: int) -> None:
        """Fill `buffer` with the bytes from `offset` on.

        Raises
        ------
        UnreadableSamples
            The file ends before, or the disk fails.
        """
        wanted = len(buffer)
        try:
            got = self._read_once(buffer, offset)
            while got < wanted:  # a short read is allowed at any time, an empty one only at the end
                more = self._read_once(buffer[got:], offset + got)
                if not more:
                    raise UnreadableSamples(
                        f"{self.path.name}: the file ends at byte {offset + got}, but {wanted} bytes were to "
                        f"be read from byte {offset} on; it became shorter since it was opened: copy it again"
                    )
                got += more
        except (OSError, ValueError) as error:
            raise UnreadableSamples(
                f"{self.path.name}: reading {wanted} bytes from byte {offset} on failed: {error}; "
                "check the disk or network, or work on a local copy"
            ) from error

    def read_row(self, row: memoryview, offset: int) -> None:
        """Fill `row` as `read_into` does: one call, nothing else, as there are tens of thousands of them."""
        try:
            if _HAS_PREADV and os.preadv(self._number, (row,), offset) == len(row):
                return
        except OSError:
            pass  # the other way repeats it, and words the error
        self.read_into(row, offset)

    def read_rows(self, buffer: memoryview, width: int, offsets: Iterable[int]) -> None:
        """Fill `buffer` row by row with `width` bytes from each offset."""
        for number, offset in enumerate(offsets):
            self.read_row(buffer[number * width : (number + 1) * width], offset)

    def _read_once(self, buffer: memoryview, offset: int) -> int:
        if _HAS_PREADV:
            return os.preadv(self._number, (buffer,), offset)
        with self._lock:
            self.file.seek(offset)
            return self.file.readinto(buffer) or 0  # type: ignore[attr-defined]

    def close(self) -> None:
        """Let go of the file."""
        self._number = -1  # the number may come to belong to another file
        self.file.close()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Chosen:
    """Some channels of one rate, and where and how they stand in each record."""

    sample_bytes: int
    record_bytes: int
    per_record: int  # samples
    offsets: list[int]  # bytes from the start of a record
    low: int
    high: int
    spacing: int | None  # bytes from one to the next, where it is always the same
    gains: NDArray[np.float32]  # (channels, 1)
    zeros: NDArray[np.float32] | None  # (channels, 1); None: all zero

    def is_cheaper_by_row(self, n_records: int, n_samples: int) -> bool:
        """Whether a system call for every stretch of a channel beats reading what lies between, too."""
        wanted = len(self.offsets) * n_records * n_samples * self.sample_bytes
        return self.span(n_records, n_samples) > max(_CHEAP_SPAN_BYTES, 2 * wanted)

    def span(self, n_records: int, n_samples: int) -> int:
        """Bytes that so many samples of every channel in consecutive records stretch over."""
        return (n_records - 1) * self.record_bytes + self.high - self.low + n_samples * self.sample_bytes


class _Part:
    """As many samples of each channel from each of some records: where they are read to, and how decoded."""

    def __init__(self, chosen: _Chosen, n_records: int, n_samples: int) -> None:
        self._chosen = chosen
        self._shape = shape = (len(chosen.offsets), n_records, n_samples)
        width, step = n_samples * chosen.sample_bytes, chosen.record_bytes
        self._width = width
        self._by_row = chosen.is_cheaper_by_row(n_records, n_samples)
        n_bytes = shape[0] * n_records * width if self._by_row else chosen.span(n_records, n_samples)
        buffer = np.empty(_SPARE_BYTES + n_bytes, dtype=np.uint8)
        self._bytes = buffer.data[_SPARE_BYTES:]
        every, first = slice(None), chosen.offsets[0] - chosen.low
        if self._by_row:
            self._stored = [(every, _stored(buffer, chosen, 0, shape, (n_records * width, width)))]
        elif chosen.spacing is not None:
            self._stored = [(every, _stored(buffer, chosen, first, shape, (chosen.spacing, step)))]
        else:
            starts = [offset - chosen.low for offset in chosen.offsets]
            self._stored = [
                (slice(row, row + 1), _stored(buffer, chosen, start, (1, *shape[1:]), (0, step)))
                for row, start in enumerate(starts)
            ]

    def read(self, file: RawFile, begin: int) -> None:
        """Read the part whose records begin, or are entered, at byte `begin`."""
        if not self._by_row:
            file.read_into(self._bytes, begin + self._chosen.low)
            return
        records = range(begin, begin + self._shape[1] * self._chosen.record_bytes, self._chosen.record_bytes)
        offsets = [record + offset for offset in self._chosen.offsets for record in records]
        file.read_rows(self._bytes, self._width, offsets)

    def decode(self, out: NDArray[np.float32]) -> None:
        """Scale what was read into (channels, records * samples)."""
        by_record = out.reshape(self._shape)
        for rows, stored in self._stored:
            _scale(stored, self._chosen, rows, by_record[rows])

    def decode_digital(self, out: NDArray[np.int32]) -> None:
        """Copy what was read into (channels, records * samples)."""
        by_record = out.reshape(self._shape)
        for rows, stored in self._stored:
            by_record[rows] = _integers(stored, self._chosen)


def _stored(
    buffer: NDArray[np.uint8],
    chosen: _Chosen,
    start: int,
    shape: tuple[int, ...],
    steps: tuple[int, int],
) -> NDArray[np.integer[Any]]:
    """View of the little-endian integers in a buffer, `steps` bytes from row to row.

    They begin behind spare bytes: four bytes read from one before each sample of three hold it in their upper
    three.
    """
    if chosen.sample_bytes == 2:
        return np.ndarray(shape, "<i2", buffer, _SPARE_BYTES + start, (*steps, 2))
    return np.ndarray(shape, "<i4", buffer, _SPARE_BYTES + start - 1, (*steps, 3))


def _integers(stored: NDArray[np.integer[Any]], chosen: _Chosen) -> NDArray[np.integer[Any]]:
    """Return what is stored as numbers: a shift keeps the sign."""
    return stored if chosen.sample_bytes == 2 else stored >> 8


def _scale(stored: NDArray[np.integer[Any]], chosen: _Chosen, rows: slice, out: NDArray[np.float32]) -> None:
    """Turn what is stored of some channels into microvolts; their axis is the first of three."""
    gains = chosen.gains[rows, np.newaxis]
    np.multiply(_integers(stored, chosen), gains, out=out, dtype=np.float32, casting="unsafe")  # 24 bits fit
    if chosen.zeros is not None:
        out += chosen.zeros[rows, np.newaxis]


class EdfStore:
    """The samples of an EDF or BDF file, read when asked for.

    Parameters
    ----------
    file : RawFile
        The open file.
    header : EdfHeader
        Its layout.
    signals : Sequence[EdfSignal]
        The channels, in their order; no annotation signals.
    times : RecordTimes
        When the records start.
    """

    def __init__(
        self, file: RawFile, header: EdfHeader, signals: Sequence[EdfSignal], times: RecordTimes
    ) -> None:
        self._file = file
        self._header = header
        self._signals = signals
        self._times = times

    @property
    def piece_start_s(self) -> NDArray[np.float64]:
        """When each record starts."""
        return self._times.start_s

    @property
    def segment_first_piece(self) -> NDArray[np.int64]:
        """The record that opens each segment."""
        return self._times.first_of_segment

    def piece_first_sample(self, channel: int) -> NDArray[np.int64]:
        """Count the samples before each record, and all of them last."""
        n_records = self._header.n_records
        return np.arange(n_records + 1, dtype=np.int64) * self._signals[channel].samples_per_record

    def read_windows(
        self, channels: Sequence[int], first_samples: NDArray[np.int64], n_samples: int
    ) -> NDArray[np.float32]:
        """Read windows in microvolts, or the unit of the file: (n, channels, n_samples)."""
        chosen = self._choose(channels)
        samples = np.empty((len(first_samples), len(channels), n_samples), dtype=np.float32)
        if n_samples <= chosen.per_record and chosen.is_cheaper_by_row(1, n_samples):
            self._read_by_row(chosen, first_samples.tolist(), samples)
            return samples
        for window, first in zip(samples, first_samples.tolist(), strict=True):
            self._read_scaled(chosen, first, window)
        return samples

    def read_stretch(self, channels: Sequence[int], first_sample: int, n_samples: int) -> NDArray[np.float32]:
        """Read consecutive samples in microvolts, or the unit of the file: (channels, n_samples)."""
        chosen = self._choose(channels)
        samples = np.empty((len(channels), n_samples), dtype=np.float32)
        if samples.nbytes < _WORTH_A_THREAD_BYTES:
            self._read_scaled(chosen, first_sample, samples)
            return samples
        # Split between records, so that none is read twice, unless they are long.
        half = n_samples // 2
        half -= (first_sample + half) % chosen.per_record if half > 4 * chosen.per_record else 0
        # Reading and decoding let other threads run: two halves at once take little more than one.
        later = self._helper.submit(self._read_scaled, chosen, first_sample + half, samples[:, half:])
        self._read_scaled(chosen, first_sample, samples[:, :half])
        later.result()
        return samples

    @cached_property
    def _helper(self) -> ThreadPoolExecutor:
        from concurrent.futures import ThreadPoolExecutor

        return ThreadPoolExecutor(max_workers=1)

    def read_digital(self, channel: int) -> NDArray[np.int32]:
        """Read every stored integer of a channel: (n_samples,)."""
        chosen = self._choose((channel,))
        stored = np.empty(self._header.n_records * chosen.per_record, dtype=np.int32)
        for part, where in self._parts(chosen, 0, stored.size):
            part.decode_digital(stored[where])
        return stored

    def sha256(self) -> str:
        """Digest the bytes of the file."""
        digest = hashlib.sha256()
        chunk = memoryview(bytearray(_CHUNK_BYTES))
        for begin in range(0, self._file.n_bytes, _CHUNK_BYTES):
            part = chunk[: min(_CHUNK_BYTES, self._file.n_bytes - begin)]
            self._file.read_into(part, begin)
            digest.update(part)
        return digest.hexdigest()

    def close(self) -> None:
        """Let go of the file."""
        helper = vars(self).pop("_helper", None)
        if helper is not None:
            helper.shutdown()
        self._file.close()

    def _choose(self, channels: Sequence[int]) -> _Chosen:
        """Look up once what reading some channels of one rate needs at every step."""
        signals = [self._signals[channel] for channel in channels]
        offsets = [signal.record_offset for signal in signals]
        steps = {after - before for before, after in pairwise(offsets)}
        zeros = np.array([[signal.offset] for signal in signals], dtype=np.float32)
        return _Chosen(
            sample_bytes=self._header.sample_bytes,
            record_bytes=self._header.record_bytes,
            per_record=signals[0].samples_per_record,
            offsets=offsets,
            low=min(offsets),
            high=max(offsets),
            spacing=max(steps, default=0) if len(steps) < 2 else None,
            gains=np.array([[signal.gain] for signal in signals], dtype=np.float32),
            zeros=zeros if zeros.any() else None,
        )

    def _read_scaled(self, chosen: _Chosen, first_sample: int, out: NDArray[np.float32]) -> None:
        """Fill (channels, n_samples), part by part, each while it is in the processor's cache."""
        for part, where in self._parts(chosen, first_sample, out.shape[1]):
            part.decode(out[:, where])

    def _parts(self, chosen: _Chosen, first_sample: int, n_samples: int) -> Iterator[tuple[_Part, slice]]:
        """Read consecutive samples: stretches of one record, or some whole records, and where they belong."""
        size, step = chosen.sample_bytes, chosen.record_bytes
        most = max(1, _CHUNK_BYTES // (size * len(chosen.offsets)))
        parts: dict[tuple[int, int], _Part] = {}
        done = 0
        while done < n_samples:
            record, within = divmod(first_sample + done, chosen.per_record)
            each, count = min(chosen.per_record - within, n_samples - done, most), 1
            if each == chosen.per_record:
                count = max(1, min((n_samples - done) // each, _CHUNK_BYTES // step))
            if (count, each) not in parts:
                parts[count, each] = _Part(chosen, count, each)
            part = parts[count, each]
            part.read(self._file, self._header.header_bytes + record * step + within * size)
            yield part, slice(done, done + count * each)
            done += count * each

    def _read_by_row(self, chosen: _Chosen, firsts: Sequence[int], out: NDArray[np.float32]) -> None:
        """Fill (windows, channels, n_samples) that touch two records at most, channel by channel."""
        size, step, n_samples = chosen.sample_bytes, chosen.record_bytes, out.shape[2]
        buffer = np.empty(_SPARE_BYTES + out.size * size, dtype=np.uint8)
        filled, at, read = buffer.data, _SPARE_BYTES, self._file.read_row
        for first in firsts:
            record, within = divmod(first, chosen.per_record)
            begin = self._header.header_bytes + record * step
            here = min(n_samples, chosen.per_record - within) * size
            rest = n_samples * size - here
            for offset in chosen.offsets:
                read(filled[at : at + here], begin + offset + within * size)
                at += here
                if rest:
                    read(filled[at : at + rest], begin + step + offset)
                    at += rest
        by_channel = out.transpose(1, 0, 2)
        width = n_samples * size
        stored = _stored(buffer, chosen, 0, by_channel.shape, (width, out.shape[1] * width))
        _scale(stored, chosen, slice(None), by_channel)


def read_edf(path: Path, units: Mapping[str, str] | None = None) -> Recording:
    """Read an EDF, EDF+ or BDF file; its samples are read when asked for.

    Parameters
    ----------
    path : Path
        The file.
    units : Mapping[str, str] | None
        By label, the units of channels whose own the file leaves open.

    Raises
    ------
    RecordingNotFound
        No such file, or no right to read it.
    MalformedRecording
        The header, a record's time or the length of the file breaks the format beyond safe repair.
    UnreadableSamples
        The disk failed.
    """
    file = RawFile(path)
    try:
        header = read_header(file.file, path.name, file.n_bytes, units or {})
        return _assemble(file, header, path)
    except OSError as error:
        file.close()
        raise UnreadableSamples(
            f"{path.name}: reading the header failed: {error}; "
            "check the disk or network, or work on a local copy"
        ) from error
    except BaseException:
        file.close()
        raise


def _assemble(file: RawFile, header: EdfHeader, path: Path) -> Recording:
    ordinary = [s for s in header.signals if not s.is_annotation and s.samples_per_record]
    noted = [s for s in header.signals if s.is_annotation and s.samples_per_record]
    problems = [*header.problems, *_check_marks(header, noted)]
    reader = AnnotationReader(
        name=path.name, keeps_time=bool(noted), may_have_gaps=header.format.endswith("+D")
    )
    _read_annotations(file, header, noted, reader)
    fastest = max((s.samples_per_record for s in ordinary), default=0)
    # Without samples there is nothing that a gap could lie between.
    tolerance_s = float(header.record_duration / fastest) / 2 if fastest else float("inf")
    times, odd_times = reader.record_times(header.n_records, header.record_duration, tolerance_s)
    segments = _segments(times, float(header.record_duration))
    starts_s, stops_s = (np.array([getattr(s, end) for s in segments]) for end in ("start_s", "stop_s"))
    problems += reader.problems() + odd_times
    if len(segments) > 1 and not header.format.endswith("+D"):
        problems.append(_undeclared_gap(header, segments))
    annotations = place_annotations(reader.events, starts_s, stops_s)
    return Recording(
        EdfStore(file, header, ordinary, times),
        channels=[_channel(index, signal, header) for index, signal in enumerate(ordinary)],
        segments=segments,
        annotations=annotations,
        problems=problems,
        name=path.name,
        format=header.format,
        path=path,
        start=header.start,
        start_clock=header.start_clock,
        record_times_s=times.start_s,
        record_duration_s=float(header.record_duration),
    )


def _check_marks(header: EdfHeader, noted: Sequence[EdfSignal]) -> list[Problem]:
    """Compare what the file is marked as with whether it has annotation signals."""
    if header.is_plus and not noted:
        message = (
            f"The file is marked {header.format} but has no annotation signal: "
            "its records are taken to be contiguous."
        )
        return [Problem(code="time_keeping_missing", message=message)]
    if noted and not header.is_plus:
        message = f"The file has annotation signals but is marked as plain {header.format}; they are read."
        return [Problem(code="annotations_not_declared", message=message)]
    return []


def _undeclared_gap(header: EdfHeader, segments: Sequence[Segment]) -> Problem:
    gap_s = segments[1].start_s - segments[0].stop_s
    return Problem(
        code="gap_not_declared",
        message=f"The file is marked {header.format}, without gaps, but {len(segments) - 1} lie between its "
        f"records, the first of {gap_s:.6g} s at {segments[0].stop_s:.6g} s; the times of the records are "
        "followed.",
    )


def _read_annotations(
    file: RawFile, header: EdfHeader, noted: Sequence[EdfSignal], reader: AnnotationReader
) -> None:
    """Read the annotation signals of all records, a bounded number of records at a time."""
    if not noted:
        return
    widths = [signal.samples_per_record * header.sample_bytes for signal in noted]
    step = header.record_bytes
    # Where annotations are most of a record, one read for many records beats one for each.
    whole = step <= 2 * sum(widths)
    most = max(1, _CHUNK_BYTES // (step if whole else sum(widths)))
    for record in range(0, header.n_records, most):
        count = min(most, header.n_records - record)
        begin = header.header_bytes + record * step
        offsets = [begin + signal.record_offset for signal in noted]
        if whole:
            raw = np.empty((count, step), dtype=np.uint8)
            file.read_into(raw.data.cast("B"), begin)
            blocks = [
                raw[:, s.record_offset : s.record_offset + w] for s, w in zip(noted, widths, strict=True)
            ]
        else:
            blocks = [np.empty((count, width), dtype=np.uint8) for width in widths]
            for block, width, offset in zip(blocks, widths, offsets, strict=True):
                file.read_rows(block.data.cast("B"), width, range(offset, offset + count * step, step))
        reader.read_records(blocks, offsets, step)


def _segments(times: RecordTimes, record_duration_s: float) -> list[Segment]:
    n_records = len(times.start_s)
    lasts = np.append(times.first_of_segment[1:], n_records)[: len(times.first_of_segment)] - 1
    return [
        Segment(start_s=float(times.start_s[first]), stop_s=float(times.start_s[last]) + record_duration_s)
        for first, last in zip(times.first_of_segment, lasts, strict=True)
    ]


def _channel(index: int, signal: EdfSignal, header: EdfHeader) -> Channel:
    read = read_label(signal.label)
    return Channel(
        index=index,
        label=signal.label,
        unit=signal.unit,
        rate=signal.samples_per_record / header.record_duration,
        n_samples=signal.samples_per_record * header.n_records,
        is_voltage=signal.is_voltage,
        muscle=read.muscle,
        side=read.side,
        prefilter=signal.prefilter,
        transducer=signal.transducer,
        resolution_uv=abs(signal.gain) if signal.is_voltage else None,
        rail_min_uv=signal.rail_low if signal.is_voltage else None,
        rail_max_uv=signal.rail_high if signal.is_voltage else None,
    )
