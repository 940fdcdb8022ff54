"""Planted bursts are found, and nothing else is taken for one."""

import numpy as np
import pytest

from lsr.spontaneous.bursts import find_bursts
from lsr.synthetic.amplifier import Amplifier
from lsr.synthetic.nuisances import (
    burst_envelope,
    draw_burst_times,
    draw_drift,
    draw_ecg,
    draw_hum,
    draw_noise,
)
from lsr.synthetic.streams import stream

RATE_HZ = 5000.0
SECONDS = 30.0
TIME_S = np.arange(0, SECONDS, 1 / RATE_HZ)


def noise(seed, name, kind):
    amplifier = Amplifier().at_rate(RATE_HZ)
    return draw_noise(stream(seed, name), (1, TIME_S.size), RATE_HZ, kind=kind, amplifier=amplifier)[0]


def draw_emg(seed, *, kind="gaussian", times_background=3.0, n_bursts=25, **nuisances):
    """EMG with bursts, and when they were planted: rows of start and stop."""
    planted = draw_burst_times(stream(seed, "bursts"), 0.1, SECONDS - 0.3, n_bursts)
    level = burst_envelope(planted, TIME_S) if n_bursts else 0.0
    emg_uv = 5 * noise(seed, "noise", kind) + 5 * times_background * level * noise(seed, "burst", kind)
    if "hum_uv" in nuisances:
        emg_uv += nuisances["hum_uv"] * draw_hum(stream(seed, "hum"), TIME_S, mains_hz=50.0)
    if "ecg_uv" in nuisances:
        emg_uv += nuisances["ecg_uv"] * draw_ecg(stream(seed, "ecg"), TIME_S)
    if "drift_uv" in nuisances:
        emg_uv += nuisances["drift_uv"] * draw_drift(stream(seed, "drift"), TIME_S)
    return emg_uv, np.column_stack([planted[:, 0], planted.sum(axis=1)])


def compare(found, planted):
    """How many planted bursts are missed, how many found are invented."""
    meets = (found.start_s[:, None] < planted[:, 1]) & (found.stop_s[:, None] > planted[:, 0])
    return int((~meets.any(axis=0)).sum()), int((~meets.any(axis=1)).sum())


@pytest.mark.parametrize("kind", ["gaussian", "laplace", "modulated", "shot"])
def test_at_three_times_the_background_hardly_a_burst_is_missed_or_invented(kind):
    missed = invented = 0
    for seed in range(2):
        emg_uv, planted = draw_emg(seed, kind=kind, hum_uv=4.0, ecg_uv=40.0, drift_uv=30.0)
        more = compare(find_bursts(emg_uv, RATE_HZ), planted)
        missed, invented = missed + more[0], invented + more[1]
    assert missed <= 0.05 * 50
    assert invented <= 0.05 * 50


@pytest.mark.parametrize("kind", ["gaussian", "laplace", "shot"])
def test_a_muscle_at_rest_shows_no_burst(kind):
    emg_uv, _ = draw_emg(11, kind=kind, n_bursts=0, hum_uv=10.0, ecg_uv=80.0, drift_uv=50.0)
    found = find_bursts(emg_uv, RATE_HZ)
    assert found.start_s.size == 0
    assert found.observed_s == pytest.approx(SECONDS)


def test_a_burst_is_found_where_and_as_long_as_it_was():
    emg_uv, planted = draw_emg(3, times_background=6.0, n_bursts=12)
    found = find_bursts(emg_uv, RATE_HZ)
    for start_s, stop_s in planted:
        near = np.argmin(np.abs(found.start_s - start_s))
        if np.abs(planted[:, 0] - start_s).size and np.sum(np.abs(planted[:, 0] - start_s) < 0.4) == 1:
            assert found.start_s[near] == pytest.approx(start_s, abs=0.008)
            assert found.stop_s[near] == pytest.approx(stop_s, abs=0.012)


def test_scale_and_polarity_change_nothing():
    emg_uv, _ = draw_emg(5)
    found, other = find_bursts(emg_uv, RATE_HZ), find_bursts(-7 * emg_uv, RATE_HZ)
    np.testing.assert_allclose(found.start_s, other.start_s)


def test_whole_numbers_are_samples_too():
    emg_uv, _ = draw_emg(5)
    whole = np.round(100 * emg_uv).astype(np.int32)
    found, other = find_bursts(whole, RATE_HZ), find_bursts(whole.astype(float), RATE_HZ)
    assert found.start_s.size
    np.testing.assert_array_equal(found.start_s, other.start_s)


