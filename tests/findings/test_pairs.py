"""Which muscles pair with a stimulus, and how branch and side are told where nobody states them."""

from dataclasses import replace

import numpy as np
import pytest

from lsr.anatomy import Branch, Muscle, Relation, Side
from lsr.errors import NoMuscle, UnknownUnit
from lsr.findings.pairs import (
    Site,
    find_missing_channels,
    find_pairs,
    find_side_problems,
    find_sites,
    name_branch,
)
from lsr.recording import Recording
from lsr.settings import Settings
from lsr.stimuli import BranchSource, Stimulus, StimulusSet, StimulusSource


def site(channel, muscle, side=Side.RIGHT, relation=None):
    return Site(channel=channel, label=f"Ch{channel}", muscle=muscle, side=side, relation=relation)


def stimulated(branch=None, side=None):
    return StimulusSet(
        id="S1",
        side=side,
        branch=branch,
        branch_source=BranchSource.ANNOTATION if branch else None,
        source=StimulusSource.ANNOTATION,
        precision_ms=0.1,
        text=None,
        stimuli=(Stimulus(time_s=1.0),),
    )


def record(*labels, units=None):
    return Recording.from_arrays(
        [np.zeros(100)] * len(labels), rates_hz=1000.0, labels=labels, units=units, name="case.edf"
    )


FACE = (
    site(0, Muscle.ORBICULARIS_OCULI),
    site(1, Muscle.MENTALIS),
    site(2, Muscle.FRONTALIS),
    site(3, Muscle.MASSETER),
)


@pytest.fixture
def m_waves(m_wave_of):
    return lambda *sizes: {channel: m_wave_of(size) for channel, size in enumerate(sizes)}


@pytest.mark.parametrize(
    ("label", "told"),
    [("r mentalis", "'r mentalis' (did you mean 'R Mentalis'?)"), ("Ch99", "'Ch99'")],
)
def test_settings_of_a_channel_that_is_not_there_are_told(label, told):
    settings = Settings.from_dict({"channels": {label: {"relation": "ignore"}, "R Mentalis": {}}})
    (problem,) = find_missing_channels(record("R Mentalis", "R Frontalis"), settings)
    assert problem.code == "channel_not_there"
    assert problem.message.endswith(f"does not have: {told}")
    assert find_missing_channels(record("R Mentalis", label), settings) == ()


def test_sites_are_channels_whose_label_tells_the_muscle():
    sites = find_sites(record("R O.Oculi", "Ch2", "ECG", "L Mentalis"), Settings())
    assert [(one.label, one.muscle, one.side) for one in sites] == [
        ("R O.Oculi", Muscle.ORBICULARIS_OCULI, Side.RIGHT),
        ("L Mentalis", Muscle.MENTALIS, Side.LEFT),
    ]


def test_what_the_user_says_comes_before_the_label():
    said = Settings.from_dict(
        {
            "channels": {
                "R O.Oculi": {"muscle": "mentalis", "side": "left"},
                "Ch2": {"relation": "target"},
                "L Mentalis": {"relation": "ignore"},
            }
        }
    )
    sites = find_sites(record("R O.Oculi", "Ch2", "L Mentalis"), said)
    assert [(one.muscle, one.side, one.relation) for one in sites] == [
        (Muscle.MENTALIS, Side.LEFT, None),
        (None, None, Relation.TARGET),
    ]


def test_no_muscle_names_the_channels_and_the_way_out():
    with pytest.raises(
        NoMuscle, match=r"case\.edf: no channel's muscle .*'Ch1', 'Ch2'.*\[channels\] \"Ch1\" ="
    ):
        find_sites(record("Ch1", "Ch2"), Settings())


def test_a_file_of_annotations_alone_is_not_told_to_name_its_muscles():
    recording = Recording.from_arrays([], rates_hz=1000.0, labels=[], name="notes.edf")
    with pytest.raises(NoMuscle, match=r"^notes\.edf: holds no channel, only annotations; name the file"):
        find_sites(recording, Settings())


def test_a_muscle_in_an_unknown_unit_is_refused():
    with pytest.raises(UnknownUnit, match="furlong"):
        find_sites(record("R Mentalis", units=["furlong"]), Settings())


