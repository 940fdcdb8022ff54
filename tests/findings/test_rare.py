"""An LSR that answers one stimulus in ten is in no average, but in single sweeps it is as plain as ever."""

from dataclasses import replace

import numpy as np
import pytest

from lsr.findings import rare
from lsr.findings.course import judge_course
from lsr.findings.rare import Alike, count_alike
from lsr.settings import DetectionSettings

TIME_MS = np.arange(-20.0, 60.0, 0.2)
ONSET_MS = 9.8
N_SWEEPS = 80


def lsr_at(shift_ms=0.0):
    since = np.clip(TIME_MS - ONSET_MS - shift_ms, 0, None)
    return 150.0 * (since / 1.5) ** 2 * np.exp(2 - 2 * since / 1.5) * np.cos(since)


@pytest.fixture
def draw():
    """Sweeps of which some hold the LSR, each a little earlier or later."""

    def sweeps(n_answered, n_sweeps=N_SWEEPS, size=1.0, seed=1):
        rng = np.random.default_rng(seed)
        drawn = rng.normal(0, 8.0, (n_sweeps, TIME_MS.size))
        for row in rng.permutation(n_sweeps)[:n_answered]:
            drawn[row] += size * lsr_at(rng.uniform(-0.4, 0.4))
        return drawn

    return sweeps


@pytest.fixture
def count(draw):
    answered = draw(20, n_sweeps=20, seed=2)
    return lambda silent: count_alike(silent, answered, TIME_MS, ONSET_MS)


@pytest.mark.parametrize("n_answered", [2, 8])
def test_the_sweeps_that_answered_are_counted(draw, count, n_answered):
    found = count(draw(n_answered))
    assert (found.n_sweeps, found.n_alike, found.by_chance) == (N_SWEEPS, n_answered, 0.0)
    assert found.tells


def test_silence_is_silence(draw, count):
    found = count(draw(0))
    assert found.n_alike == 0
    assert not found.tells


def test_sweeps_too_short_before_the_stimulus_are_compared_with_what_follows(draw):
    """Planted: six sweeps answer, and six hold the same 20 ms later, at one of seven places."""
    later = TIME_MS >= -8
    silent = draw(6)
    silent[:6] += lsr_at(20.0)
    found = count_alike(silent[:, later], draw(20, n_sweeps=20, seed=2)[:, later], TIME_MS[later], ONSET_MS)
    assert found.n_alike == 6
    assert found.by_chance == pytest.approx(6 / 7)


def test_a_fifth_of_the_size_is_no_full_response(draw, count):
    assert count(draw(40, size=0.2)).n_alike == 0


def test_bursts_that_resemble_it_anywhere_tell_nothing(draw, count):
    """Six sweeps with the waveform where the LSR would be, as many with it at each other place."""
    silent = draw(0)
    for row, late_ms in enumerate(np.repeat([0.0, *rare._ELSEWHERE_MS], 6)):
        silent[row] += lsr_at(late_ms)
    found = count(silent)
    assert found.n_alike >= 6
    assert found.by_chance >= 5
    assert not found.tells


def test_what_all_sweeps_hold_as_a_tail_is_no_response(draw, count):
    tail = 300.0 * np.exp(-np.clip(TIME_MS, 0, None) / 6) * (TIME_MS > 0)
    assert count(draw(0) + tail).n_alike == 0
    assert count(draw(5) + tail).n_alike == 5


@pytest.mark.parametrize(("begins_ms", "ends_ms"), [(-20.0, 30.0), (0.0, 37.0), (0.0, 20.0)])
def test_short_sweeps_tell_as_well(draw, begins_ms, ends_ms):
    short = (begins_ms <= TIME_MS) & (ends_ms > TIME_MS)
    answered = draw(20, n_sweeps=20, seed=2)[:, short]
    assert count_alike(draw(6)[:, short], answered, TIME_MS[short], ONSET_MS).n_alike == 6
    assert count_alike(draw(0)[:, short], answered, TIME_MS[short], ONSET_MS).n_alike == 0


def test_an_lsr_that_answers_now_and_then_has_not_disappeared(make_blocks):
    blocks = make_blocks(*["present"] * 4, *["absent"] * 4)

    def judged(n_alike):
        alike = [Alike(n_sweeps=20, n_alike=n_alike // 2, by_chance=0.1)] * 2
        counts = (None,) * 6 + tuple(alike)
        return judge_course(blocks, DetectionSettings(), alike=counts)

    assert judged(0).course == "disappeared"
    assert judged(6).course is None
    assert judged(6).residual is None
    assert [one.code for one in judged(6).warnings] == ["answers_now_and_then"]
    assert "6 of 40" in judged(6).warnings[0].message


@pytest.mark.parametrize(
    ("persistence", "n_silent", "course"),
    [(0.9, 12, "reappeared"), (0.35, 40, "reappeared"), (0.35, 12, "persisted"), (None, 12, "reappeared")],
)
def test_an_lsr_that_answers_one_in_three_may_leave_a_block_unanswered(
    make_blocks, persistence, n_silent, course
):
    """Planted: one of 12 stimuli of a block answered, as one in three were before and after: 'reappeared'."""
    blocks = list(make_blocks(*["present"] * 6, "absent", *["present"] * 5))
    for k, block in enumerate(blocks):
        told = {"n_stimuli_used": n_silent} if k == 6 else {"persistence": persistence}
        blocks[k] = replace(block, detection=replace(block.detection, **told))
    counts = [None] * 12
    counts[6] = Alike(n_sweeps=n_silent, n_alike=1, by_chance=0.0)
    judged = judge_course(blocks, DetectionSettings(), alike=counts)
    assert judged.course == course


@pytest.mark.parametrize(("n_silent", "course"), [(10, None), (60, "disappeared")])
def test_few_unanswered_stimuli_at_the_end_are_no_loss_of_an_lsr_that_seldom_answers(
    make_blocks, n_silent, course
):
    blocks = list(make_blocks(*["present"] * 4, *["absent"] * 2))
    for k, block in enumerate(blocks):
        told = {"n_stimuli_used": n_silent // 2} if k >= 4 else {"persistence": 0.25}
        blocks[k] = replace(block, detection=replace(block.detection, **told))
    judged = judge_course(blocks, DetectionSettings())
    assert judged.course == course
    assert [one.code for one in judged.warnings] == ([] if course else ["answers_now_and_then"])
