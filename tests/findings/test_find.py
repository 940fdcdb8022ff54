"""What all pairs of a recording show together is no more than each of them proves."""

from dataclasses import replace

import pytest

from lsr.anatomy import Branch, Muscle, Relation, Side
from lsr.detection.detection import MWave, Presence, SweepFinding
from lsr.findings.find import Judged, find_findings
from lsr.findings.findings import Course
from lsr.findings.pairs import Pair, Site
from lsr.settings import Settings
from lsr.stages import Stage
from lsr.stimuli import BranchSource, Stimulus, StimulusSet, StimulusSource, Unmarked

STAGES = ("baseline", "opening", "arachnoid_dissection", "decompression", "closing")
TWO_EACH = tuple(stage for stage in STAGES for _ in range(2))
WORDS = {"P": "present", "A": "absent", "N": "no_m_wave", "O": "outside", "C": "crosstalk", "B": "blind"}
GONE, STAYS, UNTOLD = "PPPPPPAAAA", "PPPPPPPPPP", "PPPPPPPPNN"
USED = SweepFinding(used=True, reason=None, present=None, latency_ms=None, amplitude_uv=None)
STIMULI = StimulusSet(
    id="S1",
    side=Side.RIGHT,
    branch=Branch.ZYGOMATIC,
    branch_source=BranchSource.ANNOTATION,
    source=StimulusSource.ANNOTATION,
    precision_ms=0.1,
    text=None,
    stimuli=tuple(Stimulus(time_s=float(k)) for k in range(200)),
)


@pytest.fixture
def make_judged(make_blocks, detect_as, m_wave_of):
    """Everything detected in a pair; blocks as a string are those of an operation, two of each stage."""

    def make(shown="P", *, relation=Relation.TARGET, side=Side.RIGHT, **more):
        stages = TWO_EACH if len(shown) == len(TWO_EACH) else None
        blocks = tuple(
            replace(block, detection=replace(block.detection, sweeps=(USED,) * 20))
            for block in make_blocks(*[WORDS[letter] for letter in shown], stages=stages)
        )
        site = Site(channel=0, label="R Ment", muscle=Muscle.MENTALIS, side=side, relation=None)
        usual = {
            "stimuli": STIMULI,
            "pooled": detect_as("blind" if stages else "present"),
            "first_stage": None,
            "contrasts": (),
            "runs": (),
            "alike": (),
            "parts_uv": (),
            "m_wave": m_wave_of(1000.0),
            "m_wave_levels": (),
            "n_too_close": 0,
        }
        return Judged(pair=Pair(site=site, relation=relation), blocks=blocks, **(usual | more))

    return make


def find(*judged, stages=(), unmarked=None):
    return find_findings(judged, [STIMULI], Settings(), stages=stages, unmarked=unmarked)


def codes(pair):
    return [warning.code for warning in pair.warnings]


def test_a_direct_muscle_that_answers_late_is_told_of(make_judged):
    late = MWave.absent(late_onset_ms=7.4)
    pair = find(make_judged(relation=Relation.DIRECT, m_wave=late)).pairs[0]
    assert codes(pair) == ["m_wave_late"]
    assert "from 7.4 ms on" in pair.warnings[0].message
    assert "m_wave_late" not in codes(find(make_judged(relation=Relation.DIRECT)).pairs[0])


# --- residual LSR --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ends", "residual"),
    [
        ((GONE, GONE), False),
        ((GONE, STAYS), True),
        ((GONE, UNTOLD), None),  # it may be there still
        ((STAYS, UNTOLD), True),
        ((UNTOLD, UNTOLD), None),
    ],
)
def test_an_lsr_is_left_where_one_pair_has_it_and_gone_only_where_all_have_lost_it(
    make_judged, ends, residual
):
    assert find(*[make_judged(end) for end in ends]).residual_lsr is residual
    assert find(*[make_judged(end) for end in reversed(ends)]).residual_lsr is residual


def test_whether_an_lsr_is_left_is_asked_of_targets_alone(make_judged):
    target, ambiguous = make_judged(GONE), make_judged(STAYS, relation=Relation.AMBIGUOUS)
    assert find(target, ambiguous).residual_lsr is False
    assert find(ambiguous).residual_lsr is None


