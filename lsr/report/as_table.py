"""Reports as a table: one row per pair, for spreadsheets and statistics.

Conventions
-----------
Columns carry the names of the report. What is nested there is joined by an underscore
(`m_wave_amplitude_uv`), intervals end in `_low` and `_high`, counts by reason become one text, warnings
their codes. An empty cell is a measure that does not apply. Blocks, sweeps and evidence are counted or
left to the JSON.

A spreadsheet takes a cell that begins with = + - @, a tab or a line end for a formula, and some take a
semicolon for the end of a cell. Before such a beginning, and before an apostrophe there, the CSV has an
apostrophe, as OWASP's page on CSV injection advises; plain numbers stay as they are. `read_table` takes it
away again, so every text comes back as it was.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, get_args, get_origin

from pydantic import BaseModel

from lsr.errors import TableError
from lsr.report.report import DisappearanceReport, LateResponseReport, MWaveReport, PairReport, Report

if TYPE_CHECKING:
    import pandas as pd

Cell = str | int | float | bool | None


class Kind(StrEnum):
    """What a column holds, as the dtype that it has in pandas 2 and 3 alike."""

    TEXT = "string"
    NUMBER = "float64"
    WHOLE = "Int64"
    TRUTH = "boolean"


class Column(NamedTuple):
    """How a cell is found, and what it holds."""

    cell: Callable[[Report, PairReport], Cell]
    kind: Kind
    filled: bool = False  # a text that is never missing, though it may be empty


_WHICH = ("stimulation", "branch", "muscle", "side", "channel", "relation")
_INTERVALS = (
    *("onset_latency_ci_ms", "amplitude_ci_uv", "persistence_ci", "amplitude_change_ci_percent"),
    *("stimulus_threshold_ci_ma", "m_wave_threshold_ci_ma"),
)
_NESTED: dict[str, type[BaseModel]] = {
    "m_wave": MWaveReport,
    "late_response": LateResponseReport,
    "disappeared_at": DisappearanceReport,
}
_LISTS = ("rejected", "recruitment", "blocks", "warnings", "evidence", "sweeps")


def _kind_of(annotation: Any) -> Kind:
    parts = {annotation, *get_args(annotation)}
    parts |= {get_args(part)[0] for part in parts if get_origin(part) is Annotated}
    if tuple[float, float] in parts or float in parts:
        return Kind.NUMBER
    return Kind.WHOLE if int in parts else Kind.TEXT


def _plain(name: str) -> Column:
    annotation = PairReport.model_fields[name].annotation
    return Column(lambda report, pair: getattr(pair, name), _kind_of(annotation), filled=annotation is str)


def _end(name: str, end: int) -> Column:
    def cell(report: Report, pair: PairReport) -> Cell:
        interval: tuple[float, float] | None = getattr(pair, name)
        return interval[end] if interval else None

    return Column(cell, Kind.NUMBER)


def _inner(name: str, inner: str) -> Column:
    def cell(report: Report, pair: PairReport) -> Cell:
        part: Any = getattr(pair, name)
        return getattr(part, inner) if part else None

    return Column(cell, _kind_of(_NESTED[name].model_fields[inner].annotation))


def _text(cell: Callable[[Report, PairReport], Cell]) -> Column:
    return Column(cell, Kind.TEXT, filled=True)


def _counts(report: Report, pair: PairReport) -> Cell:
    return "; ".join(f"{reason}: {count}" for reason, count in pair.rejected.items())


def _columns() -> dict[str, Column]:
    apart = (*_WHICH, *_INTERVALS, *_NESTED, *_LISTS)
    measures = [name for name in PairReport.model_fields if name not in apart]
    return {
        "recording_name": _text(lambda report, pair: report.recording.name),
        "recording_sha256": _text(lambda report, pair: report.recording.sha256),
        **{name: _plain(name) for name in (*_WHICH, *measures)},
        **{
            f"{name}_{word}": _end(name, end)
            for name in _INTERVALS
            for end, word in enumerate(("low", "high"))
        },
        **{
            f"{name}_{inner}": _inner(name, inner)
            for name, part in _NESTED.items()
            for inner in part.model_fields
        },
        "rejected": _text(_counts),
        "n_blocks": Column(lambda report, pair: len(pair.blocks), Kind.WHOLE),
        "warnings": _text(lambda report, pair: "; ".join(warning.code for warning in pair.warnings)),
        "residual_lsr": Column(lambda report, pair: report.residual_lsr, Kind.TRUTH),
        "notice": _text(lambda report, pair: report.notice),
    }


COLUMNS = _columns()  # by name, in their order


def table_rows(report: Report) -> Iterator[dict[str, Cell]]:
    """Give one row per pair, as column: cell."""
    for pair in report.pairs:
        row = {name: column.cell(report, pair) for name, column in COLUMNS.items()}
        yield {name: str(cell) if isinstance(cell, str) else cell for name, cell in row.items()}


def as_csv(reports: Iterable[Report], *, header: bool = True) -> str:
    """Render reports as CSV, one row per pair; `header` False continues an earlier table."""
    rows = [list(COLUMNS)] if header else []
    rows += [[as_cell(cell) for cell in row.values()] for report in reports for row in table_rows(report)]
    return "".join(csv_line(row) for row in rows)


def csv_line(cells: Iterable[str]) -> str:
    """Join cells to a line of CSV; the module of the standard library leaves a carriage return bare."""
    return ",".join(_in_quotes(cell) if _TO_QUOTE.search(cell) else cell for cell in cells) + "\n"


def _in_quotes(cell: str) -> str:
    doubled = cell.replace('"', '""')
    return f'"{doubled}"'


_TO_QUOTE = re.compile('[,"\r\n]')


def safe_text(text: str) -> str:
    """Keep a spreadsheet from taking a text for a formula; `plain_text` undoes it.

    Examples
    --------
    >>> safe_text("=1+2"), safe_text("R Ment"), safe_text("-5")
    ("'=1+2", 'R Ment', '-5')
    """
    return text if _NUMBER.fullmatch(text) else _BEFORE_FORMULA.sub("'", text)


def plain_text(cell: str) -> str:
    """Return the text that `safe_text` made safe."""
    return _ADDED.sub("", cell)


# Where a spreadsheet may begin a cell, and what makes it a formula there; the wide forms count in East Asia.
_BEGINS = r"(?:^|(?<=[;\t\r\n]))"
_FORMULA = r"(?=[=+\-@\t\r\n'\uff1d\uff0b\uff0d\uff20])"
_BEFORE_FORMULA = re.compile(_BEGINS + _FORMULA)
_ADDED = re.compile(_BEGINS + "'" + _FORMULA)
_NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")


def as_cell(cell: Cell) -> str:
    """Write a cell of a table: small letters for true and false, nothing for what does not apply."""
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, str):
        return safe_text(cell)
    return "" if cell is None else str(cell)


def as_frame(reports: Iterable[Report]) -> pd.DataFrame:
    """Render reports as a table of pandas, one row per pair, the columns of the CSV."""
    return frame_of([row for report in reports for row in table_rows(report)], list(COLUMNS))


def read_table(path: str | Path) -> pd.DataFrame:
    """Read a table of pairs back, as `Report.to_frame` gives it.

    Parameters
    ----------
    path : str | Path
        A CSV file that `lsr` wrote, or several of them behind each other with one header.

    Returns
    -------
    pd.DataFrame
        Every text as it was: a channel called "NA" is no missing value, and no apostrophe is left over.

    Raises
    ------
    TableError
        The file cannot be read, or is no such table.
    """
    try:
        with Path(path).open(encoding="utf-8", newline="") as file:
            header, *rows = csv.reader(file, strict=True)
    except OSError as error:
        raise TableError(f"{path}: cannot be read ({error.strerror}); name an existing CSV file") from None
    except (ValueError, csv.Error) as error:  # not UTF-8, without a header, or quotes that do not end
        raise TableError(f"{path}: is no table of pairs ({error}); name a CSV file that lsr wrote") from None
    if not {"recording_name", "channel"} <= set(header):
        raise TableError(f"{path}: line 1 names no 'recording_name' and 'channel'; name a CSV file of lsr")
    read = []
    for number, row in enumerate(rows, start=2):
        if len(row) != len(header):
            raise TableError(f"{path}: row {number} has {len(row)} cells, not {len(header)}; write it again")
        read.append({name: _read_cell(name, cell, path) for name, cell in zip(header, row, strict=True)})
    return frame_of(read, header)


def frame_of(rows: Sequence[dict[str, Cell]], columns: list[str]) -> pd.DataFrame:
    """Make a table of pandas of rows, each with these columns; one that no report has holds text."""
    import pandas as pd

    kinds = {name: COLUMNS[name].kind if name in COLUMNS else Kind.TEXT for name in columns}
    return pd.DataFrame(
        {name: pd.Series([row[name] for row in rows], dtype=kind.value) for name, kind in kinds.items()}
    )


def _read_cell(name: str, cell: str, path: str | Path) -> Cell:
    column = COLUMNS.get(name)
    if not cell:
        return "" if column and column.filled else None
    kind = column.kind if column else Kind.TEXT
    try:
        if kind is Kind.TRUTH:
            return {"true": True, "false": False}[cell]
        if kind is Kind.TEXT:
            return plain_text(cell)
        return int(cell) if kind is Kind.WHOLE else float(cell)
    except (ValueError, KeyError):
        raise TableError(f"{path}: {name} is {cell!r}, and should be {_WORDS[kind]}") from None


_WORDS = {Kind.NUMBER: "a number", Kind.WHOLE: "a whole number", Kind.TRUTH: "true or false"}
