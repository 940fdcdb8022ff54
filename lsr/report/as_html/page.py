"""How do a report and its traces become one page?

Conventions
-----------
What goes into the page's data is JSON in which no character is left that HTML would read.
"""

from __future__ import annotations

import base64
import hashlib
import json
from functools import cache
from importlib.metadata import files
from importlib.resources import files as resources
from typing import TYPE_CHECKING, Any

from lsr.report.as_html.samples import page_data
from lsr.report.as_html.view import view_of

if TYPE_CHECKING:
    from jinja2 import Environment

    from lsr.report.report import Report

_UPLOT_COMES_WITH = "uplot-python"


def as_html(report: Report) -> str:
    """Render a report as one HTML page.

    Parameters
    ----------
    report : Report
        Its traces are drawn where it was made `with_traces`.

    Returns
    -------
    str
        A whole document, in UTF-8.

    Raises
    ------
    RuntimeError
        The distribution that brings uPlot is not installed, or is not whole.
    """
    style = "\n".join([_uplot("uPlot.min.css"), _part("page.css")])
    scripts = [_part("first.js"), _uplot("uPlot.iife.js"), _part("page.js")]
    return (
        _environment()
        .get_template("page.html")
        .render(
            report=view_of(report),
            stills=_stills(report),
            style=style,
            scripts=scripts,
            policy=_policy([style], scripts),
            data=_data_island(page_data(report)),
        )
    )


def summary_as_html(report: Report) -> str:
    """Render the lines of a report that are read first, without scripts, for a notebook."""
    return _environment().get_template("summary.html").render(report=view_of(report), style=_part("page.css"))


def _stills(report: Report) -> dict[str, Any]:
    """Draw what stands for the charts on paper and without scripts."""
    from lsr.report.figures import as_png, draw_sheet, draw_trend

    def data_url(png: bytes) -> str:
        return f"data:image/png;base64,{base64.b64encode(png).decode()}"

    traces = report.traces
    return {
        "trend": data_url(as_png(draw_trend(report), colours=48)) if _has_blocks(report) else None,
        "pairs": [
            data_url(as_png(draw_sheet(report, number), colours=48)) for number in range(len(report.pairs))
        ]
        if traces
        else [],
    }


def _has_blocks(report: Report) -> bool:
    return any(pair.blocks for pair in report.pairs)


@cache
def _part(name: str) -> str:
    return resources(__package__).joinpath(name).read_text(encoding="utf-8")


@cache
def _uplot(name: str) -> str:
    """Return a file of uPlot, out of the installed distribution that brings it; nothing of it is imported."""
    for file in files(_UPLOT_COMES_WITH) or ():
        if file.name == name:
            text = file.read_text(encoding="utf-8")
            if "</script" in text.lower() or "</style" in text.lower():
                break
            return text
    raise RuntimeError(
        f"{_UPLOT_COMES_WITH}: {name} is not in it or cannot be put into a page; install it again"
    )


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    return Environment(
        loader=FunctionLoader(_part),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _policy(styles: list[str], scripts: list[str]) -> str:
    """Write the Content-Security-Policy that lets only these run and only these style."""

    def digests(texts: list[str]) -> str:
        hashed = (base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in texts)
        return " ".join(f"'sha256-{digest}'" for digest in hashed)

    return (
        f"default-src 'none'; script-src {digests(scripts)}; style-src {digests(styles)}; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def _data_island(data: dict[str, Any]) -> str:
    """JSON without a character that ends an element or begins one."""
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text
