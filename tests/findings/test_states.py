"""Which blocks can be told, and which only together."""

import dataclasses

import numpy as np
import pytest

from lsr.findings import states
from lsr.findings.contact import ELECTRODE_CHANGED
from lsr.findings.course import judge_course
from lsr.findings.likeness import Contrast, Likeness
from lsr.findings.states import (
    Run,
    States,
    find_blind_runs,
    holds_more,
    is_blind,
    judge_states,
    surely_gone,
    surely_without,
)
from lsr.settings import DetectionSettings


def test_runs_are_of_neighbours_that_show_nothing_and_are_partly_blind(make_blocks):
    blocks = make_blocks(
        "blind", "present", "blind", "absent", "present", "absent", "absent", "blind", "blind"
    )
    assert find_blind_runs(blocks, 0.01) == ((2, 3), (5, 8))


def test_a_run_holds_no_block_that_shows_a_response_and_one_that_is_not_blind_at_least(make_blocks):
    blocks = make_blocks("present", "present", "blind", "blind", "present", "absent", "absent")
    assert find_blind_runs(blocks, 0.01) == ((2, 3),)


def test_a_run_has_two_blocks_and_begins_after_what_shows_a_response(make_blocks):
    blocks = make_blocks("present", "blind", "present", "blind", "unsure")  # at alpha, not over all blocks
    assert find_blind_runs(blocks, 0.01) == ((3, 4),)


def test_only_a_block_that_was_judged_with_a_working_stimulus_and_tells_nothing_is_blind(make_blocks):
    noisy, *others = make_blocks(
        "blind", "no_m_wave", ("blind", {"m_wave_uv": None}), "nothing", "unsure", "absent"
    )
    assert is_blind(noisy)
    assert not any(is_blind(block) for block in others)
    assert not is_blind(dataclasses.replace(noisy, m_wave=None))  # no direct muscle was recorded


def test_a_run_calls_silent_only_its_blind_blocks(make_blocks, detect_as):
    blocks = make_blocks("present", "blind", "nothing", "unsure", "blind")
    run = Run(first=1, last=4, detection=detect_as("absent", limit_uv=5.0))
    found = judge_states(blocks, DetectionSettings(), runs=[run])
    assert found.there == (True, False, None, None, False)


def test_a_run_that_tells_nothing_leaves_its_blocks_as_they_are(make_blocks, detect_as):
    blocks = make_blocks("present", "blind", "absent", "blind", "absent")
    for said, there in (("blind", False), ("unsure", False), ("present", None)):
        run = Run(first=1, last=3, detection=detect_as(said))
        found = judge_states(blocks, DetectionSettings(), runs=[run])
        assert found.there == (True, None, there, None, False)


def test_presence_needs_no_m_wave_and_absence_does(make_blocks):
    blocks = make_blocks(
        "present", ("present", {"m_wave_uv": None}), ("absent", {"m_wave_uv": 100.0}), "absent"
    )
    found = judge_states(blocks, DetectionSettings())
    assert found.there == (True, True, None, False)
    assert found.present == (0, 1)
    assert found.baseline == 0


def test_what_stands_out_and_may_be_something_else_is_no_lsr(make_blocks):
    blocks = make_blocks("present", ("second", {"p_value": 1e-9}), ("few", {"p_value": 1e-9}), "nothing")
    assert judge_states(blocks, DetectionSettings()).there == (True, None, None, None)


def test_without_any_m_wave_no_block_is_absent(make_blocks):
    blocks = make_blocks(*[("absent", {"m_wave_uv": None})] * 3)
    found = judge_states(blocks, DetectionSettings())
    assert found.there == (None, None, None)
    assert found.baseline is None
    assert judge_states(blocks, DetectionSettings(), parts_uv=[None] * 3) == found


def test_one_block_that_proves_its_stimulus_is_the_baseline_however_many_do_not(make_blocks):
    blocks = make_blocks(*[("absent", {"m_wave_uv": None})] * 9, "absent")
    found = judge_states(blocks, DetectionSettings())
    assert found.baseline == 9
    assert found.there == (None,) * 9 + (False,)


def compared(sizes, deviation=0.05, bias=0.2, at_edge=False):
    """Blocks compared: their sizes, of an LSR of 100 uV."""
    sizes = np.array(sizes)
    return Likeness(
        size=sizes,
        deviation=np.full(sizes.size, deviation),
        bias=np.full(sizes.size, bias),
        amplitude_uv=100.0,
        at_edge=at_edge,
    )


