"""Reports as a table: one row per pair, for spreadsheets and statistics.

Conventions
-----------
Columns carry the names of the report. What is nested there is joined by an underscore
(`m_wave_amplitude_uv`), intervals end in `_low` and `_high`, counts by reason become one text, warnings
their codes. An empty cell is a measure that does not apply. Blocks, sweeps and evidence are counted or
left to the JSON.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from lsr.report.report import DisappearanceReport, LateResponseReport, MWaveReport, PairReport, Report

if TYPE_CHECKING:
    import pandas as pd

Cell = str | int | float | bool | None
Column = Callable[[Report, PairReport], Cell]

_WHICH = ("stimulation", "branch", "muscle", "side", "channel", "relation")
_INTERVALS = (
    *("onset_latency_ci_ms", "amplitude_ci_uv", "persistence_ci", "amplitude_change_ci_percent"),
    *("stimulus_threshold_ci_ma", "m_wave_threshold_ci_ma"),
)
_NESTED = {
    "m_wave": list(MWaveReport.model_fields),
    "late_response": list(LateResponseReport.model_fields),
    "disappeared_at": list(DisappearanceReport.model_fields),
}
_LISTS = ("rejected", "recruitment", "blocks", "warnings", "evidence", "sweeps")


def _plain(name: str) -> Column:
    return lambda report, pair: getattr(pair, name)


def _end(name: str, end: int) -> Column:
    def cell(report: Report, pair: PairReport) -> Cell:
        interval: tuple[float, float] | None = getattr(pair, name)
        return interval[end] if interval else None

    return cell


def _inner(name: str, inner: str) -> Column:
    def cell(report: Report, pair: PairReport) -> Cell:
        part: Any = getattr(pair, name)
        return getattr(part, inner) if part else None

    return cell


def _counts(report: Report, pair: PairReport) -> Cell:
    return "; ".join(f"{reason}: {count}" for reason, count in pair.rejected.items())


def _columns() -> dict[str, Column]:
    apart = (*_WHICH, *_INTERVALS, *_NESTED, *_LISTS)
    measures = [name for name in PairReport.model_fields if name not in apart]
    return {
        "recording_name": lambda report, pair: report.recording.name,
        "recording_sha256": lambda report, pair: report.recording.sha256,
        **{name: _plain(name) for name in (*_WHICH, *measures)},
        **{
            f"{name}_{word}": _end(name, end)
            for name in _INTERVALS
            for end, word in enumerate(("low", "high"))
        },
        **{f"{name}_{inner}": _inner(name, inner) for name, names in _NESTED.items() for inner in names},
        "rejected": _counts,
        "n_blocks": lambda report, pair: len(pair.blocks),
        "warnings": lambda report, pair: "; ".join(warning.code for warning in pair.warnings),
        "residual_lsr": lambda report, pair: report.residual_lsr,
        "notice": lambda report, pair: report.notice,
    }


_COLUMNS = _columns()


def table_rows(report: Report) -> Iterator[dict[str, Cell]]:
    """Give one row per pair, as column: cell."""
    for pair in report.pairs:
        yield {name: column(report, pair) for name, column in _COLUMNS.items()}


def as_csv(reports: Iterable[Report], *, header: bool = True) -> str:
    """Render reports as CSV, one row per pair; `header` False continues an earlier table."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(_COLUMNS), lineterminator="\n")
    if header:
        writer.writeheader()
    for report in reports:
        for row in table_rows(report):
            writer.writerow({name: _as_cell(cell) for name, cell in row.items()})
    return text.getvalue()


def _as_cell(cell: Cell) -> str:
    if isinstance(cell, bool):
        return str(cell).lower()
    return "" if cell is None else str(cell)


def as_frame(reports: Iterable[Report]) -> pd.DataFrame:
    """Render reports as a table of pandas, one row per pair, the columns of the CSV."""
    import pandas as pd

    return pd.DataFrame([row for report in reports for row in table_rows(report)], columns=list(_COLUMNS))
