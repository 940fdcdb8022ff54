"""How are formats other than EDF read, and how does a recording become mne's? The one place that knows mne.

Conventions
-----------
mne keeps volts; here voltages are microvolts. mne is imported when it is needed, never before. It does not
read EDF here: it joins what gaps part, and reads wrong samples where rates differ.
"""

from __future__ import annotations

import hashlib
import os
import re
import warnings
from collections.abc import Sequence
from datetime import timedelta
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lsr.errors import MalformedRecording, UnknownFormat, UnreadableSamples
from lsr.io.labels import read_label
from lsr.io.units import is_known_unit, microvolts_per
from lsr.recording import Annotation, Channel, Problem, Recording, Segment

if TYPE_CHECKING:
    import mne

_GAP = "BAD_ACQ_SKIP"  # mne's word for samples that were never taken
# How formats, and mne where it joins files, mark that recording paused; they do not say for how long.
_PAUSE = "BAD boundary"
_PAUSES = re.compile(r"new segment/.*|((bad|edge) )?boundary", re.IGNORECASE)
# A file with one of these names is such a recording, if a damaged one; mne tries many others, too.
_MNE_SUFFIXES = frozenset(
    {".fif", ".gz", ".vhdr", ".set", ".gdf", ".cnt", ".mff", ".egi", ".nxe", ".nsx", ".lay"}
)
_UV_PER_V = 1e6


class MneStore:
    """Samples that mne reads when asked for.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        The file.
    spans : Sequence[tuple[int, int]]
        The samples of each segment: first, and one after the last.
    scales : NDArray[np.float64]
        What makes microvolts of each channel, or leaves it: (n_channels,).
    paths : Sequence[Path]
        The files it consists of.
    """

    def __init__(
        self,
        raw: mne.io.BaseRaw,
        spans: Sequence[tuple[int, int]],
        scales: NDArray[np.float64],
        paths: Sequence[Path],
    ) -> None:
        self._raw = raw
        self._first = np.array([first for first, _ in spans], dtype=np.int64)
        self._counts = np.cumsum([0, *(stop - first for first, stop in spans)]).astype(np.int64)
        self._scales = scales
        self._paths = paths

    @property
    def piece_start_s(self) -> NDArray[np.float64]:
        """When each segment starts."""
        return self._first / float(self._raw.info["sfreq"])

    @property
    def segment_first_piece(self) -> NDArray[np.int64]:
        """Every piece is a segment."""
        return np.arange(len(self._first), dtype=np.int64)

    def piece_first_sample(self, channel: int) -> NDArray[np.int64]:
        """Count the samples before each segment, and all of them last."""
        return self._counts

    def read_windows(
        self, channels: Sequence[int], first_samples: NDArray[np.int64], n_samples: int
    ) -> NDArray[np.float32]:
        """Read windows in microvolts, or the unit of the file: (n, channels, n_samples)."""
        scales = self._scales[list(channels), np.newaxis]
        samples = np.empty((len(first_samples), len(channels), n_samples), dtype=np.float32)
        segments = np.searchsorted(self._counts, first_samples, side="right") - 1
        starts = first_samples - self._counts[segments] + self._first[segments]
        for window, start in zip(samples, starts.tolist(), strict=True):
            window[...] = self._read(list(channels), start, start + n_samples) * scales
        return samples

    def read_stretch(self, channels: Sequence[int], first_sample: int, n_samples: int) -> NDArray[np.float32]:
        """Read consecutive samples: (channels, n_samples)."""
        stretch: NDArray[np.float32] = self.read_windows(channels, np.array([first_sample]), n_samples)[0]
        return stretch

    def read_digital(self, channel: int) -> NDArray[Any]:
        """Give what mne has of a channel, in its own unit: (n_samples,)."""
        spans = zip(self._first, np.diff(self._counts), strict=True)
        parts = [self._read([channel], int(first), int(first + count))[0] for first, count in spans]
        return np.concatenate(parts) if parts else np.empty(0)

    def _read(self, channels: list[int], start: int, stop: int) -> NDArray[np.float64]:
        try:
            read: NDArray[np.float64] = self._raw.get_data(
                picks=channels, start=start, stop=stop, verbose="ERROR"
            )
        except (OSError, ValueError) as error:
            raise UnreadableSamples(
                f"{self._paths[0].name}: reading samples {start} to {stop} failed: "
                f"{_without_folders(str(error), self._paths[0])}; "
                "check that all files of the recording are there, and the disk"
            ) from error
        return read

    def sha256(self) -> str:
        """Digest the bytes of all files of the recording."""
        digest = hashlib.sha256()
        for path in self._paths:
            with path.open("rb") as file:
                while chunk := file.read(1 << 20):
                    digest.update(chunk)
        return digest.hexdigest()

    def close(self) -> None:
        """Let go of the files."""
        self._raw.close()