@pytest.fixture
def judge_compared(make_blocks, monkeypatch):
    def judge(*shown, sizes, **how):
        monkeypatch.setattr(states, "_compare", lambda *_: compared(sizes, **how))
        blocks = make_blocks(*shown)
        return judge_states(blocks, DetectionSettings(), parts_uv=[None] * len(blocks))

    return judge


def test_a_block_too_noisy_for_20_uv_still_tells_that_an_lsr_of_100_uv_is_gone(judge_compared):
    noisy = ("blind", {})
    assert judge_compared("present", noisy, sizes=[1.0, 0.0]).there == (True, None)  # its limit is 30 uV
    told = judge_compared("present", ("no_limit", {"limit_uv": 22.0}), sizes=[1.0, 0.0])
    assert told.there == (True, False)
    assert judge_compared("present", ("no_limit", {"limit_uv": 22.0}), sizes=[1.0, 0.4]).there[1] is None


def test_a_block_that_tells_by_itself_what_its_nuisances_leave_room_for_needs_no_low_limit(judge_compared):
    blind = ("blind", {"limit_uv": 60.0})
    assert judge_compared("present", blind, sizes=[1.0, 0.05], bias=0.05).there == (True, False)
    assert judge_compared("present", blind, sizes=[1.0, 0.05], bias=0.2).there == (True, None)
    assert judge_compared("present", blind, sizes=[1.0, 0.2], bias=0.05).there == (True, None)
    assert judge_compared("present", blind, sizes=[1.0, 0.05], bias=0.05, deviation=0.2).there == (True, None)


def test_at_the_windows_edge_the_size_of_a_block_proves_that_it_is_silent_and_never_that_it_is_not(
    judge_compared,
):
    blind = ("blind", {"limit_uv": 60.0})
    for size, told in ((0.02, False), (0.3, None), (0.9, None)):
        found = judge_compared("present", blind, sizes=[np.nan, size], bias=0.05, at_edge=True)
        assert found.there == (True, told)
        assert found.measured == (1,)
    assert judge_compared("present", "absent", sizes=[np.nan, 0.9], at_edge=True).there[1] is None
    for limit_uv, size, elsewhere in ((120.0, 0.9, True), (22.0, 0.15, False)):
        seen = ("present", ("no_limit", {"limit_uv": limit_uv}))
        assert judge_compared(*seen, sizes=[1.0, size]).there[1] is elsewhere
        assert judge_compared(*seen, sizes=[np.nan, size], at_edge=True).there[1] is None


def test_an_absence_stands_unless_comparison_speaks_against_it(judge_compared):
    absent = ("absent", {"limit_uv": 60.0})
    assert judge_compared("present", absent, sizes=[1.0, 0.1]).there[1] is False
    assert judge_compared("present", absent, sizes=[1.0, 0.1], deviation=0.25).there[1] is None
    faint = ("absent", {"limit_uv": 90.0})  # an LSR of this size would not have shown by itself
    assert judge_compared("present", faint, sizes=[1.0, 0.9]).there[1] is True
    assert judge_compared("blind", faint, sizes=[1.0, 0.9]).there[1] is None


def test_a_block_whose_share_of_the_lsr_is_unsure_is_not_called_silent_for_its_low_limit(judge_compared):
    for size, there in ((0.2, False), (0.31, None)):
        assert judge_compared("present", "no_limit", sizes=[1.0, size]).there == (True, there)


def test_a_block_that_may_hold_the_lsr_later_is_not_called_silent(make_blocks, monkeypatch):
    monkeypatch.setattr(states, "_compare", lambda *_: compared([1.0, 0.0]))
    first, last = make_blocks("present", "no_limit")
    later = dataclasses.replace(last, detection=dataclasses.replace(last.detection, begins_late=True))
    for block, there in ((last, False), (later, None)):
        found = judge_states((first, block), DetectionSettings(), parts_uv=[None] * 2)
        assert found.there == (True, there)


def test_a_block_too_short_to_be_compared_leaves_what_the_others_tell():
    told = States(there=(True, False, False), baseline=0, likeness=compared([1.0, 0.0, np.nan]))
    assert holds_more(told, [0], [1, 2])
    assert not holds_more(told, [1, 2], [0])
    assert holds_more(told, [2], [0])  # nothing is known of it


