"""Where HTML pages and figures of the recordings go."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .output import make_place, place_to_write, refuse, refuse_place

if TYPE_CHECKING:
    from lsr import Report

HtmlTarget = Annotated[
    Path | None,
    typer.Option(
        "--html",
        metavar="FILE_OR_DIR",
        parser=place_to_write,
        help="Also leave an HTML page of each recording: in this file (NAME.html) or folder.",
    ),
]
FiguresFolder = Annotated[
    Path | None,
    typer.Option(
        "--figures",
        metavar="DIR",
        parser=place_to_write,
        help="Also leave every figure there, as SVG and as PNG.",
    ),
]


def refuse_to_overwrite(paths: list[Path], html: Path | None, figures: Path | None) -> None:
    """Two recordings cannot share a page, nor a name in a folder."""
    if html is not None and _is_file(html) and len(paths) > 1:
        refuse(f"{html}: one page cannot hold {len(paths)} recordings; name a folder with --html")
    names = Counter(path.stem for path in paths)
    twice = [name for name, count in names.items() if count > 1]
    for place in (html, figures):
        if place is not None and twice:
            refuse(
                f"{place}: several recordings are called {twice[0]!r}; analyse them into different folders"
            )


def make_places(html: Path | None, figures: Path | None) -> None:
    """Make the folders that pages and figures go to."""
    if html is not None:
        make_place(Path(os.path.realpath(html)).parent if _is_file(html) else html, "--html")
    if figures is not None:
        make_place(figures, "--figures")


def leave_page(report: Report, path: Path, html: Path | None) -> None:
    """Write the page of a recording."""
    if html is None:
        return
    from lsr.whole_files import written_whole

    page = html if _is_file(html) else html / f"{path.stem}.html"
    try:
        with written_whole(page) as partial:
            partial.write_text(report.to_html(), encoding="utf-8", newline="\n")
    except OSError as error:
        refuse_place(page, error, "--html")


def leave_figures(report: Report, path: Path, figures: Path | None) -> None:
    """Write the figures of a recording."""
    if figures is None:
        return
    from lsr.report.figures import save_figures

    try:
        save_figures(report, figures, path.stem)
    except OSError as error:
        refuse_place(figures, error, "--figures")


def _is_file(html: Path) -> bool:
    return html.suffix.lower() in (".html", ".htm") and not html.is_dir()
