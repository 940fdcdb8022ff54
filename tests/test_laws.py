"""Laws that any method obeys: what must change an answer, and what must not."""

import numpy as np
import pytest

import lsr
from lsr.synthetic import DrawnSweeps, draw_sweeps


@pytest.fixture(scope="module")
def drawn() -> DrawnSweeps:
    return draw_sweeps(
        seed=11, n_sweeps=12, rate_hz=10_000, after_ms=50, snr=15, latency_ms=9.5, family="sharp"
    )


@pytest.fixture(scope="module")
def found(drawn):
    return lsr.detect(drawn.emg_uv, drawn.time_ms, drawn.direct_emg_uv)


def test_the_planted_response_is_found(drawn, found):
    assert found.presence == "present"
    assert found.onset_latency_ms == pytest.approx(drawn.truth.onset_ms, abs=0.5)


@pytest.mark.parametrize("gain", [0.1, 8.0])
def test_gain_scales_the_amplitude_and_nothing_else(drawn, found, gain):
    scaled = lsr.detect(gain * drawn.emg_uv, drawn.time_ms, gain * drawn.direct_emg_uv)
    assert scaled.presence == "present"
    assert scaled.onset_latency_ms == pytest.approx(found.onset_latency_ms, abs=0.05)
    assert scaled.amplitude_uv == pytest.approx(gain * found.amplitude_uv, rel=0.02)
    assert scaled.noise_uv == pytest.approx(gain * found.noise_uv, rel=0.02)
    assert scaled.persistence == pytest.approx(found.persistence, abs=0.1)


def test_polarity_moves_neither_onset_nor_size(drawn, found):
    turned = lsr.detect(-drawn.emg_uv, drawn.time_ms, -drawn.direct_emg_uv)
    assert turned.presence == "present"
    assert turned.onset_latency_ms == pytest.approx(found.onset_latency_ms, abs=0.05)
    assert turned.amplitude_uv == pytest.approx(found.amplitude_uv, rel=0.02)
    assert turned.persistence == pytest.approx(found.persistence, abs=0.1)


def test_a_level_added_to_all_samples_changes_nothing(drawn, found):
    raised = lsr.detect(drawn.emg_uv + 300.0, drawn.time_ms, drawn.direct_emg_uv - 70.0)
    assert raised.presence == "present"
    assert raised.onset_latency_ms == pytest.approx(found.onset_latency_ms, abs=0.1)
    assert raised.amplitude_uv == pytest.approx(found.amplitude_uv, rel=0.05)


@pytest.mark.parametrize("later_ms", [-1.5, 2.0])
def test_a_response_that_comes_later_is_reported_later(later_ms):
    time_ms = np.arange(-40.0, 50.0, 0.1)
    since = np.maximum(time_ms - 9.0, 0.0)
    response = 150.0 * since**1.5 * np.exp(-since) * (1.0 - since / 3.0)
    emg_uv = response + np.random.default_rng(5).normal(0.0, 5.0, (10, time_ms.size))
    here = lsr.detect(emg_uv, time_ms)
    there = lsr.detect(np.roll(emg_uv, round(later_ms / 0.1), axis=1), time_ms)
    assert here.presence == there.presence == "present"
    assert there.onset_latency_ms - here.onset_latency_ms == pytest.approx(later_ms, abs=0.2)


def test_the_sampling_rate_does_not_move_the_onset():
    found = {}
    for rate_hz in (5_000, 10_000, 20_000):
        drawn = draw_sweeps(
            seed=23, n_sweeps=10, rate_hz=rate_hz, after_ms=50, snr=20, latency_ms=10.3, jitter_ms=0.05
        )
        found[rate_hz] = lsr.detect(drawn.emg_uv, drawn.time_ms, drawn.direct_emg_uv)
        assert found[rate_hz].onset_latency_ms == pytest.approx(drawn.truth.onset_ms, abs=0.5)
    # each rate has its own noise, and an amplifier that lets less through at lower rates
    assert found[10_000].amplitude_uv == pytest.approx(found[20_000].amplitude_uv, rel=0.2)


