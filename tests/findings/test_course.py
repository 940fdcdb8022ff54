"""What became of an LSR is told from its blocks, and only where they prove it."""

import dataclasses

import numpy as np
import pytest

from lsr.anatomy import Relation
from lsr.detection.detection import Presence
from lsr.findings import states
from lsr.findings.course import doubt_early, doubt_end, doubt_unmarked, is_operation, judge_course
from lsr.findings.findings import Course, PairFinding
from lsr.findings.likeness import Likeness
from lsr.findings.states import Run
from lsr.settings import DetectionSettings
from lsr.stages import Stage

STAGES = ("baseline", "opening", "arachnoid_dissection", "decompression", "closing")
TWO_EACH = tuple(stage for stage in STAGES for _ in range(2))


@pytest.fixture
def judge(make_blocks):
    def judge_shown(*shown, stages=TWO_EACH, **more):
        blocks = make_blocks(*shown, stages=stages)
        return judge_course(blocks, DetectionSettings(), **more)

    return judge_shown


def codes(outcome):
    return [warning.code for warning in outcome.warnings]


def shown(there, **words):
    """Blocks from a string: P present, A absent, N no M wave, B blind, ? unsure, - nothing usable.

    S stands for a second artifact.
    """
    word = {"P": "present", "A": "absent", "N": "no_m_wave", "B": "blind", "?": "unsure", "-": "nothing"}
    word["S"] = "second"
    return [words.get(letter, word.get(letter)) for letter in there]


@pytest.mark.parametrize(
    ("there", "course"),
    [
        ("PPPPPPPPPP", "persisted"),
        ("PPPPPPAAAA", "disappeared"),
        ("PPPPPPPPAA", "disappeared"),
        ("PPPAAAAAAA", "disappeared_before_decompression"),
        ("PAAAAAAAAA", "disappeared_before_decompression"),
        ("PPPPPPAAPP", "reappeared"),
        ("PPPPAPPPPP", "reappeared"),
        ("AAAAAAAAAA", "not_detected_at_baseline"),
        ("APPPPPPPPP", "persisted"),  # absent in one block of the baseline stage, present in the other
        ("NPPPPPAAAA", "disappeared"),
        ("NNPPPPPPPP", "persisted"),  # the first block that can be judged lies before decompression
        ("NNPPPPAAAA", "disappeared"),
        ("NNNNNNPPPP", None),  # nothing before decompression can be judged
        ("NNAAAAAAAA", None),  # it may have been there at baseline, and gone since
        ("PPPPPPPPNN", None),  # the last stage cannot be judged
        ("PPPPPPPPPN", "persisted"),
        ("PPPPPPAANN", "disappeared"),  # it was gone while the stimulus was still proved
        ("PPPPPPPANN", None),  # one silent block, and nobody knows what followed
        ("PPPPPPPPPA", "disappeared"),
        ("?BAAAAAAAA", None),  # not surely there at baseline, nor absent
        ("?AAAAAAAAA", None),
        ("PP--PP--PP", "persisted"),
        ("----------", None),
        ("PP????????", None),
        ("AAAAAAAPPP", "not_detected_at_baseline"),
    ],
)
def test_the_course_follows_the_blocks(judge, there, course):
    assert judge(*shown(there)).course == course


@pytest.mark.parametrize(
    ("there", "residual"),
    [
        ("PPPPPPPPPP", True),
        ("PPPPPPAAAA", False),
        ("PPPPPPAANN", None),
        ("AAAAAAAAAA", False),
        ("AAAAAAAAAN", False),
        ("AAAAAAAANN", None),
        ("AAAAAAAAAP", True),
        ("PPPPPPAAPP", True),
        ("PPPPPPPPNN", None),
        ("NNNNNNPPPP", True),  # whatever there was at baseline
        ("?BAAAAAPPN", True),
        ("NNNNNNPPNN", None),
        ("NNNNNNPPPA", None),
        ("----------", None),
    ],
)
def test_a_residual_lsr_is_what_the_end_shows(judge, there, residual):
    assert judge(*shown(there)).residual is residual


@pytest.mark.parametrize("there", ["PPPPPPAANN", "AAAAAAAANN"])
def test_an_end_that_is_not_judged_is_why_a_residual_lsr_cannot_be_told(judge, there):
    outcome = judge(*shown(there))
    assert outcome.residual is None
    assert codes(outcome)[0] == "end_not_judged"
    assert "rest_not_excluded" not in codes(outcome)


def test_a_disappearance_is_dated_by_the_first_block_without_and_the_last_with(judge):
    gone = judge(*shown("PPPPPP-AAA")).disappeared_at
    assert (gone.time_s, gone.stage) == (2100.0, "decompression")
    assert (gone.last_seen_s, gone.last_seen_stage) == (1500.0, "arachnoid_dissection")


@pytest.mark.parametrize(
    ("there", "seen", "missed", "maybe_early"),
    [
        ("PPPP--AAAA", "opening", "decompression", True),
        ("PPPPPPAAAA", "arachnoid dissection", "decompression", True),
        ("PPPPPPPPAA", "decompression", "closing", False),
        ("PPAAAAAAAA", "baseline", "opening", False),  # surely early
    ],
)
def test_a_disappearance_between_two_stages_names_both(judge, there, seen, missed, maybe_early):
    outcome = judge(*shown(there))
    assert codes(outcome) == ["disappearance_between_stages"]
    (warning,) = outcome.warnings
    assert f"last seen during {seen} and first missed during {missed}" in warning.message
    assert ("may have been before decompression" in warning.message) is maybe_early


