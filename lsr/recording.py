"""A recording: channels, segments, annotations, and what is odd about them; samples come lazily.

Conventions
-----------
Times are seconds since the recording's start, the clock time its header states; where a file starts
between two seconds, its first segment starts there. Voltages are microvolts, other channels keep the unit
of the file. Channels keep their own rate. Gaps lie between segments, and no sample is read across one.
How a format is decoded is the business of the `SampleStore` that its adapter hands over.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from fractions import Fraction
from itertools import pairwise
from operator import index
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lsr.anatomy import Muscle, Side
from lsr.errors import UnknownUnit

if TYPE_CHECKING:
    from concurrent.futures import Future

    import mne

# Samples of one batch of windows; a loop holds two of them, its own and the next.
_BATCH_BYTES = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Something odd about a file, its stimuli or a finding."""

    code: str  # stable, snake_case
    message: str  # one plain sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """One signal of a recording, under the label the file gives it."""

    index: int  # its place in `Recording.channels`
    label: str
    unit: str  # as the file states it
    rate: Fraction  # samples per second, exact
    n_samples: int
    is_voltage: bool  # True: samples come in microvolts; False: in `unit`, or uncalibrated
    muscle: Muscle | None = None
    side: Side | None = None
    is_trigger: bool = False  # somebody says so; a label may say it too
    prefilter: str = ""
    transducer: str = ""
    resolution_uv: float | None = None  # one digital step; None: no voltage, or not digitised
    rail_min_uv: float | None = None  # the amplifier's range as the file states it
    rail_max_uv: float | None = None

    @property
    def rate_hz(self) -> float:
        """Samples per second."""
        return float(self.rate)


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A stretch recorded without a gap."""

    start_s: float
    stop_s: float  # where the first sample after the last would be


@dataclass(frozen=True, slots=True, kw_only=True)
class Annotation:
    """A text that the file ties to a time."""

    time_s: float
    duration_s: float | None
    text: str
    inside: bool = True  # it lies within a segment
    record: int | None = None  # the data record that holds it


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WindowBatch:
    """Samples around some of the times asked for, of channels that share a rate.

    Sample k of window i was taken at ``times_s[index[i]] - before_s + offset_s[i] + k / rate_hz``.
    """

    samples: NDArray[np.float32]  # (n, channels, samples)
    index: NDArray[np.int64]  # (n,): which of the times
    offset_s: NDArray[np.float64]  # (n,): within half a sample, because times fall between samples
    channels: tuple[int, ...]
    rate_hz: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StreamBlock:
    """Consecutive samples of channels that share a rate, from within one segment."""

    samples: NDArray[np.float32]  # (channels, samples)
    start_s: float  # of the first sample
    channels: tuple[int, ...]
    rate_hz: float


class SampleStore(Protocol):
    """What an adapter gives a `Recording`: samples by number, and when they were taken.

    The samples of a channel are numbered through the whole file, as though gaps were closed. They come in
    pieces, each sampled without a gap: data records where the format has them, segments where it has not.
    """

    @property
    def piece_start_s(self) -> NDArray[np.float64]:
        """When each piece starts, (n_pieces,), increasing."""

    @property
    def segment_first_piece(self) -> NDArray[np.int64]:
        """The piece that opens each segment, (n_segments,)."""

    def piece_first_sample(self, channel: int) -> NDArray[np.int64]:
        """Count the samples of a channel before each piece, and all of them last: (n_pieces + 1,)."""

    def read_windows(
        self, channels: Sequence[int], first_samples: NDArray[np.int64], n_samples: int
    ) -> NDArray[np.float32]:
        """Read as many windows as there are first samples: (n, channels, n_samples), one rate."""

    def read_stretch(self, channels: Sequence[int], first_sample: int, n_samples: int) -> NDArray[np.float32]:
        """Read consecutive samples: (channels, n_samples), one rate."""

    def read_digital(self, channel: int) -> NDArray[Any]:
        """Read every stored number of a channel, unscaled: (n_samples,)."""

    def sha256(self) -> str:
        """Digest the bytes of the file, or the samples where there is none."""

    def close(self) -> None:
        """Let go of the file."""


class Recording:
    """A recording of channels over time, read lazily and in bounded memory.

    Recordings are opened with `lsr.read_recording`, or made from arrays with `Recording.from_arrays`. Use one
    in a ``with`` statement, or call `close`, to let go of its file.

    Parameters
    ----------
    store : SampleStore
        Gives the samples.
    channels, segments, annotations, problems
        What the recording holds, as below.
    name, format, path, start, start_clock, record_times_s, record_duration_s
        As the attributes of the same names.

    Attributes
    ----------
    channels : tuple[Channel, ...]
    segments : tuple[Segment, ...]
        In the order of time; gaps lie between them.
    annotations : tuple[Annotation, ...]
        In the order of the file, those outside the data too.
    problems : tuple[Problem, ...]
        Everything odd about the file.
    name : str
        The file's name without its folder.
    format : str
        "EDF", "EDF+C", "EDF+D", "BDF", "BDF+C", "BDF+D", or the name of another format.
    path : Path | None
        None when made from arrays.
    start : datetime | None
        Date and clock time of second 0; None where the file hides or garbles its date.
    start_clock : time | None
        Clock time of second 0, known more often than its date.
    record_times_s : NDArray[np.float64] | None
        When each data record starts; None in formats without data records.
    record_duration_s : float | None
        Length of each data record; None in formats without data records.
    """

    def __init__(
        self,
        store: SampleStore,
        *,
        channels: Sequence[Channel],
        segments: Sequence[Segment],
        annotations: Sequence[Annotation] = (),
        problems: Sequence[Problem] = (),
        name: str,
        format: str,
        path: Path | None = None,
        start: datetime | None = None,
        start_clock: time | None = None,
        record_times_s: NDArray[np.float64] | None = None,
        record_duration_s: float | None = None,
    ) -> None:
        self._store = store
        self._digest: Future[str] | None = None
        self.channels = tuple(channels)
        self.segments = tuple(segments)
        self.annotations = tuple(annotations)
        self.problems = tuple(problems)
        self.name = name
        self.format = format
        self.path = path
        self.start = start
        self.start_clock = start_clock
        self.record_times_s = record_times_s
        self.record_duration_s = record_duration_s

    @classmethod
    def from_arrays(
        cls,
        samples: Sequence[ArrayLike],
        *,
        rates_hz: float | Fraction | Sequence[float | Fraction],
        labels: Sequence[str],
        units: Sequence[str] | None = None,
        segments: Sequence[Segment] | None = None,
        annotations: Sequence[Annotation] = (),
        problems: Sequence[Problem] = (),
        name: str = "arrays",
        format: str = "arrays",
        path: Path | None = None,
        start: datetime | None = None,
        records_are_segments: bool = False,
    ) -> Recording:
        """Make a recording from arrays in memory.

        Parameters
        ----------
        samples : Sequence[ArrayLike]
            One array a channel, (n_samples,): microvolts, or plain numbers where the unit is no voltage.
            The segments of a channel stand behind each other, gaps closed.
        rates_hz : float | Fraction | Sequence[float | Fraction]
            One rate for all channels, or one each.
        labels : Sequence[str]
            One a channel; side and muscle are read from them.
        units : Sequence[str] | None
            As a file would state them, all "uV" when None. Samples are microvolts whichever voltage it is.
        segments : Sequence[Segment] | None
            In the order of time; one from 0 s on when None.
        annotations, problems, name, format, path, start
            As the attributes; `Annotation.inside` is set here.
        records_are_segments : bool
            Each segment is one triggered sweep: `record_times_s` then lists their starts.

        Raises
        ------
        ValueError
            Lengths that do not agree.

        Examples
        --------
        >>> recording = Recording.from_arrays([np.zeros(500)], rates_hz=1000, labels=["R Mentalis"])
        >>> recording.segments[0].stop_s
        0.5
        """
        from lsr.io.arrays import recording_from_arrays

        return recording_from_arrays(
            samples,
            rates_hz=rates_hz,
            labels=labels,
            units=units,
            segments=segments,
            annotations=annotations,
            problems=problems,
            name=name,
            format=format,
            path=path,
            start=start,
            records_are_segments=records_are_segments,
        )

    def __repr__(self) -> str:
        return (
            f"<Recording {self.name!r}, {self.format}: {len(self.channels)} channels, "
            f"{self.duration_s:.6g} s in {len(self.segments)} segments, {len(self.annotations)} annotations>"
        )

    def __enter__(self) -> Recording:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file; reading samples afterwards fails."""
        self._store.close()

    @property
    def duration_s(self) -> float:
        """Seconds recorded, gaps not counted."""
        return float(sum(segment.stop_s - segment.start_s for segment in self.segments))

    @property
    def end_s(self) -> float:
        """Where the last segment ends; 0 where nothing was recorded."""
        return max((segment.stop_s for segment in self.segments), default=0.0)

    @property
    def sha256(self) -> str:
        """SHA-256 of the file's bytes, as hexadecimal digits; computed once, when asked for."""
        if self._digest is None:
            self.start_sha256()
            assert self._digest is not None
        return self._digest.result()

    def start_sha256(self) -> None:
        """Begin to compute `sha256` in another thread: of gigabytes it takes seconds."""
        from concurrent.futures import ThreadPoolExecutor

        if self._digest is None:
            helper = ThreadPoolExecutor(max_workers=1)
            self._digest = helper.submit(self._store.sha256)
            helper.shutdown(wait=False)

    def require_voltage(self, channel: int) -> None:
        """Make sure that a channel comes in microvolts.

        Raises
        ------
        UnknownUnit
            It does not: its unit is unknown, no voltage, or its calibration is broken.
        """
        wanted = self.channels[channel]
        if not wanted.is_voltage:
            raise UnknownUnit(
                f"{self.name}: channel {channel} {wanted.label!r} states the unit {wanted.unit!r} and cannot "
                "be turned into microvolts; correct its unit and calibration in the file (nV, uV, mV or V), "
                f'or leave the channel out: [channels] "{wanted.label}" = {{ relation = "ignore" }}'
            )

    def windows(
        self,
        times_s: ArrayLike,
        before_s: float,
        after_s: float,
        channels: Sequence[int] | None = None,
    ) -> Iterator[WindowBatch]:
        """Read the samples around times, in batches of bounded size.

        Parameters
        ----------
        times_s : ArrayLike, shape (n_times,)
            Seconds since the recording's start, in any order.
        before_s, after_s : float
            A window reaches from `before_s` before its time to `after_s` after it, the end excluded.
        channels : Sequence[int] | None
            Which channels; all when None.

        Yields
        ------
        WindowBatch
            Rate by rate, and in the order of the times. Windows that touch a gap or an end of the recording
            are left out; `WindowBatch.index` tells which came, `windows_inside` which will.

        Raises
        ------
        UnreadableSamples
            The file ended, or the disk failed.
        """
        times = _checked_times(times_s)
        for group in self._rate_groups(channels):
            first, offset_s, inside = self._place_windows(group, times, before_s, after_s)
            n_samples = self._samples_per_window(group, before_s, after_s)
            kept = np.flatnonzero(inside)
            n_batch = max(1, _BATCH_BYTES // (4 * n_samples * len(group)))
            for begin in range(0, len(kept), n_batch):
                index = kept[begin : begin + n_batch]
                yield WindowBatch(
                    samples=self._store.read_windows(group, first[index], n_samples),
                    index=index,
                    offset_s=offset_s[index],
                    channels=group,
                    rate_hz=self.channels[group[0]].rate_hz,
                )

    def windows_inside(
        self,
        times_s: ArrayLike,
        before_s: float,
        after_s: float,
        channels: Sequence[int] | None = None,
    ) -> NDArray[np.bool_]:
        """Tell which windows lie wholly within one segment, so that `windows` reads them: (n_times,)."""
        times = _checked_times(times_s)
        inside = np.ones(len(times), dtype=bool)
        for group in self._rate_groups(channels):
            inside &= self._place_windows(group, times, before_s, after_s)[2]
        return inside

    def stream(self, channels: Sequence[int] | None = None, seconds: float = 10.0) -> Iterator[StreamBlock]:
        """Read everything from start to end, block by block; no block crosses a gap.

        Parameters
        ----------
        channels : Sequence[int] | None
            Which channels; all when None. Only their bytes are read where that is quicker.
        seconds : float
            Length of a block; the last of each segment may be shorter.

        Yields
        ------
        StreamBlock
            In the order of time; where rates differ, one block for each rate in turn.

        Raises
        ------
        UnreadableSamples
            The file ended, or the disk failed.
        """
        if not seconds > 0:
            raise ValueError(f"a block has to last longer than {seconds!r} s")
        groups = self._rate_groups(channels)
        pieces = self._store.segment_first_piece
        bounds = np.append(pieces, len(self._store.piece_start_s))
        for begin, end in pairwise(bounds.tolist()):
            spans = []
            for group in groups:
                counts = self._store.piece_first_sample(group[0])
                step = max(1, round(seconds * self.channels[group[0]].rate))
                spans.append((group, counts, range(int(counts[begin]), int(counts[end]), step)))
            for block in range(max((len(firsts) for _, _, firsts in spans), default=0)):
                for group, counts, firsts in spans:
                    if block < len(firsts):
                        yield self._read_block(
                            group, counts, firsts[block], min(firsts.step, firsts.stop - firsts[block])
                        )

    def _read_block(
        self, group: tuple[int, ...], counts: NDArray[np.int64], first: int, n_samples: int
    ) -> StreamBlock:
        piece = int(np.searchsorted(counts, first, side="right")) - 1
        rate = self.channels[group[0]].rate_hz
        return StreamBlock(
            samples=self._store.read_stretch(group, first, n_samples),
            start_s=float(self._store.piece_start_s[piece] + (first - counts[piece]) / rate),
            channels=group,
            rate_hz=rate,
        )

    def read_digital(self, channel: int) -> NDArray[Any]:
        """Read the stored integers of a channel, all records behind each other: (n_samples,) int32.

        A recording made from arrays, or read through another library, gives the numbers it holds.
        """
        return self._store.read_digital(self._channel(channel).index)

    def to_mne(self, channels: Sequence[int] | None = None) -> mne.io.RawArray:
        """Turn the recording into an `mne.io.Raw`, all in memory.

        Gaps are filled with zeros under ``BAD_ACQ_SKIP`` annotations, pauses of unknown length marked as
        ``BAD boundary``; second 0 of the result is the start of the first segment. Other annotations come
        along; date and clock time do not, as mne would take them for those of Greenwich.

        Raises
        ------
        ValueError
            Nothing recorded, or channels of different rates: choose those that share one.
        """
        from lsr.io.other_formats import raw_from_recording

        return raw_from_recording(self, channels)

    def _channel(self, number: int) -> Channel:
        """Channel of a number; labels may be shared, so they choose none."""
        there = ", ".join(f"{one.index} is {one.label!r}" for one in self.channels[:8])
        told = f"{self.name}: channels are chosen by number ({there}), found {number!r}"
        try:
            return self.channels[index(number)]
        except TypeError:
            raise TypeError(told) from None
        except IndexError:
            raise IndexError(told) from None

    def _rate_groups(self, channels: Sequence[int] | None) -> list[tuple[int, ...]]:
        """Sort channels by rate, quickest first; within a group they keep the order asked for."""
        chosen = range(len(self.channels)) if channels is None else channels
        groups: dict[Fraction, list[int]] = {}
        for number in chosen:
            channel = self._channel(number)
            groups.setdefault(channel.rate, []).append(channel.index)
        return [tuple(groups[rate]) for rate in sorted(groups, reverse=True)]

    def _samples_per_window(self, group: tuple[int, ...], before_s: float, after_s: float) -> int:
        n_samples = round((before_s + after_s) * self.channels[group[0]].rate_hz)
        if n_samples < 1:
            rate_hz = self.channels[group[0]].rate_hz
            raise ValueError(f"a window from {-before_s} s to {after_s} s holds no sample at {rate_hz} Hz")
        return n_samples

    def _place_windows(
        self, group: tuple[int, ...], times_s: NDArray[np.float64], before_s: float, after_s: float
    ) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.bool_]]:
        """Find the first sample of each window, how far it lies from where it was asked, and whether it fits.

        The piece that a window starts in sets its time, not the start of the segment: clocks drift, and
        contiguous records may each be a fraction of a sample off.
        """
        rate = self.channels[group[0]].rate_hz
        n_samples = self._samples_per_window(group, before_s, after_s)
        starts, opening = self._store.piece_start_s, self._store.segment_first_piece
        if not len(starts):
            nothing = np.zeros(len(times_s), dtype=np.int64)
            return nothing, np.zeros(len(times_s)), nothing.astype(bool)
        counts = self._store.piece_first_sample(group[0])
        wanted_s = times_s - before_s
        piece = np.searchsorted(starts, wanted_s + 0.5 / rate, side="right") - 1
        inside = piece >= 0
        piece = np.maximum(piece, 0)
        # Times far outside the recording would overflow an integer; any sample past the end is as good.
        past_end = float(counts[-1]) + 1.0
        within = np.clip(np.rint((wanted_s - starts[piece]) * rate), -past_end, past_end).astype(np.int64)
        within = np.maximum(within, 0)  # half a sample before a piece its first sample is the nearest
        first = counts[piece] + within
        offset_s = starts[piece] + within / rate - wanted_s
        segment = np.searchsorted(opening, piece, side="right") - 1
        stops = counts[np.append(opening[1:], len(starts))]
        inside &= first + n_samples <= stops[segment]
        return first, offset_s, inside


def _checked_times(times_s: ArrayLike) -> NDArray[np.float64]:
    times = np.atleast_1d(np.asarray(times_s, dtype=np.float64))
    if times.ndim != 1 or not np.isfinite(times).all():
        raise ValueError("times_s has to be a list of finite seconds")
    return times