def read_with_mne(path: Path) -> Recording:
    """Read a recording of a format that mne knows: BrainVision, FIF, EEGLAB and others.

    Raises
    ------
    UnknownFormat
        mne does not know it either.
    MalformedRecording
        mne cannot read it.
    """
    import mne

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            raw = mne.io.read_raw(path, preload=False, verbose="WARNING")
        except Exception as error:  # every reader of mne fails in its own way
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
            if "nsupported" in reason or path.suffix.lower() not in _MNE_SUFFIXES:
                if path.is_dir():
                    raise UnknownFormat(
                        f"{path}: a folder, and no recording itself; use lsr batch for those in it"
                    ) from error
                raise UnknownFormat(
                    f"{path.name}: a format that no adapter reads; export it as EDF+, or describe text files "
                    "of sweeps with a TOML file of the same name"
                ) from error
            if isinstance(error, ValueError):  # quotes what is no number: the rest of a text behind a comma
                reason = re.sub(r"'.*'", "text", reason)
            reason = _without_folders(reason, path)
            raise MalformedRecording(f"{path.name}: mne cannot read it: {reason}; export it again") from error
    problems = [
        Problem(code="mne_warning", message=_without_folders(str(item.message).split("\n")[0], path))
        for item in caught
    ]
    return _recording_from_raw(raw, path, problems)


def _without_folders(said: str, path: Path) -> str:
    """Take the folders of a recording out of what mne says: one of them may be called after the patient."""
    folders = {one.parent for one in (path, path.absolute(), path.resolve()) if one.parent.name}
    for folder in sorted(map(str, folders), key=len, reverse=True):  # a relative one may end an absolute one
        said = said.replace(folder + os.sep, "")
    return said


def _recording_from_raw(raw: mne.io.BaseRaw, path: Path, problems: list[Problem]) -> Recording:
    rate_hz = float(raw.info["sfreq"])
    rate = Fraction(rate_hz).limit_denominator(1_000_000)
    spans = _recorded_spans(raw)
    segments = [Segment(start_s=first / rate_hz, stop_s=stop / rate_hz) for first, stop in spans]
    problems += _untold_pauses(segments)
    n_samples = sum(stop - first for first, stop in spans)
    channels = [
        _channel_from_raw(raw, index, rate, n_samples, problems) for index in range(len(raw.ch_names))
    ]
    names = [Path(str(name)) for name in raw.filenames if name is not None]
    paths = [path] * path.is_file() + [name for name in names if name != path and name.is_file()]
    measured = raw.info["meas_date"]
    start = None
    if measured is not None:
        start = measured.replace(tzinfo=None) + timedelta(seconds=float(raw.first_time))
    return Recording(
        MneStore(raw, spans, np.array([_UV_PER_V if c.is_voltage else 1.0 for c in channels]), paths),
        channels=channels,
        segments=segments,
        annotations=_annotations_from_raw(raw, segments),
        problems=problems,
        name=path.name,
        format=type(raw).__name__.removeprefix("Raw") or "FIF",
        path=path,
        start=start,
        start_clock=None if start is None else start.time(),
    )


