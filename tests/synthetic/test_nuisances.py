"""Nuisances: each is what it is called, and has the size it states."""

import numpy as np
import pytest

from lsr.synthetic.amplifier import Amplifier
from lsr.synthetic.families import CROSSTALKS, NOISES, TAILS
from lsr.synthetic.nuisances import (
    burst_envelope,
    draw_artifact,
    draw_crosstalk,
    draw_drift,
    draw_ecg,
    draw_hum,
    draw_noise,
    spike_wave,
    tail_waves,
)
from lsr.synthetic.responses import draw_firing, draw_m_wave
from lsr.synthetic.streams import stream
from lsr.synthetic.waveforms import fine_time_ms, start_ms


def test_the_spike_of_the_pulse_is_biphasic_and_over_within_a_millisecond():
    spike = spike_wave()
    assert spike.max() > 0.5
    assert spike.min() < -0.2
    assert np.abs(spike[fine_time_ms() > 1.0]).max() < 1e-3


@pytest.mark.parametrize("kind", TAILS)
@pytest.mark.parametrize("seed", range(5))
def test_a_tail_outlasts_the_pulse_and_dies_out(kind, seed):
    tail = tail_waves(stream(seed), kind).mean(axis=0)
    assert np.abs(tail[fine_time_ms() >= 2.0]).max() == pytest.approx(1.0)
    assert abs(tail[-1]) < 0.2


def test_an_alternating_stimulator_turns_the_artifact_and_not_its_shape():
    artifact = draw_artifact(stream(1), 4, spike_uv=100.0, tail_uv=10.0, variation=0.0, alternating=True)
    np.testing.assert_allclose(artifact.weights[0], -artifact.weights[1])
    np.testing.assert_allclose(artifact.weights[0], artifact.weights[2])


@pytest.mark.parametrize("kind", CROSSTALKS)
def test_a_copy_of_the_m_wave_starts_with_it(kind):
    m_wave = draw_m_wave(stream(4), latency_ms=3.8, shape="gamma", amplifier=Amplifier())
    firing = draw_firing(stream(5), m_wave, 3, unit_dropout=0.0)
    copy = draw_crosstalk(stream(6), m_wave.units, firing.weights, kind)
    nominal = copy.waves.sum(axis=0)
    assert np.ptp(nominal) == pytest.approx(1.0)
    assert 3.6 < start_ms(nominal, fine_time_ms()) < 5.3


@pytest.mark.parametrize("kind", NOISES)
def test_noise_has_a_standard_deviation_of_one_and_no_offset(kind):
    noise = draw_noise(stream(1), (10, 4000), 10_000.0, kind=kind, amplifier=Amplifier())
    assert noise.shape == (10, 4000)
    assert noise.std() == pytest.approx(1.0)
    assert abs(noise.mean()) < 0.05


def test_shot_noise_is_further_from_gaussian_than_gaussian_noise():
    def excess(kind):
        noise = draw_noise(
            stream(2), (1, 100_000), 10_000.0, kind=kind, amplifier=Amplifier(), background=0.9
        )
        return np.mean(noise**4) - 3.0

    assert abs(excess("gaussian")) < 0.3
    assert excess("shot") > 1.0


def test_hum_locked_to_the_stimuli_is_the_same_in_every_sweep():
    stimuli_s = 1.0 + np.arange(5)[:, None]
    time_s = stimuli_s + np.arange(0, 0.05, 1e-4)[None, :]
    locked = draw_hum(stream(1), time_s, mains_hz=50.0)
    free = draw_hum(stream(1), time_s, mains_hz=50.13)
    np.testing.assert_allclose(locked[0], locked[4], atol=1e-9)
    assert np.abs(free[0] - free[4]).max() > 0.1


def test_an_ecg_beats_about_once_a_second():
    time_s = np.arange(0.0, 30.0, 0.001)
    ecg = draw_ecg(stream(1), time_s)
    beats = np.flatnonzero((ecg[1:-1] > 0.6) & (ecg[1:-1] >= ecg[:-2]) & (ecg[1:-1] > ecg[2:]))
    assert 25 <= len(beats) <= 45


def test_drift_is_slow():
    drift = draw_drift(stream(1), np.arange(0.0, 10.0, 0.001))
    assert np.sqrt(np.mean(drift**2)) == pytest.approx(1.0)
    assert np.abs(np.diff(drift)).max() < 0.1


def test_a_burst_lasts_as_long_as_it_says():
    time_s = np.arange(0.0, 1.0, 0.001)
    level = burst_envelope(np.array([[0.3, 0.1]]), time_s)
    assert level[350] == 1.0
    assert not level[time_s < 0.299].any()
    assert not level[time_s > 0.401].any()
