"""How are triggered sweeps read that a monitor exported as text (CSV, ASCII)?

A TOML file beside the text says what no such export says: the rate, the unit, what a column is, and when the
sweeps were taken. It has the name of the text file (``study.csv`` and ``study.toml``), or is called
``sweeps.toml`` in a folder of them::

    [sweeps]
    layout = "file_per_sweep"      # rows are samples, columns channels; the files in order of their names,
                                   # and of the numbers in them: sweep_2 before sweep_10
                                   # or "columns_are_sweeps", "rows_are_sweeps": then one file a channel
    files = "sweep_*.csv"          # with file_per_sweep; left out: the text file itself
    rate_hz = 20000
    interval_s = 0.5               # from sweep to sweep; or times_s = [0.0, 0.5, …], when each sweep starts
    stimulus_ms = 5.0              # from the first sample to the stimulus; 0 when left out
    stimulus = "Stimulus right zygomatic 12 mA"    # the annotation that each sweep gets
    delimiter = ","                # "," when left out; "\\t", ";", or " " for any blanks
    decimal = "."                  # or ","
    header_lines = 1               # lines before the numbers; 0 when left out
    start = 2024-05-01T10:00:00    # date and clock time of second 0; may be left out

    [[channels]]
    label = "R Mentalis"
    unit = "uV"                    # nV, uV, mV or V
    column = 1                     # with file_per_sweep; counted from 1
    file = "mentalis.csv"          # with the other layouts; left out: the text file itself

Conventions
-----------
Each sweep is a segment, and a record of its own. Nothing is assumed: what the TOML file does not say and has
no default above is an error that says so.
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lsr.errors import MalformedRecording, RecordingNotFound, UnknownUnit
from lsr.io.units import microvolts_per
from lsr.recording import Annotation, Recording, Segment

FOLDER_FILE = "sweeps.toml"
_LAYOUTS = ("file_per_sweep", "columns_are_sweeps", "rows_are_sweeps")
_SWEEP_KEYS = frozenset(
    {"layout", "files", "rate_hz", "interval_s", "times_s", "stimulus_ms", "stimulus", "delimiter", "decimal"}
    | {"header_lines", "start"}
)
_LARGEST, _SLOWEST_HZ = 1e9, 1e-3  # of any number in a description; of a rate
_NUMBER_CHARACTERS = re.compile(r"[-+0-9.,eE]{1,16}")
_CHANNEL_KEYS = frozenset({"label", "unit", "column", "file"})


def find_description(path: Path) -> Path | None:
    """Find the TOML file that describes a text file, or a folder of them; None where there is none."""
    if path.is_dir():
        candidate = path / FOLDER_FILE
    elif path.suffix.lower() == ".toml":
        return path
    else:
        candidate = path.with_suffix(".toml")
    return candidate if os.path.isfile(candidate) else None  # Path.is_file fails where it may not look


def read_ascii_sweeps(path: Path) -> Recording:
    """Read triggered sweeps from text files.

    Parameters
    ----------
    path : Path
        The text file, the folder, or the TOML file itself.

    Raises
    ------
    RecordingNotFound
        A file that the description names is not there.
    MalformedRecording
        The description, or a line of numbers, cannot be understood.
    UnknownUnit
        A channel without a unit of voltage.
    """
    description = find_description(path)
    if description is None:
        raise RecordingNotFound(f"{path}: no TOML file beside it tells what is in it; write {FOLDER_FILE}")
    told = _Description.read(description, path)
    channels = told.table["channels"]
    if told.layout == "file_per_sweep":
        sweeps = told.read_file_per_sweep(channels)
    else:
        sweeps = told.read_file_per_channel(channels)
    starts_s = told.sweep_starts_s(sweeps[0].shape[0])
    length_s = sweeps[0].shape[1] / told.rate_hz
    if (np.diff(starts_s) < length_s * (1 - 1e-9)).any():
        raise told.wrong("times_s or interval_s", f"sweeps of {length_s:g} s that overlap, or run backwards")
    scales = [told.microvolts_per_unit(channel) for channel in channels]
    stimulus_s, text = told.number("stimulus_ms", 0.0) / 1000, told.text("stimulus", "Stimulus")
    if stimulus_s > length_s:  # it would be one of another sweep
        raise told.wrong(f"stimulus_ms within the sweep of {length_s:g} s", f"{1000 * stimulus_s:g} ms")
    return Recording.from_arrays(
        [array.ravel() * scale for array, scale in zip(sweeps, scales, strict=True)],
        rates_hz=told.rate_hz,
        labels=[str(channel["label"]) for channel in channels],
        units=[str(channel["unit"]) for channel in channels],
        segments=[Segment(start_s=start_s, stop_s=start_s + length_s) for start_s in starts_s.tolist()],
        annotations=[
            Annotation(time_s=start_s + stimulus_s, duration_s=None, text=text, record=record)
            for record, start_s in enumerate(starts_s.tolist())
        ],
        name=path.name,
        format="ASCII",
        path=path,
        start=told.start(),
        records_are_segments=True,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Description:
    """The TOML file, and the text file or folder it describes."""

    path: Path
    described: Path
    table: Mapping[str, Any]

    @classmethod
    def read(cls, path: Path, described: Path) -> _Description:
        try:
            table = tomllib.loads(path.read_text(encoding="utf-8-sig"))
        except OSError as error:
            raise RecordingNotFound(
                f"{path}: {error.strerror or error}; check the right to read it"
            ) from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise MalformedRecording(f"{path.name}: no TOML: {error}; correct that line") from error
        told = cls(path=path, described=described, table=table)
        told._check_names(table, {"sweeps", "channels"}, "the file")
        channels = table.get("channels")
        are_tables = isinstance(channels, list) and all(isinstance(one, dict) for one in channels)
        if not isinstance(table.get("sweeps"), dict) or not channels or not are_tables:
            raise told.wrong("[sweeps] and [[channels]]", "not both of them")
        told._check_names(table["sweeps"], _SWEEP_KEYS, "[sweeps]")
        for channel in channels:
            told._check_names(channel, _CHANNEL_KEYS, "[[channels]]")
            if "label" not in channel:
                raise told.wrong("label of each of [[channels]]", "one without")
            if not isinstance(channel.get("file", ""), str):
                raise told.wrong("file as text in quotation marks", repr(channel["file"]))
        if told.get("layout") not in _LAYOUTS:
            raise told.wrong(f"layout ({', '.join(_LAYOUTS)})", repr(told.get("layout")))
        if not told.rate_hz > _SLOWEST_HZ:
            raise told.wrong("rate_hz, samples per second", repr(told.rate_hz))
        return told

    @property
    def layout(self) -> str:
        return str(self.get("layout"))

    @property
    def rate_hz(self) -> float:
        return self.number("rate_hz")

    def number(self, name: str, default: float | None = None) -> float:
        """A finite number."""
        return self._checked(name, self.get(name, default))

    def _checked(self, name: str, value: Any) -> float:
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not is_number or not abs(value) <= _LARGEST:  # in this order: whole numbers of TOML are endless
            raise self.wrong(f"{name} as a number of at most {_LARGEST:g}", repr(value))
        return float(value)

    def text(self, name: str, default: str) -> str:
        value = self.get(name, default)
        if not isinstance(value, str):
            raise self.wrong(f"{name} as text in quotation marks", repr(value))
        return value

    def get(self, name: str, default: Any = None) -> Any:
        return self.table["sweeps"].get(name, default)

    def wrong(self, wanted: str, found: str) -> MalformedRecording:
        return MalformedRecording(f"{self.path.name}: needs {wanted}, and has {found}; correct the file")

    def _check_names(self, table: Mapping[str, Any], known: frozenset[str] | set[str], where: str) -> None:
        for name in table:
            if name not in known:
                near = difflib.get_close_matches(name, known, n=1)
                hint = f"; did you mean {near[0]!r}?" if near else f"; known are {', '.join(sorted(known))}"
                raise MalformedRecording(f"{self.path.name}: unknown name {name!r} in {where}{hint}")

    def microvolts_per_unit(self, channel: Mapping[str, Any]) -> float:
        scale = microvolts_per(str(channel.get("unit", "")))
        if scale is None:
            raise UnknownUnit(
                f"{self.path.name}: channel {channel['label']!r} has the unit {channel.get('unit', '')!r}; "
                "write the voltage that one unit is: nV, uV, mV or V"
            )
        return scale

    def start(self) -> datetime | None:
        start = self.get("start")
        if start is not None and not isinstance(start, datetime):
            raise self.wrong("start as a date and time (2024-05-01T10:00:00)", repr(start))
        return start

    def sweep_starts_s(self, n_sweeps: int) -> NDArray[np.float64]:
        times_s, interval_s = self.get("times_s"), self.get("interval_s")
        if (times_s is None) == (interval_s is None):
            raise self.wrong("one of times_s and interval_s", "none" if times_s is None else "both")
        if times_s is None:
            return np.arange(n_sweeps, dtype=np.float64) * self.number("interval_s")
        if not isinstance(times_s, list):
            raise self.wrong("times_s as a list of numbers", repr(times_s))
        if len(times_s) != n_sweeps:
            raise self.wrong(f"times_s for {n_sweeps} sweeps", f"{len(times_s)}")
        return np.array([self._checked("each of times_s", time_s) for time_s in times_s])

    def text_file(self) -> Path:
        """Give the text file when no name of one is told."""
        if self.described.is_file() and self.described != self.path:
            return self.described
        for suffix in (".csv", ".txt", ".asc"):
            if (candidate := self.path.with_suffix(suffix)).is_file():
                return candidate
        raise self.wrong("the names of the text files", "none, and no text file of its own name")

    def read_file_per_sweep(self, channels: list[Mapping[str, Any]]) -> list[NDArray[np.float64]]:
        """Read files whose columns are channels: a (n_sweeps, n_samples) for each channel."""
        pattern = self.get("files")
        if not isinstance(pattern, str | None) or pattern == "":
            raise self.wrong("files as a pattern of names", repr(pattern))
        try:
            files = (
                [self.text_file()]
                if pattern is None
                else sorted(self.path.parent.glob(pattern), key=_natural_order)
            )
        except (ValueError, NotImplementedError, IndexError) as error:  # as pathlib refuses patterns
            raise self.wrong("files as a pattern of names beside it", repr(pattern)) from error
        if not files:
            raise RecordingNotFound(f"{self.path.name}: no file is called {pattern!r}; correct files")
        tables = [self.read_numbers(file) for file in files]
        for file, table in zip(files, tables, strict=True):
            if table.shape != tables[0].shape:
                raise MalformedRecording(
                    f"{file.name}: {table.shape[0]} rows of {table.shape[1]}, but {files[0].name} has "
                    f"{tables[0].shape[0]} of {tables[0].shape[1]}; sweeps have to be of one length"
                )
        sweeps = []
        for channel in channels:
            column = channel.get("column")
            if type(column) is not int or not 1 <= column <= tables[0].shape[1]:  # true is no column
                raise self.wrong(f"column of each channel, 1 to {tables[0].shape[1]}", repr(column))
            sweeps.append(np.stack([table[:, column - 1] for table in tables]))
        return sweeps

    def read_file_per_channel(self, channels: list[Mapping[str, Any]]) -> list[NDArray[np.float64]]:
        """Read a file for each channel, whose columns or rows are sweeps."""
        sweeps = []
        for channel in channels:
            file = self.path.parent / channel["file"] if "file" in channel else self.text_file()
            table = self.read_numbers(file)
            sweeps.append(table.T if self.layout == "columns_are_sweeps" else table)
            if sweeps[-1].shape != sweeps[0].shape:
                raise MalformedRecording(
                    f"{file.name}: {sweeps[-1].shape[0]} sweeps of {sweeps[-1].shape[1]} samples, but the "
                    f"first channel has {sweeps[0].shape[0]} of {sweeps[0].shape[1]}; they have to agree"
                )
        return sweeps

    def read_numbers(self, file: Path) -> NDArray[np.float64]:
        delimiter, decimal = self.text("delimiter", ","), self.text("decimal", ".")
        if decimal not in (".", ",") or decimal == delimiter or len(delimiter) != 1:
            raise self.wrong(
                "decimal '.' or ',', and another character as delimiter", f"{decimal!r} and {delimiter!r}"
            )
        n_header = self.get("header_lines", 0)
        if not isinstance(n_header, int) or isinstance(n_header, bool) or n_header < 0:
            raise self.wrong("header_lines as a whole number, 0 or more", repr(n_header))
        try:
            text = file.read_text(encoding="utf-8-sig", errors="replace")
        except OSError as error:
            raise RecordingNotFound(
                f"{file}: {error.strerror or error}; check the names in {self.path.name}"
            ) from error
        lines = [
            _Line(number, line)
            for number, line in enumerate(text.splitlines(), 1)
            if number > n_header and line.strip()
        ]
        if not lines:
            raise MalformedRecording(f"{file.name}: no numbers behind its header; check header_lines")
        return _Table(file.name, lines, delimiter, decimal).numbers()


@dataclass(frozen=True, slots=True)
class _Line:
    number: int  # counted from 1, as editors do
    text: str


@dataclass(frozen=True, slots=True)
class _Table:
    """Lines of numbers, and what stands between them."""

    name: str
    lines: Sequence[_Line]
    delimiter: str
    decimal: str

    def numbers(self) -> NDArray[np.float64]:
        """Give them as (n_lines, n_columns)."""
        if self.decimal == ",":  # a point would have to part thousands, and some write it so
            for line in self.lines:
                if "." in line.text:
                    raise self._wrong(line, "a point, though the decimal mark is a comma")
        texts = [line.text.replace(",", ".") if self.decimal == "," else line.text for line in self.lines]
        blank = self.delimiter.isspace() and self.delimiter != "\t"
        try:
            table: NDArray[np.float64] = np.loadtxt(
                texts, delimiter=None if blank else self.delimiter, ndmin=2, comments=None
            )
        except ValueError as error:
            raise self._first_fault(blank) from error
        for row, column in np.argwhere(~np.isfinite(table))[:1].tolist():
            raise self._wrong(
                self.lines[row], f"{table[row, column]} in column {column + 1}, no finite number"
            )
        return table

    def _first_fault(self, blank: bool) -> MalformedRecording:
        """Name what numpy could not read; words are not repeated, as they may name the patient."""
        width = 0
        for line in self.lines:
            cells = line.text.split(None if blank else self.delimiter)
            width = width or len(cells)
            for column, cell in enumerate(cells, 1):
                bare = cell.strip()
                try:
                    float(bare.replace(",", ".") if self.decimal == "," else bare)
                except ValueError:
                    plain = _NUMBER_CHARACTERS.fullmatch(bare) and bare.count(".") < 2 and bare.count(",") < 2
                    shown = repr(bare) if plain or not bare else "text"
                    return self._wrong(line, f"{shown} in column {column}, no number")
            if len(cells) != width:
                return self._wrong(line, f"{len(cells)} numbers, and the first line of them {width}")
        return self._wrong(self.lines[0], "what is no row of numbers")

    def _wrong(self, line: _Line, found: str) -> MalformedRecording:
        return MalformedRecording(
            f"{self.name}: line {line.number} has {found}; check delimiter, decimal and header_lines"
        )


def _natural_order(path: Path) -> tuple[list[tuple[int, str]], str]:
    """Sort paths by the numbers in them: what is counted without leading zeros keeps its order."""
    parts = re.split(r"([0-9]+)", path.as_posix())
    key = [(int(part), "") if place % 2 else (0, part) for place, part in enumerate(parts)]
    return key, path.as_posix()