def test_an_lsr_that_was_not_asked_for_since_decompression_may_be_left_or_not(make_judged):
    """Planted: decompression begins after the last stimulus."""
    begun = [Stage(name="decompression", start_s=9000.0, end_s=9100.0)]
    assert find(make_judged(GONE)).residual_lsr is False
    for end in (GONE, STAYS):
        assert find(make_judged(end), stages=[replace(begun[0], start_s=1700.0)]).residual_lsr is (
            end == STAYS
        )
        found = find(make_judged(end), stages=begun)
        assert found.residual_lsr is None
        assert "not_stimulated_since" in codes(found.pairs[0])


def test_a_finding_tells_in_which_blocks_the_lsr_was(make_judged):
    assert find(make_judged(GONE)).pairs[0].there == (True,) * 6 + (False,) * 4
    assert find(make_judged("PP")).pairs[0].there == ()


def test_a_finding_tells_when_the_lsr_was_gone_and_how_its_size_changed(make_judged):
    (gone,) = find(make_judged(GONE)).pairs
    assert (gone.disappeared_at.time_s, gone.disappeared_at.last_seen_s) == (1800.0, 1500.0)
    assert gone.amplitude_change_percent == -100.0
    assert gone.amplitude_change_ci_percent == pytest.approx((-100.0, -90.0))
    (stays,) = find(make_judged(STAYS)).pairs
    assert stays.disappeared_at is None
    assert stays.amplitude_change_percent == pytest.approx(0.0)


def test_stimuli_without_a_marker_leave_open_what_they_may_have_shown(make_judged):
    whole = find(make_judged(GONE), unmarked=Unmarked())
    assert (whole.pairs[0].course, whole.residual_lsr) == (Course.DISAPPEARED, False)
    after = find(make_judged(GONE), unmarked=Unmarked(after=True))
    assert (after.pairs[0].course, after.residual_lsr) == (None, None)
    before = find(make_judged("A" * 10), unmarked=Unmarked(before=True))
    assert (before.pairs[0].course, before.residual_lsr) == (None, False)


@pytest.mark.parametrize(
    ("relation", "m_wave_uv", "is_proof"),
    [(Relation.DIRECT, 1000.0, True), (Relation.DIRECT, None, False), (Relation.TARGET, 1000.0, False)],
)
def test_a_direct_muscle_that_shows_an_m_wave_proves_the_stimulus(
    make_judged, m_wave_of, relation, m_wave_uv, is_proof
):
    assert make_judged(relation=relation, m_wave=m_wave_of(m_wave_uv)).is_proof is is_proof
    assert make_judged(relation=relation, m_wave=None).is_proof is False


@pytest.mark.parametrize(("relation", "codes"), [(Relation.DIRECT, ["clipped"]), (Relation.TARGET, [])])
def test_the_amplitude_of_a_clipped_m_wave_is_told_as_a_lower_bound(make_judged, m_wave_of, relation, codes):
    clipped = replace(m_wave_of(1000.0), is_clipped=True)
    (pair,) = find(make_judged(relation=relation, m_wave=clipped)).pairs
    assert [warning.code for warning in pair.warnings if warning.code == "clipped"] == codes


def test_every_stimulus_has_its_sweep_in_the_order_of_time_and_what_was_not_cut_says_so(make_judged):
    judged = make_judged("PP")
    (pair,) = find(replace(judged, blocks=judged.blocks[1:])).pairs
    assert [sweep.stimulus for sweep in pair.sweeps] == list(range(200))
    assert [k for k, sweep in enumerate(pair.sweeps) if sweep.finding.used] == list(range(20, 40))
    assert {sweep.finding.reason for sweep in pair.sweeps if not sweep.finding.used} == {"touches_gap"}


