"""How often is a block without a response called present? As often as the level says, and not much less."""

import numpy as np
import pytest
from scipy.stats import binom

import lsr
from lsr.synthetic import draw_sweeps

pytestmark = pytest.mark.slow

NUISANCES = ("clean", "hum", "tail", "bursts")
N_SWEEPS = (2, 5, 20)
N_EACH = 170  # of every nuisance and number of sweeps: 2040 in all


def draw_null(*, seed, **changes):
    return draw_sweeps(**{"seed": seed, "rate_hz": 5_000, "after_ms": 45, "present": False} | changes)


@pytest.fixture(scope="module")
def p_values():
    """Of blocks without a response, shape (n_numbers_of_sweeps, n_blocks)."""
    found = []
    for n_sweeps in N_SWEEPS:
        for number in range(N_EACH * len(NUISANCES)):
            nuisance = NUISANCES[number % len(NUISANCES)]
            drawn = draw_null(seed=70_000 + number, n_sweeps=n_sweeps, nuisance=nuisance)
            found.append(lsr.detect(drawn.emg_uv, drawn.time_ms, drawn.direct_emg_uv).p_value)
    return np.array(found, float).reshape(len(N_SWEEPS), -1)


@pytest.mark.parametrize("alpha", [0.01, 0.05])
def test_no_more_nulls_are_called_present_than_the_level_allows(p_values, alpha):
    assert np.isfinite(p_values).all()
    # 1 in 1000 right implementations would exceed this
    assert (p_values <= alpha).sum() <= binom.ppf(0.999, p_values.size, alpha)


@pytest.mark.parametrize("row", range(len(N_SWEEPS)))
def test_few_sweeps_keep_the_level_as_many_do(p_values, row):
    assert (p_values[row] <= 0.01).sum() <= binom.ppf(0.999, p_values[row].size, 0.01)


def test_the_level_is_used(p_values):
    """P-values that are always too large would hide responses: half of the level is the least."""
    assert (p_values <= 0.1).sum() >= binom.ppf(0.001, p_values.size, 0.05)


def test_p_values_of_nulls_are_no_certainties(p_values):
    assert p_values[1:].min() > 1e-5
    assert np.sort(p_values[0])[1] > 1e-5  # of two sweeps nothing tells a burst: one may be anything
    assert p_values.max() <= 1.0