def test_a_disappearance_between_what_bears_no_stage_and_one_that_does_says_so(judge):
    outcome = judge(*shown("PAAA"), stages=[None, "baseline", "decompression", "closing"])
    assert codes(outcome) == ["disappearance_between_stages"]
    assert "last seen outside the stages that are marked and first missed" in outcome.warnings[0].message


def test_a_disappearance_within_a_stage_is_in_no_doubt_about_it(judge):
    assert codes(judge(*shown("PPPPPPPAAA"))) == []


@pytest.fixture
def lost_early(judge, make_blocks):
    """A pair whose LSR is last seen at 600 s, in opening, and missed from 900 s on."""
    blocks = make_blocks(*shown("PPPAAAAAAA"), stages=TWO_EACH)
    outcome = judge(*shown("PPPAAAAAAA"))
    return PairFinding(
        **dict.fromkeys(("branch", "muscle", "side", "m_wave", "stimulus_threshold_ma"), None),
        **dict.fromkeys(("p_value_adjusted", "amplitude_change_percent"), None),
        stimulation="S1",
        channel="R Mentalis",
        relation=Relation.TARGET,
        detection=blocks[0].detection,
        blocks=blocks,
        course=outcome.course,
        disappeared_at=outcome.disappeared_at,
    )


def stage(name, start_s, maybe_from_s=None):
    return Stage(name=name, start_s=start_s, end_s=start_s + 100, maybe_from_s=maybe_from_s)


@pytest.mark.parametrize(
    ("decompression", "course", "said"),
    [
        ([stage("decompression", 1800)], "disappeared_before_decompression", []),
        ([stage("decompression", 1800, 1200)], "disappeared_before_decompression", []),
        ([stage("decompression", 1800, 700)], "disappeared", ["decompression_not_marked"]),
        ([], "disappeared", ["decompression_not_marked"]),
        ([stage("decompression", 500), stage("decompression", 1800)], "disappeared", []),
    ],
)
def test_before_decompression_is_said_only_where_decompression_is_marked(
    lost_early, decompression, course, said
):
    told = doubt_early(lost_early, [stage("baseline", 0), stage("opening", 400), *decompression])
    assert told.course == course
    assert codes(told) == said


def test_other_courses_need_no_mark_of_decompression(lost_early):
    still_there = dataclasses.replace(lost_early, course="persisted", disappeared_at=None)
    assert doubt_early(still_there, []) == still_there
    lost_late = dataclasses.replace(lost_early, course=Course.DISAPPEARED)
    assert doubt_early(lost_late, []) == lost_late


@pytest.mark.parametrize("first", ["decompression", "closing"])
def test_what_was_not_stimulated_before_decompression_tells_nothing_of_the_baseline(judge, first):
    """Planted: a second file, or one without the markers of its first half, begins when the LSR is gone."""
    outcome = judge(*shown("AAAA"), stages=[first, first, "closing", "closing"])
    assert outcome.course is None
    assert codes(outcome) == ["no_baseline_verdict"]
    assert outcome.residual is False
    for n_before in (1, 2):
        before = ["opening"] * n_before + [first] * (4 - n_before)
        assert judge(*shown("AAAA"), stages=before).course == "not_detected_at_baseline"


@pytest.mark.parametrize("there", ["PPPPPP", "PPPPAA", "AAAAAA"])
def test_what_was_not_stimulated_since_decompression_tells_nothing_of_the_end(judge, there):
    """Planted: the surgeon decompresses, and nobody stimulates again."""
    outcome = judge(*shown(there), stages=TWO_EACH[:6])
    last_s = 1510.0
    doubted = doubt_end(last_s, outcome, [stage("baseline", 0), stage("decompression", 1600)])
    assert doubted.residual is None
    assert doubted.course == outcome.course
    assert "not_stimulated_since" in codes(doubted)
    for stages in ([], [stage("baseline", 0)], [stage("baseline", 0), stage("decompression", 1400)]):
        assert doubt_end(last_s, outcome, stages) == outcome


@pytest.mark.parametrize("there", ["PPPPPPPPPP", "PPPPPPAAAA", "PPPPPPAAPP"])
def test_what_stimuli_without_a_marker_may_have_shown_leaves_the_end_open(judge, there):
    """Planted: the markers end before the stimuli do."""
    outcome = judge(*shown(there))
    assert doubt_unmarked(outcome, before=True, after=False) == outcome
    doubted = doubt_unmarked(outcome, before=False, after=True)
    assert doubted.course is doubted.residual is doubted.disappeared_at is doubted.change is None
    assert codes(doubted)[-1] == "end_not_marked"


def test_what_stimuli_without_a_marker_may_have_shown_leaves_the_baseline_open(judge):
    """Planted: the markers begin after the stimuli do."""
    outcome = judge(*shown("AAAAAAAAAA"))
    early = doubt_unmarked(outcome, before=True, after=False)
    assert early.course is None
    assert early.residual is False
    late = doubt_unmarked(outcome, before=False, after=True)
    assert late.course == "not_detected_at_baseline"
    assert late.residual is None


def test_what_tells_nothing_is_doubted_no_further(judge):
    nothing = judge(*shown("----------"))
    assert doubt_end(1000.0, nothing, [stage("baseline", 0), stage("decompression", 1600)]) == nothing
    assert doubt_unmarked(nothing, before=True, after=True) == nothing


