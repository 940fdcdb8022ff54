"""A report as a page says what the report says, needs nothing else, and takes no text for markup."""

import base64
import hashlib
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from lsr.anatomy import Muscle, Relation, Side
from lsr.findings.findings import Course
from lsr.recording import Problem
from lsr.report import as_html as page_package
from lsr.report.as_html import as_html, page, summary_as_html
from lsr.report.as_html.samples import page_data
from lsr.report.as_html.view import view_of
from lsr.report.plain import visible
from lsr.report.report import NOTICE, build_report
from lsr.stimuli import BranchSource

pytestmark = pytest.mark.slow

HOSTILE = json.loads((Path(__file__).parent / "hostile_texts.json").read_text())


class _Structure(HTMLParser):
    """Elements with the names of their attributes, and the text between them."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.text = [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, *(name for name, _ in attributes)))

    def handle_data(self, data):
        self.text.append(data)


@pytest.fixture
def no_stills(monkeypatch):
    """Pages without still images, which take most of the time."""
    monkeypatch.setattr(
        page, "_stills", lambda report: {"trend": None, "pairs": ["data:,"] * len(report.pairs)}
    )


@pytest.fixture
def glance(recording, settings, make_findings):
    """The words of the summary of some pairs."""

    def words(*pairs, **findings):
        html = summary_as_html(build_report(recording, make_findings(*pairs, **findings), settings))
        text = re.sub(r"<style>.*?</style>", "", html, flags=re.DOTALL)
        return " ".join(" ".join(_Structure(text).text).split())

    return words


def test_a_surgeon_reads_what_became_of_the_lsr_and_when(glance, operation_pair):
    text = glance(operation_pair, residual_lsr=False)
    assert "Residual LSR: no, in none of the target pairs" in text
    assert "Disappeared Right zygomatic → mentalis LSR gone since 07:39:29, during decompression." in text
    assert "\N{MINUS SIGN}100 % baseline 230 µV" in text
    assert "would see 14 µV (noise 5 µV)" in text


def test_where_no_lsr_was_at_baseline_no_loss_is_claimed(glance, operation_pair):
    never = replace(operation_pair, course=Course.NOT_DETECTED_AT_BASELINE, disappeared_at=None)
    text = glance(never, residual_lsr=False)
    assert "Residual LSR: none was there at baseline, so its loss cannot be judged" in text
    text = glance(never, operation_pair, residual_lsr=False)
    assert "Residual LSR: no, in none of the target pairs" in text


def test_a_loss_between_two_stages_is_told_with_both(glance, operation_pair):
    gone = replace(operation_pair.disappeared_at, last_seen_s=1810.0, last_seen_stage="baseline")
    text = glance(replace(operation_pair, disappeared_at=gone))
    assert "LSR gone between 07:38:19 (baseline) and 07:39:29 (decompression)." in text


def test_a_change_of_amplitude_has_its_interval(glance, operation_pair):
    text = glance(replace(operation_pair, amplitude_change_ci_percent=(-100.0, -91.0)))
    assert "\N{MINUS SIGN}100 % \N{MINUS SIGN}100 to \N{MINUS SIGN}91 %, baseline 230 µV" in text


def test_times_are_by_the_clock_or_count_from_the_start(glance, operation_pair, recording, monkeypatch):
    assert "times by the clock" in glance(operation_pair)
    monkeypatch.setattr(recording, "start", None)
    text = glance(operation_pair)
    assert "gone since 00:31:20" in text
    assert "times since the start" in text


def test_in_an_operation_the_answer_is_that_over_all_stimuli(
    operation_report, recording, settings, make_findings, pair
):
    study = build_report(recording, make_findings(pair), settings)
    for report, name in ((operation_report, "answer over all stimuli"), (study, "answer")):
        assert name in [name for name, _ in view_of(report)["measures"][0]["rows"]]


def test_measures_of_one_stage_say_so(recording, settings, make_findings, operation_pair):
    measured = replace(operation_pair, measured_stage="baseline", n_stimuli_measured=8)
    by_block = replace(operation_pair, n_stimuli_measured=20)  # without stages, the block that shows it best
    report = build_report(recording, make_findings(operation_pair, measured, by_block), settings)
    rows = dict(view_of(report)["measures"][0]["rows"])
    assert rows["measured, stimuli"] == ["\N{EN DASH}", "8 during baseline", "20 in one block"]


def test_two_phases_are_not_called_monophasic(recording, settings, make_findings, pair):
    for morphology, told in (("monophasic", "3"), ("polyphasic", "3 (polyphasic)")):
        shaped = replace(pair, detection=replace(pair.detection, morphology=morphology))
        rows = view_of(build_report(recording, make_findings(shaped), settings))["measures"][0]["rows"]
        assert dict(rows)["phases"] == [told]


@pytest.mark.parametrize("course", Course)
def test_every_course_has_its_word_and_sentence(glance, operation_pair, course):
    text = glance(replace(operation_pair, course=course))
    assert "LSR" in text.partition("→")[2]


def test_not_detected_is_never_called_gone(glance, operation_pair):
    pair = replace(operation_pair, course=Course.NOT_DETECTED_AT_BASELINE, disappeared_at=None)
    text = glance(pair).lower()
    assert "disappeared" not in text
    assert "gone at" in text  # the head of a column that stays empty
    assert "gone since" not in text


def test_a_course_that_cannot_be_told_is_not_called_present(glance, operation_pair):
    alike = Problem(code="m_wave_fell_alike", message="LSR and M wave fell alike.")
    text = glance(replace(operation_pair, course=None, disappeared_at=None, warnings=(alike,)))
    assert "Cannot be told Right zygomatic" in text
    assert "LSR: it fell as the M wave did (stimulus, electrode or anaesthesia change)." in text
    assert "Residual LSR: cannot be told" in text


def test_a_study_without_an_operation_says_first_where_an_lsr_is(
    glance, pair, absent_pair, indeterminate_pair
):
    other = {"muscle": Muscle.PLATYSMA, "channel": "R Plat"}
    assert "LSR: present, right zygomatic → mentalis One" in glance(pair, replace(absent_pair, **other))
    assert "LSR: absent One" in glance(absent_pair)
    assert "LSR: absent in all pairs One" in glance(absent_pair, replace(absent_pair, **other))
    assert "LSR: cannot be told One" in glance(absent_pair, replace(indeterminate_pair, **other))
    assert "LSR: not asked" in glance(replace(pair, relation=Relation.AMBIGUOUS))
    for text in (glance(pair), glance(absent_pair)):
        assert "Residual" not in text
        assert "Gone at" not in text


def test_a_response_of_doubtful_supply_is_not_called_an_lsr(glance, pair):
    text = glance(replace(pair, relation=Relation.AMBIGUOUS))
    assert "Response there" in text
    assert "may supply the muscle directly" in text


def test_a_direct_muscle_comes_last_and_shows_its_m_wave(glance, direct_pair, absent_pair):
    text = glance(direct_pair, absent_pair)
    assert text.index("No LSR above 14 µV.") < text.index("M wave Right zygomatic → orbicularis oculi")


def test_an_inferred_branch_is_told_where_it_is_read_first(glance, make_findings, pair, direct_pair):
    guessed = replace(make_findings().stimulation[0], branch_source=BranchSource.INFERRED)
    text = glance(pair, direct_pair, stimulation=(guessed,))
    assert "LSR: present, right zygomatic → mentalis; branch inferred, not stated One" in text
    assert text.count("branch inferred, not stated") == 3  # the headline, both pairs
    assert "direct muscle of the inferred branch: proves a stimulus, not the branch" in text
    assert "inferred" not in glance(pair, direct_pair)


def test_bursts_are_told_by_stage_and_given_no_diagnosis(restless_report, no_stills):
    text = " ".join(" ".join(_Structure(as_html(restless_report)).text).split())
    assert "right mentalis baseline 00:01:00 24 24" in text
    assert "right mentalis and right orbicularis oculi decompression 12 12 60" in text
    assert "Synkinesis" not in text


def test_shared_bursts_are_in_the_trend(restless_report):
    data = page_data(restless_report)
    assert [one["blocks"]["rate"] for one in data["synkinesis"]] == [[20.0, 12.0]]
    assert [one["blocks"]["rate"] for one in data["activity"]] == [[24.0, 20.0], [22.0, 14.0]]


def test_the_page_is_for_review(operation_report, no_stills):
    assert as_html(operation_report).count(NOTICE) == 3  # above, below, and on every printed page
    assert NOTICE in operation_report._repr_html_()


def test_a_recording_without_pairs_still_gets_a_page(recording, settings, make_findings):
    assert "No pair of a stimulated branch" in as_html(build_report(recording, make_findings(), settings))


def test_a_report_without_traces_has_a_trend_and_no_empty_charts(
    recording, settings, make_findings, operation_pair
):
    html = as_html(build_report(recording, make_findings(operation_pair), settings))
    assert 'id="trend"' in html
    assert 'id="viewer"' not in html


def test_equal_reports_give_equal_bytes(operation_report):
    assert as_html(operation_report) == as_html(operation_report.model_copy(deep=True))


def test_the_policy_names_every_script_and_style_by_its_digest(operation_report, no_stills):
    html = as_html(operation_report)
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', html)[1].replace("&#39;", "'")
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy
    scripts = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
    styles = re.findall(r"<style>(.*?)</style>", html, re.DOTALL)
    assert (len(scripts), len(styles)) == (3, 1)
    for text in (*scripts, *styles):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy
    assert " style=" not in html
    assert not re.search(r"\son\w+=", re.sub(r"<script.*?</script>", "", html, flags=re.DOTALL))


def test_uplot_is_read_and_never_imported(operation_report, no_stills):
    import sys

    assert "Leon Sorokin" in as_html(operation_report)
    assert "uplot" not in sys.modules


def test_samples_come_back_as_they_were(operation_report):
    traces, told = operation_report.traces.pairs[1], page_data(operation_report)["pairs"][1]["traces"]
    averages = np.frombuffer(base64.b64decode(told["averages"]), "<i2").reshape(traces.averages_uv.shape)
    np.testing.assert_allclose(averages * told["step_uv"], traces.averages_uv, atol=0.01)
    roots = (
        np.frombuffer(base64.b64decode(told["sweeps"]), "i1").reshape(traces.sweeps_uv.shape).astype(float)
    )
    sweeps = told["largest_uv"] * roots * np.abs(roots) / 127**2
    np.testing.assert_allclose(sweeps, traces.sweeps_uv, rtol=0.02, atol=0.6)


def test_a_thousand_sweeps_of_four_pairs_fit_into_a_megabyte(largest_report):
    shown = largest_report.traces.pairs
    assert [len(pair.sweeps_uv) for pair in shown] == [1000] * 4
    assert len(as_html(largest_report).encode()) <= 1_000_000


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_text_changes_no_element_of_the_page(hostile, no_stills, text):
    page_of_text = _Structure(as_html(hostile(text)))
    assert page_of_text.elements == _Structure(as_html(hostile("R Ment"))).elements
    assert visible(text)[:100] in "".join(page_of_text.text)


def test_a_page_of_hostile_texts_can_be_written(hostile, tmp_path):
    page_file = tmp_path / "page.html"
    page = as_html(hostile(HOSTILE[38], HOSTILE[43], HOSTILE[48]))
    page_file.write_text(page, encoding="utf-8")
    assert page_file.read_text(encoding="utf-8") == page


@pytest.mark.parametrize("character", ["\u202e", "\u2066", "\u200f", "\x00", "\x1b", "\ufeff", "\ud800"])
def test_what_cannot_be_seen_is_written_as_its_number(character):
    assert visible(f"a{character}b") == f"a\\u{ord(character):04x}b"


def test_names_that_are_no_muscle_show_the_channel(glance, pair):
    odd = replace(pair, muscle=None, side=Side.LEFT, relation=Relation.UNMAPPED, channel="Ch3")
    assert "channel Ch3" in glance(odd)
    assert "platysma" in glance(replace(pair, muscle=Muscle.PLATYSMA))


def test_the_package_names_what_others_use():
    assert page_package.__all__ == ["as_html", "summary_as_html"]
