"""Writing EDF: how does a drawn recording become a file?

Conventions
-----------
Continuous recordings (EDF, EDF+C) are written by edfio. Discontinuous ones (EDF+D), which edfio cannot
write, are written here after the EDF+ specification: every data record opens its annotation signal with the
time it starts, and holds the annotations tied to it. Files are anonymous and start on a fixed date, so that
equal drawings give equal bytes.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lsr.whole_files import written_whole

START = datetime.datetime(2020, 1, 2, 8, 0, 0)
_START_IN_WORDS = "02-JAN-2020"  # months in English, whatever the locale
DIGITAL_MIN, DIGITAL_MAX = -32768, 32767


@dataclass(frozen=True, slots=True, kw_only=True)
class EdfChannel:
    """One signal as it is stored."""

    label: str
    unit: str  # physical dimension: uV, mV, ...
    step: float  # one digital step, in `unit`
    digital: np.ndarray  # (n_samples,) int16
    prefilter: str = ""

    @property
    def physical_range(self) -> tuple[float, float]:
        """Physical minimum and maximum, as the header can hold them in eight characters."""
        return float(_number(self.step * DIGITAL_MIN)), float(_number(self.step * DIGITAL_MAX))


@dataclass(frozen=True, slots=True, kw_only=True)
class EdfText:
    """One annotation."""

    time_s: float
    text: str


def quantise(emg_uv: np.ndarray, *, label: str, unit: str, step_uv: float, prefilter: str = "") -> EdfChannel:
    """Convert microvolts to 16-bit integers of `step_uv`, stored in uV or mV.

    Raises
    ------
    ValueError
        A unit other than uV and mV.
    """
    if unit not in ("uV", "mV"):
        raise ValueError(f"EMG is written in uV or mV, found {unit!r}")
    digital = np.clip(np.rint(emg_uv / step_uv), DIGITAL_MIN, DIGITAL_MAX).astype(np.int16)
    step = step_uv if unit == "uV" else step_uv / 1000.0
    return EdfChannel(label=label, unit=unit, step=step, digital=digital, prefilter=prefilter)


def write_continuous(
    path: Path,
    channels: Sequence[EdfChannel],
    *,
    rate_hz: float,
    texts: Sequence[EdfText] = (),
    record_s: float = 0.5,
) -> None:
    """Write EDF+C, or plain EDF where there is no annotation."""
    import edfio

    signals = [
        edfio.EdfSignal.from_digital(
            channel.digital,
            rate_hz,
            label=channel.label,
            physical_dimension=channel.unit,
            physical_range=channel.physical_range,
            digital_range=(DIGITAL_MIN, DIGITAL_MAX),
            prefiltering=channel.prefilter,
        )
        for channel in channels
    ]
    notes = [edfio.EdfAnnotation(text.time_s, None, text.text) for text in texts]
    edf = edfio.Edf(
        signals,
        recording=edfio.Recording(startdate=START.date()),
        starttime=START.time(),
        data_record_duration=record_s,
        annotations=notes or None,
    )
    with written_whole(path) as partial:
        partial.write_bytes(edf.to_bytes())  # a full disk is told as one, not so by edf.write


def write_discontinuous(
    path: Path,
    channels: Sequence[EdfChannel],
    *,
    record_starts_s: np.ndarray,
    record_s: float,
    texts: Sequence[EdfText] = (),
) -> None:
    """Write EDF+D: records of `record_s` that start at `record_starts_s`, gaps between them.

    An annotation goes into the record it falls into, or into the one that follows it in a gap.

    Raises
    ------
    ValueError
        Samples that do not fill the records, records that overlap, or a first record that does not start
        within the first second, as EDF+ demands.
    """
    n_records = record_starts_s.size
    if not 0 <= record_starts_s[0] < 1:
        raise ValueError(
            f"the first record has to start within the first second, not at {record_starts_s[0]} s"
        )
    if np.any(np.diff(record_starts_s) < record_s - 1e-6):
        raise ValueError(f"records of {record_s} s overlap")
    for channel in channels:
        if channel.digital.size % n_records:
            raise ValueError(
                f"{channel.label}: {channel.digital.size} samples do not fill {n_records} records"
            )
    notes = _notes(record_starts_s, record_s, texts)
    n_note_words = (max(len(note) for note in notes) + 1) // 2
    header = _header(channels, n_records, record_s, n_note_words)
    columns = [channel.digital.astype("<i2").reshape(n_records, -1) for channel in channels]
    columns.append(
        np.frombuffer(b"".join(note.ljust(2 * n_note_words, b"\0") for note in notes), dtype="<i2").reshape(
            n_records, -1
        )
    )
    with written_whole(path) as partial:
        partial.write_bytes(header + np.hstack(columns).tobytes())


def _notes(record_starts_s: np.ndarray, record_s: float, texts: Sequence[EdfText]) -> list[bytes]:
    """Annotation signal of every record: its start, then what is tied to it."""
    notes = [f"{_onset(float(start_s))}\x14\x14\0".encode() for start_s in record_starts_s]
    for text in sorted(texts, key=lambda one: one.time_s):
        record = int(np.searchsorted(record_starts_s + record_s, text.time_s, side="right"))
        record = min(record, len(notes) - 1)
        notes[record] += f"{_onset(text.time_s)}\x14{text.text}\x14\0".encode()
    return notes


def _onset(time_s: float) -> str:
    """Onset as a TAL has it: signed, no exponent, no digits that say nothing."""
    digits = f"{time_s:+.6f}".rstrip("0").rstrip(".")
    return "+0" if digits == "-0" else digits


def _number(value: float) -> str:
    """Shortest decimal of at most eight characters."""
    for decimals in range(6, -1, -1):
        digits = f"{value:.{decimals}f}"
        if "." in digits:
            digits = digits.rstrip("0").rstrip(".")
        if len(digits) <= 8:
            return digits
    raise ValueError(f"{value} does not fit into eight characters")


def _header(channels: Sequence[EdfChannel], n_records: int, record_s: float, n_note_words: int) -> bytes:
    n_signals = len(channels) + 1
    ranges = [tuple(map(_number, channel.physical_range)) for channel in channels]
    fields: list[tuple[int, Sequence[str]]] = [
        (8, ["0"]),
        (80, ["X X X X"]),
        (80, [f"Startdate {_START_IN_WORDS} X X X"]),
        (8, [f"{START:%d.%m.%y}"]),
        (8, [f"{START:%H.%M.%S}"]),
        (8, [str(256 * (n_signals + 1))]),
        (44, ["EDF+D"]),
        (8, [str(n_records)]),
        (8, [_number(record_s)]),
        (4, [str(n_signals)]),
        (16, [*(channel.label for channel in channels), "EDF Annotations"]),
        (80, [""] * n_signals),
        (8, [*(channel.unit for channel in channels), ""]),
        (8, [*(low for low, _ in ranges), "-1"]),
        (8, [*(high for _, high in ranges), "1"]),
        (8, [str(DIGITAL_MIN)] * n_signals),
        (8, [str(DIGITAL_MAX)] * n_signals),
        (80, [*(channel.prefilter for channel in channels), ""]),
        (8, [*(str(channel.digital.size // n_records) for channel in channels), str(n_note_words)]),
        (32, [""] * n_signals),
    ]
    return b"".join(_field(text, width) for width, texts in fields for text in texts)


def _field(text: str, width: int) -> bytes:
    if len(text) > width:
        raise ValueError(f"{text!r} is longer than the {width} characters of its header field")
    return text.ljust(width).encode("ascii")
