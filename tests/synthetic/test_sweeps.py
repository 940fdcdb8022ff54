"""Synthetic sweeps: what their truth says is in them, and adding a nuisance changes nothing else."""

import numpy as np
import pytest

from lsr.synthetic import draw_sweeps
from lsr.synthetic.families import FAMILIES
from lsr.synthetic.sweeps import NUISANCES


def planted(**arguments):
    """The response alone: sweeps with it minus the same sweeps without."""
    there = draw_sweeps(present=True, **arguments)
    gone = draw_sweeps(present=False, **arguments)
    return there, there.emg_uv - gone.emg_uv


@pytest.mark.parametrize("family", [*FAMILIES, "any"])
def test_the_true_onset_is_where_the_mean_response_exceeds_a_twentieth_of_its_peak(family):
    drawn, response_uv = planted(seed=11, n_sweeps=40, family=family, between_samples=False)
    answered = np.array([sweep.present for sweep in drawn.truth.sweeps])
    mean_uv = response_uv[answered].mean(axis=0)
    found_ms = drawn.time_ms[np.argmax(np.abs(mean_uv) > 0.05 * np.abs(mean_uv).max())]
    assert found_ms == pytest.approx(drawn.truth.onset_ms, abs=0.06)
    assert np.ptp(mean_uv) == pytest.approx(drawn.truth.amplitude_uv, rel=0.02)


def test_snr_is_the_median_amplitude_of_answered_sweeps_over_the_noise():
    drawn, response_uv = planted(seed=5, n_sweeps=60, snr=8.0, noise_uv=4.0)
    answered = [sweep.present for sweep in drawn.truth.sweeps]
    assert np.median(np.ptp(response_uv[answered], axis=1)) == pytest.approx(32.0, rel=0.03)
    assert drawn.emg_uv[:, drawn.time_ms < -1].std() == pytest.approx(4.0, rel=0.1)


def test_sweeps_that_are_not_answered_hold_no_response():
    drawn, response_uv = planted(seed=6, n_sweeps=30, persistence=0.5)
    answered = np.array([sweep.present for sweep in drawn.truth.sweeps])
    assert drawn.truth.persistence == answered.mean()
    assert not response_uv[~answered].any()
    assert np.ptp(response_uv[answered], axis=1).min() > 0


@pytest.mark.parametrize("nuisance", [*NUISANCES, "mixed"])
def test_a_nuisance_changes_neither_response_nor_truth(nuisance):
    clean = draw_sweeps(seed=8, n_sweeps=4)
    hurt = draw_sweeps(seed=8, n_sweeps=4, nuisance=nuisance)
    assert hurt.truth.onset_ms == clean.truth.onset_ms
    assert hurt.truth.sweeps == clean.truth.sweeps
    if nuisance == "mixed":
        assert len(hurt.truth.nuisances) >= 2
    else:
        assert hurt.truth.nuisances == (nuisance,)
    assert not np.allclose(hurt.emg_uv, clean.emg_uv)


def test_the_same_seed_draws_the_same_sweeps():
    first, second = (draw_sweeps(seed=9, n_sweeps=3, nuisance="mixed") for _ in range(2))
    np.testing.assert_array_equal(first.emg_uv, second.emg_uv)
    assert first.truth == second.truth
    assert not np.array_equal(first.emg_uv, draw_sweeps(seed=10, n_sweeps=3, nuisance="mixed").emg_uv)


def test_the_direct_muscle_shows_an_m_wave_where_the_truth_says():
    drawn = draw_sweeps(seed=3, n_sweeps=50, m_wave_uv=1500.0)
    mean_uv = drawn.direct_emg_uv.mean(axis=0)
    late = drawn.time_ms > 1.5
    peak_ms = drawn.time_ms[late][np.argmax(np.abs(mean_uv[late]))]
    assert 2.5 <= drawn.truth.m_wave_onset_ms <= 5.0
    assert drawn.truth.m_wave_onset_ms < peak_ms < drawn.truth.m_wave_onset_ms + 6.0
    assert np.ptp(mean_uv[late]) == pytest.approx(1500.0, rel=0.1)


def test_a_stimulus_that_did_nothing_leaves_no_m_wave():
    drawn = draw_sweeps(seed=3, n_sweeps=5, m_wave_uv=0.0, present=False)
    assert drawn.truth.m_wave_onset_ms is None
    assert drawn.truth.onset_ms is None
    assert np.abs(drawn.direct_emg_uv[:, drawn.time_ms > 3].mean(axis=0)).max() < 60.0


@pytest.mark.parametrize("rate_hz", [2_000.0, 5_000.0, 32_000.0])
def test_the_rate_changes_the_samples_and_hardly_the_truth(rate_hz):
    drawn = draw_sweeps(seed=4, n_sweeps=3, rate_hz=rate_hz, latency_ms=9.0, before_ms=0.0, after_ms=60.0)
    assert drawn.time_ms[0] == 0.0
    assert drawn.emg_uv.shape == (3, round(0.06 * rate_hz) + 1)
    assert drawn.truth.onset_ms == pytest.approx(9.0, abs=1.0)


def test_saturated_sweeps_stay_at_the_rail():
    drawn = draw_sweeps(seed=2, n_sweeps=3, nuisance="saturation")
    rail_uv = np.abs(drawn.emg_uv).max()
    assert (np.abs(drawn.emg_uv) == rail_uv).sum(axis=1).min() > 10


def test_a_name_nobody_knows_is_refused():
    with pytest.raises(ValueError, match="unknown nuisance 'fog'"):
        draw_sweeps(seed=1, nuisance="fog")
    with pytest.raises(ValueError, match="unknown family 'smoth'"):
        draw_sweeps(seed=1, family="smoth")