def test_what_a_block_shows_unsurely_counts_where_it_is_like_the_lsr(judge_compared):
    shown = ("present", "present", "unsure")  # sure at alpha, not at alpha over three blocks
    assert judge_compared(*shown, sizes=[1.0, 1.0, 0.45]).there[2] is True
    assert judge_compared(*shown, sizes=[1.0, 1.0, 0.34]).there[2] is True
    assert judge_compared(*shown, sizes=[1.0, 1.0, 0.25]).there[2] is None
    assert judge_compared(*shown, sizes=[1.0, 1.0, 0.25], bias=0.05).there[2] is True
    assert judge_compared(*shown, sizes=[1.0, 1.0, 0.15], bias=0.05).there[2] is None


def test_silent_blocks_that_together_hold_some_of_it_do_not_prove_that_it_is_gone(make_blocks):
    blocks = make_blocks("present", "absent", "absent")
    for size, gone in ((0.0, True), (0.4, False)):
        found = States(there=(True, False, False), baseline=0, likeness=compared([1.0, size, size]))
        assert surely_gone(blocks, found, [1, 2], last_seen=[0], alpha=0.01, power=0.95) is gone


@pytest.mark.parametrize(("deviation", "gone"), [(0.1, True), (0.3, False)])
def test_sizes_that_are_too_unsure_do_not_prove_that_a_small_lsr_is_gone(make_blocks, deviation, gone):
    small, silent = ("present", {"amplitude_uv": 12.0}), ("absent", {"limit_uv": 15.0})
    likeness = compared([1.0, 0.0], deviation=deviation)
    found = States(there=(True, False), baseline=0, likeness=likeness)
    asked = {"last_seen": [0], "alpha": 0.01, "power": 0.95}
    assert surely_gone(make_blocks(small, silent), found, [1], **asked) is gone


@pytest.mark.parametrize(("size", "deviation", "without"), [(0.0, 0.05, True), (0.1, 0.05, False)])
def test_blocks_too_noisy_to_tell_are_without_a_small_lsr_where_little_is_left(
    make_blocks, size, deviation, without
):
    for sizes in ([1.0, size], [1.0, size - 0.2]):  # less than none is none
        found = States(there=(True, None), baseline=0, likeness=compared(sizes, deviation, bias=0.05))
        blocks = make_blocks("present", "blind")
        assert surely_without(blocks, found, [1], 20.0) is (without or sizes[1] < 0)
        assert surely_without(blocks, found, [1], 10.0) is False
        assert surely_without(make_blocks("present", "absent"), found, [1], 10.0) is True
    assert not surely_without(blocks, States(there=(True, None), baseline=0), [1], 20.0)


def test_what_is_not_known_to_hold_less_may_hold_more():
    found = States(there=(True, False, True), baseline=0, likeness=compared([1.0, 0.0, np.nan]))
    assert holds_more(found, [0], [1])
    assert not holds_more(found, [1], [0])
    assert holds_more(found, [2], [1])
    assert holds_more(found, [1], [2])


def test_what_a_block_shows_by_itself_is_never_called_silent(judge_compared):
    assert judge_compared("present", "unsure", sizes=[1.0, 0.0]).there[1] is None  # 0.005: alpha over two
    assert judge_compared("present", "unsure", sizes=[1.0, 0.34]).there[1] is True
    assert judge_compared("present", "present", "unsure", sizes=[1.0, 1.0, 0.0]).there[2] is None


@pytest.mark.parametrize("how", [{"m_wave_uv": 300.0}, {"noise_uv": 0.5}, {"noise_uv": 50.0}])
def test_a_block_that_cannot_be_held_against_the_baseline_is_told_by_no_comparison(judge_compared, how):
    for size in (0.0, 1.0):
        unlike = ("no_limit", {"limit_uv": 120.0 if size else 5.0} | how)
        found = judge_compared("present", "present", unlike, sizes=[1.0, 1.0, size])
        assert found.there == (True, True, None)
        assert found.measured == (0, 1)
        assert 2 not in (*found.faded, *found.fallen, *found.doubtful)