def test_an_lsr_was_last_seen_at_the_last_stimulus_that_it_answered(make_blocks):
    blocks = list(make_blocks(*shown("PPPPPPAAAA"), stages=TWO_EACH))
    blocks[5] = dataclasses.replace(blocks[5], last_answered_s=1507.0)
    outcome = judge_course(blocks, DetectionSettings())
    assert outcome.disappeared_at.last_seen_s == 1507.0


def test_a_loss_of_the_m_wave_beside_that_of_the_lsr_is_told(judge):
    weaker = judge(*shown("PPPPPP"), *[("absent", {"m_wave_uv": 700.0})] * 4)
    assert weaker.course == "disappeared"
    (smaller,) = [warning for warning in weaker.warnings if warning.code == "m_wave_smaller"]
    assert "30 % smaller" in smaller.message
    for m_wave_uv, is_told in ((860.0, False), (840.0, True)):
        outcome = judge(*shown("PPPPPP"), *[("absent", {"m_wave_uv": m_wave_uv})] * 4)
        assert ("m_wave_smaller" in codes(outcome)) is is_told


def test_an_lsr_last_seen_without_an_m_wave_is_gone_all_the_same(judge):
    outcome = judge(*shown("PPPPP"), ("present", {"m_wave_uv": None}), *shown("AAAA"))
    assert outcome.course == "disappeared"
    assert codes(outcome) == ["disappearance_between_stages"]


def test_what_is_stimulated_before_the_baseline_is_announced_belongs_to_it(judge):
    stages = [None, "baseline", *["decompression"] * 2]
    assert judge(*shown("APPP"), stages=stages).course == "persisted"
    assert judge(*shown("AAAA"), stages=stages).course == "not_detected_at_baseline"


def test_the_end_is_the_last_stage_even_where_its_name_came_before(judge):
    stages = ["baseline", "opening", "opening", "decompression", "opening"]
    assert judge(*shown("PPPPN"), stages=stages).course is None
    assert judge(*shown("PPPPP"), stages=stages).course == "persisted"


def test_an_absent_block_among_present_ones_proves_no_return_where_the_lsr_is_small(judge):
    small = ("present", {"amplitude_uv": 12.0})
    sees_little = ("absent", {"limit_uv": 15.0})
    assert judge(*[small] * 4, sees_little, *[small] * 5).course == "persisted"


def test_an_lsr_last_seen_small_is_not_called_gone_where_it_may_be_overlooked(judge):
    faint = ("present", {"amplitude_uv": 9.0})
    outcome = judge(*[faint] * 9, ("absent", {"limit_uv": 12.0}))
    assert outcome.course is None
    assert codes(outcome) == ["faint_at_end"]


@pytest.mark.parametrize(("last", "course"), [(0.05, "disappeared"), (0.45, None)])
def test_an_lsr_that_may_be_back_is_not_called_gone(judge, monkeypatch, last, course):
    likeness = Likeness(
        size=np.array([1.0] * 6 + [0.0] * 3 + [last]),
        deviation=np.full(10, 0.06),
        bias=np.full(10, 0.05),
        amplitude_uv=100.0,
        at_edge=False,
    )
    monkeypatch.setattr(states, "_compare", lambda *_: likeness)
    outcome = judge(*shown("PPPPPPAAAB", B=("blind", {"limit_uv": 60.0})), parts_uv=[None] * 10)
    assert outcome.course == course
    assert course or codes(outcome) == ["no_final_verdict"]


@pytest.mark.parametrize(("there", "said"), [("PPPPPPBBBB", True), ("PPPPPPAAAA", False)])
def test_what_only_comparison_tells_is_said_so(judge, monkeypatch, there, said):
    likeness = Likeness(
        size=np.array([1.0] * 6 + [0.0, 0.05, 0.0, 0.0]),
        deviation=np.full(10, 0.05),
        bias=np.full(10, 0.05),
        amplitude_uv=100.0,
        at_edge=False,
    )
    monkeypatch.setattr(states, "_compare", lambda *_: likeness)
    outcome = judge(*shown(there, B=("blind", {"limit_uv": 60.0})), parts_uv=[None] * 10)
    assert outcome.course == "disappeared"
    assert ("told_by_comparison" in codes(outcome)) is said
    if said:
        assert "4 to hold none, or at most 15 % of it" in outcome.warnings[0].message


def test_what_only_comparison_tells_to_hold_an_lsr_is_said_so(judge_sizes):
    noisy = ("no_limit", {"limit_uv": 150.0})
    outcome = judge_sizes("PPPPPPPPBB", [1.0] * 8 + [0.9] * 2, blind=noisy)
    assert outcome.course == "persisted"
    (told,) = (one.message for one in outcome.warnings if one.code == "told_by_comparison")
    assert told.endswith("2 to hold an LSR")


@pytest.mark.parametrize(("size", "course"), [(0.34, "reduced"), (0.15, None)])
def test_what_the_last_blocks_hold_together_is_seen_where_none_tells_it_alone(
    judge, monkeypatch, size, course
):
    likeness = Likeness(
        size=np.array([1.0] * 7 + [size] * 3),
        deviation=np.full(10, 0.07),
        bias=np.full(10, 0.1),
        amplitude_uv=100.0,
        at_edge=False,
    )
    monkeypatch.setattr(states, "_compare", lambda *_: likeness)
    blind = ("blind", {"limit_uv": 60.0})
    outcome = judge(*shown("PPPPPPPBBB", B=blind), parts_uv=[None] * 10)
    assert outcome.course == course
    assert course or codes(outcome) == ["no_final_verdict"]