def _recorded_spans(raw: mne.io.BaseRaw) -> list[tuple[int, int]]:
    """Find the samples between the stretches that were never taken, parted also where recording paused."""
    rate_hz, n_samples = float(raw.info["sfreq"]), int(raw.n_times)
    skipped = []
    for onset, duration, text in zip(
        raw.annotations.onset, raw.annotations.duration, raw.annotations.description, strict=True
    ):
        start_s = onset - raw.first_time
        if text.startswith(_GAP):
            skipped.append((start_s, start_s + duration))
        elif _PAUSES.fullmatch(text):
            skipped.append((start_s, start_s))
    spans, begin = [], 0
    for start_s, stop_s in sorted(skipped):
        end = min(n_samples, max(begin, round(start_s * rate_hz)))
        if end > begin:
            spans.append((begin, end))
        begin = min(n_samples, max(begin, round(stop_s * rate_hz)))
    if n_samples > begin:
        spans.append((begin, n_samples))
    return spans


def _untold_pauses(segments: Sequence[Segment]) -> list[Problem]:
    pauses_s = [before.stop_s for before, after in pairwise(segments) if before.stop_s == after.start_s]
    if not pauses_s:
        return []
    message = (
        f"Recording paused {len(pauses_s)} times, first after {pauses_s[0]:.6g} s, and the file does not say "
        "for how long: times count what was recorded, and nothing is read across a pause."
    )
    return [Problem(code="pause_untold", message=message)]


def _channel_from_raw(
    raw: mne.io.BaseRaw, index: int, rate: Fraction, n_samples: int, problems: list[Problem]
) -> Channel:
    """Describe a channel; it is a voltage only where both mne and the file say so."""
    from mne.io.constants import FIFF

    label = str(raw.ch_names[index])
    in_volts = int(raw.info["chs"][index]["unit"]) == FIFF.FIFF_UNIT_V
    unit = str(getattr(raw, "_orig_units", {}).get(label, "V" if in_volts else ""))
    if not is_known_unit(unit) or (in_volts and microvolts_per(unit) is None):
        message = (
            f"channel {label!r} states the unit {unit!r}, which mne takes for volts; it is not used as one."
        )
        problems.append(Problem(code="unknown_unit", message=message))
    read = read_label(label)
    return Channel(
        index=index,
        label=label,
        unit=unit,
        rate=rate,
        n_samples=n_samples,
        is_voltage=in_volts and microvolts_per(unit) is not None,
        muscle=read.muscle,
        side=read.side,
    )


def _annotations_from_raw(raw: mne.io.BaseRaw, segments: Sequence[Segment]) -> list[Annotation]:
    annotations = []
    for onset, duration, text in zip(
        raw.annotations.onset, raw.annotations.duration, raw.annotations.description, strict=True
    ):
        if not text.startswith(_GAP):
            time_s = float(onset - raw.first_time)
            inside = any(segment.start_s <= time_s < segment.stop_s for segment in segments)
            annotations.append(
                Annotation(time_s=time_s, duration_s=float(duration) or None, text=str(text), inside=inside)
            )
    return annotations


