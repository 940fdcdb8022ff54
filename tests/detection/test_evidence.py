"""Responses are compared with the average as though each were drawn at its start and whitened alone."""

import numpy as np
import pytest

import lsr
from lsr.detection.evidence import Model, fit, start_numbers
from lsr.detection.waveform import FAMILIES, SEARCH_FAMILIES


@pytest.fixture
def model():
    rng = np.random.default_rng(4)
    time_ms = 1.4 + 0.2 * np.arange(90)
    nuisances = rng.normal(0, 5, (90, 7)) * np.exp(-0.1 * time_ms)[:, None]
    return Model.build(time_ms, rng.normal(0, 2, 90), np.eye(90) / 1.5, nuisances)


@pytest.mark.parametrize("family", [*SEARCH_FAMILIES, FAMILIES[0], FAMILIES[-1]])
@pytest.mark.parametrize(
    ("low_ms", "high_ms", "step_ms"),
    [(4.5, 14.0, 0.4), (7.0, 9.0, 0.1), (0.2, 3.0, 0.1), (17.0, 25.0, 0.5), (8.0, 8.0, 0.1)],
)
def test_every_start_is_fitted_as_if_alone(model, family, low_ms, high_ms, step_ms):
    found = fit(model, start_numbers(model, low_ms, high_ms, step_ms), family)
    for start_ms, gram, moment in zip(found.starts_ms, found.gram, found.moment, strict=True):
        white = model.root @ family.bumps(model.time_ms - start_ms)
        np.testing.assert_allclose(gram, white.T @ white, rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(moment, white.T @ model.whitened, rtol=1e-9, atol=1e-9)


def test_sweeps_that_end_with_the_window_are_judged():
    time_ms = np.arange(-40, 14.21, 0.1)
    since = np.maximum(time_ms - 12.8, 0.0)
    noise = np.random.default_rng(3).normal(0, 2, (20, time_ms.size))
    found = lsr.detect(300 * since**2 * np.exp(-4 * since) + noise, time_ms)
    assert found.presence.value in ("present", "indeterminate")
