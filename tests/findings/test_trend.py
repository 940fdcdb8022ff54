"""A change of size is one where its interval says so."""

import numpy as np
import pytest

from lsr.findings.likeness import Likeness
from lsr.findings.trend import _mean, _Ratio, _Size, change_to_nothing, find_change


def compared(size, deviation, amplitude_uv=100.0):
    return Likeness(
        size=np.array(size),
        deviation=np.array(deviation),
        bias=np.full(len(size), 0.2),
        amplitude_uv=amplitude_uv,
        at_edge=False,
    )


@pytest.fixture
def make_pair_of_blocks(make_blocks):
    def make(before_uv, after_uv, *, m_after_uv=1000.0):
        after = ("present", {"amplitude_uv": after_uv, "m_wave_uv": m_after_uv})
        return make_blocks(("present", {"amplitude_uv": before_uv}), after)

    return make


def test_nothing_is_called_reduced_whose_interval_holds_no_change(make_pair_of_blocks):
    rng = np.random.default_rng(2)
    n_reduced = 0
    for _ in range(300):
        blocks = make_pair_of_blocks(*rng.uniform(20, 100, 2))
        likeness = compared(rng.uniform(-0.2, 1.2, 2), rng.uniform(0.02, 0.5, 2))
        change = find_change(blocks, [0], [1], likeness)
        n_reduced += change.is_reduction
        assert change.interval_percent[0] <= change.percent <= change.interval_percent[1]
        if change.is_reduction:
            assert change.interval_percent[1] < 0
            assert change.percent <= -25
    assert 50 < n_reduced < 250


def test_a_change_has_the_interval_of_both_sizes(make_pair_of_blocks):
    """100 and 60 uV, each known to 5 % (95 %): the ratio is known to 0.6 times the root of two times 5 %."""
    change = find_change(make_pair_of_blocks(100.0, 60.0), [0], [1])
    reach = 60 * 0.05 * np.sqrt(2)
    assert change.percent == pytest.approx(-40)
    assert change.interval_percent == pytest.approx((-40 - reach, -40 + reach))


def test_blocks_compared_with_each_other_tell_a_fall_that_their_amplitudes_do_not(make_pair_of_blocks):
    blocks = make_pair_of_blocks(100.0, 90.0)
    assert not find_change(blocks, [0], [1]).is_reduction
    change = find_change(blocks, [0], [1], compared([1.0, 0.5], [0.05, 0.05]))
    assert change.is_reduction
    assert change.percent == pytest.approx(-50)


def test_an_lsr_below_what_can_be_measured_still_has_a_change(make_pair_of_blocks):
    blocks = make_pair_of_blocks(100.0, None)
    change = find_change(blocks, [0], [1], compared([1.0, 0.2], [0.1, 0.1]))
    assert change.percent == pytest.approx(-80)
    assert find_change(blocks, [0], [1]) is None


@pytest.mark.parametrize(
    ("after_uv", "m_after_uv", "alike"),
    [
        (50.0, 1000.0, False),
        (50.0, 900.0, False),
        (50.0, 720.0, False),  # half as far, in logarithms, is 707 uV
        (50.0, 700.0, True),
        (50.0, None, True),
        (74.0, 855.0, False),  # half as far is 860 uV, but so small a fall is none
        (74.0, 845.0, True),
    ],
)
def test_the_m_wave_tells_whether_it_is_the_lsr_that_fell(make_pair_of_blocks, after_uv, m_after_uv, alike):
    change = find_change(make_pair_of_blocks(100.0, after_uv, m_after_uv=m_after_uv), [0], [1])
    assert change.is_reduction
    assert change.fell_with_m_wave is alike


@pytest.mark.parametrize(("after_uv", "is_reduction"), [(75.0, True), (75.5, False)])
def test_a_reduction_is_a_fall_by_a_quarter_at_least(make_pair_of_blocks, after_uv, is_reduction):
    change = find_change(make_pair_of_blocks(100.0, after_uv), [0], [1])
    assert change.interval_percent[1] < 0
    assert change.is_reduction is is_reduction


def test_the_last_blocks_count_together_unless_the_very_last_differs(make_blocks):
    def shown(*sizes_uv):
        return make_blocks(*[("present", {"amplitude_uv": size}) for size in sizes_uv])

    together = find_change(shown(100.0, 78.0, 72.0), [0], [1, 2])
    assert together.percent == pytest.approx(-25)
    assert find_change(shown(100.0, 100.0, 30.0), [0], [1, 2]).percent == pytest.approx(-70)
    # Three blocks tell their mean to 1.5 uV: 115 is none of theirs, though 108 may be.
    assert find_change(shown(100.0, 115.0, 100.0, 100.0, 100.0), [0], [1, 2, 3, 4]).percent == pytest.approx(
        0.0
    )
    assert find_change(shown(100.0, 108.0, 100.0, 100.0, 100.0), [0], [1, 2, 3, 4]).percent == pytest.approx(
        2.0
    )


