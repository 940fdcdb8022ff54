"""Blocks follow the stages, then the number of stimuli."""

import numpy as np
import pytest

from lsr.findings.blocks import count_leading, form_blocks
from lsr.stages import Stage
from lsr.stimuli import Stimulus, StimulusSet, StimulusSource


def stimulated(times_s):
    return StimulusSet(
        id="S1",
        side=None,
        branch=None,
        branch_source=None,
        source=StimulusSource.ANNOTATION,
        precision_ms=0.1,
        text=None,
        stimuli=tuple(Stimulus(time_s=float(time_s)) for time_s in times_s),
    )


@pytest.mark.parametrize(
    ("n_stimuli", "sizes"),
    [(1, [1]), (19, [19]), (29, [29]), (30, [20, 10]), (40, [20, 20]), (49, [20, 29]), (50, [20, 20, 10])],
)
def test_a_rest_shorter_than_half_a_block_joins_the_block_before(n_stimuli, sizes):
    blocks = form_blocks(stimulated(np.arange(n_stimuli)), (), 20)
    assert [block.stimuli.size for block in blocks] == sizes
    np.testing.assert_array_equal(np.concatenate([block.stimuli for block in blocks]), np.arange(n_stimuli))


@pytest.mark.parametrize(
    ("n_last", "pause_s", "sizes"),
    [
        (5, 300.0, [20, 24, 5]),
        (9, 300.0, [20, 24, 9]),
        (4, 300.0, [20, 28]),  # too few to tell
        (5, 50.0, [20, 29]),  # no long pause
        (10, 300.0, [20, 24, 10]),  # half a block makes one anyhow
    ],
)
def test_a_few_last_stimuli_after_a_long_pause_are_judged_by_themselves(n_last, pause_s, sizes):
    times_s = np.concatenate([np.arange(44), 43.0 + pause_s + np.arange(n_last)])
    blocks = form_blocks(stimulated(times_s), (), 20)
    assert [block.stimuli.size for block in blocks] == sizes


@pytest.mark.parametrize(
    ("runs", "sizes"),
    [
        ([18, 18, 14, 6, 12], [18, 18, 20, 12]),  # the third alone is too short
        ([7, 7, 7, 7, 4], [21, 11]),
        ([33, 25], [20, 13, 25]),
        ([15, 4], [19]),
        ([9, 31], [20, 20]),
    ],
)
def test_a_block_ends_at_a_long_pause_where_it_holds_enough(runs, sizes):
    """An LSR that comes back after the pause was there in a block without it, by two of its stimuli."""
    starts_s = 300.0 * np.arange(len(runs))
    times_s = np.concatenate([at_s + np.arange(n) for at_s, n in zip(starts_s, runs, strict=True)])
    blocks = form_blocks(stimulated(times_s), (), 20)
    assert [block.stimuli.size for block in blocks] == sizes


def test_stimuli_that_are_always_minutes_apart_have_no_long_pauses():
    blocks = form_blocks(stimulated(300.0 * np.arange(29)), (), 20)
    assert [block.stimuli.size for block in blocks] == [29]


def test_no_block_spans_two_stages():
    stages = (
        Stage(name="baseline", start_s=5.0, end_s=30.5),
        Stage(name="closing", start_s=30.5, end_s=100.0),
    )
    blocks = form_blocks(stimulated(np.arange(60)), stages, 20)
    assert [(block.stage, block.start_s, block.end_s) for block in blocks] == [
        (None, 0.0, 4.0),
        ("baseline", 5.0, 30.0),
        ("closing", 31.0, 59.0),
    ]


def test_a_stage_that_comes_twice_makes_blocks_of_their_own():
    stages = tuple(
        Stage(name=name, start_s=start_s, end_s=start_s + 10)
        for name, start_s in (("opening", 0.0), ("decompression", 10.0), ("opening", 20.0))
    )
    blocks = form_blocks(stimulated(np.arange(30)), stages, 20)
    assert [block.stage for block in blocks] == ["opening", "decompression", "opening"]


def test_a_baseline_announced_after_another_stage_is_not_the_leading_one():
    assert count_leading(["opening", "baseline", "baseline", "closing"]) == 1
    assert count_leading([None, "baseline", "baseline", "closing"]) == 3