@pytest.mark.parametrize(("relation", "known"), [(Relation.TARGET, True), (Relation.UNMAPPED, False)])
def test_only_what_may_be_an_lsr_has_a_stimulus_threshold(make_judged, relation, known):
    """Planted: nothing answers at 5 mA, every stimulus is answered at 10 mA."""
    given = tuple(Stimulus(time_s=float(k), intensity_ma=5.0 if k < 20 else 10.0) for k in range(40))
    judged = make_judged("AP", relation=relation, stimuli=replace(STIMULI, stimuli=given))
    silent, answered = judged.blocks
    seen = (replace(USED, present=True, amplitude_uv=100.0),) * 20
    answered = replace(answered, detection=replace(answered.detection, sweeps=seen))
    (pair,) = find(replace(judged, blocks=(silent, answered))).pairs
    assert (pair.stimulus_threshold_ma is not None) is known
    assert bool(pair.recruitment) is known


@pytest.mark.parametrize("ramp_at", [0, 2])  # in the first stage, or the second
def test_the_threshold_is_that_of_the_lsr_while_it_was_there(make_judged, ramp_at):
    """Planted: 4 mA evoke none, 8 and 12 mA one each, until it is lost at 8 mA: told was 10 mA."""
    ramp = (4.0,) * 10 + (12.0,) * 10
    given_ma = [ramp[k % 20] if k // 20 == ramp_at else 8.0 for k in range(200)]
    stimuli = tuple(Stimulus(time_s=float(k), intensity_ma=ma) for k, ma in enumerate(given_ma))
    judged = make_judged("PPPPAAAAAA", stimuli=replace(STIMULI, stimuli=stimuli))

    def answer(k):
        is_there = k < 80 and given_ma[k] > 4
        return replace(USED, present=is_there, amplitude_uv=100.0 if is_there else 0.0)

    blocks = tuple(
        replace(one, detection=replace(one.detection, sweeps=tuple(map(answer, one.stimuli))))
        for one in judged.blocks
    )
    (pair,) = find(replace(judged, blocks=blocks)).pairs
    assert pair.course is Course.DISAPPEARED_BEFORE_DECOMPRESSION
    assert 4 < pair.stimulus_threshold_ma < 8
    assert {level.intensity_ma: level.persistence for level in pair.recruitment} == {
        4.0: 0.0,
        8.0: 1.0,
        12.0: 1.0,
    }


def test_a_recording_that_is_no_operation_has_no_course(make_judged):
    found = find(make_judged("PP"))
    assert found.residual_lsr is found.pairs[0].course is found.pairs[0].baseline_block is None


# --- what speaks for a pair ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("p_value", "presence", "reason"),
    [(0.002, Presence.PRESENT, None), (0.008, Presence.INDETERMINATE, "unsure_over_stages")],
)
def test_of_an_operation_two_questions_are_asked_which_doubles_the_p_value(
    make_judged, detect_as, p_value, presence, reason
):
    first, pooled = detect_as("present", p_value=p_value), detect_as("blind", p_value=0.4)
    (pair,) = find(make_judged(STAYS, first_stage=first, pooled=pooled)).pairs
    assert (pair.detection.presence, pair.detection.reason) == (presence, reason)
    assert pair.detection.p_value == pytest.approx(2 * p_value)
    (alone,) = find(make_judged(STAYS, first_stage=first, pooled=detect_as("nothing"))).pairs
    assert alone.detection.p_value == pytest.approx(2 * p_value)
    (silent,) = find(make_judged("A" * 10, first_stage=pooled, pooled=detect_as("absent", p_value=0.9))).pairs
    assert silent.detection.p_value == pytest.approx(0.8)
    unlikely = detect_as("absent", p_value=0.9)
    (silent,) = find(make_judged("A" * 10, first_stage=unlikely, pooled=unlikely)).pairs
    assert silent.detection.p_value == 1.0


def test_a_response_of_the_first_stage_speaks_for_the_operation(make_judged, detect_as):
    first, pooled = detect_as("present", amplitude_uv=80.0), detect_as("absent")
    (pair,) = find(make_judged(GONE, first_stage=first, pooled=pooled)).pairs
    assert (pair.detection.presence, pair.detection.amplitude_uv) == (Presence.PRESENT, 80.0)