def test_a_channel_that_changed_is_told_by_no_comparison(make_blocks, monkeypatch):
    monkeypatch.setattr(states, "_compare", lambda *_: compared([1.0, 0.0]))
    first, last = make_blocks("present", "no_limit")
    changed = dataclasses.replace(last.detection, reason=ELECTRODE_CHANGED)
    for detection, there in ((last.detection, False), (changed, None)):
        blocks = (first, dataclasses.replace(last, detection=detection))
        assert judge_states(blocks, DetectionSettings(), parts_uv=[None] * 2).there == (True, there)


def test_blocks_that_do_not_tell_differ_in_what_they_may_hold(judge_compared):
    sizes = [1.0, 0.1, 0.3, 0.45, 0.9]
    found = judge_compared("present", *["blind"] * 4, sizes=sizes)
    assert found.there == (True, None, None, None, None)
    assert found.fallen == (1, 2)
    assert [k for k in found.doubtful if k] == [3, 4]


def test_a_block_of_which_hardly_anything_is_known_has_neither_faded_nor_fallen(judge_compared):
    found = judge_compared("present", "blind", sizes=[1.0, 0.1], deviation=0.3)
    assert found.faded == found.fallen == ()
    assert found.doubtful == (0, 1)


def test_a_rest_of_the_lsr_holds_some_of_it_and_begins_where_the_lsr_does(judge_compared):
    rest = ("present", {"p_value": 1e-4, "amplitude_uv": 20.0, "onset_ci_ms": (8.0, 10.5)})
    for size, there in ((0.1, True), (0.03, None)):
        assert judge_compared("present", rest, sizes=[1.0, size]).there == (True, there)
    assert (
        judge_compared(rest, "blind", sizes=[0.1, 0.0]).there[0] is None
    )  # where the LSR begins is not known


def test_what_shows_by_itself_and_is_little_like_the_lsr_has_not_faded(judge_compared):
    weak = ("present", {"p_value": 1e-3})
    found = judge_compared("present", weak, "no_limit", sizes=[1.0, 0.0, 0.0])
    assert found.there == (True, None, False)
    assert found.faded == (2,)
    assert 1 in found.doubtful


def test_neighbours_that_show_a_response_together_leave_silent_only_those_that_hold_nothing(
    make_blocks, detect_as, monkeypatch
):
    monkeypatch.setattr(states, "_compare", lambda *_: compared([1.0, 0.0, 0.2, 0.9]))
    blocks = make_blocks("present", "no_limit", "no_limit", ("no_limit", {"limit_uv": 120.0}))
    for run, there in (("blind", (True, False, False, True)), ("present", (True, False, None, True))):
        runs = [Run(first=1, last=3, detection=detect_as(run))]
        found = judge_states(blocks, DetectionSettings(), runs=runs, parts_uv=[None] * 4)
        assert found.there == there


def test_the_usual_onset_is_that_of_blocks_that_plainly_show_the_lsr(make_blocks, monkeypatch):
    monkeypatch.setattr(states, "_compare", lambda *_: compared([1.0, 0.1, 0.1, 0.1]))
    small = ("present", {"amplitude_uv": 10.0, "p_value": 1e-3, "onset_ci_ms": (9.5, 10.5)})
    blocks = list(make_blocks("present", small, small, small))
    found = judge_states(blocks, DetectionSettings(), parts_uv=[None] * 4)
    assert found.there == (True,) * 4
    elsewhere = {"onset_latency_ms": 12.0, "onset_latency_ci_ms": (11.5, 12.5)}
    blocks[1:] = [
        dataclasses.replace(block, detection=dataclasses.replace(block.detection, **elsewhere))
        for block in blocks[1:]
    ]
    found = judge_states(blocks, DetectionSettings(), parts_uv=[None] * 4)
    assert found.there == (True, None, None, None)


def test_blocks_that_hold_a_third_of_it_are_not_called_silent(judge_compared):
    assert judge_compared("present", "absent", sizes=[1.0, 0.34]).there[1] is None


def test_where_no_block_shows_it_none_that_is_absent_is_called_present(judge_compared):
    blind = ("no_limit", {"limit_uv": 120.0})
    assert judge_compared("absent", blind, "absent", sizes=[1.0, 1.0, 1.0]).there == (None, True, None)