@pytest.fixture
def judge_rest(judge, monkeypatch):
    """Seven blocks, most with an LSR of 100 uV at 9.8 ms, then three of which comparison leaves little."""

    def judge_compared(rest, size, *, there="PPPPPPP", **options):
        likeness = Likeness(
            size=np.array([1.0 if letter == "P" else 0.1 for letter in there] + [size] * 3),
            deviation=np.full(10, 0.08),
            bias=np.full(10, 0.1),
            amplitude_uv=100.0,
            at_edge=False,
        )
        monkeypatch.setattr(states, "_compare", lambda *_: likeness)
        return judge(*shown(there + rest, R=("present", {"p_value": 1e-4, **options})), parts_uv=[None] * 10)

    return judge_compared


def test_a_small_rest_that_shows_by_itself_is_the_lsr_where_onset_and_size_fit(judge_rest):
    fits = {"amplitude_uv": 17.0, "onset_ci_ms": (8.0, 10.5)}
    assert judge_rest("RRR", 0.17, **fits).course == "reduced"
    for other in ({"onset_ci_ms": (11.0, 13.0)}, {"amplitude_uv": 60.0}):
        assert judge_rest("RRR", 0.17, **(fits | other)).course is None


def test_what_shows_by_itself_after_a_silent_block_keeps_the_lsr_from_being_gone(judge_rest):
    other = {"amplitude_uv": 17.0, "onset_ci_ms": (11.0, 13.0)}
    outcome = judge_rest("ARR", 0.1, **other)
    assert outcome.course is None
    assert codes(outcome) == ["no_final_verdict"]
    assert judge_rest("AAA", 0.1, **other).course == "disappeared"


@pytest.mark.parametrize(("size", "course"), [(0.16, "reduced"), (0.6, "reappeared")])
def test_what_holds_no_more_than_the_pause_is_no_return(judge_rest, size, course):
    fits = {"amplitude_uv": 100.0 * size, "onset_ci_ms": (8.0, 10.5)}
    assert judge_rest("RRR", size, there="PPPPPAA", **fits).course == course


@pytest.fixture
def judge_sizes(judge, monkeypatch):
    """Ten blocks that hold so much of an LSR of 125 uV."""

    def judge_compared(letters, sizes, *, blind="blind", **more):
        likeness = Likeness(
            size=np.array(sizes),
            deviation=np.full(10, 0.08),
            bias=np.full(10, 0.1),
            amplitude_uv=125.0,
            at_edge=False,
        )
        monkeypatch.setattr(states, "_compare", lambda *_: likeness)
        return judge(*shown(letters, B=blind), parts_uv=[None] * 10, **more)

    return judge_compared


def test_the_lsr_is_gone_only_where_later_blocks_hold_none_of_it_together(judge_sizes):
    outcome = judge_sizes("PPPAAAAAAA", [1.0] * 3 + [0.25, 0.3, 0.22] + [0.0] * 4)
    assert outcome.course == "disappeared"
    assert outcome.disappeared_at.time_s == 1800.0
    assert outcome.disappeared_at.last_seen_s == 600.0


@pytest.mark.parametrize(("letters", "residual"), [("PPPPPPBBBA", False), ("PPPPPPBBBB", None)])
def test_what_may_be_left_unseen_is_why_a_residual_lsr_cannot_be_told(judge_sizes, letters, residual):
    outcome = judge_sizes(letters, [1.0] * 6 + [0.0] * 4)
    assert (outcome.course, outcome.residual) == ("disappeared", residual)
    assert ("rest_not_excluded" in codes(outcome)) == (residual is None)


def test_a_pause_that_only_comparison_tells_is_followed_by_a_return(judge_sizes):
    assert judge_sizes("PPPPBBPPPP", [1.0] * 4 + [0.0] * 2 + [1.0] * 4).course == "reappeared"
    assert judge_sizes("PPPPBBPPPP", [1.0] * 4 + [0.4] * 2 + [1.0] * 4).course == "persisted"


def test_a_pause_in_which_a_small_lsr_may_hide_is_followed_by_a_return_all_the_same(judge_sizes):
    """Planted: blocks too noisy to say that none is left, but a tenth of it at most."""
    noisy = ("no_limit", {"limit_uv": 60.0})
    outcome = judge_sizes("PPPPBBPPPP", [1.0] * 4 + [0.1] * 2 + [1.0] * 4, blind=noisy)
    assert outcome.there[4:6] == (None, None)
    assert outcome.course == "reappeared"


def test_a_last_block_that_holds_no_more_than_the_pause_is_no_return(judge_sizes):
    assert judge_sizes("PPPPPPPPAP", [1.0] * 8 + [0.1, 0.16]).course == "reduced"
    assert judge_sizes("PPPPPPPPAP", [1.0] * 8 + [0.1, 0.6]).course == "reappeared"


def test_what_may_hold_the_lsr_among_silent_blocks_is_no_doubt_of_those_after_it(judge_sizes):
    noisy = ("no_limit", {"limit_uv": 60.0})
    outcome = judge_sizes("PPPPPPAABA", [1.0] * 6 + [0.0, 0.0, 0.4, 0.0], blind=noisy)
    assert outcome.there[8] is None
    assert outcome.course == "disappeared"


def test_what_holds_less_and_less_at_the_end_is_reduced(judge_sizes):
    """Planted: of two last blocks that hold less than half of the LSR one shows it."""
    noisy = ("no_limit", {"limit_uv": 60.0})
    outcome = judge_sizes("PPPPPPPPPB", [1.0] * 8 + [0.3, 0.2], blind=noisy)
    assert outcome.there[9] is None
    assert (outcome.course, outcome.residual) == ("reduced", True)


