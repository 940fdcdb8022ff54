"""`lsr analyze`: one report per recording."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .output import (
    Attempts,
    ChosenSettings,
    ConfigFile,
    EventsFile,
    FailOn,
    LogJson,
    Paths,
    ReportFormat,
    Stimulated,
    Verbose,
    given_paths,
    make_place,
    place_to_write,
    refuse,
    refuse_place,
    show,
    wants_colour,
)
from .pages import FiguresFolder, HtmlTarget, leave_figures, leave_page, make_places, refuse_to_overwrite
from .progress import AnalysisProgress

if TYPE_CHECKING:
    from lsr import Report

# What a report of each kind begins with, under --out.
_BEGINNINGS = {"json": b'{\n  "schema_version"', "csv": b"recording_name,"}
_LONGEST_BEGINNING = 32


def analyze(
    paths: Paths,
    format: ReportFormat = ReportFormat.TEXT,
    config: ConfigFile = None,
    stimulated: Stimulated = None,
    events: EventsFile = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="DIR",
            parser=place_to_write,
            help="Also leave NAME.json and NAME.csv of each recording there.",
        ),
    ] = None,
    html: HtmlTarget = None,
    figures: FiguresFolder = None,
    sweeps: Annotated[
        bool, typer.Option("--sweeps", help="Also report each stimulus and each sweep, in JSON.")
    ] = False,
    explain: Annotated[
        str | None,
        typer.Option(
            "--explain",
            metavar="PAIR",
            help='Only tell why the answer of a pair came out, as in "mentalis", "R Ment" or "S1 mentalis".',
        ),
    ] = None,
    timestamp: Annotated[
        bool, typer.Option("--timestamp", help="Also report when it was made, in JSON and on the page.")
    ] = False,
    fail_on: FailOn = None,
    verbose: Verbose = False,
    log_json: LogJson = False,
) -> None:
    """Find lateral spread responses; print one report per recording."""
    attempts = Attempts(verbose=verbose, log_json=log_json, fail_on=fail_on or ())
    settings = ChosenSettings(config, stimulated)
    if explain is not None and format is not ReportFormat.TEXT:
        refuse(f"--explain is text, not {format.value}; --format json alone holds the evidence of all pairs")
    given: Iterable[Path] = given_paths(paths)  # those of stdin are analysed as they come
    if out is not None or html is not None or figures is not None:
        given = list(given)
        _refuse_to_overwrite(given, out)
        refuse_to_overwrite(given, html, figures)
        if out is not None:
            make_place(out, "--out")
        make_places(html, figures)
    import lsr

    created = datetime.now(UTC) if timestamp else None
    n_shown = 0
    for path in given:

        def work(path: Path = path) -> Report:
            chosen = settings.of(path)
            with AnalysisProgress(str(path)) as progress:
                report = lsr.analyze(
                    path,
                    chosen,
                    events=events,
                    with_sweeps=sweeps,
                    with_traces=html is not None or figures is not None,
                    created=created,
                    progress=progress,
                )
            if explain is not None:
                _pairs_to_explain(report, explain)  # wrong usage, where there is none
            return report

        report = attempts.attempt(path, work)
        if report is not None:
            if explain is None:
                text = _rendered(report, format, first=n_shown == 0)
            else:
                text = _explained(report, explain, first=n_shown == 0)
            if text:  # a table goes on without a line where there is no pair
                show(text)
            _leave(report, path, out)
            leave_page(report, path, html)
            leave_figures(report, path, figures)
            attempts.look_at(path, report)
            n_shown += 1
    attempts.finish()


def _refuse_to_overwrite(paths: list[Path], out: Path | None) -> None:
    """Two recordings of one name would leave one report; what lsr did not write may be what it is to read."""
    if out is None:
        return
    twice = [name for name, count in Counter(path.stem for path in paths).items() if count > 1]
    if twice:
        refuse(f"{out}: several recordings are called {twice[0]!r}; analyse them into different folders")
    for place in (out / f"{path.stem}.{ending}" for path in paths for ending in _BEGINNINGS):
        if os.path.isfile(place) and not _is_report(place):
            refuse(f"{place}: is there already, and is no report of lsr; name another folder with --out")


def _is_report(place: Path) -> bool:
    """Tell whether a file is a report of an earlier run, or empty."""
    try:
        with place.open("rb") as file:
            head = file.read(_LONGEST_BEGINNING)
    except OSError as error:
        refuse_place(place, error, "--out")
    return not head or head.startswith(tuple(_BEGINNINGS.values()))


def _rendered(report: Report, format: ReportFormat, *, first: bool) -> str:
    if format is ReportFormat.JSON:
        from lsr.report.as_json import as_json

        return as_json(report)
    if format is ReportFormat.CSV:
        from lsr.report.as_table import as_csv

        return as_csv([report], header=first).removesuffix("\n")
    from lsr.report.as_text import as_text

    return ("" if first else "\n\n") + as_text(report, colour=wants_colour())


def _pairs_to_explain(report: Report, wanted: str) -> list[int]:
    from lsr import SettingsError
    from lsr.report.as_explanation import find_pairs
    from lsr.report.as_text import pair_names

    found = find_pairs(report, wanted)
    if not found:
        known = "; ".join(
            f"{pair.stimulation} {name} ({pair.channel})"
            for name, pair in zip(pair_names(report), report.pairs, strict=True)
        )
        raise SettingsError(
            f"{report.recording.name}: no pair is called {wanted!r}; pairs here: {known or 'none'}"
        )
    return found


def _explained(report: Report, wanted: str, *, first: bool) -> str:
    from lsr.report.as_explanation import as_explanation

    told = [as_explanation(report, number) for number in _pairs_to_explain(report, wanted)]
    return ("" if first else "\n\n") + "\n\n\n".join(told)


def _leave(report: Report, path: Path, out: Path | None) -> None:
    if out is None:
        return
    from lsr.report.as_json import as_json
    from lsr.report.as_table import as_csv
    from lsr.whole_files import written_whole

    try:
        for ending, text in (("json", as_json(report, indent=2) + "\n"), ("csv", as_csv([report]))):
            with written_whole(out / f"{path.stem}.{ending}") as partial:
                # A name that is no UTF-8 is written as it is shown.
                partial.write_text(text, encoding="utf-8", errors="backslashreplace", newline="")
    except OSError as error:
        refuse_place(out, error, "--out")