@pytest.mark.parametrize(("limit_uv", "there"), [(60.0, None), (90.0, True)])
def test_a_block_like_the_lsr_that_would_have_shown_it_by_itself_and_does_not_is_unsure(
    judge_compared, limit_uv, there
):
    silent = ("no_limit", {"limit_uv": limit_uv})  # at least 100 * (0.9 - 2.5 * 0.05) uV by comparison
    assert judge_compared("present", silent, sizes=[1.0, 0.9]).there == (True, there)


def test_a_block_too_noisy_to_exclude_a_small_lsr_is_known_to_have_lost_a_large_one(judge_compared):
    found = judge_compared("present", "blind", "blind", sizes=[1.0, 0.0, 0.5])
    assert found.there[1] is None
    assert found.faded == (1,)


def test_an_lsr_whose_last_block_holds_a_quarter_of_it_is_not_called_persisted(make_blocks, monkeypatch):
    monkeypatch.setattr(states, "_compare", lambda *_: compared([1.0, 1.0, 1.0, 0.24]))
    last = ("present", {"amplitude_uv": 25.0})
    blocks = make_blocks(*["present"] * 3, last, stages=["baseline", "baseline", "closing", "closing"])
    unsure = dataclasses.replace(blocks[3], detection=dataclasses.replace(blocks[3].detection, p_value=1e-4))
    outcome = judge_course((*blocks[:3], unsure), DetectionSettings(), parts_uv=[None] * 4)
    assert outcome.course is None


# --- which contrast speaks ----------------------------------------------------------------------------


def contrast(detect_as, other, **shown):
    said = shown.pop("said", "present")
    return Contrast(detection=detect_as(said, **shown), first=(0, 1), other=other)


@pytest.fixture
def chosen(make_blocks, monkeypatch):
    """The contrast that blocks are compared by."""

    def choose(*contrasts, blocks=("present",) * 6, **how):
        asked = []
        monkeypatch.setattr(states, "find_likeness_by_contrast", lambda *some: asked.append(some[2]))
        judge_states(
            make_blocks(*blocks), DetectionSettings(), parts_uv=[None] * 6, contrasts=contrasts, **how
        )
        return asked[0] if asked else None

    return choose


def test_the_largest_contrast_is_compared_by(chosen, detect_as):
    small, large = (
        contrast(detect_as, (2, 3), amplitude_uv=40.0),
        contrast(detect_as, (4, 5), amplitude_uv=80.0),
    )
    assert chosen(small, large) is large
    assert chosen(large, small) is large


def test_what_masks_the_lsr_in_all_blocks_cancels_in_a_contrast_and_only_there(
    chosen, make_blocks, detect_as, monkeypatch
):
    one = contrast(detect_as, (2, 3))
    assert chosen(one, is_masked=True) is one
    monkeypatch.setattr(states, "_compare", lambda *_: compared([1.0] * 6))
    blocks = make_blocks(*["present", "second"] * 3)
    found = judge_states(blocks, DetectionSettings(), parts_uv=[None] * 6, is_masked=True)
    assert found.there == (None,) * 6
    found = judge_states(make_blocks(*["present", "absent"] * 3), DetectionSettings(), is_masked=True)
    assert found.there == (None, False) * 3
    monkeypatch.setattr(states, "_by_contrast", lambda *_: compared([1.0, 1.0, 1.0, 0.0, 0.0, 0.0]))
    blocks = make_blocks(*[("second", {"limit_uv": None})] * 6)
    found = judge_states(blocks, DetectionSettings(), parts_uv=[None] * 6, is_masked=True)
    assert found.there == (True,) * 3 + (None,) * 3


def test_where_a_contrast_tells_blocks_are_not_compared_otherwise(make_blocks, monkeypatch):
    monkeypatch.setattr(states, "_by_contrast", lambda *_: compared([1.0, 0.0]))
    monkeypatch.setattr(states, "_compare", lambda *_: compared([1.0, 1.0]))
    blocks = make_blocks("present", "no_limit")
    assert judge_states(blocks, DetectionSettings(), parts_uv=[None] * 2).there == (True, False)


def test_beside_a_contrast_only_a_block_that_shows_no_response_is_believed_by_itself(
    make_blocks, detect_as, monkeypatch
):
    asked = []
    monkeypatch.setattr(states, "find_likeness_by_contrast", lambda *some: asked.append(some[5]))
    blocks = make_blocks("present", "present", "absent", "blind", "unsure", "present")
    one = contrast(detect_as, (2, 3))
    judge_states(blocks, DetectionSettings(), parts_uv=[None] * 6, contrasts=[one])
    assert asked == [[False, False, True, True, False, False]]


