"""How does a copy of an EDF or BDF file come about that tells nothing of the patient, and all of the EMG?

Conventions
-----------
Blanked by the rules of EDF+ (2.1.3): ``X`` for what is unknown, 01.01.85 for the date. Kept bit for bit:
every sample, the start of every record, the clock time of the start, labels, and annotations that consist of
listed words and short numbers alone, as stimuli and stages do. Of all others only the time stays, and the
text is ``X``. Numbers that follow each other may be a date or a telephone's.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from fnmatch import fnmatchcase
from itertools import pairwise
from pathlib import Path

from lsr.errors import RecordingError, UnknownFormat
from lsr.io.edf import RawFile
from lsr.io.edf_annotations import LOOSE_DURATION, TAL
from lsr.io.edf_header import (
    FIXED_BYTES,
    FIXED_FIELDS,
    SIGNAL_FIELDS,
    EdfHeader,
    EdfSignal,
    holds_number,
    read_header,
    without_words,
)
from lsr.io.signatures import begins_edf, check_is_no_pipe
from lsr.io.units import is_known_unit
from lsr.settings import DEFAULT_STAGES
from lsr.stages import stage_of
from lsr.stimuli.texts import reads_as_pulse
from lsr.whole_files import written_whole

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
_NUMBER = re.compile(r"0[.,]\d{1,4}|\d{1,3}([.,]\d{1,2})?")
_QUANTITY = re.compile(r"\d{1,3}([.,]\d{1,4})?")  # before a unit
_UNITS = frozenset({"ma", "ua", "v", "mv", "uv", "nv", "ms", "us", "s", "hz", "khz"})
_PIECES = re.compile(r"\d+(?:[.,]\d+)?|[^\W\d_]+")
# Signs of ASCII, no-break space, degree, plus or minus, dashes.
_BETWEEN = re.compile(r"[ -/:-@\[-`{-~\u00a0\u00b0\u00b1\u2013\u2014\t]*")
_RANGE = re.compile(r" ?[-/] ?")  # "12-14 mA"
_FILTERS = re.compile(
    r"((HP|LP|BP|N|Notch|DC|None|(?<!\d)\d{1,5}(\.\d{1,4})?(?![\d.])|[mk]?Hz)[ :;,/-]*)*", re.IGNORECASE
)
# Two numbers may be a range ("BP:10-3000Hz"); three may be a date, and so may any without a word.
_NOT_OF_FILTERS = re.compile(r"(\d[\d.]*[ :;,/-]+){2}\d|^[\d .:;,/-]*\d[\d .:;,/-]*$")
_CALIBRATION = ("physical minimum", "physical maximum", "digital minimum", "digital maximum")
# How an annotation signal begins in every record, whatever its label.
_TIME_KEEPING = re.compile(rb"[+-]\d+(\.\d*)?(\x15[^\x14]*)?\x14")
_BLANK_TEXT = b"X"


def deidentify(
    source: str | os.PathLike[str], target: str | os.PathLike[str], keep: Sequence[str] = ()
) -> int:
    """Write a copy of an EDF or BDF file without anything that tells of the patient.

    Parameters
    ----------
    source, target : str | os.PathLike[str]
        The file to read, and the one to write.
    keep : Sequence[str]
        Patterns of annotations to keep besides those of `KEPT_WORDS` and numbers, such as ``"Marker ?"``;
        case does not matter. Whoever gives one vouches that no annotation it fits names a person.

    Returns
    -------
    int
        How many annotations were blanked that lsr takes for stimuli or stages by itself: an analysis of the
        copy lacks them.

    Raises
    ------
    UnknownFormat
        The source is neither EDF nor BDF, or no file.
    RecordingError
        Source and target are one file, the target is there already, a signal holds annotations under a
        label that does not say so, or reading fails.
    """
    origin, copy = Path(source), Path(target)
    if copy.exists() and origin.exists() and os.path.samefile(origin, copy):
        raise RecordingError(f"{copy}: source and target are the same file; name another target")
    if os.path.lexists(copy):
        raise RecordingError(f"{copy}: is there already; name another target, or remove it first")
    check_is_no_pipe(origin)
    file = RawFile(origin)
    try:
        head = file.file.read(8)
        if not begins_edf(head):
            raise UnknownFormat(
                f"{origin.name}: version (byte 0) holds {without_words(head)!r}; neither EDF nor BDF: name "
                "such a recording, or export this one as EDF+"
            )
        file.file.seek(0)
        header = read_header(file.file, origin.name, file.n_bytes)
        with written_whole(copy) as partial, partial.open("xb") as out:
            raw = bytearray(header.header_bytes)
            file.read_into(memoryview(raw), 0)
            out.write(_blank_header(raw, header))
            record = bytearray(header.record_bytes)
            like_annotations = [0] * len(header.signals)
            n_missed = 0
            for number in range(header.n_records):
                file.read_into(memoryview(record), header.header_bytes + number * header.record_bytes)
                for index, signal in enumerate(header.signals):
                    like_annotations[index] += _begins_like_annotations(record, signal, header.sample_bytes)
                n_missed += _blank_annotations(record, header, keep)
                out.write(record)
            for index, count in enumerate(like_annotations):
                if 2 * count > header.n_records:  # in a few records samples look so by chance
                    label = header.signals[index].label
                    raise RecordingError(
                        f"{origin.name}: signal {index + 1} ({label!r}) holds annotations, and its label is "
                        "not 'EDF Annotations': they would be copied as they are; correct the label"
                    )
        return n_missed
    finally:
        file.close()


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
    if header.start_clock is None:
        write("start time", b"X")
    begin = FIXED_BYTES
    for name, width in SIGNAL_FIELDS.items():
        for signal in header.signals:
            tells_more = name in ("transducer", "reserved")  # equipment, and free text
            tells_more |= name in _CALIBRATION and not holds_number(bytes(raw[begin : begin + width]))
            tells_more |= name == "prefiltering" and not _tells_filters(signal.prefilter)
            tells_more |= name == "physical dimension" and not is_known_unit(signal.unit)
            if tells_more:
                raw[begin : begin + width] = b" " * width
            begin += width
    return bytes(raw)


def _tells_filters(text: str) -> bool:
    """Whether a text tells of filters alone; numbers that may be a date, or a telephone's, do not."""
    return _FILTERS.fullmatch(text) is not None and not _NOT_OF_FILTERS.search(text)


