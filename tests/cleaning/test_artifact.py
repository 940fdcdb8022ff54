"""What the artifact hides is known; taking its tail out neither creates nor erases a response."""

import numpy as np
import pytest

import lsr
from lsr.cleaning.artifact import (
    bridge,
    find_blanked,
    find_clear_ms,
    find_saturated,
    tail_columns,
)
from lsr.synthetic import draw_sweeps

TIME_MS = np.arange(-10.0, 40.0, 0.1)


def test_an_amplifier_at_its_limit_is_seen_at_either_rail():
    emg_uv = np.random.default_rng(1).normal(0.0, 5.0, (3, TIME_MS.size))
    emg_uv[:, 100:130] = 800.0
    emg_uv[1, 140:150] = -800.0
    saturated = find_saturated(emg_uv)
    assert saturated[:, 101:129].all()
    assert saturated[1, 141:149].all()
    assert not saturated[:, 200:].any()


def test_missing_samples_of_one_sweep_hide_no_saturation_of_the_others():
    sweeps = np.array([[0.0, 9.0, 9.0, 9.0, 3.0], [np.nan, 1.0, 2.0, 3.0, 4.0]])
    assert find_saturated(sweeps)[0].tolist() == [False, True, True, True, False]
    assert not find_saturated(sweeps)[1].any()


def test_noise_is_never_saturated():
    noise = np.random.default_rng(2).normal(0.0, 5.0, (5, TIME_MS.size))
    assert not find_saturated(noise).any()


def test_muscle_is_seen_once_the_amplifier_has_recovered():
    saturated = np.zeros((2, TIME_MS.size), bool)
    saturated[1, (TIME_MS >= 0) & (TIME_MS < 4)] = True
    clear_ms = find_clear_ms(saturated, TIME_MS)
    assert 0.3 <= clear_ms[0] <= 2.0
    assert 4.0 <= clear_ms[1] <= 5.0


def test_bridging_removes_the_spike_and_nothing_else():
    emg_uv = np.random.default_rng(3).normal(0.0, 1.0, (4, TIME_MS.size))
    spiked = emg_uv + 900.0 * np.exp(-(((TIME_MS - 0.2) / 0.1) ** 2))
    bridged = bridge(spiked, TIME_MS, until_ms=1.5)
    assert np.abs(bridged).max() < 10.0
    untouched = (TIME_MS < -0.5) | (TIME_MS > 1.6)
    np.testing.assert_array_equal(bridged[:, untouched], spiked[:, untouched])


@pytest.mark.parametrize("power", [0.8, 1.5])
def test_sums_of_exponentials_follow_tails_that_are_none(power):
    since_ms = np.arange(0.0, 25.0, 0.1)
    tail = (1.0 + since_ms / 1.5) ** -power
    columns = tail_columns(since_ms)
    fitted = columns @ np.linalg.lstsq(columns, tail, rcond=None)[0]
    assert np.abs(fitted - tail).max() < 0.01


@pytest.mark.slow
@pytest.mark.parametrize("nuisance", ["tail", "saturation", "alternating"])
def test_planted_responses_outlive_the_artifact(nuisance):
    """Exponential, stretched and power-law tails, two blocks each: all found, one onset may be off."""
    errors_ms, ratios = [], []
    for family in ("smooth", "sharp", "irregular"):
        for seed in (202, 203):
            drawn = draw_sweeps(
                seed=seed, n_sweeps=20, rate_hz=10_000, after_ms=50, snr=20, latency_ms=10, nuisance=nuisance,
                family=family,
            )  # fmt: skip
            found = lsr.detect(drawn.emg_uv, drawn.time_ms, drawn.direct_emg_uv)
            assert found.presence == "present", (family, seed)
            errors_ms.append(abs(found.onset_latency_ms - drawn.truth.onset_ms))
            ratios.append(found.amplitude_uv / (drawn.truth.amplitude_uv * drawn.truth.persistence))
    assert sorted(errors_ms)[-2] <= 1.0
    assert np.median(errors_ms) <= 0.5
    assert np.median(ratios) == pytest.approx(1.0, abs=0.2)


@pytest.mark.parametrize("nuisance", ["tail", "saturation", "alternating"])
def test_an_artifact_alone_is_seldom_a_response(nuisance):
    called = 0
    for seed in range(210, 215):
        drawn = draw_sweeps(
            seed=seed, n_sweeps=20, rate_hz=5_000, after_ms=50, present=False, nuisance=nuisance
        )
        called += lsr.detect(drawn.emg_uv, drawn.time_ms, drawn.direct_emg_uv).presence == "present"
    assert called <= 1


def test_saturated_samples_are_no_response():
    """An amplifier that hits its rail for 3 ms after each stimulus leaves the window readable."""
    drawn = draw_sweeps(seed=220, n_sweeps=20, rate_hz=10_000, after_ms=50, present=False, family="smooth")
    emg_uv = drawn.emg_uv.copy()
    emg_uv[:, (drawn.time_ms >= 0) & (drawn.time_ms < 3)] = 2500.0
    found = lsr.detect(emg_uv, drawn.time_ms, drawn.direct_emg_uv)
    assert found.n_stimuli_used == 20
    assert found.presence != "present"