def test_what_only_the_last_blocks_that_can_be_told_hold_together_is_the_lsr(judge_sizes):
    outcome = judge_sizes("PPPPPPAABB", [1.0] * 6 + [0.0] * 2 + [0.3] * 2)
    assert (outcome.course, outcome.residual) == ("reappeared", True)
    outcome = judge_sizes("PPPPPPPPB-", [1.0] * 8 + [0.34, np.nan])
    assert (outcome.course, outcome.residual) == ("reduced", True)
    outcome = judge_sizes("PPPPPPPPAB", [1.0] * 8 + [np.nan, 0.36])
    assert (outcome.course, outcome.residual) == (None, None)


def test_an_lsr_that_stays_is_told_where_no_change_of_its_size_is(judge_sizes):
    outcome = judge_sizes("PPPPPPPPBB", [np.nan] * 8 + [0.34] * 2)
    assert (outcome.course, outcome.residual, outcome.change) == ("persisted", True, None)


def test_a_block_that_holds_none_is_not_dated_by_the_one_before_it(judge_sizes):
    outcome = judge_sizes("PPPPPBAAAA", [1.0] * 5 + [0.6] + [0.0] * 4)
    assert outcome.disappeared_at.time_s == 1800.0


def test_blocks_that_show_a_rest_together_are_not_called_silent(judge_sizes, detect_as):
    sizes = [1.0] * 7 + [0.17] * 3
    rest = Run(first=7, last=9, detection=detect_as("present", amplitude_uv=20.0, p_value=0.009))
    assert judge_sizes("PPPPPPPBBB", sizes, runs=[rest]).course is None
    nothing = Run(first=7, last=9, detection=detect_as("blind"))
    assert judge_sizes("PPPPPPPBBB", sizes, runs=[nothing]).course == "disappeared"


@pytest.mark.parametrize(("p_value", "course"), [(0.4, "disappeared"), (0.012, None)])
def test_one_silent_block_that_hints_at_a_response_tells_no_end(judge_sizes, p_value, course):
    sizes = [1.0] * 6 + [0.0] * 4
    outcome = judge_sizes("PPPPPPB---", sizes, blind=("blind", {"p_value": p_value}))
    assert outcome.course == course
    assert course or codes(outcome) == ["no_final_verdict"]


def test_one_block_that_is_absent_by_its_own_verdict_hints_at_nothing(judge_sizes):
    absent = ("absent", {"p_value": 0.04})
    assert judge_sizes("PPPPPPB---", [1.0] * 6 + [0.0] * 4, blind=absent).course == "disappeared"


def test_one_silent_block_beside_one_that_may_hold_the_lsr_tells_no_end(judge_sizes):
    assert judge_sizes("PPPPPPPPBA", [1.0] * 8 + [0.6, 0.0]).course is None
    assert judge_sizes("PPPPPPPPBA", [1.0] * 8 + [0.0, 0.0]).course == "disappeared"


def test_several_silent_blocks_together_prove_what_one_cannot(judge):
    faint, silent = ("present", {"amplitude_uv": 12.0}), ("absent", {"limit_uv": 15.0})
    assert judge(*[faint] * 9, silent).course is None
    assert judge(*[faint] * 4, *[silent] * 6).course == "disappeared_before_decompression"


def test_a_fall_beyond_chance_is_a_reduction(judge):
    outcome = judge(*shown("PPPPPPPP"), *[("present", {"amplitude_uv": 40.0})] * 2)
    assert outcome.course == "reduced"
    assert outcome.change.percent == pytest.approx(-60.0)
    low, high = outcome.change.interval_percent
    assert low < -60.0 < high < 0.0
    assert outcome.baseline_block == 0


def test_a_fall_that_may_be_chance_is_none(judge):
    outcome = judge(*shown("PPPPPPPP"), *[("present", {"amplitude_uv": 80.0})] * 2)
    assert outcome.course == "persisted"
    assert outcome.change.percent == pytest.approx(-20.0)


def test_a_fall_with_the_m_wave_cannot_be_told_from_a_weaker_stimulus(judge):
    outcome = judge(*shown("PPPPPPPP"), *[("present", {"amplitude_uv": 40.0, "m_wave_uv": 450.0})] * 2)
    assert outcome.course is None
    assert outcome.residual is True
    assert codes(outcome) == ["m_wave_fell_alike"]


@pytest.mark.parametrize(("end_ma", "course"), [(13.0, "reduced"), (9.0, None)])
def test_a_fall_at_a_weaker_current_cannot_be_told_from_that(judge, end_ma, course):
    before = ("present", {"intensity_ma": 15.0})
    after = ("present", {"amplitude_uv": 40.0, "intensity_ma": end_ma})
    outcome = judge(*[before] * 8, *[after] * 2)
    assert (outcome.course, outcome.residual) == (course, True)
    assert ("weaker_stimulus" in codes(outcome)) is (course is None)


def test_a_fall_among_currents_of_which_some_are_weaker_cannot_be_told_from_that(make_blocks):
    """Planted: by their median the last blocks are as strong, but two in five of their stimuli are weak."""
    told = {"intensity_ma": 15.0}
    before, after = ("present", told), ("present", told | {"amplitude_uv": 60.0})
    blocks = list(make_blocks(*[before] * 8, *[after] * 2, stages=TWO_EACH))
    for currents_ma, course in (((13.0, 15.0), "reduced"), ((6.0, 15.0), None)):
        blocks[8:] = [dataclasses.replace(one, quartiles_ma=currents_ma) for one in blocks[8:]]
        assert judge_course(blocks, DetectionSettings()).course == course