def test_what_is_not_surely_different_is_no_contrast(chosen, detect_as):
    assert chosen(contrast(detect_as, (2, 3), said="absent")) is None
    assert chosen(contrast(detect_as, (2, 3), said="unsure")) is None  # not at alpha over the blocks


def test_a_difference_at_the_windows_edge_is_no_contrast(chosen, detect_as):
    early = contrast(detect_as, (2, 3))
    early = dataclasses.replace(early, detection=dataclasses.replace(early.detection, onset_latency_ms=6.0))
    assert chosen(early) is None


@pytest.mark.parametrize("m_wave_uv", [700.0, 1300.0])
def test_stages_whose_m_waves_differ_are_no_contrast(chosen, detect_as, m_wave_uv):
    other = ("present", {"m_wave_uv": m_wave_uv})
    blocks = ("present", "present", other, other, "present", "present")
    assert chosen(contrast(detect_as, (2, 3)), blocks=blocks) is None
    assert chosen(contrast(detect_as, (4, 5)), blocks=blocks) is not None


@pytest.mark.parametrize("how", [{"m_wave_uv": None}, {"noise_uv": 50.0}, {"intensity_ma": 5.0}])
def test_a_block_that_cannot_be_held_against_the_baseline_makes_no_contrast(chosen, detect_as, how):
    usual = ("present", {"intensity_ma": 10.0})
    blocks = (usual, usual, ("present", {"intensity_ma": 10.0} | how), usual, usual, usual)
    assert chosen(contrast(detect_as, (2, 3)), blocks=blocks) is None
    assert chosen(contrast(detect_as, (4, 5)), blocks=blocks) is not None


# --- currents ------------------------------------------------------------------------------------------


def test_silence_at_a_current_to_which_no_lsr_was_seen_tells_nothing(make_blocks):
    """Planted: currents by turns, of which only the stronger evokes the LSR; the weaker came first."""
    strong, weak = ("present", {"intensity_ma": 14.0}), ("absent", {"intensity_ma": 6.0})
    found = judge_states(make_blocks(weak, strong, weak, strong, weak), DetectionSettings())
    assert found.there == (False, True, None, True, None)
    answers_weak = ("present", {"intensity_ma": 6.0})
    found = judge_states(make_blocks(weak, strong, answers_weak, strong, weak), DetectionSettings())
    assert found.there[-1] is False


def test_the_current_of_a_block_with_the_lsr_is_that_of_what_answered(make_blocks):
    """Planted: blocks in which most stimuli are weak, and the others are those that are answered."""
    mixed, weak = ("present", {"intensity_ma": 6.0}), ("absent", {"intensity_ma": 6.0})
    blocks = make_blocks(mixed, mixed, weak, mixed)
    answered = [
        dataclasses.replace(one, answered_ma=14.0, quartiles_ma=(6.0, 14.0)) if k != 2 else one
        for k, one in enumerate(blocks)
    ]
    assert judge_states(blocks, DetectionSettings()).there[2] is False
    assert judge_states(answered, DetectionSettings()).there[2] is None
    assert judge_states([*answered[:3], blocks[3]], DetectionSettings()).there[2] is False
    all_mixed = [*answered[:2], dataclasses.replace(answered[2], quartiles_ma=(6.0, 14.0)), answered[3]]
    assert judge_states(all_mixed, DetectionSettings()).there[2] is False


# --- which blocks others are compared with ------------------------------------------------------------


@pytest.fixture
def compare(make_blocks, monkeypatch):
    """The blocks of size 1, what shows the waveform, those asked by themselves, and whether at the edge."""

    def ask(*shown, early=(), pooled=(), averaged=()):
        asked = {}

        def find(parts_uv, grid_ms, shown_by, anchors, ratios, silent, *, at_edge):
            asked.update(anchors=list(anchors), shown_by=list(shown_by), at_edge=at_edge)
            asked["silent"] = [k for k, one in enumerate(silent) if one is not None]

        monkeypatch.setattr(states, "find_likeness", find)
        blocks = list(make_blocks(*shown))
        for k, block in enumerate(blocks):
            onset_ms = 6.0 if k in early else block.detection.onset_latency_ms
            found = dataclasses.replace(block.detection, whitened=block, onset_latency_ms=onset_ms)
            blocks[k] = dataclasses.replace(block, detection=found)
        parts_uv = [np.zeros((4, 1)) if k in averaged else None for k in range(len(blocks))]
        judge_states(blocks, DetectionSettings(), parts_uv=parts_uv, pooled=pooled)
        return asked

    return ask