def test_what_is_blanked_is_not_looked_at():
    emg_uv, planted = draw_emg(6, times_background=8.0)
    blanked = np.zeros(TIME_S.size, dtype=bool)
    for start_s, stop_s in planted:
        blanked |= (start_s - 0.02 < TIME_S) & (stop_s + 0.02 > TIME_S)
    found = find_bursts(emg_uv, RATE_HZ, blanked)
    assert found.start_s.size == 0
    assert found.observed_s == pytest.approx((~blanked).sum() / RATE_HZ)


def test_a_burst_that_lasts_through_a_stimulus_is_one():
    rng = np.random.default_rng(8)
    active = (TIME_S > 10.0) & (TIME_S < 10.5)
    emg_uv = rng.normal(0, 5, TIME_S.size) * np.where(active, 5, 1)
    blanked = (TIME_S > 10.2) & (TIME_S < 10.3)
    found = find_bursts(emg_uv, RATE_HZ, blanked)
    assert found.start_s.size == 1
    assert found.stop_s[0] - found.start_s[0] == pytest.approx(0.5, abs=0.02)
    assert found.active_s[0] == pytest.approx(0.4, abs=0.02)


@pytest.mark.parametrize("times_background", [4.0, 8.0])
@pytest.mark.parametrize(("stop_s", "active_s"), [(4.1, 0.1), (4.3, 0.2)])
def test_a_burst_is_timed_to_a_few_milliseconds_beside_what_is_hidden_too(times_background, stop_s, active_s):
    """Planted from 4 s on, hidden from 4.1 to 4.2 s: it ends there, or goes on after it."""
    time_s = np.arange(0, 10, 1 / RATE_HZ)
    hidden = (time_s >= 4.1) & (time_s < 4.2)
    for seed in range(3):
        rng = np.random.default_rng(seed)
        is_burst = (time_s >= 4.0) & (time_s < stop_s)
        emg_uv = rng.normal(0, 5, time_s.size) * np.where(is_burst, times_background, 1)
        found = find_bursts(emg_uv, RATE_HZ, hidden)
        assert found.start_s == pytest.approx([4.0], abs=0.003)
        assert found.stop_s == pytest.approx([stop_s], abs=0.005)
        assert found.active_s == pytest.approx([active_s], abs=0.006)
        assert found.observed_s == pytest.approx(9.9)


def test_a_technical_spike_is_no_burst():
    rng = np.random.default_rng(9)
    emg_uv = rng.normal(0, 5, TIME_S.size)
    emg_uv[[50_000, 120_000]] += 2000.0
    found = find_bursts(emg_uv, RATE_HZ)
    assert found.start_s.size == 0
    assert found.n_spikes == 2


@pytest.mark.parametrize("planted_hz", [60.0, 120.0, 250.0])
def test_the_discharge_frequency_is_that_of_the_motor_unit(planted_hz):
    rng = np.random.default_rng(10)
    emg_uv = rng.normal(0, 5, TIME_S.size)
    unit_ms = np.arange(0, 2.4, 1e3 / RATE_HZ)
    unit_uv = 300 * np.exp(-(((unit_ms - 0.7) / 0.35) ** 2)) - 200 * np.exp(-(((unit_ms - 1.5) / 0.5) ** 2))
    for burst_s in (5.0, 15.0, 25.0):
        for k in range(10):
            first = round((burst_s + k / planted_hz) * RATE_HZ)
            emg_uv[first : first + unit_uv.size] += unit_uv
    found = find_bursts(emg_uv, RATE_HZ)
    assert found.start_s.size == 3
    assert np.median(found.discharge_hz) == pytest.approx(planted_hz, rel=0.1)


def test_too_little_emg_tells_nothing():
    assert find_bursts(np.zeros(500), RATE_HZ).observed_s == 0.0
    assert find_bursts(np.zeros(20_000), RATE_HZ).start_s.size == 0
    assert find_bursts(np.random.default_rng(1).normal(size=2000), 200.0).observed_s == 0.0


@pytest.mark.parametrize("seed", range(3))
def test_hum_that_hidden_stretches_interrupt_is_no_burst(seed):
    """Planted: hum of 60 uV over noise of 1 uV, half of it hidden, and one burst of 60 ms."""
    rng = np.random.default_rng(seed)
    time_s = np.arange(0, 10, 1 / 5000)
    emg_uv = rng.normal(0, 1, time_s.size)
    for order, size_uv in ((1, 60), (3, 6), (5, 4), (7, 2)):
        emg_uv += size_uv * np.cos(2 * np.pi * 60.01 * order * time_s + order)
    hidden = (time_s * 5) % 1 < 0.515
    assert not find_bursts(emg_uv, 5000.0, hidden).start_s.size
    emg_uv += rng.normal(0, 5, time_s.size) * ((time_s > 4.12) & (time_s < 4.18))
    found = find_bursts(emg_uv, 5000.0, hidden)
    assert found.start_s.size == 1
    assert 4.11 < found.start_s[0] < found.stop_s[0] < 4.19