@pytest.mark.parametrize(("end_ma", "course"), [(9.0, "reappeared"), (20.0, None)])
def test_an_lsr_seen_again_only_with_a_stronger_stimulus_may_never_have_gone(judge, end_ma, course):
    """Planted: gone at 8 mA, and the current raised at the end to ask for what is left."""
    usual = {"intensity_ma": 8.0}
    back = ("present", {"intensity_ma": end_ma})
    outcome = judge(*[("present", usual)] * 6, *[("absent", usual)] * 3, back)
    assert (outcome.course, outcome.residual) == (course, True)
    assert ("back_with_stimulus" in codes(outcome)) is (course is None)
    assert outcome.baseline_block == 0


def test_a_fall_where_the_m_wave_is_lost_cannot_be_told_either(judge):
    outcome = judge(*shown("PPPPPPPP"), *[("present", {"amplitude_uv": 40.0, "m_wave_uv": None})] * 2)
    assert outcome.course is None
    assert codes(outcome) == ["m_wave_fell_alike"]


@pytest.mark.parametrize(
    "silent",
    [
        {"m_wave_uv": 300.0},  # relaxant, or a stimulus that reaches the nerve no longer
        {"noise_uv": 0.5},  # an electrode shorted
        {"noise_uv": 30.0},  # an electrode off
    ],
)
def test_silence_of_a_channel_that_changed_is_no_disappearance(judge, silent):
    outcome = judge(*shown("PPPPPPPP"), *[("absent", silent)] * 2)
    assert outcome.course is None
    assert outcome.disappeared_at is None


def test_silence_at_a_weaker_stimulus_is_no_disappearance(judge):
    strong = ("present", {"intensity_ma": 15.0})
    outcome = judge(*[strong] * 8, *[("absent", {"intensity_ma": 8.0})] * 2)
    assert outcome.course is None
    assert judge(*[strong] * 8, *[("absent", {"intensity_ma": 15.0})] * 2).course == "disappeared"


@pytest.mark.parametrize("n_weak", [6, 8])  # the weak blocks are the baseline where they are most
@pytest.mark.parametrize("weak", [{"m_wave_uv": 450.0}, {"intensity_ma": 5.0}])
def test_an_lsr_that_comes_up_with_a_stronger_stimulus_may_have_been_there_at_baseline(judge, weak, n_weak):
    strong = {"m_wave_uv": 1000.0, "intensity_ma": 15.0}
    seen = [("present", strong)] * (10 - n_weak)
    outcome = judge(*[("absent", strong | weak)] * n_weak, *seen)
    assert outcome.course is None
    assert codes(outcome)[0] == "no_baseline_verdict"
    assert judge(*[("absent", strong)] * n_weak, *seen).course == "not_detected_at_baseline"


def test_a_strong_stimulus_whose_block_tells_nothing_proves_no_silence_before_an_lsr(judge):
    strong = {"m_wave_uv": 1000.0, "intensity_ma": 15.0}
    weak, seen = ("absent", strong | {"intensity_ma": 5.0}), ("present", strong)
    assert judge(*[weak] * 7, ("blind", strong), seen, seen).course is None
    assert judge(*[weak] * 7, ("absent", strong), seen, seen).course == "not_detected_at_baseline"


def test_an_lsr_that_stays_needs_no_m_wave(judge):
    outcome = judge(*[("present", {"m_wave_uv": None})] * 10)
    assert (outcome.course, outcome.residual) == ("persisted", True)


def test_silence_at_a_current_that_is_not_stated_counts(judge):
    said, unsaid = {"intensity_ma": 15.0}, {}
    for before, after in ((said, unsaid), (unsaid, said)):
        outcome = judge(*[("present", before)] * 8, *[("absent", after)] * 2)
        assert outcome.course == "disappeared"


def test_silence_over_all_of_a_weakly_stimulated_baseline_is_no_absence(judge, detect_as):
    weak, strong = ("absent", {"m_wave_uv": 300.0}), ("absent", {"m_wave_uv": 1000.0})
    absent = detect_as("absent")
    assert judge(*[weak] * 2, *[strong] * 8, first_stage=absent).course is None
    assert judge(*[strong] * 10, first_stage=absent).course == "not_detected_at_baseline"
    unproved = ("absent", {"m_wave_uv": None})
    assert judge(*[unproved] * 10, first_stage=absent).course is None


def test_a_baseline_whose_blocks_are_too_noisy_may_be_silent_over_all_of_its_stimuli(judge, detect_as):
    assert judge(*shown("BBAAAAAAAA"), first_stage=detect_as("absent")).course == "not_detected_at_baseline"
    assert judge(*shown("BBAAAAAAAA"), first_stage=detect_as("blind")).course is None


def test_baseline_is_the_first_block_with_an_adequate_m_wave(judge):
    weak = ("present", {"amplitude_uv": 30.0, "m_wave_uv": 200.0})
    outcome = judge(weak, *shown("PPPPPPPPP"))
    assert outcome.baseline_block == 1
    assert outcome.change.percent == pytest.approx(0.0)


def test_noisy_blocks_asked_together_tell_an_absence(judge, detect_as):
    alone = judge(*shown("PPPPPPBBBB"))
    assert alone.course is None
    together = Run(first=6, last=9, detection=detect_as("absent", limit_uv=15.0))
    outcome = judge(*shown("PPPPPPBBBB"), runs=[together])
    assert outcome.course == "disappeared"
    assert outcome.disappeared_at.time_s == 1800.0