def _begins_like_annotations(record: bytearray, signal: EdfSignal, sample_bytes: int) -> bool:
    """Whether what would be copied as samples begins as annotations do."""
    if signal.is_annotation:
        return False
    stop = signal.record_offset + signal.samples_per_record * sample_bytes
    return _TIME_KEEPING.match(record, signal.record_offset, stop) is not None


def _blank_annotations(record: bytearray, header: EdfHeader, keep: Sequence[str]) -> int:
    """Blank the annotations of a data record; count those that an analysis will miss."""
    n_missed = 0
    for signal in header.signals:
        if signal.is_annotation:
            begin = signal.record_offset
            stop = begin + signal.samples_per_record * header.sample_bytes
            tals = bytes(record[begin:stop]).rstrip(b"\0").split(b"\0")
            lists = [_blank_list(tal, keep) for tal in tals]
            record[begin:stop] = b"\0".join(blanked for blanked, _ in lists).ljust(stop - begin, b"\0")
            n_missed += sum(missed for _, missed in lists)
    return n_missed


def _blank_list(tal: bytes, keep: Sequence[str]) -> tuple[bytes, int]:
    """Blank the texts of one time-stamped annotation list; nothing stays of what is none.

    Give also how many of them an analysis will miss.
    """
    match = TAL.fullmatch(tal)
    if not match:
        return b"", 0
    length = match["duration"]
    lasts = b"\x15" + length if length and LOOSE_DURATION.fullmatch(length) else b""
    texts = match["texts"].split(b"\x14")
    kept = [text if _is_kept(text, keep) else _BLANK_TEXT for text in texts]
    n_missed = sum(new is _BLANK_TEXT and _is_missed(text) for text, new in zip(texts, kept, strict=True))
    return match["onset"] + lasts + b"\x14" + b"\x14".join(kept), n_missed


def _is_missed(raw: bytes) -> bool:
    """Whether an annotation is one that an analysis takes for a stimulus or a stage."""
    text = raw.decode("utf-8", errors="replace")
    return reads_as_pulse(text) or stage_of(text, DEFAULT_STAGES) is not None


def _is_kept(raw: bytes, keep: Sequence[str]) -> bool:
    try:
        text = raw.decode("utf-8").lower()
    except UnicodeDecodeError:
        return False
    if any(fnmatchcase(text, pattern.lower()) for pattern in keep):
        return True
    text = text.replace("\u00b5", "u").replace("\u03bc", "u")  # both micro signs
    pieces, between = _PIECES.findall(text), _PIECES.split(text)
    following = [*pieces, ""][1:]
    numbers = [
        (_QUANTITY if after in _UNITS else _NUMBER).fullmatch(piece) is not None
        for piece, after in zip(pieces, following, strict=True)
    ]
    return (
        all(_BETWEEN.fullmatch(part) for part in between)
        and all(piece in KEPT_WORDS or number for piece, number in zip(pieces, numbers, strict=True))
        and all(
            not (first and second) or _may_follow(pieces, between, numbers, index)
            for index, (first, second) in enumerate(pairwise(numbers))
        )
    )


def _may_follow(pieces: Sequence[str], between: Sequence[str], numbers: Sequence[bool], index: int) -> bool:
    """Whether a number may stand next to the one before it: a quantity after a count, or a range.

    Of three in a row, which may be a date, the second never may: no unit follows it, and no range has three.
    """
    says = [piece in KEPT_WORDS and len(piece) > 1 for piece in pieces]
    is_quantity = index + 2 < len(pieces) and pieces[index + 2] in _UNITS
    is_range = _RANGE.fullmatch(between[index + 1]) is not None
    return (is_quantity and (says[0] or is_range)) or (is_range and any(says) and sum(numbers) == 2)