def test_blocks_are_compared_with_those_that_show_an_lsr_beside_a_full_m_wave(compare):
    asked = compare("present", "absent", ("present", {"m_wave_uv": 300.0}), "blind", "unsure", "present")
    assert asked["anchors"] == [0, 5]
    assert len(asked["shown_by"]) == 2
    assert asked["silent"] == [1, 3]


def test_a_block_in_which_something_stands_out_is_no_witness_of_silence_that_nothing_checks(compare):
    """By itself it holds none, since its nuisances are made to explain what stands out."""
    assert compare("present", "crosstalk", "blind", "crosstalk", averaged=[0, 1])["silent"] == [1, 2]


def test_where_no_block_shows_an_lsr_those_are_that_surely_do_so_together(compare, detect_as):
    first, every = (detect_as("present"), [0, 1]), (detect_as("present"), [0, 1, 2])
    asked = compare("blind", "blind", "blind", pooled=[first, every])
    assert (asked["anchors"], asked["shown_by"]) == ([0, 1], [first[0]])
    asked = compare("blind", "blind", "blind", pooled=[(detect_as("unsure"), [0, 1]), every])
    assert (asked["anchors"], asked["shown_by"]) == ([0, 1, 2], [every[0]])
    assert compare("blind", "present", "blind", pooled=[every])["anchors"] == [1]
    assert compare("blind", "blind")["anchors"] == []


def test_a_waveform_is_at_the_edge_where_half_of_those_that_show_it_are(compare):
    assert compare("present", "present", "present", early=[0])["at_edge"] is False
    assert compare("present", "present", early=[0])["at_edge"] is True


# --- what is silent, and what is surely gone ----------------------------------------------------------


def borderline(block):
    return dataclasses.replace(
        block, detection=dataclasses.replace(block.detection, reason="borderline", p_value=0.02)
    )


def test_a_block_that_shows_a_hint_is_neither_blind_nor_called_silent_with_its_neighbours(
    make_blocks, detect_as
):
    present, blind, other, last = make_blocks("present", "blind", "blind", "blind")
    assert not is_blind(borderline(other))
    run = Run(first=1, last=3, detection=detect_as("absent", limit_uv=5.0))
    found = judge_states((present, blind, borderline(other), last), DetectionSettings(), runs=[run])
    assert found.there == (True, False, None, False)


def test_a_block_like_the_lsr_that_shows_a_hint_of_it_holds_it(make_blocks, monkeypatch):
    monkeypatch.setattr(states, "_compare", lambda *_: compared([1.0, 0.9]))
    first, silent = make_blocks("present", ("no_limit", {"limit_uv": 60.0}))
    for last, there in ((silent, None), (borderline(silent), True)):
        found = judge_states((first, last), DetectionSettings(), parts_uv=[None] * 2)
        assert found.there == (True, there)


@pytest.fixture
def is_gone():
    """Whether an LSR that was last seen in some blocks is surely gone in the silent ones."""

    def ask(blocks, silent, last_seen=(0,), runs=()):
        there = tuple(k in last_seen for k in range(len(blocks)))
        found = States(there=there, baseline=0)
        return surely_gone(blocks, found, silent, last_seen=last_seen, alpha=0.01, power=0.95, runs=runs)

    return ask


def test_a_run_speaks_for_its_own_blocks_and_only_where_it_is_absent(is_gone, make_blocks, detect_as):
    small, unsure = ("present", {"amplitude_uv": 12.0}), ("absent", {"limit_uv": 15.0})
    blocks = make_blocks(small, unsure, "blind", "blind")
    run = Run(first=2, last=3, detection=detect_as("absent", limit_uv=5.0))
    assert is_gone(blocks, [2, 3], runs=[run])
    assert not is_gone(blocks, [1], runs=[run])
    noisy = dataclasses.replace(detect_as("blind"), detection_limit_uv=5.0)
    assert not is_gone(blocks, [2, 3], runs=[dataclasses.replace(run, detection=noisy)])