@pytest.mark.parametrize(
    ("shown", "reason"),
    [
        ("OCOOCOOCOO", "starts_outside_window"),
        ("CCOCC", "crosstalk"),
        ("CCOCBBB", "crosstalk"),
        ("OCOOCOPCOO", None),  # one block sees it begin in the window
        ("CCOBBBB", None),  # too few blocks say so
    ],
)
@pytest.mark.parametrize("asked", ["first_stage", "pooled"])
def test_what_no_block_sees_begin_in_the_window_is_no_response_of_all_stimuli(
    make_judged, detect_as, shown, reason, asked
):
    """Planted: a direct response through a communicating branch, in 360 sweeps nearly without noise."""
    both = {"first_stage": detect_as("crosstalk"), "pooled": detect_as("outside")}
    (pair,) = find(make_judged(shown, **(both | {asked: detect_as("present")}))).pairs
    assert pair.detection.reason == reason
    assert (pair.detection.presence is Presence.PRESENT) is (reason is None)
    assert (pair.detection.onset_latency_ms is None) is (reason is not None)
    if reason:
        assert pair.measured_stage is None
        assert pair.detection.evidence[-1][0] == "blocks"


@pytest.mark.parametrize("shown", [GONE, "AAAAAAAPPP"])
def test_an_lsr_of_some_blocks_is_not_called_absent_though_all_together_show_none(
    make_judged, detect_as, shown
):
    """Planted: a course that says "disappeared" beside a verdict that says "absent"."""
    (pair,) = find(make_judged(shown, pooled=detect_as("absent"))).pairs
    assert (pair.detection.presence, pair.detection.reason) == (Presence.INDETERMINATE, "in_few_sweeps")
    (none,) = find(make_judged("A" * 10, pooled=detect_as("absent"))).pairs
    assert none.detection.presence is Presence.ABSENT


def test_where_neither_first_stage_nor_all_stimuli_tell_the_surest_block_speaks(make_judged, detect_as):
    """Planted: bursts in some stimuli of a stage; "disappeared" stood beside "indeterminate: too_noisy"."""
    both = {"first_stage": detect_as("blind"), "pooled": detect_as("blind")}
    (pair,) = find(make_judged(GONE, **both)).pairs
    assert (pair.course, pair.detection.presence) == (Course.DISAPPEARED, Presence.PRESENT)
    assert pair.detection.p_value == pytest.approx(1e-9 * len(GONE))
    assert (pair.measured_stage, pair.n_stimuli_measured) == ("baseline", 20)
    (unstaged,) = find(make_judged("PPPAAAA", **both)).pairs
    assert (unstaged.measured_stage, unstaged.n_stimuli_measured) == (None, 20)
    (none,) = find(make_judged("B" * len(GONE), **both)).pairs
    assert none.detection.reason == "too_noisy"


def test_measures_say_of_which_stimuli_they_are(make_judged, detect_as):
    """Planted: persistence of the baseline stood beside the number of all stimuli."""
    first, pooled = detect_as("present"), detect_as("absent")
    (pair,) = find(make_judged(GONE, first_stage=first, pooled=pooled)).pairs
    assert (pair.measured_stage, pair.n_stimuli_measured) == ("baseline", first.n_stimuli_used)
    assert pair.detection.n_stimuli_used > first.n_stimuli_used
    (whole,) = find(make_judged(GONE, first_stage=pooled, pooled=first)).pairs
    assert whole.measured_stage is whole.n_stimuli_measured is None


def test_stimuli_of_all_blocks_are_counted_with_those_that_could_not_be_cut(make_judged):
    (pair,) = find(make_judged("PP", n_too_close=3)).pairs
    assert pair.detection.n_stimuli_used == 40
    assert (pair.detection.n_stimuli_rejected, pair.detection.rejected) == (3, {"touches_gap": 3})


@pytest.mark.parametrize("said", ["present", "absent"])
def test_what_a_muscle_of_unknown_supply_shows_is_no_answer(make_judged, detect_as, said):
    (pair,) = find(make_judged(relation=Relation.UNMAPPED, pooled=detect_as(said))).pairs
    assert (pair.detection.presence, pair.detection.reason) == (Presence.INDETERMINATE, "relation_unknown")
    assert codes(pair) == ["relation_unknown"]


# --- chance over pairs ---------------------------------------------------------------------------------