def test_neither_branch_nor_side_is_inferred_where_two_take_turns(m_waves):
    """Told was the branch of the larger M wave, and the other branch's LSR passed for its own."""
    waves = m_waves(1500.0, 80.0, None, 3000.0)
    named, (problem,) = name_branch(stimulated(), FACE, waves, (FACE[0], FACE[1]))
    assert (named.branch, named.side, problem.code) == (None, None, "branch_unknown")
    assert repr(FACE[0].label) in problem.message
    sides = (FACE[0], replace(FACE[0], side=Side.LEFT))
    named, (problem,) = name_branch(stimulated(Branch.ZYGOMATIC), FACE, waves, sides)
    assert (named.side, problem.code) == (None, "side_unknown")


def test_the_branch_is_inferred_from_the_largest_m_wave(m_waves):
    named, problems = name_branch(stimulated(), FACE, m_waves(1500.0, 80.0, None, 3000.0))
    assert (named.branch, named.side) == (Branch.ZYGOMATIC, Side.RIGHT)
    assert named.branch_source is BranchSource.INFERRED
    assert [problem.code for problem in problems] == ["branch_inferred", "side_inferred"]


def test_m_waves_alike_tell_no_branch(m_waves):
    named, problems = name_branch(stimulated(), FACE, m_waves(1500.0, 1400.0, None, None))
    assert (named.branch, named.branch_source) == (None, None)
    assert problems[0].code == "branch_unknown"
    assert "--stimulated" in problems[0].message


def test_no_m_wave_tells_no_branch(m_waves):
    named, problems = name_branch(stimulated(), FACE, m_waves(None, None, None, None))
    assert named.branch is None
    assert [problem.code for problem in problems] == ["branch_unknown"]


def test_no_branch_is_inferred_where_the_text_names_another_nerve(m_waves):
    blink = replace(stimulated(side=Side.RIGHT), text="Stim right supraorbital")
    named, (problem,) = name_branch(blink, FACE, m_waves(1500.0, 80.0, None, None))
    assert (named.branch, problem.code) == (None, "branch_unknown")
    assert "reflex" in problem.message
    assert "--stimulated" in problem.message
    facial = replace(blink, text="Stim right facial nerve")
    assert name_branch(facial, FACE, m_waves(1500.0, 80.0, None, None))[0].branch is Branch.ZYGOMATIC


def test_a_stated_branch_is_never_inferred(m_waves):
    stated = stimulated(Branch.TEMPORAL, Side.RIGHT)
    assert name_branch(stated, FACE, m_waves(1500.0, None, None, None)) == (stated, ())


def test_a_channel_whose_muscle_nobody_states_has_no_say_in_the_branch(m_waves):
    sites = (*FACE, site(4, None, relation=Relation.TARGET))
    named, _ = name_branch(stimulated(), sites, m_waves(1500.0, 80.0, None, None, 9000.0))
    assert named.branch is Branch.ZYGOMATIC


def test_a_channel_whose_side_nobody_states_counts_for_branch_and_side(m_waves):
    sites = (site(0, Muscle.ORBICULARIS_OCULI, side=None), site(1, Muscle.MENTALIS, Side.LEFT))
    named, _ = name_branch(stimulated(side=Side.LEFT), sites, m_waves(1500.0, 80.0))
    assert named.branch is Branch.ZYGOMATIC
    named, (problem,) = name_branch(stimulated(Branch.ZYGOMATIC), sites, m_waves(None, None))
    assert named.side is Side.LEFT
    assert problem.message.endswith("all channels are left")


def test_muscles_that_the_branch_does_not_supply_have_no_say_in_the_side(m_waves):
    """Planted: the left mentalis is larger, and the zygomatic branch does not supply it."""
    sites = (site(0, Muscle.ORBICULARIS_OCULI), site(1, Muscle.MENTALIS, Side.LEFT))
    named, _ = name_branch(stimulated(Branch.ZYGOMATIC), sites, m_waves(900.0, 3000.0))
    assert named.side is Side.RIGHT
    named, _ = name_branch(stimulated(Branch.ZYGOMATIC), sites, m_waves(None, 3000.0))
    assert named.side is None
    both = (*sites, site(2, Muscle.ORBICULARIS_OCULI, Side.LEFT), site(3, Muscle.MENTALIS))
    named, _ = name_branch(stimulated(Branch.ZYGOMATIC), both, m_waves(900.0, 3000.0, 100.0, 50.0))
    assert named.side is Side.RIGHT


def test_the_other_side_has_no_say_in_the_branch(m_waves):
    sites = (site(0, Muscle.ORBICULARIS_OCULI, Side.RIGHT), site(1, Muscle.MENTALIS, Side.LEFT))
    named, _ = name_branch(stimulated(side=Side.LEFT), sites, m_waves(3000.0, 500.0))
    assert named.branch is Branch.MARGINAL_MANDIBULAR


