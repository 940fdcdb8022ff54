"""Branches that take turns show by the muscles that answer."""

import numpy as np
import pytest

from lsr.anatomy import Muscle, Side
from lsr.detection.m_wave import read_direct
from lsr.findings.pairs import Site
from lsr.findings.turns import find_turns
from lsr.settings import DetectionSettings

TIME_MS = np.arange(-40.0, 60.0, 0.2)
EYE = Site(channel=0, label="R O.Oculi", muscle=Muscle.ORBICULARIS_OCULI, side=Side.RIGHT, relation=None)
CHIN = Site(channel=1, label="R Mentalis", muscle=Muscle.MENTALIS, side=Side.RIGHT, relation=None)
OTHER_EYE = Site(channel=1, label="L O.Oculi", muscle=Muscle.ORBICULARIS_OCULI, side=Side.LEFT, relation=None)
JAW = Site(channel=1, label="R DAO", muscle=Muscle.DEPRESSOR_ANGULI_ORIS, side=Side.RIGHT, relation=None)


def draw_muscle(answers, *, seed):
    """Sweeps of a muscle with an M wave of 900 uV where it answers, 3 % of it as crosstalk where not."""
    since = np.clip(TIME_MS - 3.5, 0, None)
    wave = 3000.0 * since**2 * np.exp(-since) * (1 - since / 3)
    noise_uv = np.random.default_rng(seed).normal(0, 4.0, (answers.size, TIME_MS.size))
    sizes = np.where(answers, 1.0, 0.03) * np.random.default_rng(seed + 9).normal(1, 0.05, answers.size)
    return read_direct(sizes[:, None] * wave + noise_uv, TIME_MS, DetectionSettings())


def turns(first, second, sites=(EYE, CHIN)):
    read = {0: draw_muscle(np.array(first), seed=1), 1: draw_muscle(np.array(second), seed=2)}
    return find_turns(sites, read)


BY_TURNS = np.arange(60) % 2 == 0
IN_BLOCKS = np.arange(60) < 40


@pytest.mark.parametrize("answers", [BY_TURNS, IN_BLOCKS])
@pytest.mark.parametrize("second", [CHIN, OTHER_EYE])
def test_muscles_that_answer_different_stimuli_take_turns(answers, second):
    assert turns(answers, ~answers, (EYE, second)) == (EYE, second)


def test_muscles_that_answer_alike_or_not_at_all_take_none():
    every = np.ones(60, dtype=bool)
    assert turns(every, every) is None
    assert turns(BY_TURNS, BY_TURNS) is None
    assert turns(every, ~every) is None
    assert turns(IN_BLOCKS, every) is None  # weak currents reach one of them alone


def test_muscles_of_one_branch_take_no_turns():
    assert turns(BY_TURNS, ~BY_TURNS, (CHIN, JAW)) is None