def with_tail(time_ms, seed, *, size_uv, tau_ms=6.0, n_sweeps=20):
    """Noise over a spike and a slow tail, and a direct muscle with an M wave beside it."""
    rng = np.random.default_rng(seed)
    after = np.clip(time_ms, 0, None)
    tail = (time_ms >= 0) * (3000.0 * (time_ms < 0.2) + size_uv * np.exp(-after / tau_ms))
    since = (time_ms - 5) / 0.8
    m_wave = -800.0 * since * np.exp(-(since**2) / 2)
    noise = rng.normal(0, 4.0, (2, n_sweeps, time_ms.size))
    return tail + noise[0], tail + m_wave + noise[1]


@pytest.mark.parametrize("until_ms", [3.0, 5.4, 6.0, 6.5])
def test_the_edge_of_what_a_monitor_blanked_is_no_response(until_ms):
    time_ms = np.arange(-40.0, 80.0, 0.1)
    for seed, size_uv in enumerate((-400.0, 150.0, 400.0)):
        emg_uv, direct_uv = with_tail(time_ms, seed, size_uv=size_uv)
        emg_uv[:, (time_ms >= -0.05) & (time_ms < until_ms)] = 0.0
        found = lsr.detect(emg_uv, time_ms, direct_uv)
        assert found.presence != "present"
        assert (found.rejected == {"blanked": 20}) == (until_ms > 5)


def test_a_response_after_what_a_monitor_blanked_is_found():
    time_ms = np.arange(-40.0, 80.0, 0.1)
    emg_uv, direct_uv = with_tail(time_ms, 5, size_uv=100.0)
    since = np.maximum(time_ms - 9.0, 0.0)
    emg_uv += 150.0 * since * np.exp(-since)
    emg_uv[:, (time_ms >= -0.05) & (time_ms < 3.0)] = 0.0
    found = lsr.detect(emg_uv, time_ms, direct_uv)
    assert found.presence == "present"
    assert found.onset_latency_ms == pytest.approx(9.1, abs=0.5)


def test_noise_and_coarse_steps_are_never_blanked():
    time_ms = np.arange(-20.0, 60.0, 0.05)
    noise = np.random.default_rng(3).normal(0.0, 4.0, (10, time_ms.size))
    assert not find_blanked(noise, time_ms).any()
    assert not find_blanked(2.6 * np.round(noise / 2.6), time_ms).any()


def test_ringing_after_the_spike_invents_no_crosstalk_and_no_response():
    """A steep low-pass of 1 kHz rings for two milliseconds; a copy of the M wave must not stand in for it."""
    from scipy.signal import butter, sosfilt

    time_ms = np.arange(-40.0, 80.0, 0.05)
    low_pass = butter(4, 1000.0, fs=20_000.0, output="sos")
    for seed in range(6):
        emg_uv, direct_uv = with_tail(time_ms, seed, size_uv=80.0, n_sweeps=50)
        found = lsr.detect(
            sosfilt(low_pass, emg_uv)[:, ::2], time_ms[::2], sosfilt(low_pass, direct_uv)[:, ::2]
        )
        assert found.presence == "absent"
        assert np.ptp(found.average_uv[found.time_ms > 6]) < 10


def test_a_response_that_begins_early_and_ends_late_is_not_taken_for_a_nuisance():
    """It reaches into the samples that tell tail and crosstalk, on either side of the window."""
    time_ms = np.arange(-40.0, 80.0, 0.1)
    since = np.maximum(time_ms - 7.0, 0.0)
    response = 200.0 * (1 - np.exp(-since)) * np.sin(1.9 * since) * np.exp(-((since / 14.0) ** 4))
    for seed in range(3):
        emg_uv, direct_uv = with_tail(time_ms, seed, size_uv=0.0)
        found = lsr.detect(emg_uv + response, time_ms, direct_uv)
        assert found.presence == "present"
        assert found.onset_latency_ms == pytest.approx(7.15, abs=0.4)
        assert found.amplitude_uv == pytest.approx(np.ptp(response), rel=0.15)


def overloaded(
    *, artifact_uv, limit_uv=1600.0, planted_uv=0.0, onset_ms=9.5, tail_ms=3.0, high_pass_hz=30.0, n_sweeps=20
):
    """Sweeps of an amplifier whose high-pass makes an artifact swing, clipped, and a direct muscle beside."""
    time_ms, step_ms = np.arange(-40.0, 80.0, 0.1), 0.1
    after = time_ms >= 0
    artifact = after * np.where(time_ms < 0.2, 1.6, -np.exp(-np.clip(time_ms, 0, None) / tail_ms))
    passed, level = np.zeros(time_ms.size), 0.0
    for k, value in enumerate(artifact):  # first order
        level += (value - level) * 2e-3 * np.pi * high_pass_hz * step_ms
        passed[k] = value - level

    def wave(start_ms, size_uv):
        since = np.clip((time_ms - start_ms) / 0.9, 0, None)
        shape = since**1.5 * np.exp(-since) * np.sin(1.5 * since)
        return size_uv * shape / np.ptp(shape)

    noise = np.random.default_rng(5).normal(0, 3.0, (2, n_sweeps, time_ms.size))
    emg_uv = artifact_uv * passed + wave(onset_ms, planted_uv) + noise[0]
    direct_uv = 300.0 * passed + wave(3.5, 1500.0) + noise[1]
    return time_ms, np.clip(emg_uv, -limit_uv, limit_uv), np.clip(direct_uv, -limit_uv, limit_uv)


