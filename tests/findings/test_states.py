"""Which blocks can be told, and which only together."""

from lsr.findings.states import find_blind_runs, is_blind, judge_states
from lsr.settings import DetectionSettings


def test_runs_are_of_neighbours_that_show_nothing_and_are_partly_blind(make_blocks):
    blocks = make_blocks(
        "blind", "present", "blind", "absent", "present", "absent", "absent", "blind", "blind"
    )
    assert find_blind_runs(blocks, 0.01) == ((2, 3), (5, 8))


def test_a_block_without_m_wave_is_not_blind(make_blocks):
    noisy, unproved = make_blocks("blind", "no_m_wave")
    assert is_blind(noisy)
    assert not is_blind(unproved)


def test_presence_needs_no_m_wave_and_absence_does(make_blocks):
    blocks = make_blocks(
        "present", ("present", {"m_wave_uv": None}), ("absent", {"m_wave_uv": 100.0}), "absent"
    )
    states = judge_states(blocks, DetectionSettings())
    assert states.there == (True, True, None, False)
    assert states.present == (0, 1)
    assert states.baseline == 0


def test_without_any_m_wave_no_block_is_absent(make_blocks):
    blocks = make_blocks(*[("absent", {"m_wave_uv": None})] * 3)
    states = judge_states(blocks, DetectionSettings())
    assert states.there == (None, None, None)
    assert states.baseline is None
