"""The page over all recordings counts them, leads to their reports, and runs nothing."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from lsr.anatomy import Branch, Muscle, Relation, Side
from lsr.batch.summary import Overview, link_to, summary_page
from lsr.batch.tasks import Kind, Output, Refusal, Task
from lsr.detection.detection import Presence
from lsr.findings.findings import Course, Findings
from lsr.recording import Recording
from lsr.report.report import PairReport, build_report
from lsr.settings import Settings

HOSTILE = "<script>alert(1)</script>\"'&\u202e"


def task(name):
    outputs = (
        Output(path=f"reports/{name}.json", kind=Kind.JSON),
        Output(path=f"reports/{name}.html", kind=Kind.HTML),
    )
    return Task(name=name, recording=Path(name), settings=Settings(), outputs=outputs, inputs=())


@pytest.fixture(scope="module")
def report():
    with Recording.from_arrays([np.zeros(500)], rates_hz=1000, labels=["R Ment"], name="a") as recording:
        return build_report(recording, Findings(stimulation=(), pairs=(), residual_lsr=None), Settings())


def pair(presence, latency_ms=None, course=None):
    nothing = dict.fromkeys(PairReport.model_fields)
    lists = {"recruitment": [], "blocks": [], "warnings": [], "evidence": [], "rejected": {}}
    counts = {"n_stimuli_used": 20, "n_stimuli_rejected": 0}
    told = {
        "stimulation": "S1",
        "branch": Branch.ZYGOMATIC,
        "muscle": Muscle.MENTALIS,
        "side": Side.RIGHT,
        "channel": "R Ment",
        "relation": Relation.TARGET,
        "presence": presence,
        "onset_latency_ms": latency_ms,
        "amplitude_uv": None if latency_ms is None else 100.0,
        "course": course,
    }
    return PairReport.model_validate({**nothing, **lists, **counts, **told})


def page(*numbered, refused=()):
    overview = Overview()
    for report, name in numbered:
        overview.add(report, task(name))
    return summary_page(overview, refused)


def cells(html, title):
    row = re.search(rf'<tr><th scope="row">{title}</th>(.*?)</tr>', html, re.DOTALL).group(1)
    return [
        re.sub(r"<[^>]*>", "", cell).strip() for cell in re.findall(r"<td[^>]*>(.*?)</td>", row, re.DOTALL)
    ]


def test_answers_latencies_and_courses_are_counted(report):
    pairs = [
        pair(Presence.PRESENT, 9.0, Course.DISAPPEARED),
        pair(Presence.PRESENT, 11.0, Course.PERSISTED),
        pair(Presence.ABSENT),
        pair(Presence.INDETERMINATE),
    ]
    html = page(*[(report.model_copy(update={"pairs": [one]}), f"{n}.edf") for n, one in enumerate(pairs)])
    relation, n, *presences = cells(html, "zygomatic → mentalis")[:5]
    assert (relation, n) == ("target", "4")
    assert dict(zip(map(str, Presence), presences, strict=True)) == {
        "present": "2",
        "absent": "1",
        "indeterminate": "1",
    }
    assert "median 10.0, quartiles 9.5\N{EN DASH}10.5, n 2" in html
    courses = html[html.index("courses-title") :]
    assert sorted(cells(courses, "zygomatic → mentalis")) == ["0", "0", "0", "0", "1", "1"]


def test_one_latency_has_no_quartiles(report):
    html = page((report.model_copy(update={"pairs": [pair(Presence.PRESENT, 9.0)]}), "a.edf"))
    assert '<span class="more">9.0, n 1</span>' in html


def test_every_wide_table_scrolls_by_itself(report):
    html = page((report, "a.edf"), refused=[Refusal(name="b.edf", kind="NoStimuli", message="b.edf: none")])
    alone = re.findall(r'(?<!">)\n<table', html)
    assert len(alone) == 1  # how many failures of each kind


def test_failures_are_counted_by_kind_and_told(report):
    refused = [
        Refusal(name="b.edf", kind="NoStimuli", message="b.edf: none"),
        Refusal(name="c.edf", kind="NoStimuli", message="c.edf: none"),
        Refusal(name="d.edf", kind="WorkerLost", message="d.edf: its worker died"),
    ]
    html = page((report, "a.edf"), refused=refused)
    assert cells(html, "NoStimuli") == ["2"]
    assert "4 recordings" in html
    assert "1 analysed, 3 failed" in html
    assert "d.edf: its worker died" in html


def test_recordings_of_the_same_content_are_told(report):
    html = page((report, "a.edf"), (report, "b/a.edf"))
    assert "<li><bdi>a.edf</bdi>, <bdi>b/a.edf</bdi></li>" in html


class _Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags = []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))


def test_no_text_of_a_file_becomes_markup_and_nothing_is_asked_of_a_network(report):
    hostile = report.model_copy(update={"pairs": [pair(Presence.PRESENT, 9.0)]})
    refused = [Refusal(name=HOSTILE, kind="UnknownFormat", message=HOSTILE)]
    html = page((hostile, f"{HOSTILE}/a#?.edf"), refused=refused)
    parser = _Tags()
    parser.feed(html)
    assert "\u202e" not in html
    assert "script" not in {tag for tag, _ in parser.tags}
    assert not [
        attrs for _, attrs in parser.tags if any(name.startswith(("on", "style", "src")) for name in attrs)
    ]
    links = [attrs["href"] for tag, attrs in parser.tags if "href" in attrs]
    assert [one for one in links if not one.startswith(("./", "data:,"))] == []
    policy = next(attrs["content"] for tag, attrs in parser.tags if attrs.get("http-equiv"))
    assert policy.startswith("default-src 'none'; style-src 'sha256-")


def test_a_link_leads_to_any_name():
    assert link_to("reports/a b#?%\udcff.json") == "./reports/a%20b%23%3F%25%FF.json"


def test_equal_reports_give_equal_bytes(report):
    assert page((report, "a.edf")) == page((report, "a.edf"))
    assert replace(task("a.edf")) == task("a.edf")
