"""What do all recordings say together? One table of pairs, one of failures, and reports read back.

Conventions
-----------
A row is a pair; its first column, `report`, says in which report of the folder it stands, so recordings of
one name keep apart. The other columns are those of a report's CSV.
"""

from __future__ import annotations

import io
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from lsr.batch.tasks import Refusal, tellable
from lsr.errors import TableError
from lsr.report.as_table import COLUMNS, Cell, as_cell, csv_line, frame_of, table_rows
from lsr.report.report import Report

if TYPE_CHECKING:
    import pandas as pd

PAIRS_CSV = "pairs.csv"
PAIRS_PARQUET = "pairs.parquet"
FAILURES_CSV = "failures.csv"
REPORT = "report"

Row = dict[str, Cell]


def rows_of(report: Report, path: str) -> Iterator[Row]:
    """Give the rows of a report that lies at `path`."""
    for row in table_rows(report):
        told = {name: tellable(cell) if isinstance(cell, str) else cell for name, cell in row.items()}
        yield {REPORT: tellable(path), **told}


def columns() -> list[str]:
    """Name the columns."""
    return [REPORT, *COLUMNS]


def pairs_as_csv(rows: Iterable[Row]) -> bytes:
    """Render rows as CSV."""
    lines = [csv_line(columns()), *(csv_line([as_cell(cell) for cell in row.values()]) for row in rows)]
    return "".join(lines).encode()


def pairs_as_parquet(rows: Sequence[Row]) -> bytes:
    """Render rows as Parquet, which pandas reads back with the same types."""
    import pyarrow
    import pyarrow.parquet

    table = pyarrow.Table.from_pandas(frame_of(rows, columns()), preserve_index=False)
    sink = io.BytesIO()
    pyarrow.parquet.write_table(table, sink)
    return sink.getvalue()


def failures_as_csv(refused: Iterable[Refusal]) -> bytes:
    """Render what has no report, and why."""
    lines = [csv_line(["recording", "kind", "message"])]
    lines += [csv_line([as_cell(one.name), as_cell(one.kind), as_cell(one.message)]) for one in refused]
    return "".join(lines).encode()


def load_reports(folder: str | os.PathLike[str]) -> pd.DataFrame:
    """Read all reports of a folder, and of those in it, as one table.

    Parameters
    ----------
    folder : str | os.PathLike[str]
        What `lsr batch --out` or `lsr analyze --out` wrote to; JSON that is no report is passed over.

    Returns
    -------
    pd.DataFrame
        One row per pair. The first column, `report`, is the path of the report below the folder; the others
        are those of `Report.to_frame`.

    Raises
    ------
    TableError
        No such folder, or a report in it that cannot be read.
    """
    place = Path(folder)
    if not place.is_dir():
        raise TableError(f"{place}: no such folder; name one that holds reports")
    rows: list[Row] = []
    for path in sorted(place.rglob("*.json"), key=lambda one: one.relative_to(place).as_posix()):
        report = None if _is_inner(path.relative_to(place)) else read_report(path)
        if report is not None:
            rows += rows_of(report, path.relative_to(place).as_posix())
    return frame_of(rows, columns())


def _is_inner(path: Path) -> bool:
    """Tell whether it is a run's own, in a folder whose name begins with a dot."""
    return any(part.startswith(".") for part in path.parts)


def read_report(path: Path) -> Report | None:
    """Read a report; None where a JSON file is none.

    Raises
    ------
    TableError
        It is a report, or JSON, and cannot be read.
    """
    try:
        values = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise TableError(f"{path}: cannot be read ({type(error).__name__}); write it again") from None
    if not isinstance(values, dict) or not {"schema_version", "lsr_version", "pairs"} <= set(values):
        return None
    try:
        return Report.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise TableError(
            f"{path}: {place}: {first['msg']}; it was written by lsr {values['lsr_version']!r}: analyse again"
        ) from None
