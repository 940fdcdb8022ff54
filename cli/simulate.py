"""`lsr simulate`: synthetic recordings, their truth beside them."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Annotated

import typer

from .logs import NOTICE
from .output import complain, place_to_write, refuse, refuse_place, show


def simulate(
    out: Annotated[
        Path,
        typer.Option(
            "--out", metavar="DIR", parser=place_to_write, help="Where they go; made if it is not there."
        ),
    ],
    seed: Annotated[int, typer.Option("--seed", min=0, help="Equal seeds give equal recordings.")] = 0,
    scenario: Annotated[
        list[str] | None,
        typer.Option(
            "--scenario",
            metavar="NAME",
            # Told here, so that the help need not load what draws them.
            help="Which; may be repeated. All of them if not given: clinic_with_lsr, clinic_without_lsr, "
            "triggered_sweeps, trigger_channel, artifact_only, both_directions, configured_labels, "
            "intensity_ramp, restless_patient, operation_vanishes, operation_persists, operation_returns.",
        ),
    ] = None,
    count: Annotated[int, typer.Option("--count", min=1, help="How many of each.")] = 1,
) -> None:
    """Draw synthetic recordings, with NAME.truth.json beside each."""
    from lsr.synthetic import SCENARIOS, write_scenario

    names = list(dict.fromkeys(scenario or SCENARIOS))
    for name in names:
        if name not in SCENARIOS:
            near = difflib.get_close_matches(name, SCENARIOS, n=1)
            guess = f"did you mean {near[0]!r}? " if near else ""
            refuse(f"unknown scenario {name!r}; {guess}known: {', '.join(SCENARIOS)}")
    for name in names:
        try:
            paths = write_scenario(name, out, seed=seed, count=count)
        except OSError as error:
            refuse_place(out, error, "--out")
        for path in paths:
            show(str(path))
    n_drawn = len(names) * count
    drawn = f"{n_drawn} recording{'' if n_drawn == 1 else 's'} drawn"
    complain(f"{drawn}; synthetic data prove nothing about patients", NOTICE)