def test_p_values_are_adjusted_over_the_pairs_that_may_show_an_lsr(make_judged, detect_as):
    def one(relation, p_value):
        return make_judged(relation=relation, pooled=detect_as("present", p_value=p_value))

    target, ambiguous, unmapped = find(
        one(Relation.TARGET, 0.006), one(Relation.AMBIGUOUS, 0.007), one(Relation.UNMAPPED, 1e-9)
    ).pairs
    assert [one.p_value_adjusted for one in (target, ambiguous, unmapped)] == [0.012, 0.012, None]
    assert codes(target) == ["chance_over_pairs"]
    assert codes(ambiguous) == ["ambiguous_muscle", "chance_over_pairs"]
    assert "chance_over_pairs" not in codes(unmapped)


def test_a_pair_alone_is_not_adjusted(make_judged, detect_as):
    (pair,) = find(make_judged(pooled=detect_as("present", p_value=0.006))).pairs
    assert (pair.p_value_adjusted, codes(pair)) == (0.006, [])


# --- warnings ------------------------------------------------------------------------------------------


def test_a_channel_without_a_side_is_taken_for_that_of_the_stimulus_and_says_so(make_judged):
    (pair,) = find(make_judged(side=None)).pairs
    assert pair.side is Side.RIGHT
    assert codes(pair) == ["side_assumed"]


def test_a_silent_channel_beside_one_that_answers_is_not_absent_where_neither_names_a_side(
    make_judged, detect_as
):
    def one(side, shown):
        return make_judged("A", side=side, pooled=detect_as(shown))

    answers, silent = find(one(None, "present"), one(None, "absent")).pairs
    assert answers.detection.presence is Presence.PRESENT
    assert (silent.detection.presence, silent.detection.reason) == (Presence.INDETERMINATE, "side_not_told")
    both = find(one(None, "absent"), one(None, "absent")).pairs  # whichever side it is, there is none
    assert [pair.detection.presence for pair in both] == [Presence.ABSENT] * 2
    named = find(one(Side.RIGHT, "present"), one(Side.RIGHT, "absent"), one(None, "absent")).pairs
    assert [pair.detection.presence for pair in named[1:]] == [Presence.ABSENT] * 2


@pytest.mark.parametrize(("shown", "left"), [(GONE, False), (STAYS, True), (UNTOLD, None)])
def test_a_channel_that_may_be_of_the_other_side_has_no_course_and_says_nothing_of_what_is_left(
    make_judged, detect_as, shown, left
):
    """Planted: the silent channel had the headline "not detected at baseline (side not told)"."""
    silent = make_judged("A" * 10, side=None, pooled=detect_as("absent"))
    found = find(make_judged(shown, side=None, pooled=detect_as("present")), silent)
    assert (found.pairs[1].detection.reason, found.pairs[1].course) == ("side_not_told", None)
    assert found.residual_lsr is left
    assert find(silent).pairs[0].course is Course.NOT_DETECTED_AT_BASELINE


def test_a_pairs_side_is_that_of_its_channel_though_nobody_states_that_of_the_stimulus(make_judged):
    (pair,) = find(make_judged(side=Side.LEFT, stimuli=replace(STIMULI, side=None))).pairs
    assert pair.side is Side.LEFT
    assert codes(pair) == []
    (neither,) = find(make_judged(side=None, stimuli=replace(STIMULI, side=None))).pairs
    assert (neither.side, codes(neither)) == (None, [])


def test_trains_and_onsets_at_the_windows_edge_are_told(make_judged, detect_as):
    trains = replace(
        STIMULI, stimuli=tuple(Stimulus(time_s=float(k), train_ms=(0.0, 3.0)) for k in range(200))
    )
    edge = replace(detect_as("present"), onset_latency_ms=6.0)
    (pair,) = find(make_judged(stimuli=trains, pooled=edge)).pairs
    assert codes(pair) == ["train", "onset_at_edge"]
    assert codes(find(make_judged()).pairs[0]) == []


def test_warnings_are_of_what_a_pair_shows_itself(make_judged, detect_as):
    absent = detect_as("absent", p_value=0.4)
    late = MWave.absent(late_onset_ms=7.4)  # of the direct muscle
    assert codes(find(make_judged(pooled=absent, m_wave=late)).pairs[0]) == []
    some = (Stimulus(time_s=0.0, train_ms=(0.0, 3.0)), *STIMULI.stimuli[1:])
    assert codes(find(make_judged(stimuli=replace(STIMULI, stimuli=some))).pairs[0]) == ["train"]


