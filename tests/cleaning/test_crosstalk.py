"""A copy of the M wave is no response, and taking it out neither creates nor erases one."""

import numpy as np
import pytest

import lsr
from lsr.cleaning.crosstalk import copy_columns, dispersed_columns
from lsr.synthetic import draw_sweeps
from lsr.synthetic.families import FAMILIES

TIME_MS = np.arange(-10.0, 40.0, 0.1)


def m_wave():
    since = np.maximum(TIME_MS - 3.5, 0.0)
    return 800.0 * since * np.exp(-since) * (1.0 - since / 4.0)


@pytest.mark.parametrize("delay_ms", [0.0, 0.4])
def test_a_delayed_and_smoothed_copy_is_a_sum_of_the_columns(delay_ms):
    wave = m_wave()
    kernel = np.exp(-np.arange(0, 2.0, 0.1) / 0.3)
    copy = np.convolve(np.interp(TIME_MS - delay_ms, TIME_MS, wave), kernel / kernel.sum())[: TIME_MS.size]
    columns = copy_columns(wave, TIME_MS, start_ms=1.5, at_ms=TIME_MS)
    fitted = columns @ np.linalg.lstsq(columns, copy, rcond=None)[0]
    after = TIME_MS > 2.5
    assert np.abs(fitted - copy)[after].max() < 0.03 * np.ptp(copy)


def test_a_response_four_milliseconds_later_is_no_copy():
    """Copies end with the M wave: what starts when it is over cannot be made of them."""
    columns = copy_columns(m_wave(), TIME_MS, start_ms=1.5, at_ms=TIME_MS)
    since = np.maximum(TIME_MS - 16.0, 0.0)
    response = np.where(since > 0, np.sin(2 * np.pi * since / 3) * np.exp(-since / 2), 0.0)
    fitted = columns @ np.linalg.lstsq(columns, response, rcond=None)[0]
    assert np.sum(fitted**2) < 0.2 * np.sum(response**2)


@pytest.mark.parametrize("factor", [1.15, 1.45])
def test_a_dispersed_copy_is_a_sum_of_the_columns(factor):
    wave, begins_ms = m_wave(), 3.5
    copy = np.interp(begins_ms + (TIME_MS - begins_ms) / factor, TIME_MS, wave)
    usual, dispersed = (
        make(wave, TIME_MS, start_ms=1.5, at_ms=TIME_MS) for make in (copy_columns, dispersed_columns)
    )
    both = np.concatenate([usual, dispersed], axis=1)
    left = [
        np.abs(columns @ np.linalg.lstsq(columns, copy, rcond=None)[0] - copy)[TIME_MS > 2.5].max()
        for columns in (usual, both)
    ]
    assert left[1] < 0.03 * np.ptp(copy)
    assert left[1] < 0.2 * left[0]


def test_a_dispersed_copy_alone_is_seldom_a_response():
    wave, called = m_wave(), 0
    for seed in range(12):
        rng = np.random.default_rng(seed)
        sizes = rng.normal(1.0, 0.05, (40, 1))
        factor = rng.uniform(1.2, 1.5)
        copy = 0.03 * np.interp(3.5 + (TIME_MS - 3.5) / factor, TIME_MS, wave)
        emg_uv = copy * sizes + rng.normal(0.0, 4.0, (40, TIME_MS.size))
        direct = wave * sizes + rng.normal(0.0, 5.0, (40, TIME_MS.size))
        called += lsr.detect(emg_uv, TIME_MS, direct).presence == "present"
    assert called <= 1


@pytest.mark.parametrize("family", ["smooth", "sharp", "irregular"])
def test_a_planted_response_outlives_the_crosstalk(family):
    drawn = draw_sweeps(
        seed=400, n_sweeps=20, rate_hz=10_000, after_ms=50, snr=25, latency_ms=11.5, nuisance="crosstalk",
        family=family, strength=0.5,
    )  # fmt: skip
    found = lsr.detect(drawn.emg_uv, drawn.time_ms, drawn.direct_emg_uv)
    assert found.presence == "present"
    assert found.onset_latency_ms == pytest.approx(drawn.truth.onset_ms, abs=1.0)


def test_crosstalk_alone_is_seldom_a_response_whatever_its_kind():
    called = 0
    for i, family in enumerate([*FAMILIES, *FAMILIES]):
        drawn = draw_sweeps(
            seed=410 + i, n_sweeps=20, rate_hz=5_000, after_ms=50, present=False, nuisance="crosstalk",
            family=family,
        )  # fmt: skip
        called += lsr.detect(drawn.emg_uv, drawn.time_ms, drawn.direct_emg_uv).presence == "present"
    assert called <= 1


def test_a_response_of_the_m_waves_shape_but_later_is_kept():
    """The direct muscle's wave, again at 10 ms: its time, not its shape, tells that it is no copy."""
    rng = np.random.default_rng(6)
    wave = m_wave()
    direct = wave * rng.normal(1.0, 0.05, (20, 1)) + rng.normal(0.0, 5.0, (20, TIME_MS.size))
    later = 0.1 * np.interp(TIME_MS - 6.5, TIME_MS, wave)
    emg_uv = 0.05 * wave + later + rng.normal(0.0, 4.0, (20, TIME_MS.size))
    found = lsr.detect(emg_uv, TIME_MS, direct)
    assert found.presence == "present"
    assert found.onset_latency_ms == pytest.approx(10.05, abs=0.6)