def test_what_nothing_shows_an_lsr_in_is_compared_with_nothing(judge, detect_as):
    nothing = {"parts_uv": [None] * 10, "pooled": detect_as("blind")}
    assert codes(judge(*shown("BBBBBBBBBB"), **nothing)) == ["no_baseline_verdict"]


def test_noisy_blocks_that_together_show_a_response_are_no_absence(judge, detect_as):
    together = Run(first=6, last=9, detection=detect_as("present", amplitude_uv=12.0))
    assert judge(*shown("PPPPPPBBAA"), runs=[together]).course is None


def test_an_lsr_seen_only_over_all_of_the_baseline_gives_no_course(judge, detect_as):
    outcome = judge(*shown("BBBBBBBBBB"), first_stage=detect_as("present", amplitude_uv=12.0))
    assert outcome.course is None
    assert codes(outcome) == ["faint_at_baseline"]


@pytest.mark.parametrize(
    ("there", "first_stage"),
    [
        ("SSSPSSSSPP", "second"),
        ("SPSPSSPSSP", "second"),
        ("SPSPSSPSSP", "present"),  # its blocks do not agree
        ("PPSPSSSSSP", "second"),
        ("SPSPSSSPAA", "second"),
    ],
)
def test_single_blocks_tell_no_course_where_all_together_show_a_second_artifact(
    judge, detect_as, there, first_stage
):
    together = {"first_stage": detect_as(first_stage), "pooled": detect_as("second")}
    outcome = judge(*shown(there), **together)
    assert (outcome.course, outcome.residual) == (None, None)
    assert codes(outcome) == ["no_baseline_verdict"]
    assert not any(outcome.there)


def test_where_pulses_were_doubled_after_the_first_stage_its_blocks_tell_what_the_lsr_is(judge, detect_as):
    together = {"first_stage": detect_as("present"), "pooled": detect_as("second")}
    assert judge(*shown("PPPPSSSSSP"), **together).course == "persisted"
    assert judge(*shown("PPSSSSSSAA"), **together).course == "disappeared"
    stages = ["baseline"] * 3 + list(TWO_EACH[3:])
    assert judge(*shown("SPPSSSSSSP"), stages=stages, **together).course == "persisted"


def test_a_second_artifact_in_some_blocks_leaves_the_course_to_the_others(judge, detect_as):
    second = detect_as("second")
    assert judge(*shown("SPPPPSPPSP"), pooled=second, first_stage=second).course == "persisted"
    assert judge(*shown("SPSPSSSSPP"), pooled=detect_as("present")).course == "persisted"


def test_blocks_that_cannot_be_judged_do_not_outvote_those_that_show_a_second_artifact(judge, detect_as):
    second = detect_as("second")
    outcome = judge(*shown("SPSS----AA"), pooled=second, first_stage=second)
    assert codes(outcome) == ["no_baseline_verdict"]
    assert not any(outcome.there)


def test_a_second_artifact_in_the_first_block_masks_an_lsr_where_there_are_no_stages(judge, detect_as):
    bare = {"stages": [None] * 10, "pooled": detect_as("second")}
    assert judge(*shown("SPSPSSSSPP"), **bare).course is None


def test_a_hint_over_all_of_the_baseline_is_no_absence(judge, detect_as):
    hint = dataclasses.replace(detect_as("blind"), reason="borderline", p_value=0.02)
    assert judge(*shown("ABAAAAAAAA"), first_stage=hint).course is None
    assert judge(*shown("AAAAAAAAAA"), first_stage=hint).course == "not_detected_at_baseline"
    none = detect_as("blind")
    assert judge(*shown("ABAAAAAAAA"), first_stage=none).course == "not_detected_at_baseline"


def test_what_a_few_sweeps_of_the_baseline_show_is_no_absence(judge):
    assert judge("absent", "few", *shown("AAAAAAPP")).course is None
    assert judge(*shown("AA"), "few", *shown("AAAAAPP")).course == "not_detected_at_baseline"


def test_a_gone_lsr_may_be_there_below_the_detection_limit(judge):
    change = judge(*shown("PPPPPPAAAA")).change
    assert change.percent == -100.0
    assert change.interval_percent == pytest.approx((-100.0, -90.0))


@pytest.mark.parametrize("letters", ["BPPPPPAAAA", "PPPPPPBBBB"])
def test_a_loss_of_which_one_end_has_no_size_may_be_any(judge_sizes, letters):
    """Planted: a block that shows the LSR only in comparison, or silent ones without a detection limit."""
    noisy = ("no_limit", {"limit_uv": 150.0 if letters[0] == "B" else None})
    outcome = judge_sizes(letters, [1.0] * 6 + [-0.05] * 4, blind=noisy)
    assert outcome.course == "disappeared"
    assert (outcome.change.percent, outcome.change.interval_percent) == (-100.0, (-100.0, 0.0))


def test_an_lsr_that_comes_up_later_is_reported_so(judge):
    assert codes(judge(*shown("AAAAAAAPPP"))) == ["appeared_later"]


def test_a_recording_without_stages_starts_with_its_first_judged_block(judge):
    bare = [None] * 10
    assert judge(*shown("-PPPPPAAAA"), stages=bare).course == "disappeared"
    assert judge(*shown("-AAAAAAAAA"), stages=bare).course == "not_detected_at_baseline"
    assert judge(*shown("AAPPPPPPPP"), stages=bare).course == "not_detected_at_baseline"
    assert judge(*shown("PPPPPPPPPN"), stages=bare).course == "persisted"
    assert judge(*shown("PPPPPPNNNN"), stages=bare).course is None


