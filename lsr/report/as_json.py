"""Reports as JSON: one object per recording."""

from __future__ import annotations

import json

from lsr.report.report import Report


def as_json(report: Report, *, indent: int | None = None) -> str:
    """Render a report as JSON: one line, or indented; plain ASCII, so that any stream takes it.

    Equal reports give equal bytes. There is no NaN and no infinity: what does not apply is null.
    """
    return json.dumps(report.to_dict(), indent=indent, allow_nan=False)
