"""Over many pairs, chance findings are kept rare."""

import numpy as np
import pytest

from lsr.findings.multiplicity import holm


def test_one_pair_needs_no_adjustment():
    assert holm([0.02]) == [0.02]
    assert holm([]) == []


def test_adjusted_p_values_keep_the_order_and_stay_probabilities():
    rng = np.random.default_rng(2)
    p_values = rng.uniform(0, 1, 12)
    adjusted = np.array(holm(p_values.tolist()))
    assert (np.argsort(adjusted, kind="stable") == np.argsort(p_values, kind="stable")).all() or (
        np.diff(adjusted[np.argsort(p_values)]) >= 0
    ).all()
    assert ((adjusted >= p_values) & (adjusted <= 1)).all()


def test_family_wise_errors_stay_below_alpha():
    rng = np.random.default_rng(3)
    errors = sum(min(holm(rng.uniform(0, 1, 6).tolist())) <= 0.05 for _ in range(2000))
    assert errors / 2000 == pytest.approx(0.05, abs=0.015)
