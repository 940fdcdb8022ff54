"""Recordings in memory: arrays a channel, for tests, for simulation, and for what other libraries read.

Conventions
-----------
Samples are microvolts where the unit is a voltage. The segments of a channel stand behind each other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lsr.io.labels import read_label
from lsr.io.units import microvolts_per
from lsr.recording import Annotation, Channel, Problem, Recording, Segment


class ArrayStore:
    """Samples that are in memory already.

    Parameters
    ----------
    samples : Sequence[NDArray]
        One array a channel, (n_samples,).
    counts : Sequence[NDArray[np.int64]]
        A channel's samples before each segment, and all of them last: (n_segments + 1,).
    segments : Sequence[Segment]
        When they were recorded.
    """

    def __init__(
        self,
        samples: Sequence[NDArray[Any]],
        counts: Sequence[NDArray[np.int64]],
        segments: Sequence[Segment],
    ) -> None:
        self._samples = samples
        self._counts = counts
        self._starts = np.array([segment.start_s for segment in segments], dtype=np.float64)

    @property
    def piece_start_s(self) -> NDArray[np.float64]:
        """When each segment starts."""
        return self._starts

    @property
    def segment_first_piece(self) -> NDArray[np.int64]:
        """Every piece is a segment."""
        return np.arange(len(self._starts), dtype=np.int64)

    def piece_first_sample(self, channel: int) -> NDArray[np.int64]:
        """Count the samples before each segment, and all of them last."""
        return self._counts[channel]

    def read_windows(
        self, channels: Sequence[int], first_samples: NDArray[np.int64], n_samples: int
    ) -> NDArray[np.float32]:
        """Copy windows: (n, channels, n_samples)."""
        windows = np.empty((len(first_samples), len(channels), n_samples), dtype=np.float32)
        for row, first in enumerate(first_samples.tolist()):
            for column, channel in enumerate(channels):
                windows[row, column] = self._samples[channel][first : first + n_samples]
        return windows

    def read_stretch(self, channels: Sequence[int], first_sample: int, n_samples: int) -> NDArray[np.float32]:
        """Copy consecutive samples: (channels, n_samples)."""
        stretch: NDArray[np.float32] = self.read_windows(channels, np.array([first_sample]), n_samples)[0]
        return stretch

    def read_digital(self, channel: int) -> NDArray[Any]:
        """Give the samples as they are held."""
        return self._samples[channel]

    def sha256(self) -> str:
        """Digest the samples and their times."""
        digest = hashlib.sha256(self._starts.tobytes())
        for samples in self._samples:
            digest.update(np.ascontiguousarray(samples).tobytes())
        return digest.hexdigest()

    def close(self) -> None:
        """Nothing is open."""


def recording_from_arrays(
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
    """Make a recording from arrays; see `Recording.from_arrays`."""
    arrays = [np.asarray(array) for array in samples]
    listed = [rates_hz] * len(arrays) if isinstance(rates_hz, (int, float, Fraction)) else list(rates_hz)
    rates = [_exact_rate(rate) for rate in listed]
    stated = ["uV"] * len(arrays) if units is None else list(units)
    if not len(arrays) == len(rates) == len(labels) == len(stated):
        raise ValueError(
            f"{len(arrays)} arrays, {len(rates)} rates, {len(labels)} labels, {len(stated)} units: "
            "as many of each"
        )
    if segments is None:
        longest = max(
            (len(array) / rate for array, rate in zip(arrays, rates, strict=True)), default=Fraction(0)
        )
        segments = (Segment(start_s=0.0, stop_s=float(longest)),)
    counts = [_count_samples(array, rate, segments) for array, rate in zip(arrays, rates, strict=True)]
    channels = [
        _describe(index, label, stated[index], rates[index], len(arrays[index]))
        for index, label in enumerate(labels)
    ]
    lengths = {segment.stop_s - segment.start_s for segment in segments}
    return Recording(
        ArrayStore(arrays, counts, segments),
        channels=channels,
        segments=segments,
        annotations=[replace(item, inside=_lies_inside(item.time_s, segments)) for item in annotations],
        problems=problems,
        name=name,
        format=format,
        path=path,
        start=start,
        start_clock=None if start is None else start.time(),
        record_times_s=np.array([s.start_s for s in segments]) if records_are_segments else None,
        record_duration_s=max(lengths) if records_are_segments and lengths else None,
    )


def _exact_rate(rate_hz: float | Fraction) -> Fraction:
    """Take a rate for the simplest fraction near it: a float cannot hold 1/3."""
    rate = Fraction(rate_hz).limit_denominator(1_000_000)
    if rate <= 0:
        raise ValueError(f"a rate of {rate_hz} Hz; it has to be positive")
    return rate


def _count_samples(samples: NDArray[Any], rate: Fraction, segments: Sequence[Segment]) -> NDArray[np.int64]:
    if samples.ndim != 1:
        raise ValueError(f"samples of shape {samples.shape}; one dimension a channel")
    if samples.dtype.kind not in "fiub":
        raise ValueError(f"samples of the type {samples.dtype}; real numbers, as of microvolts, are needed")
    if len(segments) == 1:
        return np.array([0, len(samples)], dtype=np.int64)
    lengths = [round((segment.stop_s - segment.start_s) * float(rate)) for segment in segments]
    if sum(lengths) != len(samples):
        raise ValueError(f"{len(samples)} samples, but the segments hold {sum(lengths)} at {float(rate)} Hz")
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)


def _describe(index: int, label: str, unit: str, rate: Fraction, n_samples: int) -> Channel:
    read = read_label(label)
    return Channel(
        index=index,
        label=label,
        unit=unit,
        rate=rate,
        n_samples=n_samples,
        is_voltage=microvolts_per(unit) is not None,
        muscle=read.muscle,
        side=read.side,
    )


def _lies_inside(time_s: float, segments: Sequence[Segment]) -> bool:
    return any(segment.start_s <= time_s < segment.stop_s for segment in segments)
