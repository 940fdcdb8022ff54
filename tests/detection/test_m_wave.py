"""Does the direct muscle prove that the stimulus reached the nerve?"""

import numpy as np
import pytest

import lsr
from lsr.detection.m_wave import bridge_pulses
from lsr.synthetic import draw_sweeps


def m_wave(**changes):
    drawn = draw_sweeps(**{"n_sweeps": 10, "rate_hz": 10_000, "after_ms": 50, "present": False} | changes)
    found = lsr.detect(drawn.emg_uv, drawn.time_ms, drawn.direct_emg_uv)
    return found.m_wave, drawn.truth


@pytest.mark.parametrize("seed", range(100, 104))
def test_onset_and_amplitude_are_those_planted(seed):
    found, truth = m_wave(seed=seed, m_wave_uv=1500.0)
    assert found.presence == "present"
    assert found.onset_latency_ms == pytest.approx(truth.m_wave_onset_ms, abs=0.5)
    assert found.amplitude_uv == pytest.approx(1500.0, rel=0.2)
    assert found.onset_latency_ms < found.peak_latency_ms


@pytest.mark.parametrize("nuisance", ["clean", "hum", "drift"])
def test_no_m_wave_is_found_where_there_is_none(nuisance):
    found, _ = m_wave(seed=110, m_wave_uv=0.0, nuisance=nuisance)
    assert found.presence != "present"
    assert found.amplitude_uv is None


@pytest.mark.parametrize(("limit_share", "is_clipped"), [(0.7, True), (1.2, False)])
def test_an_m_wave_at_the_amplifiers_limit_is_told_as_such(limit_share, is_clipped):
    drawn = draw_sweeps(seed=3, rate_hz=10_000, before_ms=40, after_ms=60, m_wave_uv=2000.0)
    limit_uv = limit_share * np.abs(drawn.direct_emg_uv).max()
    clipped_uv = np.clip(drawn.direct_emg_uv, -limit_uv, limit_uv)
    found = lsr.detect(drawn.emg_uv, drawn.time_ms, clipped_uv).m_wave
    assert (found.presence, found.is_clipped) == ("present", is_clipped)


def test_an_m_wave_is_found_beside_an_artifact_tail_and_hum():
    found, truth = m_wave(seed=111, m_wave_uv=2000.0, nuisance=["tail", "hum"], family="smooth")
    assert found.presence == "present"
    assert found.onset_latency_ms == pytest.approx(truth.m_wave_onset_ms, abs=0.8)


@pytest.mark.parametrize("window_ms", [(0.0, 1.0), (0.1, 0.15), (1.5, 1.6)])
def test_in_a_window_that_the_artifact_outlasts_no_m_wave_is_found(window_ms):
    sweeps = draw_sweeps(seed=112, m_wave_uv=2000.0, nuisance=["tail", "hum"])
    settings = lsr.Settings.from_dict({"detection": {"direct_window_ms": window_ms}})
    found = lsr.detect(sweeps.emg_uv, sweeps.time_ms, sweeps.direct_emg_uv, settings=settings)
    assert found.m_wave.presence != "present"
    assert found.presence != "absent"


@pytest.mark.parametrize("low_pass_hz", [1000.0, 4000.0])
def test_an_artifact_tail_alone_proves_no_stimulation(low_pass_hz):
    """A nerve that was not excited: the direct muscle shows the artifact and nothing else."""
    from scipy.signal import butter, sosfilt

    time_ms = np.arange(-40.0, 80.0, 0.05)
    filters = butter(4, low_pass_hz, fs=20_000.0, output="sos")
    after = np.clip(time_ms, 0, None)
    for seed in range(8):
        rng = np.random.default_rng(seed)
        slow = np.exp(-after / rng.uniform(25, 100)) - 0.6 * np.exp(-after / rng.uniform(2, 6))
        tail = rng.uniform(50, 500) * slow + rng.uniform(50, 600) * np.exp(-after / rng.uniform(0.2, 0.7))
        artifact = (time_ms >= 0) * (3000.0 * (time_ms < 0.2) + tail)
        target, direct = sosfilt(filters, artifact + rng.normal(0, 4.0, (2, 20, time_ms.size)))
        found = lsr.detect(target[:, ::2], time_ms[::2], direct[:, ::2])
        assert found.m_wave.presence != "present"
        assert found.presence != "absent"


def test_a_slow_end_is_no_tail_that_an_earlier_start_would_have_to_hide():
    """Started 0.8 ms early before: the rest after 15 ms asked for a tail of the M wave's size."""
    time_ms = np.arange(-20.0, 60.0, 0.1)
    since = np.clip(time_ms - 3.5, 0, None)
    swift, slow = (
        size * (since / at) ** 2 * np.exp(2 - 2 * since / at) for size, at in ((1150, 1.2), (-440, 6))
    )
    wave = swift + slow
    onset_ms = time_ms[np.argmax(np.abs(wave) > 0.05 * np.abs(wave).max())]
    tail = 30 * np.exp(-np.clip(time_ms, 0, None) / 3) * (time_ms > 0)
    rng = np.random.default_rng(5)
    errors_ms = []
    for _ in range(7):
        direct = wave + tail + rng.normal(0, 3.0, (20, time_ms.size))
        found = lsr.detect(rng.normal(0, 3.0, direct.shape), time_ms, direct).m_wave
        errors_ms.append(found.onset_latency_ms - onset_ms)
        assert found.amplitude_uv == pytest.approx(np.ptp(wave), rel=0.2)
    assert abs(np.median(errors_ms)) < 0.3


