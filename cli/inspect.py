"""`lsr inspect`: what is in a file, before any analysis."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from .output import (
    Attempts,
    ConfigFile,
    EventsFile,
    InspectionFormat,
    Paths,
    Stimulated,
    Verbose,
    read_settings,
    show,
)

if TYPE_CHECKING:
    from lsr import Inspection


def inspect(
    paths: Paths,
    format: InspectionFormat = InspectionFormat.TEXT,
    config: ConfigFile = None,
    stimulated: Stimulated = None,
    events: EventsFile = None,
    verbose: Verbose = False,
) -> None:
    """Show what is in a file: channels, stimuli, annotations, everything odd."""
    settings = read_settings(config, stimulated)
    import lsr
    from lsr.report.inspection import inspection_as_text

    attempts = Attempts(verbose=verbose)
    n_shown = 0
    for path in paths:

        def work(path: Path = path) -> Inspection:
            return lsr.inspect(path, settings, events=events)

        inspection = attempts.attempt(path, work)
        if inspection is None:
            continue
        if format is InspectionFormat.JSON:
            show(json.dumps(inspection.to_dict(), allow_nan=False))
        else:
            show(("\n\n" if n_shown else "") + inspection_as_text(inspection))
        n_shown += 1
    attempts.finish()