@pytest.mark.parametrize(
    ("right_uv", "left_uv", "side"),
    [(1200.0, 90.0, Side.RIGHT), (None, 900.0, Side.LEFT), (800.0, 900.0, None)],
)
def test_the_side_is_that_of_the_clearly_larger_m_wave(m_waves, right_uv, left_uv, side):
    sites = (site(0, Muscle.ORBICULARIS_OCULI, Side.RIGHT), site(1, Muscle.ORBICULARIS_OCULI, Side.LEFT))
    named, problems = name_branch(stimulated(Branch.ZYGOMATIC), sites, m_waves(right_uv, left_uv))
    assert named.side is side
    assert problems[-1].code == ("side_inferred" if side else "side_unknown")


def test_a_side_of_which_nothing_was_recorded_is_told_with_the_one_that_answers(m_waves):
    for size, says in (
        (1400.0, "other side show an M wave (1400 uV); check"),
        (None, "the other side; check"),
    ):
        (problem,) = find_side_problems(
            stimulated(Branch.ZYGOMATIC, Side.LEFT), FACE, m_waves(size, None, None, None)
        )
        assert problem.code == "side_not_recorded"
        assert says in problem.message


@pytest.mark.parametrize(
    ("right_uv", "left_uv", "says"),
    [
        (None, 900.0, "an M wave (900 uV), and those on this side none"),
        (90.0, 1200.0, "an M wave (1200 uV), and those on this side a smaller one (90 uV)"),
        (800.0, 900.0, None),
        (1200.0, 90.0, None),
        (None, None, None),
    ],
)
def test_direct_muscles_that_answer_on_the_other_side_are_told(m_waves, right_uv, left_uv, says):
    sites = (
        site(0, Muscle.ORBICULARIS_OCULI, Side.RIGHT),
        site(1, Muscle.ORBICULARIS_OCULI, Side.LEFT),
        site(2, Muscle.MENTALIS, Side.LEFT),  # no direct muscle: what it shows is no M wave of this branch
    )
    right = stimulated(Branch.ZYGOMATIC, Side.RIGHT)
    problems = find_side_problems(right, sites, m_waves(right_uv, left_uv, 5000.0))
    assert [problem.code for problem in problems] == (["side_doubtful"] if says else [])
    assert all(says in problem.message for problem in problems)


def test_a_side_that_nobody_knows_is_not_doubted(m_waves):
    assert find_side_problems(stimulated(Branch.ZYGOMATIC), FACE, m_waves(900.0, None, None, None)) == ()
    one_side = stimulated(Branch.ZYGOMATIC, Side.RIGHT)
    assert find_side_problems(one_side, FACE, m_waves(None, None, None, None)) == ()


def test_only_the_stimulated_side_makes_pairs():
    sites = (*FACE, site(4, Muscle.MENTALIS, Side.LEFT), site(5, Muscle.MENTALIS, None))
    pairs = find_pairs(stimulated(Branch.ZYGOMATIC, Side.RIGHT), sites)
    assert [(pair.site.channel, pair.relation) for pair in pairs] == [
        (0, Relation.DIRECT),
        (1, Relation.TARGET),
        (2, Relation.AMBIGUOUS),
        (3, Relation.UNMAPPED),
        (5, Relation.TARGET),
    ]


def test_a_relation_that_the_user_gives_stands_over_the_table():
    sites = (
        site(0, Muscle.ORBICULARIS_OCULI, relation=Relation.TARGET),
        site(1, None, relation=Relation.DIRECT),
    )
    pairs = find_pairs(stimulated(Branch.ZYGOMATIC, Side.RIGHT), sites)
    assert [pair.relation for pair in pairs] == [Relation.TARGET, Relation.DIRECT]


def test_without_a_side_a_muscle_of_either_side_is_unmapped():
    pairs = find_pairs(stimulated(Branch.ZYGOMATIC), FACE[:2])
    assert {pair.relation for pair in pairs} == {Relation.UNMAPPED}


@pytest.mark.parametrize(
    ("one", "relation"),
    [
        (site(0, Muscle.MENTALIS, Side.LEFT), Relation.UNMAPPED),  # of the other side, perhaps
        (site(0, Muscle.MENTALIS, side=None), Relation.TARGET),
        (site(0, Muscle.MENTALIS, Side.LEFT, relation=Relation.TARGET), Relation.TARGET),
    ],
)
def test_without_a_side_of_the_stimulus_only_channels_without_one_or_by_word_are_mapped(one, relation):
    (pair,) = find_pairs(stimulated(Branch.ZYGOMATIC), [one])
    assert pair.relation is relation
