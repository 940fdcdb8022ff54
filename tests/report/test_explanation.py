"""An explanation shows the whole chain of one pair, and a pair is found however it is called."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from lsr.anatomy import Muscle, Relation
from lsr.detection.detection import Presence
from lsr.report.as_explanation import REASONS, as_explanation, find_pairs
from lsr.report.as_text import WIDTH
from lsr.report.report import build_report

ROOT = Path(__file__).parents[2]


@pytest.fixture
def explain(recording, settings, make_findings):
    """Build a report of pairs and explain the first."""

    def build(*pairs):
        report = build_report(recording, make_findings(*pairs), settings)
        return report, as_explanation(report, 0)

    return build


def told(text):
    """Undo the line breaks."""
    return " ".join(text.split())


@pytest.mark.parametrize(
    "wanted", ["mentalis", "MENTALIS", "R Ment", "r_ment", "S1 mentalis", "men", "S1 R Ment"]
)
def test_a_pair_is_found_by_muscle_label_and_stimulus_set(explain, pair, direct_pair, wanted):
    report, _ = explain(direct_pair, pair)
    assert find_pairs(report, wanted) == [1]


@pytest.mark.parametrize("wanted", ["", "->", "frontalis", "S2 mentalis", "left mentalis", "me"])
def test_what_fits_no_pair_finds_none(explain, pair, direct_pair, wanted):
    report, _ = explain(direct_pair, pair)
    assert find_pairs(report, wanted) == []


def test_a_name_that_several_pairs_share_finds_them_all_and_an_exact_one_only_itself(explain, pair):
    report, _ = explain(pair, replace(pair, channel="R Ment 2"), replace(pair, muscle=Muscle.PLATYSMA))
    assert find_pairs(report, "right") == [0, 1, 2]
    assert find_pairs(report, "R Ment 2") == [1]


def test_the_chain_runs_from_the_evidence_over_onset_and_size_to_what_decided(explain, pair):
    steps = (("noise", "5.0 uV per sweep"), ("null", "p = 0.00012"), ("verdict", "present"))
    text = explain(replace(pair, detection=replace(pair.detection, evidence=steps)))[1]
    order = ["noise", "null", "onset", "size", "persistence", "over all pairs", "decided"]
    places = [re.search(rf"^  {step}\b", text, re.M).start() for step in order]
    assert places == sorted(places)
    assert "9.8 ms, 95 % interval 9.50-10.10 ms" in text
    assert "present, because p is at most alpha = 0.01" in text
    assert "\n  verdict" not in text
    assert max(map(len, text.splitlines())) <= WIDTH


def test_every_measure_is_told_with_how_sure_it_is(explain, pair):
    text = told(explain(pair)[1])
    assert "onset 9.8 ms, 95 % interval 9.50-10.10 ms; peak at 11.2 ms" in text
    assert "size 230 uV peak to peak, 95 % interval 200-260 uV; 3 phases, 6.0 ms long" in text
    assert (
        "persistence 96 % of single sweeps answer, 95 % interval 90-99 %; latency jitter 0.20 ms late" in text
    )
    assert "late response absent, p = 0.5 over all pairs" in text


def test_measures_that_do_not_apply_are_not_told(explain, pair):
    found = replace(pair.detection, latency_jitter_ms=None, late_response=None)
    text = told(explain(replace(pair, detection=found))[1])
    assert "interval 90-99 % over all pairs" in text
    unjudged = replace(found, persistence=None, persistence_ci=None, onset_latency_ci_ms=None)
    text = told(explain(replace(pair, detection=unjudged))[1])
    assert not any(word in text for word in ("persistence", "jitter", "9.50-10.10", "peak at"))


def test_a_late_response_and_many_phases_are_told(explain, pair):
    late = replace(
        pair.detection.late_response, presence=Presence.PRESENT, p_value=0.0012, onset_latency_ms=31.4
    )
    found = replace(pair.detection, late_response=late, morphology="polyphasic", n_phases=6)
    text = told(explain(replace(pair, detection=found))[1])
    assert "late response present from 31 ms, p = 0.0012" in text
    assert "polyphasic, 6 phases, 6.0 ms long" in text


@pytest.mark.parametrize(("relation", "is_told"), [(Relation.AMBIGUOUS, True), (Relation.TARGET, False)])
def test_a_response_of_a_muscle_that_the_branch_may_supply_is_explained_as_such(
    explain, pair, relation, is_told
):
    text = told(explain(replace(pair, relation=relation))[1])
    assert ("so that a response need be no LSR" in text) is is_told


def test_a_course_rests_on_two_blocks_at_least(explain, operation_pair):
    text = told(explain(replace(operation_pair, blocks=operation_pair.blocks[:2], there=()))[1])
    assert "the course rests on 2 blocks: present in 2" in text
    single = replace(operation_pair, blocks=operation_pair.blocks[:1], there=(), baseline_block=0)
    assert "the course rests on" not in told(explain(single)[1])
    none = replace(operation_pair, course=None)
    assert "the course rests on" not in told(explain(none)[1])


@pytest.mark.parametrize("reason", sorted(REASONS))
def test_what_kept_a_pair_undecided_is_said_in_words(explain, indeterminate_pair, reason):
    detection = replace(indeterminate_pair.detection, reason=reason)
    text = explain(replace(indeterminate_pair, detection=detection, course=None))[1]
    assert f"indeterminate: {REASONS[reason]}." in told(text)


def test_evidence_of_one_stage_says_so(explain, pair):
    measured = replace(pair, measured_stage="baseline", n_stimuli_measured=8, course="reappeared")
    text = told(explain(measured)[1])
    assert "of the 8 during baseline; the course rests on all 40" in text
    assert "in 96 % of 8 stimuli during baseline" in text
    by_block = replace(pair, n_stimuli_measured=8, course="reappeared")  # of an operation without stages
    assert "of the 8 in one block; the course rests on all 40" in told(explain(by_block)[1])
    assert "during baseline" not in told(explain(pair)[1])


def test_an_absence_and_a_course_are_explained(explain, absent_pair, operation_pair):
    assert "would have been seen" in told(explain(absent_pair)[1])
    assert "Over the operation: disappeared." in told(explain(operation_pair)[1])
    assert "6 blocks: present in 4, absent in 2" in told(explain(operation_pair)[1])


def test_every_reason_of_the_method_has_its_words_and_no_other():
    page = (ROOT / "docs" / "method.md").read_text(encoding="utf-8")
    table = page.split("### Reasons")[1].split("\n#")[0]
    assert set(re.findall(r"^\| `([a-z_]+)` \|", table, re.M)) == set(REASONS)