@pytest.mark.parametrize(("m_wave_uv", "gone"), [(1000.0, True), (550.0, False)])
def test_an_lsr_may_have_shrunk_with_the_m_wave(is_gone, make_blocks, detect_as, m_wave_uv, gone):
    seen, silent = ("present", {"amplitude_uv": 25.0}), ("absent", {"limit_uv": 15.0, "m_wave_uv": m_wave_uv})
    assert is_gone(make_blocks(seen, silent), [1]) is gone
    noisy = ("blind", {"m_wave_uv": m_wave_uv})
    run = Run(first=1, last=2, detection=detect_as("absent", limit_uv=15.0))
    assert is_gone(make_blocks(seen, noisy, noisy), [1, 2], runs=[run]) is gone


def test_what_was_last_seen_is_as_small_as_its_smallest_block_and_its_interval_allow(is_gone, make_blocks):
    large, small = ("present", {"amplitude_uv": 100.0}), ("present", {"amplitude_uv": 12.0})
    blocks = make_blocks(large, small, ("absent", {"limit_uv": 15.0}))
    assert is_gone(blocks, [2], last_seen=[0])
    assert not is_gone(blocks, [2], last_seen=[0, 1])
    wide = dataclasses.replace(blocks[0].detection, amplitude_ci_uv=(12.0, 188.0))
    assert not is_gone((dataclasses.replace(blocks[0], detection=wide), *blocks[1:]), [2], last_seen=[0])


def test_an_lsr_that_only_comparison_tells_is_of_no_known_size(is_gone, make_blocks):
    assert not is_gone(make_blocks("blind", "absent"), [1])


def test_where_no_detection_limit_is_known_anything_may_be_overlooked(is_gone, make_blocks):
    assert not is_gone(make_blocks("present", ("absent", {"limit_uv": None})), [1])


@pytest.mark.parametrize(("sizes", "gone"), [([1.0, 0.2], True), ([0.6, 0.2], False), ([0.3, 0.0], True)])
def test_what_is_left_is_held_against_what_was_last_seen(make_blocks, sizes, gone):
    """Planted: a fall by a third of an LSR of which the blocks' own verdicts tell nothing."""
    blocks = make_blocks(("present", {"amplitude_uv": 5.0}), "absent")
    found = States(there=(True, False), baseline=0, likeness=compared(sizes, deviation=0.04, bias=0.2))
    assert surely_gone(blocks, found, [1], last_seen=[0], alpha=0.01, power=0.95) is gone


def test_of_noisy_blocks_together_the_smallest_m_wave_tells_how_small_the_lsr_may_be(
    is_gone, make_blocks, detect_as
):
    seen, weaker = ("present", {"amplitude_uv": 25.0}), ("blind", {"m_wave_uv": 550.0})
    run = Run(first=1, last=2, detection=detect_as("absent", limit_uv=15.0))
    for noisy in (["blind", weaker], [weaker, "blind"]):
        assert not is_gone(make_blocks(seen, *noisy), [1, 2], runs=[run])
    assert is_gone(make_blocks(seen, "blind", "blind"), [1, 2], runs=[run])
    for silent in ([1], [2]):
        assert is_gone(make_blocks(seen, "blind", "blind"), silent, runs=[run])


def test_a_channel_sounds_alike_by_its_noise_at_rest_where_that_is_known_of_all(make_blocks):
    """Planted: afterdischarges that are lost with the LSR, and a block of which nothing can be judged."""
    loud, quiet = ("present", {"noise_uv": 40.0}), ("absent", {"noise_uv": 4.0})
    shown = [loud, loud, loud, "nothing", quiet, quiet]
    blocks = make_blocks(*shown)
    known = [dataclasses.replace(one, rest_uv=4.0 if one.detection.noise_uv else None) for one in blocks]
    assert judge_states(blocks, DetectionSettings()).there[4:] == (None, None)
    assert judge_states(known, DetectionSettings()).there[4:] == (False, False)
    alike = make_blocks("present", "present", "absent", "absent")
    some = [dataclasses.replace(one, rest_uv=4.0 if k < 3 else None) for k, one in enumerate(alike)]
    assert judge_states(some, DetectionSettings()).there[2:] == (False, False)
