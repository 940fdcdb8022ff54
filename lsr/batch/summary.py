"""What does a page over all recordings show? Answers, latencies, amplitudes, courses, failures, and links.

Conventions
-----------
Everything is counted from the reports. The page needs nothing beside it, runs nothing and asks nothing of a
network; its links lead to the reports below its own folder. Text that files bring passes `visible` and the
template's escaping.
"""

from __future__ import annotations

import base64
import hashlib
import os
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from importlib.resources import files as resources
from typing import Any
from urllib.parse import quote

from lsr.anatomy import Relation
from lsr.batch.tasks import Refusal, Task
from lsr.detection.detection import Presence
from lsr.findings.findings import Course
from lsr.report.plain import visible
from lsr.report.report import NOTICE, PairReport, Report
from lsr.report.wording import RELATIONS

SUMMARY_HTML = "summary.html"
_NONE = "\N{EN DASH}"
_N_BARS = 24
_WIDTH, _HEIGHT = 240, 44
_LONGEST_NAME = 200
_LONGEST_MESSAGE = 400
PairKey = tuple[Relation, str, str]  # relation, branch, muscle
Range = tuple[float, float]


@dataclass(slots=True)
class _PairTally:
    """One branch and muscle in all recordings."""

    presences: Counter[str] = field(default_factory=Counter)
    courses: Counter[str] = field(default_factory=Counter)
    latencies_ms: list[float] = field(default_factory=list)
    amplitudes_uv: list[float] = field(default_factory=list)

    def add(self, pair: PairReport) -> None:
        self.presences[str(pair.presence)] += 1
        if pair.course is not None:
            self.courses[str(pair.course)] += 1
        if pair.presence is Presence.PRESENT:
            self.latencies_ms += [] if pair.onset_latency_ms is None else [pair.onset_latency_ms]
            self.amplitudes_uv += [] if pair.amplitude_uv is None else [pair.amplitude_uv]


class Overview:
    """Counts over reports, and a line for each."""

    def __init__(self) -> None:
        self.presences: set[str] = set()
        self._pairs: defaultdict[PairKey, _PairTally] = defaultdict(_PairTally)
        self._lines: list[dict[str, Any]] = []
        self._names_of: defaultdict[str, list[str]] = defaultdict(list)

    def add(self, report: Report, task: Task) -> None:
        """Count a report."""
        answers: Counter[str] = Counter()
        for pair in report.pairs:
            key = (pair.relation, _words(pair.branch), _words(pair.muscle))
            self._pairs[key].add(pair)
            if pair.relation is Relation.TARGET:
                answers[str(pair.presence)] += 1
        self.presences |= set(answers) or {str(Presence.INDETERMINATE)}
        self._names_of[report.recording.sha256].append(_shown(task.name))
        self._lines.append(
            {
                "name": _shown(task.name),
                "links": [
                    {"word": output.kind.upper(), "href": link_to(output.path)} for output in task.outputs
                ],
                "answers": [answers[str(one)] for one in Presence],
                "residual": {True: "yes", False: "no", None: _NONE}[report.residual_lsr],
                "n_problems": len(report.problems),
            }
        )

    def view(self, refused: Sequence[Refusal]) -> dict[str, Any]:
        """Word the counts for the template."""
        ordered = sorted(self._pairs.items(), key=lambda item: (RELATIONS.index(item[0][0]), *item[0]))
        kinds = Counter(one.kind for one in refused)
        tallies = self._pairs.values()
        ranges = (
            _range([value for one in tallies for value in one.latencies_ms]),
            _range([value for one in tallies for value in one.amplitudes_uv]),
        )
        return {
            "n_recordings": len(self._lines) + len(refused),
            "n_analysed": len(self._lines),
            "n_failed": len(refused),
            "presences": [str(one) for one in Presence],
            "courses": [{"name": str(one), "word": _words(one)} for one in Course],
            "pairs": [_pair_view(key, tally, ranges) for key, tally in ordered],
            "has_courses": any(tally.courses for tally in self._pairs.values()),
            "kinds": sorted(kinds.items(), key=lambda item: (-item[1], item[0])),
            "failures": [
                {
                    "name": _shown(one.name),
                    "kind": one.kind,
                    "message": visible(one.message, longest=_LONGEST_MESSAGE),
                }
                for one in refused
            ],
            "lines": self._lines,
            "twins": sorted(names for names in self._names_of.values() if len(names) > 1),
            "notice": NOTICE,
        }


