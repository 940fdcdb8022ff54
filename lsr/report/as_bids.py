"""Reports as derivatives of a BIDS data set: names of files, tables, and what describes them.

Conventions
-----------
BIDS 1.11, derivatives. Tables are tab separated, without quotes; what does not apply is "n/a". Texts are as
safe in spreadsheets as those of the CSV, and a tab or a line end in one is written with a backslash.
"""

from __future__ import annotations

import json
from typing import Any

from lsr.report.as_table import COLUMNS, Kind, as_cell, table_rows
from lsr.report.plain import visible
from lsr.report.report import NOTICE, Report

BIDS_VERSION = "1.11.0"
COLUMNS_FILE = "desc-lsr_pairs.json"
# What BIDS has no names for; the names of what `lsr batch` leaves stand here too.
BIDSIGNORE = (
    *("*_desc-lsr_*", "desc-lsr_*"),
    *("pairs.csv", "pairs.parquet", "failures.csv", "summary.html", "manifest.json", ".lsr/"),
)

_UNITS = {"_ms": "ms", "_uv": "uV", "_uv_ms": "uV ms", "_ma": "mA", "_s": "s", "_percent": "percent"}


def as_tsv(report: Report) -> str:
    """Render the pairs of a report as a table of BIDS, the columns of the CSV."""
    lines = ["\t".join(COLUMNS)]
    for row in table_rows(report):
        lines.append("\t".join("n/a" if cell is None else _one_line(as_cell(cell)) for cell in row.values()))
    return "\n".join(lines) + "\n"


def _one_line(cell: str) -> str:
    return visible(cell.replace("\t", "\\t").replace("\n", "\\n"), longest=len(cell) + 1) or "n/a"


def columns_description() -> str:
    """Describe every column of the tables, as a JSON sidecar that all of them inherit."""
    described: dict[str, dict[str, Any]] = {}
    for name, column in COLUMNS.items():
        bare = name.removesuffix("_low").removesuffix("_high")
        said: dict[str, Any] = {"Description": name.replace("_", " ")}
        units = [unit for ending, unit in _UNITS.items() if bare.endswith(ending)]
        if column.kind is Kind.NUMBER and units:
            said["Units"] = max(units, key=len)
        described[name] = said
    return _json(described)


def dataset_description(source_name: str) -> str:
    """Describe the derivative data set that the reports of a data set, called `source_name`, make."""
    import lsr

    return _json(
        {
            "Name": f"Lateral spread responses of {source_name}",
            "BIDSVersion": BIDS_VERSION,
            "DatasetType": "derivative",
            "GeneratedBy": [
                {
                    "Name": "lsr",
                    "Version": lsr.__version__,
                    "Description": "Finds lateral spread responses in facial EMG with stimulation.",
                }
            ],
        }
    )


def readme(source_name: str) -> str:
    """Tell in a few lines what the derivative data set holds."""
    return (
        f"# Lateral spread responses of {source_name}\n\n"
        "Of each recording `*_desc-lsr_report.json` holds the report, `*_desc-lsr_report.html` shows it, and "
        "`*_desc-lsr_pairs.tsv` has a row for every stimulated branch and recorded muscle. `summary.html` "
        "tells of all recordings together, `failures.csv` which could not be analysed.\n\n"
        f"{NOTICE}\n"
    )


def _json(values: dict[str, Any]) -> str:
    return json.dumps(values, indent=2, allow_nan=False) + "\n"
