"""What do the sidecars of a BIDS recording say: rows of a table, names and values of a JSON file?

Conventions
-----------
Tables are tab separated, in UTF-8; "n/a" and an empty cell are nothing. Of several JSON files that speak of a
recording the nearer stands above the farther, name by name; of tables the nearest alone counts.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lsr.errors import MalformedRecording

_NOTHING = ("", "n/a", "N/A")


def read_rows(path: Path, needed: Sequence[str]) -> list[dict[str, str]]:
    """Read a table: one dict a row, of the cells that hold something.

    Raises
    ------
    MalformedRecording
        It cannot be read, lacks a column that is needed, or a row is longer or shorter than the header: where
        a cell is missing, those behind it stand in the wrong columns.
    """
    lines = _text_of(path).splitlines()
    names = [name.strip() for name in lines[0].split("\t")] if lines else []
    missing = [name for name in needed if name not in names]
    if missing:
        raise MalformedRecording(
            f"{path}, line 1: found the columns {', '.join(map(repr, names)) or 'none'}; "
            f"this BIDS table needs {missing[0]!r}, and tabs between the columns"
        )
    rows = []
    for number, line in enumerate(lines[1:], start=2):
        cells = [cell.strip() for cell in line.split("\t")]
        if line.strip() and len(cells) != len(names):
            raise MalformedRecording(
                f"{path}, line {number}: {len(cells)} cells below {len(names)} columns; correct the line"
            )
        row = {name: cell for name, cell in zip(names, cells, strict=False) if cell not in _NOTHING}
        if row:
            rows.append({**row, "": str(number)})  # the empty name tells the line, for complaints
    return rows


def line_of(row: dict[str, str]) -> str:
    """The line of the table that a row stands on."""
    return row[""]


def read_json(paths: Sequence[Path]) -> dict[str, Any]:
    """Read JSON files, the farthest first, and join them.

    Raises
    ------
    MalformedRecording
        One cannot be read, or is no JSON object.
    """
    joined: dict[str, Any] = {}
    for path in paths:
        try:
            values = json.loads(_text_of(path))
        except ValueError as error:
            raise MalformedRecording(f"{path}: not valid JSON ({error}); correct it") from None
        if not isinstance(values, dict):
            raise MalformedRecording(f"{path}: holds no JSON object; a BIDS sidecar has names and values")
        joined |= values
    return joined


def _text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise MalformedRecording(f"{path}: cannot be read ({error.strerror}); check the data set") from None
    except UnicodeDecodeError:
        raise MalformedRecording(f"{path}: is not UTF-8 text; save it as UTF-8") from None