def slowed_nerve(*, lsr_uv, seed):
    """Of a nerve that conducts slowly: M wave from 7.2 ms on, two per cent of it in the other muscle.

    That is smoothed and a little late, as a copy is that came through tissue.
    """
    rng = np.random.default_rng(seed)
    time_ms = np.arange(-20.0, 60.0, 0.1)

    def wave(onset_ms, width_ms):
        since = np.clip(time_ms - onset_ms, 0, None) / width_ms
        return since**2 * (3 - since) * np.exp(-since)

    m_wave = 600 * wave(7.2, 0.9) / np.ptp(wave(7.2, 0.9))
    answer = 0.02 * 600 * wave(7.5, 1.1) / np.ptp(wave(7.5, 1.1)) + lsr_uv * wave(12.0, 0.4)
    target, direct = rng.normal(0, 2.5, (2, 30, time_ms.size))
    return target + answer, time_ms, direct + m_wave


@pytest.mark.parametrize("lsr_uv", [0.0, 40.0])
@pytest.mark.parametrize("seed", range(3))
def test_beside_an_m_wave_that_comes_when_an_lsr_would_nothing_is_called_one(lsr_uv, seed):
    """Neuropathies and palsies slow the nerve: the copy of a late M wave was called an LSR."""
    target, time_ms, direct = slowed_nerve(lsr_uv=lsr_uv, seed=seed)
    found = lsr.detect(target, time_ms, direct)
    assert (found.presence, found.reason) == ("indeterminate", "m_wave_late")
    assert found.m_wave.presence == "absent"
    assert found.m_wave.late_onset_ms == pytest.approx(7.4, abs=0.4)


@pytest.mark.parametrize("amplitude_uv", [120.0, 230.0])
def test_an_m_wave_at_the_end_of_its_window_is_told_as_one_or_as_late(amplitude_uv):
    """Its start was too late for the direct window, and not late enough to be told as late."""
    time_ms = np.arange(-20.0, 60.0, 0.1)
    since = np.clip(time_ms - 5.8, 0, None) / 1.3
    wave = since**2 * (3 - since) * np.exp(-since)
    tail = 40 * np.exp(-np.clip(time_ms, 0, None) / 2) * (time_ms > 0)
    direct = np.random.default_rng(1).normal(0, 2.5, (20, time_ms.size))
    target = 0.2 * direct
    found = lsr.detect(target, time_ms, direct + amplitude_uv * wave / np.ptp(wave) + tail).m_wave
    assert found.presence == "present" or found.late_onset_ms == pytest.approx(6.0, abs=0.4)


def test_windows_for_a_slow_nerve_tell_its_lsr():
    settings = lsr.Settings.from_dict(
        {"detection": {"direct_window_ms": [1.5, 9.0], "search_window_ms": [9.0, 17.0]}}
    )
    target, time_ms, direct = slowed_nerve(lsr_uv=40.0, seed=1)
    found = lsr.detect(target, time_ms, direct, settings=settings)
    assert found.m_wave.presence == "present"
    assert found.presence == "present"
    assert found.onset_latency_ms == pytest.approx(12.2, abs=0.4)


def test_where_nothing_is_seen_but_an_m_wave_in_its_window_none_is_late():
    for m_wave_uv, nuisance in ((0.0, "clean"), (0.0, "mixed"), (1500.0, "tail")):
        found, _ = m_wave(seed=113, m_wave_uv=m_wave_uv, nuisance=nuisance)
        assert found.late_onset_ms is None


def _pulses(time_ms, at_ms, rng, n_sweeps=10):
    """Artifacts of a train in two channels, with their tails."""
    tail_ms = rng.uniform(0.5, 1.2)
    shape = sum(
        np.exp(-(((time_ms - ms - 0.1) / 0.1) ** 2))
        - 0.6 * np.exp(-(((time_ms - ms - 0.32) / 0.11) ** 2))
        + 0.06 * (time_ms > ms + 0.1) * np.exp(-np.clip(time_ms - ms - 0.1, 0, None) / tail_ms)
        for ms in at_ms
    )
    return rng.normal(0, 3.0, (2, n_sweeps, time_ms.size)) + np.array([1200.0, 2500.0])[:, None, None] * shape


@pytest.mark.parametrize("at_ms", [(0, 2.5), (0, 3.0), (0, 5.0), (0, 3.0, 6.0), (0, 2.0, 4.0)])
@pytest.mark.parametrize("rate_hz", [5000.0, 10_000.0])
def test_a_later_pulse_of_a_train_is_no_m_wave(at_ms, rate_hz):
    """Planted: a train that one marker tells of, and a stimulating electrode that slipped off the nerve."""
    time_ms = np.arange(-40.0, 80.0, 1e3 / rate_hz)
    for seed in range(3):
        target, direct = _pulses(time_ms, at_ms, np.random.default_rng(seed))
        assert (lsr.detect(target, time_ms, direct).m_wave.amplitude_uv or 0.0) < 200.0
        since = np.clip(time_ms - 3.6, 0, None)
        wave = 1500.0 * since * np.exp(-since) * np.cos(0.7 * since)
        assert lsr.detect(target, time_ms, direct + wave).m_wave.presence == "present"


def test_m_waves_bend_too_softly_for_a_pulse():
    for seed in range(8):
        drawn = draw_sweeps(seed=seed, n_sweeps=10, rate_hz=10_000, m_wave_uv=2000.0, nuisance="clean")
        average = drawn.direct_emg_uv.mean(axis=0)[::2]
        assert bridge_pulses(drawn.time_ms[::2], average, 1.5) is average
