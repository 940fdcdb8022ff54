"""`lsr schema`: the JSON Schema of a report."""

from __future__ import annotations

import json

from .output import show


def schema() -> None:
    """Print the JSON Schema of a report."""
    import lsr

    show(json.dumps(lsr.report_schema(), indent=2))