@pytest.mark.parametrize(
    ("there", "course", "said", "residual"),
    [
        ("--AAAAAAAA", "not_detected_at_baseline", [], False),
        ("---AAAAAAA", None, ["no_baseline_verdict"], None),  # it may have been there, and gone since
        ("---------A", None, ["no_baseline_verdict"], None),
        ("---PPPPPPP", "persisted", ["late_baseline"], True),
        ("---PPPAAAA", "disappeared", ["late_baseline"], False),
        ("---------P", None, ["no_baseline_verdict"], True),
        ("---AAAPPPP", None, ["no_baseline_verdict"], True),
    ],
)
def test_without_stages_the_baseline_is_the_first_quarter(judge, there, course, said, residual):
    """Planted: of a recording without stages only later blocks, or the last alone, can be judged."""
    outcome = judge(*shown(there), stages=[None] * 10)
    assert (outcome.course, codes(outcome), outcome.residual) == (course, said, residual)


def test_a_stage_the_operation_does_not_know_is_not_before_decompression(judge):
    outcome = judge(*shown("PPAA"), stages=["baseline", "baseline", "pause", "pause"])
    assert outcome.course == "disappeared"


def test_an_operation_has_stages_or_lasts(make_blocks):
    assert is_operation(make_blocks("present", "present", stages=["baseline", "closing"]))
    assert not is_operation(make_blocks("present", "present"))
    assert not is_operation(make_blocks("present", "present", stages=[None, "baseline"]))
    assert is_operation(make_blocks(*["present"] * 4))
    assert not is_operation(make_blocks(*["present"] * 4, stages=["closing"] * 4)[:2])


def test_chance_over_many_blocks_is_no_return(judge):
    """One block in forty at p = 0.005 is chance: presence is asked at alpha over all blocks."""
    there = "PPPP" + "A" * 20 + "?" + "A" * 15
    stages = ["baseline"] * 4 + ["decompression"] * 36
    assert judge(*shown(there), stages=stages).course == "disappeared"


def _seen_badly(rng, truth):
    """What blocks show of an LSR that is there or not: as it is, or nothing that can be judged."""
    doubt = ["blind", "no_m_wave", "nothing"]
    return [
        rng.choice(["unsure" if there else "absent", *doubt])
        if rng.random() < 0.35
        else ("present" if there else "absent")
        for there in truth
    ]


@pytest.mark.parametrize("seed", range(60))
def test_blocks_that_cannot_be_judged_never_turn_one_course_into_another(judge, seed):
    rng = np.random.default_rng(seed)
    gone_at, back_at = sorted(rng.choice(np.arange(1, 8), 2, replace=False))
    truths = {
        "persisted": [True] * 10,
        "disappeared": [k < gone_at for k in range(10)],
        "reappeared": [not gone_at <= k < back_at for k in range(10)],
        "not_detected_at_baseline": [False] * 10,
    }
    # What nobody can tell: a return of which only blocks on one side could be judged, and a first block that
    # alone showed the LSR and could not be judged.
    also = {
        "disappeared": {"disappeared_before_decompression"},
        "reappeared": {"persisted", "disappeared_before_decompression", "disappeared"},
    }
    for course, truth in truths.items():
        outcome = judge(*_seen_badly(rng, truth))
        allowed = {course, None} | also.get(course, set())
        if gone_at < 2 and not all(truth):
            allowed.add("not_detected_at_baseline")
        assert outcome.course in allowed
        assert outcome.residual in (truth[-1], None)
        gone = outcome.disappeared_at
        if gone is not None:
            assert gone.last_seen_s < 300.0 * gone_at <= gone.time_s


def test_silence_at_a_current_a_little_weaker_is_a_disappearance_and_at_a_much_weaker_one_none(judge):
    strong = ("present", {"intensity_ma": 15.0})
    for intensity_ma, course in ((12.5, "disappeared"), (10.5, None)):
        weaker = ("absent", {"intensity_ma": intensity_ma})
        assert judge(*[strong] * 8, *[weaker] * 2).course == course


def test_baseline_waits_for_the_m_wave_of_the_better_blocks_though_many_are_weak(judge):
    weak = ("present", {"m_wave_uv": 300.0})
    assert judge(*[weak] * 4, *shown("PPPPPP")).baseline_block == 4


@pytest.mark.parametrize(
    "hint",
    [
        {"reason": "explained_otherwise"},
        {"reason": "in_few_sweeps"},
        {"presence": Presence.PRESENT, "p_value": 0.009},
    ],
)
def test_whatever_stands_out_over_all_of_the_baseline_is_a_hint(judge, detect_as, hint):
    first_stage = dataclasses.replace(detect_as("blind"), **hint)
    outcome = judge(*shown("ABAAAAAAAA"), first_stage=first_stage)
    assert outcome.course is None
    assert codes(outcome) == ["no_baseline_verdict"]


def test_without_stages_an_operation_has_three_blocks_over_ten_minutes(make_blocks):
    three = make_blocks(*["present"] * 3)
    assert is_operation(three)
    assert not is_operation((three[0], three[1], dataclasses.replace(three[2], end_s=599.0)))
    assert not is_operation((three[0], three[2]))
    late = [dataclasses.replace(one, start_s=one.start_s + 900, end_s=one.end_s + 600) for one in three]
    assert not is_operation(late)