def test_leaving_out_every_second_sample_hardly_moves_the_onset(drawn, found):
    thinned = lsr.detect(drawn.emg_uv[:, ::2], drawn.time_ms[::2], drawn.direct_emg_uv[:, ::2])
    assert thinned.presence == "present"
    assert thinned.onset_latency_ms == pytest.approx(found.onset_latency_ms, abs=0.3)


def test_the_order_of_sweeps_does_not_matter(drawn, found):
    order = np.random.default_rng(1).permutation(drawn.emg_uv.shape[0])
    mixed = lsr.detect(drawn.emg_uv[order], drawn.time_ms, drawn.direct_emg_uv[order])
    assert mixed.presence == found.presence
    assert mixed.onset_latency_ms == pytest.approx(found.onset_latency_ms, abs=0.02)
    assert mixed.amplitude_uv == pytest.approx(found.amplitude_uv, rel=1e-3)
    assert [mixed.sweeps[i].present for i in np.argsort(order)] == [one.present for one in found.sweeps]


def test_sweeps_of_noise_lower_the_persistence_and_not_the_presence():
    same = {"seed": 4, "rate_hz": 10_000, "after_ms": 50, "noise_uv": 5.0, "family": "sharp"}
    answered = draw_sweeps(n_sweeps=12, snr=25, persistence=1.0, latency_ms=9.5, **same)
    silent = draw_sweeps(n_sweeps=12, present=False, **same | {"seed": 904})
    before = lsr.detect(answered.emg_uv, answered.time_ms)
    after = lsr.detect(np.vstack([answered.emg_uv, silent.emg_uv]), answered.time_ms)
    assert before.presence == after.presence == "present"
    assert before.persistence > 0.85
    assert after.persistence == pytest.approx(before.persistence / 2, abs=0.15)
    assert after.onset_latency_ms == pytest.approx(before.onset_latency_ms, abs=0.3)


def test_repeating_every_sweep_moves_neither_onset_nor_size(drawn, found):
    doubled = lsr.detect(
        np.vstack([drawn.emg_uv, drawn.emg_uv]),
        drawn.time_ms,
        np.vstack([drawn.direct_emg_uv, drawn.direct_emg_uv]),
    )
    assert doubled.presence == "present"
    assert doubled.onset_latency_ms == pytest.approx(found.onset_latency_ms, abs=0.2)
    assert doubled.amplitude_uv == pytest.approx(found.amplitude_uv, rel=0.1)


def test_the_same_sweeps_give_the_same_detection_to_the_last_bit(drawn, found):
    again = lsr.detect(drawn.emg_uv, drawn.time_ms, drawn.direct_emg_uv)
    assert again == found
    assert again.average_uv.tobytes() == found.average_uv.tobytes()
    assert again.time_ms.tobytes() == found.time_ms.tobytes()


def test_the_sweeps_given_are_left_as_they_were(drawn):
    emg_uv, time_ms, direct_uv = drawn.emg_uv.copy(), drawn.time_ms.copy(), drawn.direct_emg_uv.copy()
    for array in (emg_uv, time_ms, direct_uv):
        array.setflags(write=False)
    lsr.detect(emg_uv, time_ms, direct_uv)
    np.testing.assert_array_equal(emg_uv, drawn.emg_uv)


def test_single_precision_is_enough(drawn, found):
    single = lsr.detect(
        drawn.emg_uv.astype(np.float32), drawn.time_ms, drawn.direct_emg_uv.astype(np.float32)
    )
    assert single.onset_latency_ms == pytest.approx(found.onset_latency_ms, abs=0.02)
    assert single.amplitude_uv == pytest.approx(found.amplitude_uv, rel=1e-3)