def summary_page(overview: Overview, refused: Sequence[Refusal]) -> str:
    """Render the page."""
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    environment = Environment(
        loader=FunctionLoader(lambda name: resources(__package__).joinpath(name).read_text(encoding="utf-8")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style = "\n".join(
        [
            resources("lsr.report.as_html").joinpath("page.css").read_text(encoding="utf-8"),
            resources(__package__).joinpath("summary.css").read_text(encoding="utf-8"),
        ]
    )
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"
    )
    page = environment.get_template("summary.html")
    return page.render(summary=overview.view(refused), style=style, policy=policy)


def link_to(path: str) -> str:
    """Write a path below the page's folder as a link; names are bytes there, whatever they spell."""
    return "./" + quote(os.fsencode(path), safe="/")


def _words(name: object) -> str:
    return "not told" if name is None else visible(str(name).replace("_", " "))


def _shown(name: str) -> str:
    return visible(name, longest=_LONGEST_NAME)


def _range(values: Sequence[float]) -> Range:
    return (min(values), max(values)) if values else (0.0, 0.0)


def _pair_view(key: PairKey, tally: _PairTally, ranges: tuple[Range, Range]) -> dict[str, Any]:
    relation, branch, muscle = key
    is_asked = relation is not Relation.DIRECT  # of a direct muscle, no answer is wanted
    return {
        "relation": str(relation),
        "title": f"{branch} → {muscle}",
        "n": sum(tally.presences.values()),
        "presences": [tally.presences[str(one)] if is_asked else _NONE for one in Presence],
        "courses": [tally.courses[str(one)] for one in Course],
        "has_course": bool(tally.courses),
        "latency": _distribution(tally.latencies_ms, ranges[0], decimals=1, unit="ms"),
        "amplitude": _distribution(tally.amplitudes_uv, ranges[1], decimals=0, unit="µV"),
    }


def _distribution(
    values: Sequence[float], scale: Range, *, decimals: int, unit: str
) -> dict[str, Any] | None:
    """Describe numbers by median, quartiles and bars on a scale; None where there are none."""
    if not values:
        return None
    low, high = scale
    if len(values) > 1:
        first, median, third = statistics.quantiles(values, n=4, method="inclusive")
    else:
        first = median = third = values[0]

    def number(value: float) -> str:
        return f"{value:.{decimals}f}"

    return {
        "n": len(values),
        "unit": unit,
        "median": number(median),
        "quartiles": f"{number(first)}{_NONE}{number(third)}",
        "least": number(min(values)),
        "most": number(max(values)),
        "low": number(low),
        "high": number(high),
        "bars": _bars(values, low, high),
        "width": _WIDTH,
        "height": _HEIGHT,
    }


def _bars(values: Iterable[float], low: float, high: float) -> list[dict[str, str]]:
    """Draw a histogram: bars of equal width from the low to the high end."""
    counts = Counter(
        min(_N_BARS - 1, int(_N_BARS * (value - low) / ((high - low) or 1.0))) for value in values
    )
    most = max(counts.values())
    step = _WIDTH / _N_BARS
    return [
        {
            "x": f"{place * step:.1f}",
            "y": f"{_HEIGHT * (1 - count / most):.1f}",
            "width": f"{step - 1:.1f}",
            "height": f"{_HEIGHT * count / most:.1f}",
        }
        for place, count in sorted(counts.items())
    ]
