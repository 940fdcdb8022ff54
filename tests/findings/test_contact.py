"""An electrode that came off answers nothing, and its silence is no loss."""

from dataclasses import replace

import numpy as np
import pytest

from lsr.detection.detection import Presence
from lsr.findings.contact import ELECTRODE_CHANGED, see_stimulus, withhold_lost
from lsr.findings.findings import Seen
from lsr.settings import DetectionSettings

TIME_MS = np.arange(-20.0, 60.0, 0.2)
PLAIN = Seen(artifact_uv=500.0, artifact_noise_uv=10.0, direct_uv=60.0, direct_noise_uv=3.0)
NOTHING = Seen(artifact_uv=11.0, artifact_noise_uv=10.0, direct_uv=4.0, direct_noise_uv=3.0)
ELSEWHERE = Seen(artifact_uv=900.0, artifact_noise_uv=10.0, direct_uv=2000.0, direct_noise_uv=3.0)


@pytest.fixture
def told(make_blocks):
    """Reasons of four blocks, the first two with an LSR, as channel and neighbour see the stimulus."""

    def tell(own, elsewhere=(ELSEWHERE,) * 4):
        blocks = make_blocks("present", "present", "absent", "absent")
        seen = [
            [replace(block, seen=one) for block, one in zip(blocks, channel, strict=True)]
            for channel in (own, elsewhere)
        ]
        found = withhold_lost(seen[0], [seen[1]])
        return [block.detection.reason for block in found]

    return tell


def scaled(seen, factor):
    return seen._replace(artifact_uv=factor * seen.artifact_uv, direct_uv=factor * seen.direct_uv)


def test_silence_of_a_channel_that_sees_the_stimulus_as_before_stands(told):
    assert told([PLAIN, PLAIN, PLAIN, scaled(PLAIN, 0.5)]) == [None] * 4


def test_silence_of_a_channel_that_sees_no_stimulus_any_more_is_withheld(told):
    assert told([PLAIN, PLAIN, NOTHING, PLAIN]) == [None, None, ELECTRODE_CHANGED, None]


def test_crosstalk_that_goes_while_the_artifact_stays_tells_as_well(told):
    lost = PLAIN._replace(direct_uv=5.0)
    assert told([PLAIN, PLAIN, lost, lost]) == [None, None, ELECTRODE_CHANGED, ELECTRODE_CHANGED]


def test_several_electrodes_that_come_off_together_are_no_weaker_stimulus(make_blocks):
    """Planted: three of four channels go, the direct muscle's stays."""
    blocks = make_blocks("present", "present", "absent", "absent")
    off, on = [PLAIN, PLAIN, NOTHING, NOTHING], [ELSEWHERE] * 4
    own, *others = (
        [replace(block, seen=one) for block, one in zip(blocks, channel, strict=True)]
        for channel in (off, off, off, on)
    )
    assert [one.detection.reason for one in withhold_lost(own, others)] == [
        None,
        None,
        *[ELECTRODE_CHANGED] * 2,
    ]


def test_an_electrode_that_floats_in_more_noise_is_off_as_well(told):
    floats = Seen(artifact_uv=500.0, artifact_noise_uv=40.0, direct_uv=25.0, direct_noise_uv=24.0)
    assert told([PLAIN, PLAIN, floats, floats]) == [None, None, ELECTRODE_CHANGED, ELECTRODE_CHANGED]


def test_a_block_just_above_a_third_does_not_put_the_electrode_on_again(told):
    nearly, back = scaled(PLAIN, 0.4), scaled(PLAIN, 0.9)
    assert told([PLAIN, PLAIN, nearly, nearly]) == [None] * 4
    assert told([PLAIN, NOTHING, nearly, back]) == [None] * 4  # answered in the second block all the same
    assert told([PLAIN, PLAIN, NOTHING, nearly]) == [None, None, ELECTRODE_CHANGED, ELECTRODE_CHANGED]
    assert told([PLAIN, PLAIN, NOTHING, back]) == [None, None, ELECTRODE_CHANGED, None]


def test_what_other_channels_lost_as_well_is_a_weaker_stimulus(told):
    weaker = (1.0, 1.0, 0.25, 0.25)
    own, elsewhere = ([scaled(one, factor) for factor in weaker] for one in (PLAIN, ELSEWHERE))
    assert told(own, elsewhere) == [None] * 4


def test_a_stimulus_that_never_stood_out_cannot_be_missed(told):
    faint = Seen(artifact_uv=12.0, artifact_noise_uv=10.0, direct_uv=4.0, direct_noise_uv=3.0)
    none = Seen(artifact_uv=1.0, artifact_noise_uv=1.0, direct_uv=1.0, direct_noise_uv=1.0)
    assert told([faint, faint, none, none]) == [None] * 4


def test_a_response_is_never_withheld(told, make_blocks):
    found = told([NOTHING, PLAIN, PLAIN, PLAIN])
    assert found == [None] * 4