def test_blocks_from_before_the_fall_are_not_counted_with_those_after_it(make_blocks):
    def shown(*sizes_uv):
        return make_blocks(*[("present", {"amplitude_uv": size}) for size in sizes_uv])

    change = find_change(shown(100.0, 100.0, 39.0, 41.0), [0], [1, 2, 3])
    assert change.is_reduction
    assert change.percent == pytest.approx(-60)


def test_a_first_block_large_by_chance_is_no_reduction_of_the_last(make_blocks):
    blocks = make_blocks(*[("present", {"amplitude_uv": 100.0})] * 4)
    likeness = compared([1.3, 0.95, 1.0, 0.9], [0.1, 0.1, 0.1, 0.1])
    alone, together = find_change(blocks, [0], [3], likeness), find_change(blocks, [0, 1, 2], [3], likeness)
    assert alone.is_reduction
    assert not together.is_reduction


def test_a_block_without_a_size_of_its_own_is_passed_over(make_blocks):
    sizes_uv = (100.0, None, 98.0, 50.0, None, 52.0)
    blocks = make_blocks(*[("present", {"amplitude_uv": size}) for size in sizes_uv])
    change = find_change(blocks, [0, 1, 2], [3, 4, 5])
    assert change.percent == pytest.approx(100 * (51 / 99 - 1))


def test_where_no_m_wave_was_first_none_fell(make_blocks):
    for m_after_uv in (1000.0, None):
        first = ("present", {"amplitude_uv": 100.0, "m_wave_uv": None})
        last = ("present", {"amplitude_uv": 50.0, "m_wave_uv": m_after_uv})
        change = find_change(make_blocks(first, last), [0], [1])
        assert (change.is_reduction, change.fell_with_m_wave) == (True, False)


def test_a_block_of_which_comparison_tells_nothing_has_no_compared_size(make_pair_of_blocks):
    for sizes in ([np.nan, 0.5], [1.0, np.nan]):
        assert find_change(make_pair_of_blocks(100.0, None), [0], [1], compared(sizes, [0.1, 0.1])) is None


def test_blocks_after_a_fall_do_not_speak_for_those_before_it(make_blocks):
    blocks = make_blocks(*[("present", {"amplitude_uv": size}) for size in (100.0, 100.0, 40.0, 40.0, 40.0)])
    change = find_change(blocks, [0, 1, 2, 3], [4])
    assert change.is_reduction
    assert change.percent == pytest.approx(-60)


def test_a_part_of_the_lsr_that_changed_is_no_reduction_of_the_lsr(make_blocks):
    blocks = make_blocks(*[("present", {"amplitude_uv": 100.0})] * 4)
    sizes = [1.0, 1.0, 0.4, 0.4], [0.1, 0.1, 0.1, 0.1]
    assert find_change(blocks, [0, 1], [2, 3], compared(*sizes)).is_reduction
    assert not find_change(blocks, [0, 1], [2, 3], compared(*sizes, amplitude_uv=60.0)).is_reduction


@pytest.mark.parametrize(
    ("amplitude_uv", "limit_uv", "most"), [(100.0, 10.0, -90.0), (20.0, 30.0, 0.0), (None, 10.0, 0.0)]
)
def test_what_is_gone_may_be_there_below_what_would_be_seen_but_not_larger_than_it_was(
    make_blocks, amplitude_uv, limit_uv, most
):
    seen = ("present", {"amplitude_uv": amplitude_uv})
    gone = change_to_nothing(*make_blocks(seen, ("absent", {"limit_uv": limit_uv})))
    assert gone.percent == -100.0
    assert gone.interval_percent == pytest.approx((-100.0, most))


def test_a_mean_is_as_unsure_as_its_parts_differ():
    """80 and 120 uV, each known to 1 uV: their mean of 100 uV is known to 20 uV."""
    found = _mean([_Size(value=80.0, deviation=1.0), _Size(value=120.0, deviation=1.0)])
    assert (found.value, found.deviation) == (100.0, pytest.approx(20.0))


def test_a_ratio_is_as_unsure_as_what_was_before():
    """From 100 +- 30 uV to 60 +- 1 uV: nearly all that is unsure of the fall is what was before."""
    fall = _Ratio(before=_Size(value=100.0, deviation=30.0), after=_Size(value=60.0, deviation=1.0))
    assert fall.end(1.0) == pytest.approx(0.6 + np.hypot(1.0, 0.6 * 30.0) / 100)
    assert not fall.is_reduction
