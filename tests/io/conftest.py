"""A writer of EDF bytes that can break every rule; it shares no fault with reader or generator."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

SIGNAL_WIDTHS = {
    "label": 16,
    "transducer": 80,
    "unit": 8,
    "physical_min": 8,
    "physical_max": 8,
    "digital_min": 8,
    "digital_max": 8,
    "prefilter": 80,
    "n_samples": 8,
    "reserved": 32,
}


@dataclass
class DrawnSignal:
    """A signal: whole numbers record by record, or the bytes of annotations record by record."""

    label: str = "EMG R_Mentalis"
    stored: np.ndarray | None = None  # (n_records, n_samples)
    notes: Sequence[bytes] | None = None
    note_samples: int = 0  # room for notes in each record; 0: as much as needed
    fields: dict[str, str | bytes] = field(default_factory=dict)  # what the header says, if not the usual

    def content(self, sample_bytes: int) -> list[bytes]:
        if self.notes is not None:
            width = sample_bytes * (self.note_samples or -(-max(map(len, self.notes)) // sample_bytes))
            assert all(len(note) <= width for note in self.notes)
            return [note.ljust(width, b"\0") for note in self.notes]
        as_bytes = self.stored.astype("<i4")[..., np.newaxis].view(np.uint8)[..., :sample_bytes]
        return [row.tobytes() for row in as_bytes]


def edf_bytes(
    signals: Sequence[DrawnSignal],
    record_s: str = "1",
    kind: str = "EDF+C",
    fixed: dict[str, str | bytes] | None = None,
    tail: bytes = b"",
) -> bytes:
    """Write an EDF file as bytes; `fixed` replaces fields of the fixed header, `tail` follows the records."""
    sample_bytes = 3 if kind.startswith("BDF") else 2
    rows = [signal.content(sample_bytes) for signal in signals]
    header = {
        "version": b"\xffBIOSEMI" if sample_bytes == 3 else b"0       ",
        "patient": "MCH-0234567 F 02-MAY-1951 Anna_Secret",
        "recording": "Startdate 02-MAR-2023 X Tech Device",
        "date": "02.03.23",
        "time": "10.20.30",
        "header_bytes": str(256 * (len(signals) + 1)),
        "reserved": kind if "+" in kind else "",
        "n_records": str(len(rows[0])),
        "record_s": record_s,
        "n_signals": str(len(signals)),
    }
    header.update(fixed or {})
    widths = (8, 80, 80, 8, 8, 8, 44, 8, 8, 4)
    parts = [_pad(value, width) for value, width in zip(header.values(), widths, strict=True)]
    top = 2 ** (8 * sample_bytes - 1)
    for name, width in SIGNAL_WIDTHS.items():
        for signal, content in zip(signals, rows, strict=True):
            usual = {
                "label": signal.label,
                "unit": "" if signal.notes is not None else "uV",
                "physical_min": str(-top / 10) if sample_bytes == 2 else str(-top // 32),
                "physical_max": str((top - 1) / 10) if sample_bytes == 2 else str(top // 32),
                "digital_min": str(-top),
                "digital_max": str(top - 1),
                "n_samples": str(len(content[0]) // sample_bytes),
            }
            parts.append(_pad(signal.fields.get(name, usual.get(name, "")), width))
    records = [row[number] for number in range(len(rows[0])) for row in rows]
    return b"".join([*parts, *records, tail])


def _pad(value: str | bytes, width: int) -> bytes:
    raw = value if isinstance(value, bytes) else value.encode("ascii")
    assert len(raw) <= width, (value, width)
    return raw.ljust(width)


def time_keeping(starts: Sequence[str], extra: Sequence[bytes] | None = None) -> DrawnSignal:
    """Give an annotation signal that says when each record starts, and more where `extra` has it."""
    extra = extra or [b""] * len(starts)
    notes = [f"{start}\x14\x14\0".encode() + more for start, more in zip(starts, extra, strict=True)]
    return DrawnSignal(label="EDF Annotations", notes=notes)


def ramp(n_records: int, n_samples: int, first: int = 0) -> np.ndarray:
    """Give stored numbers that count up sample by sample, so that each tells where it stands."""
    return first + np.arange(n_records * n_samples).reshape(n_records, n_samples)


@pytest.fixture(scope="session")
def drawn() -> type[DrawnSignal]:
    return DrawnSignal


@pytest.fixture(scope="session")
def write_edf() -> Callable[..., bytes]:
    return edf_bytes


@pytest.fixture(scope="session")
def keep_time() -> Callable[..., DrawnSignal]:
    return time_keeping


@pytest.fixture(scope="session")
def count_up() -> Callable[..., np.ndarray]:
    return ramp


@pytest.fixture
def saved(tmp_path: Path) -> Callable[..., Path]:
    def save(content: bytes, name: str = "case.edf") -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    return save
