"""How does a copy of an EDF or BDF file come about that tells nothing of the patient, and all of the EMG?

Conventions
-----------
Blanked by the rules of EDF+ (2.1.3): ``X`` for what is unknown, 01.01.85 for the date. Kept bit for bit:
every sample, the start of every record, the clock time of the start, and annotations that consist of listed
words and short numbers alone, as stimuli and stages do. Of all others only the time stays, and the text is
``X``.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from lsr.errors import RecordingError, UnknownFormat
from lsr.io.edf import RawFile
from lsr.io.edf_header import FIXED_BYTES, FIXED_FIELDS, SIGNAL_FIELDS, EdfHeader, read_header

# Words that an annotation may consist of and be kept: what is said of stimuli, of stages, and by monitors.
_STIMULUS_WORDS = """
    stimulus stim stima stimb stimc stimd stimulation stimuli pulse pulses train double single trigger trig
    marker event start end starts ends recording record stop response average averaged averages odd even sweep
    sweeps accepted rejected of n from at to and the on off with x side current intensity duration width rate
    threshold latency amplitude distance position site count counts supramaximal edf xmlnote xml
    ma ua v mv uv nv ms us s sec min hz khz m cm mm
"""
_ANATOMY_WORDS = """
    right left r l bilateral face facial nerve branch muscle temporal frontal zygomatic buccal marginal
    mandibular cervical zyg temp bucc cerv tb zb bb mmb cb frontalis orbicularis oculi oris nasalis mentalis
    depressor anguli platysma masseter temporalis
"""
_STAGE_WORDS = """
    baseline opening skin incision craniotomy dura dural cistern arachnoid dissection decompression
    decompressed teflon inserted placed interposition closing closure lsr amr tof mvd vessel offending moved
"""
KEPT_WORDS = frozenset(f"{_STIMULUS_WORDS} {_ANATOMY_WORDS} {_STAGE_WORDS}".split())
# A longer number may be a year, or a patient's.
_NUMBER = re.compile(r"\d{1,3}(\.\d{1,4})?")
_PIECES = re.compile(r"\d+(?:\.\d+)?|[^\W\d_]+")
_BLANK_TEXT = b"X"


def deidentify(
    source: str | os.PathLike[str], target: str | os.PathLike[str], keep: Sequence[str] = ()
) -> None:
    """Write a copy of an EDF or BDF file without anything that tells of the patient.

    Parameters
    ----------
    source, target : str | os.PathLike[str]
        The file to read, and the one to write.
    keep : Sequence[str]
        Patterns of annotations to keep besides those of `KEPT_WORDS` and numbers, such as ``"Marker ?"``;
        case does not matter. Whoever gives one vouches that no annotation it fits names a person.

    Raises
    ------
    UnknownFormat
        The source is neither EDF nor BDF.
    RecordingError
        Source and target are one file, or reading fails.
    """
    origin, copy = Path(source), Path(target)
    if copy.exists() and origin.exists() and os.path.samefile(origin, copy):
        raise RecordingError(f"{copy}: source and target are the same file; name another target")
    file = RawFile(origin)
    partial = copy.with_name(copy.name + ".part")
    try:
        head = file.file.read(8)
        if head not in (b"0       ", b"\xffBIOSEMI"):
            raise UnknownFormat(f"{origin.name}: version (byte 0) holds {head!r}; neither EDF nor BDF")
        file.file.seek(0)
        header = read_header(file.file, origin.name, file.n_bytes)
        with partial.open("wb") as out:
            raw = bytearray(header.header_bytes)
            file.read_into(memoryview(raw), 0)
            out.write(_blank_header(raw, header))
            record = bytearray(header.record_bytes)
            for number in range(header.n_records):
                file.read_into(memoryview(record), header.header_bytes + number * header.record_bytes)
                _blank_annotations(record, header, keep)
                out.write(record)
        partial.replace(copy)
    finally:
        file.close()
        partial.unlink(missing_ok=True)


def _blank_header(raw: bytearray, header: EdfHeader) -> bytes:
    def write(name: str, value: bytes) -> None:
        begin, width = FIXED_FIELDS[name]
        raw[begin : begin + width] = value.ljust(width)

    write("patient identification", b"X X X X")
    write("recording identification", b"Startdate X X X X")
    write("start date", b"01.01.85")
    # The rest of the reserved field is free text; the lengths are those of the copy.
    write(
        "reserved",
        header.format.encode() if header.is_plus else b"24BIT" if header.sample_bytes == 3 else b"",
    )
    write("header bytes", str(header.header_bytes).encode())
    write("number of data records", str(header.n_records).encode())
    begin = FIXED_BYTES
    for name, width in SIGNAL_FIELDS.items():
        stop = begin + width * len(header.signals)
        if name in ("transducer", "reserved"):  # equipment, and free text
            raw[begin:stop] = b" " * (stop - begin)
        begin = stop
    return bytes(raw)


def _blank_annotations(record: bytearray, header: EdfHeader, keep: Sequence[str]) -> None:
    for signal in header.signals:
        if signal.is_annotation:
            begin = signal.record_offset
            stop = begin + signal.samples_per_record * header.sample_bytes
            lists = [_blank_list(tal, keep) for tal in bytes(record[begin:stop]).rstrip(b"\0").split(b"\0")]
            record[begin:stop] = b"\0".join(lists).ljust(stop - begin, b"\0")


def _blank_list(tal: bytes, keep: Sequence[str]) -> bytes:
    """Blank the texts of one time-stamped annotation list; nothing stays of what is none."""
    onset, mark, texts = tal.partition(b"\x14")
    if not mark or not re.fullmatch(rb"[+-]?\d+(\.\d*)?(\x15[\d.]*)?", onset):
        return b""
    kept = [text if _is_kept(text, keep) else _BLANK_TEXT for text in texts.split(b"\x14")]
    return onset + mark + b"\x14".join(kept)


def _is_kept(raw: bytes, keep: Sequence[str]) -> bool:
    try:
        text = raw.decode("utf-8").lower()
    except UnicodeDecodeError:
        return False
    if any(fnmatchcase(text, pattern.lower()) for pattern in keep):
        return True
    pieces = _PIECES.findall(text)
    return all(piece in KEPT_WORDS or _NUMBER.fullmatch(piece) for piece in pieces)