def raw_from_recording(recording: Recording, channels: Sequence[int] | None) -> mne.io.RawArray:
    """Turn a recording into an `mne.io.Raw`; see `Recording.to_mne`."""
    import mne

    chosen = list(range(len(recording.channels)) if channels is None else channels)
    rates = {recording.channels[index].rate for index in chosen}
    if len(rates) != 1:
        listed = ", ".join(f"{float(rate):g} Hz" for rate in sorted(rates)) or "no channels"
        raise ValueError(
            f"{recording.name}: mne needs channels of one rate, and these have {listed}: choose some"
        )
    if not recording.segments:
        raise ValueError(f"{recording.name}: nothing was recorded")
    rate_hz = float(rates.pop())
    start_s, stop_s = recording.segments[0].start_s, recording.segments[-1].stop_s
    data = np.zeros((len(chosen), round((stop_s - start_s) * rate_hz)))
    for block in recording.stream(chosen):
        first = round((block.start_s - start_s) * rate_hz)
        data[:, first : first + block.samples.shape[1]] = block.samples[:, : data.shape[1] - first]
    voltages = np.array([recording.channels[index].is_voltage for index in chosen])
    data[voltages] /= _UV_PER_V
    labels = _distinct([recording.channels[index].label for index in chosen])
    kinds = ["emg" if is_voltage else "misc" for is_voltage in voltages]
    raw = mne.io.RawArray(data, mne.create_info(labels, rate_hz, kinds), verbose="ERROR")
    gaps = [
        (a.stop_s, b.start_s - a.stop_s)
        for a, b in zip(recording.segments, recording.segments[1:], strict=False)
    ]
    notes = [(n.time_s, n.duration_s or 0.0, n.text) for n in recording.annotations if n.inside]
    marked_s = {n.time_s for n in recording.annotations if _PAUSES.fullmatch(n.text)}
    notes += [
        (begin, length, _GAP if length > 0 else _PAUSE)
        for begin, length in gaps
        if length > 0 or begin not in marked_s
    ]
    raw.set_annotations(
        mne.Annotations(
            [time_s - start_s for time_s, _, _ in notes],
            [length for _, length, _ in notes],
            [text for *_, text in notes],
        )
    )
    return raw


def _distinct(labels: Sequence[str]) -> list[str]:
    """Number the labels that occur more than once: mne allows each only once."""
    distinct: list[str] = []
    for label in labels:
        name, number = label, 1
        while name in distinct:
            number += 1
            name = f"{label}-{number}"
        distinct.append(name)
    return distinct


def epochs_from_sweeps(emg_uv: ArrayLike, time_ms: ArrayLike, label: str = "EMG") -> mne.EpochsArray:
    """Turn the sweeps of one muscle into an `mne.EpochsArray`.

    Parameters
    ----------
    emg_uv : ArrayLike, shape (n_sweeps, n_samples)
        Microvolts.
    time_ms : ArrayLike, shape (n_samples,)
        Milliseconds from the stimulus, evenly spaced.
    label : str
        Name of the channel.
    """
    import mne

    sweeps, times = np.asarray(emg_uv, dtype=np.float64), np.asarray(time_ms, dtype=np.float64)
    rate_hz = 1000 * (len(times) - 1) / (times[-1] - times[0])
    info = mne.create_info([label], rate_hz, ["emg"])
    return mne.EpochsArray(sweeps[:, np.newaxis, :] / _UV_PER_V, info, tmin=times[0] / 1000, verbose="ERROR")


def annotations_from_onsets(
    times_s: ArrayLike, onset_latency_ms: ArrayLike, text: str, duration_ms: float = 0.0
) -> mne.Annotations:
    """Mark responses as `mne.Annotations`.

    Parameters
    ----------
    times_s : ArrayLike, shape (n_stimuli,)
        The stimuli, in seconds since the start of the first segment.
    onset_latency_ms : ArrayLike
        One latency for all, or one each, (n_stimuli,); stimuli with NaN had no response and get no mark.
    text : str
        What the marks say.
    duration_ms : float
        How long a response lasts.
    """
    import mne

    times = np.asarray(times_s, dtype=np.float64)
    onsets_s = times + np.broadcast_to(np.asarray(onset_latency_ms, dtype=np.float64), times.shape) / 1000
    found = np.isfinite(onsets_s)
    return mne.Annotations(onsets_s[found], np.full(int(found.sum()), duration_ms / 1000), text)
