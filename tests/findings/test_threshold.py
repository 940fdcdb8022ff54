"""Stimulus thresholds are found where weak stimuli go unanswered, and told with their interval."""

from dataclasses import replace

import numpy as np
import pytest

from lsr.detection.detection import SweepFinding
from lsr.findings.findings import PairSweep
from lsr.findings.threshold import Level, find_threshold, group_levels, recruitment, response_levels


def levels(*answered, n=10, first_ma=2.0, step_ma=2.0):
    return [
        Level(intensity_ma=first_ma + step_ma * k, n_stimuli=n, n_answered=one, amplitude_uv=float(one))
        for k, one in enumerate(answered)
    ]


def test_a_sharp_threshold_lies_between_the_levels():
    found = find_threshold(levels(0, 0, 0, 10, 10))
    assert found.intensity_ma == pytest.approx(7.0, abs=0.3)
    low, high = found.interval_ma
    assert 5.5 <= low < found.intensity_ma < high <= 8.5


@pytest.mark.parametrize(("answered", "between_ma"), [((0, 10, 10, 10), (2, 4)), ((0, 0, 0, 10), (6, 8))])
def test_a_threshold_may_lie_between_the_weakest_levels_or_the_strongest(answered, between_ma):
    found = find_threshold(levels(*answered))
    assert found.intensity_ma == pytest.approx(np.mean(between_ma), abs=0.3)
    assert between_ma[0] <= found.interval_ma[0] < found.interval_ma[1] <= between_ma[1]


@pytest.mark.parametrize("width_ma", [0.8, 0.05])
def test_the_interval_holds_the_planted_threshold(width_ma):
    """Those of nerves that answer all or nothing lie anywhere between two intensities."""
    rng = np.random.default_rng(5)
    inside = 0
    for planted in rng.uniform(5, 13, 60):
        chance = 0.9 / (1 + np.exp(-(np.arange(2, 18, 2.0) - planted) / width_ma))
        found = find_threshold(levels(*rng.binomial(12, chance), n=12))
        inside += found.interval_ma[0] <= planted <= found.interval_ma[1]
    assert inside >= 54


def test_strong_stimuli_need_not_all_be_answered():
    found = find_threshold(levels(0, 0, 3, 6, 6, 6))
    assert found.intensity_ma == pytest.approx(6.0, abs=0.8)


@pytest.mark.parametrize("answered", [(10, 10, 10), (0, 0, 0), (8, 9, 10), (10,), ()])
def test_no_threshold_where_weak_stimuli_were_not_given(answered):
    assert find_threshold(levels(*answered)) is None


def test_more_stimuli_narrow_the_interval():
    few, many = find_threshold(levels(0, 1, 2, 4, 5, n=5)), find_threshold(levels(0, 10, 20, 40, 50, n=50))
    assert np.diff(many.interval_ma) < np.diff(few.interval_ma)


def test_intensities_are_grouped_only_where_they_vary():
    assert list(group_levels([15.0, 15.0, 15.2, None])) == []
    found = list(group_levels([2.0, None, 4.0, 2.0]))
    assert [(ma, which.tolist()) for ma, which in found] == [(2.0, [0, 3]), (4.0, [2])]
    ramp = list(group_levels(np.linspace(2, 20, 200)))
    assert len(ramp) == 16
    assert sum(which.size for _, which in ramp) == 200


def test_stimuli_of_a_silent_block_count_as_unanswered(make_blocks):
    def sweep(k, present):
        shown = SweepFinding(used=True, reason=None, present=present, latency_ms=None, amplitude_uv=None)
        return PairSweep(stimulus=k, time_s=float(k), stage=None, finding=shown)

    blocks = make_blocks("no_m_wave", "present")
    sweeps = [sweep(k, None if k < 20 else k % 2 == 0) for k in range(40)]
    found = response_levels([4.0] * 20 + [8.0] * 20, sweeps, blocks)
    assert [(one.intensity_ma, one.n_stimuli, one.n_answered) for one in found] == [
        (4.0, 20, 0),
        (8.0, 20, 10),
    ]


def test_recruitment_shows_response_and_m_wave_side_by_side():
    curve = recruitment(levels(0, 5), levels(10, 10, 10))
    assert [(one.intensity_ma, one.persistence, one.amplitude_uv, one.m_wave_uv) for one in curve] == [
        (2.0, 0.0, 0.0, 10.0),
        (4.0, 0.5, 5.0, 10.0),
        (6.0, None, None, 10.0),
    ]


def test_recruitment_rises_though_the_weakest_stimuli_tell_of_the_m_wave_alone():
    curve = recruitment(levels(5, 8, first_ma=4.0), levels(10, 10, 10))
    assert [(one.intensity_ma, one.persistence) for one in curve] == [(2.0, None), (4.0, 0.5), (6.0, 0.8)]


def test_no_threshold_where_the_weakest_stimuli_are_answered_half_as_often_as_the_strongest():
    assert find_threshold(levels(6, 8, 10)) is None
    assert find_threshold(levels(5, 8, 10)) is None
    assert find_threshold(levels(4, 8, 10)) is not None
    assert find_threshold(levels(4, 6, 6)) is None  # of those that strong stimuli reach


def test_an_intensity_of_0_is_none_and_a_fifth_more_is_another():
    assert list(group_levels([0.0, 5.0, 5.0, 0.0])) == []
    assert [ma for ma, _ in group_levels([10.0, 12.0])] == [10.0, 12.0]
    assert [ma for ma, _ in group_levels([0.0, 0.4, 0.8])] == [0.4, 0.8]  # at the nerve itself


def test_stimuli_count_as_unanswered_where_they_or_their_block_say_so(make_blocks):
    """Planted: 15 of 18 answered at 10 mA, none at 2 and 4 mA, and nobody knows at 6 mA."""
    blocks = make_blocks("absent", "no_m_wave", "blind", "present")
    unknown = SweepFinding(used=True, reason=None, present=None, latency_ms=None, amplitude_uv=None)
    missed = replace(unknown, present=False)
    seen = replace(unknown, present=True, amplitude_uv=120.0)
    left_out = replace(unknown, used=False, present=True)
    findings = [unknown] * 60 + [seen] * 15 + [missed] * 3 + [left_out] * 2
    sweeps = [
        PairSweep(stimulus=k, time_s=float(k), stage=None, finding=one) for k, one in enumerate(findings)
    ]
    levels = response_levels(np.repeat([2.0, 4.0, 6.0, 10.0], 20), sweeps, blocks)
    told = [(one.intensity_ma, one.n_stimuli, one.n_answered, one.amplitude_uv) for one in levels]
    assert told == [(2.0, 20, 0, 0.0), (4.0, 20, 0, 0.0), (10.0, 18, 15, 100.0)]