def test_blocks_in_which_the_electrode_may_be_off_are_counted_and_dated(make_judged):
    judged = make_judged(GONE)
    lost = [
        replace(block, detection=replace(block.detection, reason="electrode_changed")) if k > 7 else block
        for k, block in enumerate(judged.blocks)
    ]
    (pair,) = find(replace(judged, blocks=tuple(lost))).pairs
    (warning,) = (one for one in pair.warnings if one.code == "electrode_changed")
    assert warning.message.startswith("in 2 of 10 blocks, from 2400 s on")


def test_an_lsr_of_the_first_stage_is_warned_of_though_all_stimuli_together_show_none(make_judged, detect_as):
    """Planted: most of the stimuli come after the LSR is lost."""
    first = replace(detect_as("present"), onset_latency_ms=6.0)
    silent = detect_as("absent")
    (pair,) = find(make_judged(GONE, relation=Relation.AMBIGUOUS, first_stage=first, pooled=silent)).pairs
    assert (pair.course, pair.detection.onset_latency_ms) == (Course.DISAPPEARED, 6.0)
    assert codes(pair)[:2] == ["ambiguous_muscle", "onset_at_edge"]
    (by_block,) = find(make_judged(GONE, relation=Relation.AMBIGUOUS, pooled=silent)).pairs
    assert codes(by_block)[0] == "ambiguous_muscle"
    (none,) = find(make_judged("A" * 10, relation=Relation.AMBIGUOUS, pooled=silent)).pairs
    assert "ambiguous_muscle" not in codes(none)


def test_a_response_beside_no_direct_muscle_is_warned_of(make_judged, detect_as):
    shown = make_judged(pooled=detect_as("present"))
    silent = make_judged(pooled=detect_as("indeterminate"))
    for judged, is_warned in ((shown, False), (replace(shown, m_wave=None), True), (silent, False)):
        (pair,) = find(judged).pairs
        assert ("no_direct_muscle" in codes(pair)) is is_warned
    (pair,) = find(replace(silent, m_wave=None)).pairs
    assert "no_direct_muscle" not in codes(pair)


def test_an_onset_is_at_the_edge_where_the_one_that_is_told_is(make_judged, detect_as):
    """Planted: the end of an M wave, where the M wave alone is left, begins earlier than the LSR did."""
    early = replace(detect_as("present"), onset_latency_ms=6.0)
    (pair,) = find(make_judged(GONE, first_stage=detect_as("present"), pooled=early)).pairs
    assert pair.detection.onset_latency_ms == 9.8
    assert "onset_at_edge" not in codes(pair)


def test_a_response_that_comes_up_elsewhere_as_the_lsr_is_lost_may_be_a_swap_of_electrodes(make_judged):
    """Planted: one channel loses its LSR at decompression, another shows one from then on."""
    came_up = make_judged("AAAAAAPPPP", relation=Relation.AMBIGUOUS)
    came_up = replace(came_up, pair=replace(came_up.pair, site=replace(came_up.pair.site, label="R Oris")))
    found = find(make_judged("PPPPPPAAAA"), came_up)
    (warning,) = (one for one in found.pairs[0].warnings if one.code == "channels_may_be_swapped")
    assert "'R Oris'" in warning.message
    assert found.residual_lsr is None
    stays = replace(make_judged(STAYS, relation=Relation.AMBIGUOUS), pair=came_up.pair)
    same = make_judged("AAAAAAPPPP", relation=Relation.AMBIGUOUS)  # of another stimulus set
    for others in ([], [stays], [same]):
        alone = find(make_judged("PPPPPPAAAA"), *others)
        assert alone.residual_lsr is False
        assert not any(one.code == "channels_may_be_swapped" for one in alone.pairs[0].warnings)
    for kept in (STAYS, UNTOLD):
        (first, _) = find(make_judged(kept), came_up).pairs
        assert "channels_may_be_swapped" not in codes(first)
