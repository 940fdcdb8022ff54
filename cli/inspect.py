"""`lsr inspect`: what is in a file, before any analysis."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from .output import (
    Attempts,
    ChosenSettings,
    ConfigFile,
    EventsFile,
    InspectionFormat,
    LogJson,
    Paths,
    Stimulated,
    Verbose,
    given_paths,
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
    log_json: LogJson = False,
) -> None:
    """Show what is in a file: channels, stimuli, annotations, everything odd."""
    attempts = Attempts(verbose=verbose, log_json=log_json)
    settings = ChosenSettings(config, stimulated)
    import lsr
    from lsr.report.inspection import inspection_as_text

    n_shown = 0
    for path in given_paths(paths):

        def work(path: Path = path) -> Inspection:
            return lsr.inspect(path, settings.of(path), events=events)

        inspection = attempts.attempt(path, work)
        if inspection is None:
            continue
        if format is InspectionFormat.JSON:
            show(json.dumps(inspection.to_dict(), allow_nan=False))
        else:
            show(("\n\n" if n_shown else "") + inspection_as_text(inspection))
        n_shown += 1
    attempts.finish()
