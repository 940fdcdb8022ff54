"""Nerve conduction: M waves of direct muscles, side against side."""

from dataclasses import replace

import pytest

from lsr.anatomy import Branch, Muscle, Relation, Side
from lsr.findings.conduction import find_nerve_conduction
from lsr.findings.findings import PairFinding


@pytest.fixture
def make_pair(detect_as, m_wave_of, make_blocks):
    def make(side, *, m_wave_uv=1000.0, relation=Relation.DIRECT, muscle=Muscle.ORBICULARIS_OCULI):
        return PairFinding(
            stimulation="S1",
            branch=Branch.ZYGOMATIC,
            muscle=muscle,
            side=side,
            channel=f"{side} {muscle}",
            relation=relation,
            detection=detect_as("nothing"),
            m_wave=m_wave_of(m_wave_uv),
            stimulus_threshold_ma=None,
            p_value_adjusted=None,
            blocks=make_blocks("nothing"),
            course=None,
            amplitude_change_percent=None,
            disappeared_at=None,
        )

    return make


def test_sides_are_compared_where_both_were_stimulated(make_pair):
    right, left = find_nerve_conduction([make_pair(Side.RIGHT, m_wave_uv=500.0), make_pair(Side.LEFT)])
    assert (right.amplitude_ratio, left.amplitude_ratio) == (0.5, 2.0)
    assert right.latency_difference_ms == 0.0
    assert right.n_stimuli == 20


def test_one_side_alone_has_no_difference(make_pair):
    (only,) = find_nerve_conduction([make_pair(Side.RIGHT)])
    assert (only.onset_latency_ms, only.amplitude_uv) == (3.5, 1000.0)
    assert only.amplitude_ratio is None


def test_an_m_wave_that_is_missing_gives_no_ratio(make_pair):
    right, _ = find_nerve_conduction([make_pair(Side.RIGHT, m_wave_uv=None), make_pair(Side.LEFT)])
    assert right.amplitude_uv is None
    assert right.amplitude_ratio is None


def test_targets_are_no_nerve_conduction(make_pair):
    target = make_pair(Side.RIGHT, relation=Relation.TARGET, muscle=Muscle.MENTALIS)
    assert find_nerve_conduction([target]) == ()


def test_a_slower_side_is_later_by_the_difference_and_all_its_stimuli_count(make_pair, make_blocks):
    affected = make_pair(Side.RIGHT)
    affected = replace(
        affected,
        m_wave=replace(affected.m_wave, onset_latency_ms=4.2),
        blocks=make_blocks("nothing", "nothing"),
    )
    right, left = find_nerve_conduction([affected, make_pair(Side.LEFT)])
    assert right.latency_difference_ms == pytest.approx(0.7)
    assert left.latency_difference_ms == pytest.approx(-0.7)
    assert (right.n_stimuli, left.n_stimuli) == (40, 20)


def test_sides_stimulated_on_different_branches_or_recorded_twice_have_no_ratio(make_pair):
    other_branch = replace(make_pair(Side.LEFT), branch=Branch.TEMPORAL)
    twice = [make_pair(Side.LEFT), make_pair(Side.LEFT, m_wave_uv=500.0)]
    for left in ([other_branch], twice):
        right, *_ = find_nerve_conduction([make_pair(Side.RIGHT), *left])
        assert right.amplitude_ratio is None


def test_a_side_or_a_muscle_that_nobody_states_is_compared_with_none(make_pair):
    unknown, right = find_nerve_conduction([make_pair(None), make_pair(Side.RIGHT)])
    assert unknown.amplitude_ratio is right.amplitude_ratio is None
    for one in find_nerve_conduction([make_pair(Side.LEFT, muscle=None), make_pair(Side.RIGHT, muscle=None)]):
        assert one.amplitude_ratio is one.latency_difference_ms is None


def test_a_direct_muscle_of_which_no_m_wave_is_known_is_compared_with_none(make_pair):
    unknown = replace(make_pair(Side.LEFT), m_wave=None)
    for one in find_nerve_conduction([unknown, make_pair(Side.RIGHT)]):
        assert one.amplitude_ratio is one.latency_difference_ms is None
