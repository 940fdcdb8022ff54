"""`lsr inspect`: what is in a file, before any analysis."""

from __future__ import annotations

import json

from .output import (
    Attempts,
    ConfigFile,
    InspectionFormat,
    Paths,
    Stimulated,
    Verbose,
    read_settings,
    show,
)


def inspect(
    paths: Paths,
    format: InspectionFormat = InspectionFormat.TEXT,
    config: ConfigFile = None,
    stimulated: Stimulated = None,
    verbose: Verbose = False,
) -> None:
    """Show what is in a file: channels, stimuli, annotations, everything odd."""
    settings = read_settings(config, stimulated)
    import lsr
    from lsr.report.inspection import inspection_as_text

    attempts = Attempts(verbose=verbose)
    n_shown = 0
    for path in paths:
        inspection = attempts.attempt(path, lambda path=path: lsr.inspect(path, settings))  # type: ignore[misc]
        if inspection is None:
            continue
        if format is InspectionFormat.JSON:
            show(json.dumps(inspection.to_dict(), allow_nan=False))
        else:
            show(("\n\n" if n_shown else "") + inspection_as_text(inspection))
        n_shown += 1
    attempts.finish()