@pytest.mark.parametrize("n_sweeps", [1, 20])
@pytest.mark.parametrize("planted_uv", [0.0, 300.0])
@pytest.mark.parametrize("high_pass_hz", [20.0, 30.0, 80.0])
def test_an_overload_that_swings_to_the_other_limit_hides_what_the_muscle_does(
    high_pass_hz, planted_uv, n_sweeps
):
    time_ms, emg_uv, direct_uv = overloaded(
        artifact_uv=20_000.0, high_pass_hz=high_pass_hz, planted_uv=planted_uv, n_sweeps=n_sweeps
    )
    for sign in (1, -1):
        found = lsr.detect(sign * emg_uv, time_ms, direct_uv)
        assert (found.presence, found.reason) == ("indeterminate", "saturated")
        assert found.rejected == {"saturated": n_sweeps}


def test_only_the_sweeps_that_swing_to_a_limit_are_left_out():
    time_ms, emg_uv, direct_uv = overloaded(artifact_uv=800.0, tail_ms=1.0, planted_uv=300.0)
    emg_uv[:5] = overloaded(artifact_uv=20_000.0, planted_uv=300.0)[1][:5]
    found = lsr.detect(emg_uv, time_ms, direct_uv)
    assert found.presence == "present"
    assert found.rejected == {"saturated": 5}


@pytest.mark.parametrize("n_sweeps", [1, 20])
@pytest.mark.parametrize(("artifact_uv", "tail_ms"), [(300.0, 3.0), (1000.0, 1.0), (8000.0, 0.8)])
def test_a_response_clipped_at_its_peak_is_present_with_a_lower_bound_of_its_amplitude(
    artifact_uv, tail_ms, n_sweeps
):
    given = {"artifact_uv": artifact_uv, "tail_ms": tail_ms, "planted_uv": 3500.0, "n_sweeps": n_sweeps}
    time_ms, clipped_uv, direct_uv = overloaded(**given)
    _, whole_uv, _ = overloaded(**given, limit_uv=1e6)
    found, whole = (lsr.detect(emg_uv, time_ms, direct_uv) for emg_uv in (clipped_uv, whole_uv))
    assert found.presence == whole.presence == "present"
    assert abs(found.onset_latency_ms - whole.onset_latency_ms) < 0.3
    assert found.amplitude_uv < whole.amplitude_uv
    assert "clipped" in dict(found.warnings)
    assert "clipped" not in dict(whole.warnings)


@pytest.mark.parametrize(("planted_uv", "presence"), [(0.0, "absent"), (200.0, "present")])
def test_an_overload_that_ends_early_and_does_not_return_hides_nothing(planted_uv, presence):
    time_ms, emg_uv, direct_uv = overloaded(artifact_uv=12_000.0, tail_ms=1.0, planted_uv=planted_uv)
    at_limit_ms = time_ms[find_saturated(emg_uv)[0]]
    assert 1.5 < at_limit_ms.max() < 2.2
    found = lsr.detect(emg_uv, time_ms, direct_uv)
    assert (found.presence, found.rejected) == (presence, {})
    assert "clipped" not in dict(found.warnings)


def test_a_clipped_m_wave_proves_the_stimulus_and_a_swing_does_not():
    time_ms, emg_uv, _ = overloaded(artifact_uv=300.0, tail_ms=1.0)
    _, clipped_uv, _ = overloaded(artifact_uv=300.0, tail_ms=1.0, planted_uv=5000.0, onset_ms=3.5)
    _, swing_uv, _ = overloaded(artifact_uv=20_000.0)
    assert lsr.detect(emg_uv, time_ms, clipped_uv).presence == "absent"
    found = lsr.detect(emg_uv, time_ms, swing_uv)
    assert (found.presence, found.reason) == ("indeterminate", "no_m_wave")


@pytest.mark.parametrize("step_uv", [2.6, 20.0])
def test_the_top_of_a_wave_in_coarse_steps_is_not_clipped(step_uv):
    time_ms, emg_uv, direct_uv = overloaded(artifact_uv=300.0, tail_ms=1.0, planted_uv=300.0)
    found = lsr.detect(np.round(emg_uv / step_uv) * step_uv, time_ms, direct_uv)
    assert found.presence == "present"
    assert found.rejected == {}
    assert "clipped" not in dict(found.warnings)