def test_an_electrode_that_came_off_is_no_disappearance(make_blocks):
    from lsr.findings.course import judge_course

    blocks = make_blocks(*["present"] * 4, *["absent"] * 4)
    off = [PLAIN] * 4 + [NOTHING] * 4
    own = [replace(block, seen=one) for block, one in zip(blocks, off, strict=True)]
    others = [[replace(block, seen=ELSEWHERE) for block in blocks]]
    judged = judge_course(blocks, DetectionSettings())
    assert judged.course == "disappeared"
    judged = judge_course(withhold_lost(own, others), DetectionSettings())
    assert judged.course is None
    assert judged.residual is None


def test_artifact_and_crosstalk_are_measured_apart_and_alternation_cancels_neither():
    rng = np.random.default_rng(1)
    sign = np.where(np.arange(20) % 2, -1.0, 1.0)[:, None]
    artifact = 400.0 * ((TIME_MS > 0.1) & (TIME_MS < 0.7))
    crosstalk = 80.0 * np.exp(-((TIME_MS - 3.5) ** 2))
    sweeps = sign * artifact + crosstalk + rng.normal(0, 3.0, (20, TIME_MS.size))
    seen = see_stimulus(sweeps, TIME_MS, 5.5)
    assert seen.artifact_uv == pytest.approx(400.0, rel=0.1)
    assert seen.direct_uv == pytest.approx(80.0, rel=0.15)
    assert seen.artifact_noise_uv < 20.0
    assert seen.direct_noise_uv < 5.0


def test_a_spasm_burst_in_one_sweep_hides_no_stimulus():
    """Planted: 20 uV of crosstalk in 12 sweeps; one with a burst told of 34 uV of noise, of no electrode."""
    """Planted: 20 uV of crosstalk in 12 sweeps; one with a burst told of 34 uV of noise."""
    rng = np.random.default_rng(2)
    sweeps = 20.0 * np.exp(-((TIME_MS - 3.5) ** 2)) + rng.normal(0, 3.0, (12, TIME_MS.size))
    sweeps[4, TIME_MS < -1] += 150.0 * np.sin(TIME_MS[TIME_MS < -1])
    seen = see_stimulus(sweeps, TIME_MS, 5.5)
    assert seen.direct_uv == pytest.approx(20.0, rel=0.25)
    assert seen.direct_noise_uv < 6.0


def test_noise_is_told_before_the_stimulus_where_there_is_time_for_it_else_at_the_end():
    quiet_before = np.where(TIME_MS > 40, 100.0, 1.0) * np.where(np.arange(TIME_MS.size) % 2, 0.5, -0.5)
    sweeps = np.tile(quiet_before, (5, 1))
    assert see_stimulus(sweeps, TIME_MS, 5.5).artifact_noise_uv == pytest.approx(1.0)
    assert see_stimulus(sweeps, TIME_MS, 5.5).direct_noise_uv == pytest.approx(1.0)
    from_start = TIME_MS > -3.0
    seen = see_stimulus(sweeps[:, from_start], TIME_MS[from_start], 5.5)
    assert (seen.artifact_noise_uv, seen.direct_noise_uv) == pytest.approx((100.0, 100.0))


def test_a_channel_that_never_saw_the_stimulus_plainly_speaks_for_no_other(told):
    faint = scaled(NOTHING, 0.3)
    assert told([PLAIN, PLAIN, NOTHING, PLAIN], [NOTHING, NOTHING, faint, NOTHING])[2] == ELECTRODE_CHANGED


def test_blocks_that_show_no_stimulus_at_all_are_passed_over(told, make_blocks):
    assert told([PLAIN, PLAIN, None, NOTHING]) == [None, None, None, ELECTRODE_CHANGED]
    unseen = (ELSEWHERE, ELSEWHERE, None, ELSEWHERE)
    assert told([PLAIN, PLAIN, NOTHING, PLAIN], unseen)[2] == ELECTRODE_CHANGED
    weaker = (ELSEWHERE, ELSEWHERE, scaled(ELSEWHERE, 0.02), ELSEWHERE)
    blocks = make_blocks("present", "present", "absent", "absent")
    own, *others = (
        [replace(block, seen=one) for block, one in zip(blocks, channel, strict=True)]
        for channel in ((PLAIN, PLAIN, NOTHING, PLAIN), unseen, weaker)
    )
    assert withhold_lost(own, others) == tuple(own)  # all that can be told of have lost it: the stimulus


def test_sweeps_that_do_not_show_the_stimulus_tell_nothing():
    late = TIME_MS > 3.0
    assert see_stimulus(np.zeros((5, int(late.sum()))), TIME_MS[late], 5.5) is None
    assert see_stimulus(np.zeros((0, TIME_MS.size)), TIME_MS, 5.5) is None


def test_a_withheld_block_is_indeterminate_and_keeps_its_measures(make_blocks):
    blocks = make_blocks("present", "absent")
    own = [replace(blocks[0], seen=PLAIN), replace(blocks[1], seen=NOTHING)]
    shown, silent = withhold_lost(own, [])
    assert shown is own[0]
    assert silent.detection.presence is Presence.INDETERMINATE
    assert silent.detection.noise_uv == blocks[1].detection.noise_uv
