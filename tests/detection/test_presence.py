"""Is there a response, and may its absence be stated?"""

import dataclasses

import numpy as np
import pytest
from scipy.signal import iirnotch, lfilter

import lsr
from lsr.detection.prepare import clean
from lsr.synthetic import draw_sweeps


def judge(drawn, *, direct=True, settings=None):
    return lsr.detect(drawn.emg_uv, drawn.time_ms, drawn.direct_emg_uv if direct else None, settings)


def short(**changes):
    return draw_sweeps(**{"rate_hz": 5_000, "after_ms": 45, "n_sweeps": 10} | changes)


# --- nothing that stands out is called absent -------------------------------------------------------


@pytest.mark.parametrize("start_ms", [14.8, 15.5, 16.5])
@pytest.mark.parametrize("seed", range(3))
def test_what_begins_just_outside_the_window_is_neither_present_nor_absent(start_ms, seed):
    time_ms = np.arange(-40, 80, 0.1)

    def wave(start, length, size):
        since = np.clip(time_ms - start, 0, None)
        rising = 1 - np.exp(-((since / 0.5) ** 2))
        return size * rising * np.exp(-since / 4) * np.sin(2 * np.pi * since / length)

    rng = np.random.default_rng(seed)
    emg_uv, direct_uv = rng.normal(0, 5, (2, 20, time_ms.size))
    direct_uv += wave(3.0, 4.0, 2000.0)
    found = lsr.detect(emg_uv + wave(start_ms, 5.0, 60.0), time_ms, direct_uv)
    assert lsr.detect(emg_uv, time_ms, direct_uv).presence == "absent"
    assert (found.presence, found.reason) == ("indeterminate", "explained_otherwise")


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("planted_uv", [0.0, 40.0, 80.0])
def test_beside_a_tail_that_swings_absent_is_said_only_where_a_response_would_show(seed, planted_uv):
    time_ms = np.arange(-40, 80, 0.1)
    since = np.clip(time_ms, 0, None)
    swing = 30 * np.exp(-since / 6) * np.cos(2 * np.pi * since / 14) * (time_ms > 0)
    response = planted_uv / 2 * np.exp(-((time_ms - 12) ** 2)) * np.sin(2.5 * (time_ms - 12))
    m_wave = 2000 * np.exp(-((time_ms - 5) ** 2)) * np.sin(time_ms - 5)
    rng = np.random.default_rng(seed)
    emg_uv, direct_uv = rng.normal(0, 4, (2, 20, time_ms.size))
    found = lsr.detect(emg_uv + swing + response, time_ms, direct_uv + m_wave)
    assert found.m_wave.presence == "present"
    assert found.presence == ("present" if planted_uv else "absent")
    if not planted_uv:
        assert "without one: a tail that swings" in dict(found.evidence)["rivals"]
        assert found.detection_limit_uv < 20


# --- presence ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("n_sweeps", [1, 3, 20])
def test_a_large_response_is_present_after_few_sweeps_and_after_many(n_sweeps):
    drawn = short(seed=31, n_sweeps=n_sweeps, snr=30, latency_ms=10, family="smooth")
    found = judge(drawn)
    assert found.presence == "present"
    assert found.p_value < 0.001
    assert found.onset_latency_ms == pytest.approx(drawn.truth.onset_ms, abs=0.5)
    assert found.reason is None


def test_the_score_grows_with_the_response():
    scores = [judge(short(seed=32, snr=snr, latency_ms=9)).score for snr in (2, 6, 18)]
    nothing = judge(short(seed=32, present=False)).score
    assert nothing < scores[0] < scores[1] < scores[2]


def test_an_average_is_judged_as_one_sweep():
    drawn = short(seed=33, n_sweeps=20, snr=10, latency_ms=11)
    found = lsr.detect(drawn.emg_uv.mean(axis=0), drawn.time_ms, drawn.direct_emg_uv.mean(axis=0))
    assert found.presence == "present"
    assert found.n_stimuli_used == 1
    assert found.onset_latency_ms == pytest.approx(drawn.truth.onset_ms, abs=0.5)


def test_sweeps_that_begin_at_the_stimulus_are_enough():
    drawn = short(seed=34, before_ms=0, after_ms=80, snr=20, latency_ms=9)
    found = judge(drawn)
    assert found.presence == "present"
    assert found.onset_latency_ms == pytest.approx(drawn.truth.onset_ms, abs=0.5)


def test_a_response_outside_the_search_window_is_none():
    time_ms = np.arange(-40.0, 60.0, 0.2)
    since = np.maximum(time_ms - 21.0, 0.0)
    late = 200.0 * since * np.exp(-since)
    emg_uv = late + np.random.default_rng(8).normal(0.0, 5.0, (10, time_ms.size))
    assert lsr.detect(emg_uv, time_ms).presence != "present"
    wider = lsr.Settings.from_dict({"detection": {"search_window_ms": [5.5, 25.0]}})
    found = lsr.detect(emg_uv, time_ms, settings=wider)
    assert found.presence == "present"
    assert found.onset_latency_ms == pytest.approx(21.05, abs=0.4)


def test_a_stricter_level_calls_fewer_responses_present():
    drawn = short(seed=35, n_sweeps=5, snr=4, latency_ms=9)
    p_value = judge(drawn).p_value
    strict = lsr.Settings.from_dict({"detection": {"alpha": max(p_value / 10, 1e-9)}})
    assert judge(drawn, settings=strict).presence != "present"


# --- the three answers ------------------------------------------------------------------------------


def quiet_null(**changes):
    return draw_sweeps(
        **{"seed": 41, "n_sweeps": 20, "rate_hz": 5_000, "after_ms": 60, "present": False, "noise_uv": 2.0}
        | {"family": "smooth"}
        | changes
    )


def test_absent_needs_little_noise_and_an_m_wave():
    found = judge(quiet_null())
    assert found.presence == "absent"
    assert found.reason is None
    assert found.detection_limit_uv < 20
    assert found.m_wave.presence == "present"


def test_without_a_direct_muscle_nothing_is_absent():
    found = judge(quiet_null(), direct=False)
    assert (found.presence, found.reason) == ("indeterminate", "no_m_wave")
    assert found.m_wave is None


def test_a_stimulus_that_moved_no_muscle_proves_nothing():
    found = judge(quiet_null(m_wave_uv=0.0))
    assert (found.presence, found.reason) == ("indeterminate", "no_m_wave")


def test_noise_that_hides_a_small_response_makes_it_indeterminate():
    found = judge(quiet_null(noise_uv=60.0))
    assert (found.presence, found.reason) == ("indeterminate", "too_noisy")
    assert found.detection_limit_uv > 20


def test_one_sweep_of_ordinary_noise_is_too_few():
    found = judge(quiet_null(n_sweeps=1, noise_uv=8.0))
    assert (found.presence, found.reason) == ("indeterminate", "too_few_sweeps")


@pytest.mark.parametrize("seed", range(92, 98))
@pytest.mark.parametrize(("limit_uv", "crest_ms"), [(120, 9), (150, 10), (180, 11)])
def test_nothing_is_absent_that_the_amplifiers_limit_may_have_cut_off(seed, limit_uv, crest_ms):
    """Planted: 30 uV on the crest of hum, which lifts it above the limit; eight of these 18 were absent."""
    drawn = draw_sweeps(
        seed=seed,
        n_sweeps=20,
        rate_hz=10_000,
        before_ms=40,
        after_ms=60,
        snr=6.0,
        latency_ms=9.0,
        morphology="monophasic",
    )
    phases = np.random.default_rng(seed).uniform(-0.3, 0.3, (20, 1))
    hum_uv = 200 * np.cos(2 * np.pi * 0.05 * (drawn.time_ms - crest_ms) + phases)
    clipped_uv = np.clip(drawn.emg_uv + hum_uv, -limit_uv, limit_uv)
    assert lsr.detect(clipped_uv, drawn.time_ms, drawn.direct_emg_uv).presence != "absent"


def test_an_amplifier_that_recovers_after_the_search_window_began_is_saturated():
    drawn = quiet_null()
    emg_uv = drawn.emg_uv.copy()
    emg_uv[:, (drawn.time_ms >= 0) & (drawn.time_ms < 9)] = 3000.0
    found = lsr.detect(emg_uv, drawn.time_ms, drawn.direct_emg_uv)
    assert (found.presence, found.reason) == ("indeterminate", "saturated")
    assert found.rejected == {"saturated": 20}
    assert found.n_stimuli_used == 0


def test_the_detection_limit_follows_the_noise_and_the_number_of_sweeps():
    limits = {
        (n, noise): judge(quiet_null(n_sweeps=n, noise_uv=noise)).detection_limit_uv
        for n, noise in ((5, 4.0), (5, 8.0), (20, 4.0))
    }
    assert limits[5, 8.0] == pytest.approx(2 * limits[5, 4.0], rel=0.35)
    assert limits[20, 4.0] < 0.8 * limits[5, 4.0]


def test_a_higher_smallest_response_lets_more_be_absent():
    noisy = quiet_null(noise_uv=20.0)
    assert judge(noisy).presence == "indeterminate"
    lenient = lsr.Settings.from_dict({"detection": {"smallest_response_uv": 500.0}})
    assert judge(noisy, settings=lenient).presence == "absent"


def test_what_does_not_apply_is_none():
    found = judge(quiet_null())
    for name in ("onset_latency_ms", "onset_latency_ci_ms", "amplitude_uv", "persistence", "duration_ms"):
        assert getattr(found, name) is None, name
    for field in dataclasses.fields(found):
        value = getattr(found, field.name)
        assert not (isinstance(value, float) and np.isnan(value)), field.name


def test_the_evidence_ends_in_the_verdict():
    steps = judge(quiet_null()).evidence
    assert {"sweeps", "noise"} <= {step for step, _ in steps}
    assert steps[-1][1].startswith("absent")


# --- sweeps that cannot be used ---------------------------------------------------------------------


def test_sweeps_with_missing_samples_are_left_out_and_counted():
    drawn = short(seed=51, n_sweeps=10, snr=20, latency_ms=9)
    emg_uv = drawn.emg_uv.copy()
    emg_uv[[2, 7], 150:160] = np.nan
    found = lsr.detect(emg_uv, drawn.time_ms, drawn.direct_emg_uv)
    assert (found.n_stimuli_used, found.n_stimuli_rejected) == (8, 2)
    assert sum(found.rejected.values()) == 2
    assert [sweep.used for sweep in found.sweeps] == [i not in (2, 7) for i in range(10)]
    assert found.presence == "present"
    assert found.onset_latency_ms == pytest.approx(drawn.truth.onset_ms, abs=0.5)


def test_flat_sweeps_are_left_out():
    drawn = short(seed=52, snr=20, latency_ms=9)
    emg_uv = drawn.emg_uv.copy()
    emg_uv[0] = 0.0
    found = lsr.detect(emg_uv, drawn.time_ms, drawn.direct_emg_uv)
    assert found.rejected == {"flat": 1}
    assert found.sweeps[0].reason == "flat"


def test_nothing_usable_is_indeterminate_and_no_error():
    time_ms = np.arange(-20.0, 40.0, 0.1)
    found = lsr.detect(np.full((3, time_ms.size), np.nan), time_ms)
    assert found.presence == "indeterminate"
    assert found.n_stimuli_used == 0
    assert found.p_value is None


@pytest.mark.parametrize(
    ("emg_uv", "time_ms", "words"),
    [
        (np.zeros((4, 500)), np.arange(400) * 0.1, ["emg_uv", "400", "(4, 500)"]),
        (np.zeros((0, 400)), np.arange(400) * 0.1, ["emg_uv", "(0, 400)"]),
        (np.zeros((2, 2, 400)), np.arange(400) * 0.1, ["emg_uv", "(2, 2, 400)"]),
        (np.zeros((4, 400)), np.arange(400) * 1.0, ["time_ms", "1000 Hz", "2000 Hz"]),
        (np.zeros((4, 400)), np.geomspace(1, 40, 400), ["time_ms", "evenly"]),
        (np.zeros((4, 400)), np.arange(400)[::-1] * 0.1, ["time_ms"]),
        (np.zeros((4, 100)), np.arange(100) * 0.1, ["time_ms", "9.9 ms", "14"]),
    ],
    ids=["columns", "no rows", "three axes", "slow", "uneven", "falling", "short"],
)
def test_arrays_that_are_no_sweeps_are_refused_with_what_was_found(emg_uv, time_ms, words):
    with pytest.raises(lsr.LsrError) as caught:
        lsr.detect(emg_uv, time_ms)
    for word in words:
        assert word in str(caught.value)


def test_direct_sweeps_of_another_shape_are_refused():
    time_ms = np.arange(-20.0, 40.0, 0.1)
    noise = np.random.default_rng(3).normal(size=(4, time_ms.size))
    with pytest.raises(lsr.LsrError, match="direct_emg_uv"):
        lsr.detect(noise, time_ms, noise[:3])


# --- single sweeps ----------------------------------------------------------------------------------


def test_every_sweep_is_reported_with_what_it_shows():
    drawn = short(seed=61, n_sweeps=16, snr=30, persistence=0.6, jitter_ms=0.2, latency_ms=9, family="sharp")
    found = judge(drawn)
    assert len(found.sweeps) == 16
    agree = [
        one.present == truth.present for one, truth in zip(found.sweeps, drawn.truth.sweeps, strict=True)
    ]
    assert sum(agree) >= 14
    for one, truth in zip(found.sweeps, drawn.truth.sweeps, strict=True):
        if one.present and truth.present:
            assert one.latency_ms == pytest.approx(truth.latency_ms, abs=1.0)
        if not one.present:
            assert one.latency_ms is None
            assert one.amplitude_uv is None


# --- a response whose waveform is known ---------------------------------------------------------------


def with_crosstalk(planted_uv, *, seed):
    """Sweeps with an M wave's copy and a response under its end; and that response."""
    time_ms = np.arange(-40, 80, 0.1)
    m_wave = 2000 * np.exp(-(((time_ms - 6) / 1.5) ** 2)) * np.sin(time_ms - 6)
    wave = 20 * np.exp(-(((time_ms - 10) / 1.2) ** 2)) * np.sin(2 * (time_ms - 10))
    rng = np.random.default_rng(seed)
    emg_uv, direct_uv = rng.normal(0, 4, (2, 20, time_ms.size))
    emg_uv += 0.02 * m_wave + planted_uv / np.ptp(wave) * wave
    return lsr.detect(emg_uv, time_ms, direct_uv + m_wave), time_ms, wave


@pytest.mark.parametrize("size", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("seed", range(4))
def test_a_known_response_is_weighed_beside_noise_and_crosstalk(seed, size):
    planted = np.ptp(with_crosstalk(0.0, seed=seed)[2]) * size
    found, time_ms, wave = with_crosstalk(planted, seed=seed)
    told, deviation = found.whitened.weigh(np.interp(found.whitened.time_ms, time_ms, wave))
    assert deviation < 0.15
    assert abs(told - size) < 3 * deviation + 0.05


def test_a_wave_of_zeros_is_weighed_by_no_average():
    found, _, _ = with_crosstalk(0.0, seed=0)
    assert found.whitened.weigh(np.zeros(found.whitened.time_ms.size)) == (0.0, np.inf)


# --- a response that few sweeps hold ------------------------------------------------------------------


@pytest.mark.parametrize("answered", [(), (2,), (1, 3)])
@pytest.mark.parametrize("seed", range(3))
def test_what_stands_out_in_few_sweeps_is_never_called_absent(seed, answered):
    time_ms = np.arange(-40, 80, 0.1)
    m_wave = 1000 * np.exp(-(((time_ms - 5) / 1.2) ** 2)) * np.sin(time_ms - 4.5)
    response = 40 * np.exp(-((time_ms - 10.8) ** 2)) * np.sin(4 * (time_ms - 10.8))
    rng = np.random.default_rng(seed)
    emg_uv, direct_uv = rng.normal(0, 2, (2, 5, time_ms.size))
    emg_uv[list(answered)] += response
    found = lsr.detect(emg_uv, time_ms, direct_uv + m_wave)
    if answered:
        assert found.presence != "absent"
    else:
        assert found.presence == "absent"


def half_waves(time_ms, planted_uv, start_ms=8.5):
    """A response of two phases in 6 ms."""
    since = (time_ms - start_ms) / 3
    return np.where((since > 0) & (since < 2), planted_uv / 2 * np.sin(np.pi * since), 0.0)


@pytest.mark.parametrize("n_sweeps", [3, 4])
@pytest.mark.parametrize("seed", range(3))
def test_what_one_of_a_few_sweeps_holds_alone_may_be_a_burst(n_sweeps, seed):
    time_ms = np.arange(-40, 60, 0.1)
    noise_uv = np.random.default_rng(seed).normal(0, 5, (n_sweeps, time_ms.size))
    burst = np.arange(n_sweeps)[:, None] == 0
    found = lsr.detect(noise_uv + burst * half_waves(time_ms, 300.0), time_ms)
    assert (found.presence, found.reason) == ("indeterminate", "in_few_sweeps")
    assert lsr.detect(noise_uv + half_waves(time_ms, 100.0), time_ms).presence == "present"


@pytest.mark.parametrize("seed", range(4))
def test_five_plain_answers_that_jitter_by_more_than_a_phase_are_one_response(seed):
    rng = np.random.default_rng(seed)
    time_ms = np.arange(-20, 60, 0.1)
    emg_uv, direct_uv = rng.normal(0, 8, (2, 5, time_ms.size))
    starts_ms, sizes_uv = rng.uniform(9.8, 11.4, 5), rng.uniform(130, 400, 5)
    since = (time_ms - starts_ms[:, None]) / 0.9
    emg_uv += (
        np.where((since > 0) & (since < 2), np.sin(np.pi * since) * np.exp(-since), 0) * sizes_uv[:, None]
    )
    found = lsr.detect(emg_uv, time_ms, direct_uv + half_waves(time_ms, 3000.0, 3.4))
    assert found.presence == "present"
    assert found.onset_latency_ms == pytest.approx(starts_ms.min(), abs=0.5)


# --- sweeps that hold more than one stimulus, or too little rest --------------------------------------


def with_pulses(*at_ms, seed, planted_uv=0.0, in_direct=False):
    """Noise, pulses of a fifth of a millisecond that end in a tail, and perhaps a response."""
    time_ms = np.arange(-40, 80, 0.05)
    rng = np.random.default_rng(seed)
    emg_uv, direct_uv = rng.normal(0, 5, (2, 20, time_ms.size))
    for at in at_ms:
        since = time_ms - at
        decay = np.exp(-np.clip(since - 0.2, 0, None) / rng.uniform(0.5, 2.0))
        pulse = np.where(since >= 0.2, rng.uniform(100, 800) * decay, 3000.0)
        emg_uv += np.where(since >= 0, pulse, 0.0)
        direct_uv += np.where((since >= 0) & in_direct, 0.7 * pulse, 0.0)
    emg_uv += planted_uv / 1.4 * np.exp(-((time_ms - 12) ** 2)) * np.sin(2.5 * (time_ms - 12))
    m_wave = 2000 * np.exp(-((time_ms - 4.5) ** 2)) * np.sin(time_ms - 4.5)
    return lsr.detect(emg_uv, time_ms, direct_uv + m_wave)


@pytest.mark.parametrize("second_ms", [6.0, 6.6, 7.4])
@pytest.mark.parametrize("planted_uv", [0.0, 100.0])
@pytest.mark.parametrize("seed", range(3))
def test_beside_the_artifact_of_a_second_pulse_nothing_is_told(seed, second_ms, planted_uv):
    found = with_pulses(0.0, second_ms, seed=seed, planted_uv=planted_uv)
    assert (found.presence, found.reason) == ("indeterminate", "second_artifact")


@pytest.mark.parametrize("second_ms", [8.6, 10.3, 12.9])
@pytest.mark.parametrize("seed", range(3))
def test_a_pulse_late_in_the_search_window_is_no_response(seed, second_ms):
    """Planted: another stimulator that fires at a constant time after the facial nerve's."""
    found = with_pulses(0.0, second_ms, seed=seed, in_direct=True)
    assert (found.presence, found.reason) == ("indeterminate", "second_artifact")


@pytest.mark.parametrize("seed", range(3))
def test_a_pulse_before_the_stimulus_is_not_taken_for_noise(seed):
    found = with_pulses(-5.0, 0.0, seed=seed)
    assert found.noise_uv == pytest.approx(3.0, rel=0.3)  # of 5 uV, what is below 2.5 kHz
    assert found.presence != "present"


@pytest.mark.parametrize("seed", range(5))
def test_a_single_sweep_without_rest_tells_its_noise_beside_the_response(seed):
    time_ms = np.arange(0, 32, 0.1)
    noise_uv = np.random.default_rng(seed).normal(0, 5, time_ms.size)
    found = lsr.detect(noise_uv + half_waves(time_ms, 150.0), time_ms)
    assert found.presence == "present"
    assert found.onset_latency_ms == pytest.approx(8.6, abs=1.5)
    assert lsr.detect(noise_uv, time_ms).presence != "present"


def response_uv(time_ms, peak_to_peak_uv):
    """A response of two phases about 11 ms."""
    return peak_to_peak_uv / 1.4 * np.exp(-((time_ms - 11) ** 2)) * np.sin(2.5 * (time_ms - 11))


def short_sweeps(*, hum_uv, planted_uv, seed):
    """From 5 ms before to 30 ms after: nothing tells hum that keeps its phase from a response."""
    time_ms = np.arange(-5, 30, 0.1)
    rng = np.random.default_rng(seed)
    emg_uv, direct_uv = rng.normal(0, 5, (2, 20, time_ms.size))
    phases = rng.uniform(0, 2 * np.pi, 3)
    for harmonic, share, phase in zip((1, 2, 3), (1.0, 0.15, 0.3), phases, strict=True):
        emg_uv += hum_uv * share * np.sin(2 * np.pi * 0.06 * harmonic * time_ms + phase)
    emg_uv += response_uv(time_ms, planted_uv)
    m_wave = 2000 * np.exp(-((time_ms - 4.5) ** 2)) * np.sin(time_ms - 4.5)
    return lsr.detect(emg_uv, time_ms, direct_uv + m_wave)


@pytest.mark.parametrize("hum_uv", [30.0, 100.0])
@pytest.mark.parametrize("seed", range(6))
def test_hum_that_no_quiet_stretch_tells_is_no_response(seed, hum_uv):
    assert short_sweeps(hum_uv=hum_uv, planted_uv=0.0, seed=seed).presence != "present"


@pytest.mark.parametrize("harmonics", [(1, 4, 7), (1, 2, 4, 6, 9)])
@pytest.mark.parametrize("seed", [1, 5, 6, 8])
def test_nor_is_it_whatever_harmonics_it_has(seed, harmonics):
    time_ms = np.arange(-5, 30, 0.1)
    rng = np.random.default_rng(seed)
    emg_uv, direct_uv = rng.normal(0, 5, (2, 20, time_ms.size))
    for harmonic, phase in zip(harmonics, rng.uniform(0, 2 * np.pi, len(harmonics)), strict=True):
        emg_uv += 60 / np.sqrt(harmonic) * np.sin(2 * np.pi * 0.05 * harmonic * time_ms + phase)
    found = lsr.detect(emg_uv, time_ms, direct_uv + half_waves(time_ms, 2000.0, 3.5))
    assert found.presence != "present"


@pytest.mark.parametrize("planted_uv", [25.0, 80.0])
@pytest.mark.parametrize("hum_uv", [0.0, 30.0])
@pytest.mark.parametrize("seed", range(3))
def test_a_response_is_found_beside_it(seed, hum_uv, planted_uv):
    assert short_sweeps(hum_uv=hum_uv, planted_uv=planted_uv, seed=seed).presence == "present"


@pytest.mark.parametrize("planted_uv", [0.0, 10.0])
@pytest.mark.parametrize("seed", range(8))
def test_high_harmonics_that_keep_their_phase_are_no_response(seed, planted_uv):
    """Planted: 60 Hz with the harmonics of real hum, at a stimulus rate that divides 60 Hz."""
    rng = np.random.default_rng(seed)
    time_ms = np.arange(-40, 80, 0.2)
    emg_uv = rng.normal(0, 1, (20, time_ms.size))
    for harmonic, size_uv in ((1, 50.0), (5, 1.2), (7, 0.5), (11, 0.4), (13, 0.2)):
        emg_uv += size_uv * np.sin(2 * np.pi * (0.06 * harmonic * time_ms + rng.random()))
    emg_uv += response_uv(time_ms, planted_uv)
    assert (lsr.detect(emg_uv, time_ms).presence == "present") == (planted_uv > 0)


@pytest.mark.parametrize("hum_uv", [0.0, 40.0])
@pytest.mark.parametrize(("planted_uv", "answer"), [(0.0, "absent"), (25.0, "present")])
@pytest.mark.parametrize("seed", range(3))
def test_a_late_response_that_varies_is_no_noise_of_the_search_window(seed, planted_uv, answer, hum_uv):
    """Planted: half a millivolt about 42 ms after each of ten stimuli, which varies as afterdischarges do."""
    rng = np.random.default_rng(seed)
    time_ms = np.arange(-40, 80, 0.1)
    emg_uv, direct_uv = rng.normal(0, 5, (2, 10, time_ms.size))
    direct_uv += 2000 * np.exp(-((time_ms - 4.5) ** 2)) * np.sin(time_ms - 4.5)
    at_ms, size_uv = rng.normal(42, 2, (10, 1)), rng.lognormal(0, 0.6, (10, 1))
    emg_uv += 250 * size_uv * np.exp(-(((time_ms - at_ms) / 4) ** 2)) * np.sin(1.5 * (time_ms - at_ms))
    emg_uv += hum_uv * np.sin(2 * np.pi * (0.05 * time_ms + rng.random((10, 1))))
    emg_uv += response_uv(time_ms, planted_uv)
    assert lsr.detect(emg_uv, time_ms, direct_uv).presence == answer


@pytest.mark.parametrize(("hum_uv", "planted_uv", "varies"), [(50.0, 25.0, 0.0), (0.0, 100.0, 0.5)])
@pytest.mark.parametrize("seed", range(3))
def test_nor_is_it_beside_hum_as_large_or_beside_an_lsr_that_varies_more(seed, hum_uv, planted_uv, varies):
    """Planted: 0.2 mV about 40 ms after each of twenty stimuli, noise of 4 uV, and an LSR after each."""
    rng = np.random.default_rng(seed)
    time_ms = np.arange(-50, 80, 0.2)
    emg_uv, direct_uv = rng.normal(0, 4, (2, 20, time_ms.size))
    direct_uv += 2000 * np.exp(-((time_ms - 4.5) ** 2)) * np.sin(time_ms - 4.5)
    at_ms, size_uv = rng.normal(40, 2, (20, 1)), rng.lognormal(0, 0.6, (20, 1))
    emg_uv += 100 * size_uv * np.exp(-(((time_ms - at_ms) / 4) ** 2)) * np.sin(1.5 * (time_ms - at_ms))
    turns = rng.random((20, 1)) + 0.05 * time_ms
    for order, share in ((1, 1.0), (3, 0.15), (5, 0.1), (13, 0.03)):
        emg_uv += share * hum_uv * np.sin(2 * np.pi * order * turns)
    lsr_uv = planted_uv / 1.4 * np.exp(-((time_ms - 11) ** 2)) * np.sin(2.5 * (time_ms - 11))
    emg_uv += rng.lognormal(0, varies, (20, 1)) * lsr_uv
    found = lsr.detect(emg_uv, time_ms, direct_uv)
    assert found.presence == "present"
    assert found.noise_uv < 7.0
    assert found.persistence >= 0.95


def through_notches(*mains_hz, planted_uv, seed):
    """Stimuli three times a second through an amplifier with notch filters, which the artifact makes ring."""
    rng = np.random.default_rng(seed)
    rate_hz, n_sweeps = 5000, 25
    stimuli = np.cumsum(rng.integers(1600, 1640, n_sweeps))
    time_ms = np.arange(-200, 400) * 1000 / rate_hz
    later_ms = np.clip(time_ms - 0.25, 0, None)
    artifact = np.where(time_ms < 0.25, 1.0, 0.15 * np.exp(-later_ms)) * (time_ms >= 0)
    m_wave = 2000 * np.exp(-(((time_ms - 5) / 1.5) ** 2)) * np.sin(time_ms - 5)
    response = planted_uv / 1.4 * np.exp(-((time_ms - 11) ** 2)) * np.sin(2.5 * (time_ms - 11))
    signals_uv = rng.normal(0, 4, (2, stimuli[-1] + 1600))
    for at in stimuli:
        signals_uv[0, at - 200 : at + 400] += 300 * artifact + 0.01 * m_wave + response
        signals_uv[1, at - 200 : at + 400] += 300 * artifact + m_wave
    for hz in mains_hz:
        signals_uv = lfilter(*iirnotch(hz, 30.0, fs=rate_hz), signals_uv, axis=1)
    emg_uv, direct_uv = (np.stack([one[at - 200 : at + 400] for at in stimuli]) for one in signals_uv)
    return lsr.detect(emg_uv, time_ms, direct_uv)


@pytest.mark.parametrize("mains_hz", [50.0, 60.0])
@pytest.mark.parametrize("seed", range(4))
def test_notch_filters_that_ring_after_the_artifact_make_no_response(seed, mains_hz):
    found = through_notches(mains_hz, 2 * mains_hz, 3 * mains_hz, planted_uv=0.0, seed=seed)
    assert found.presence != "present"


@pytest.mark.parametrize("mains_hz", [50.0, 60.0])
@pytest.mark.parametrize("planted_uv", [25.0, 80.0])
@pytest.mark.parametrize("seed", range(3))
def test_a_response_is_found_beside_notch_filters_that_ring(seed, planted_uv, mains_hz):
    found = through_notches(mains_hz, 2 * mains_hz, 3 * mains_hz, planted_uv=planted_uv, seed=seed)
    assert found.presence == "present"
    assert found.onset_latency_ms == pytest.approx(9.3, abs=0.6)


# --- sweeps that no amplifier gives -------------------------------------------------------------------


@pytest.mark.parametrize("tail_uv", [1e4, 1e6, 1e8])
@pytest.mark.parametrize("noise_uv", [0.002, 0.3, 7.0])
@pytest.mark.parametrize("step_uv", [0.0, 5.0])
def test_tails_a_billion_times_the_noise_are_judged_all_the_same(tail_uv, noise_uv, step_uv):
    time_ms = np.arange(-10, 60, 0.1)
    rng = np.random.default_rng(30)
    emg_uv, direct_uv = rng.normal(0, noise_uv, (2, 20, time_ms.size))
    since = np.clip(time_ms, 0, None)
    emg_uv += tail_uv * (time_ms >= 0) * np.exp(-since / 6) * (1 + rng.normal(0, 1e-4, (20, 1)))
    direct_uv += 2000 * np.exp(-((time_ms - 4.5) ** 2)) * np.sin(time_ms - 4.5)
    if step_uv:
        emg_uv = np.round(emg_uv / step_uv) * step_uv
    found = lsr.detect(emg_uv, time_ms, direct_uv)
    assert found.presence != "present"
    assert np.isfinite(found.p_value)


def test_noise_below_the_converters_step_is_no_pulse():
    time_ms = np.arange(-40, 80, 0.2)
    rng = np.random.default_rng(2)
    emg_uv = np.round(rng.normal(0, 1.2, (4, time_ms.size)) / 5) * 5
    assert np.median(np.abs(np.diff(emg_uv.mean(axis=0), 2))) == 0
    found = clean(emg_uv, time_ms, start_ms=1.5, search_ms=(5.5, 14.0), mains_hz=None)
    assert found.time_ms[found.before][-1] == pytest.approx(-1.0, abs=0.3)


def test_what_may_as_well_begin_within_the_window_as_before_it_is_never_absent():
    """A response of 45 uV, as early and of the same shape as the rest of an M wave: odds are even."""
    drawn = draw_sweeps(
        seed=50_700_955,
        n_sweeps=100,
        rate_hz=20_000,
        before_ms=20,
        after_ms=100,
        snr=30.0,
        noise_uv=2.577199620701492,
        nuisance="hum",
        strength=1.656508347721042,
        family="any",
        jitter_ms=0.2555379166152635,
        persistence=0.6292488884410035,
    )
    assert drawn.truth.amplitude_uv * drawn.truth.persistence > 45
    found = lsr.detect(drawn.emg_uv, drawn.time_ms, drawn.direct_emg_uv)
    assert found.presence != "absent"


def test_what_a_rival_explains_no_better_than_a_response_does_is_never_absent():
    drawn = draw_sweeps(
        seed=18_900_918,
        n_sweeps=100,
        rate_hz=10_000,
        before_ms=50,
        after_ms=40,
        snr=1.5,
        noise_uv=7.415654462800587,
        nuisance="crosstalk",
        strength=0.7806976123790735,
        family="compressed",
        jitter_ms=0.0879600355449415,
        persistence=0.6624154909630611,
    )
    found = lsr.detect(drawn.emg_uv, drawn.time_ms, drawn.direct_emg_uv)
    assert found.p_value > 0.03, "borderline"
    assert found.detection_limit_uv < 20, "blind"
    assert (found.presence, found.reason) == ("indeterminate", "explained_otherwise")


def test_copies_of_one_sweep_count_as_one():
    """An average exported twenty times over is no evidence of twenty sweeps."""
    drawn = draw_sweeps(seed=7, n_sweeps=20, rate_hz=10_000, before_ms=40, after_ms=60, snr=25)
    one = drawn.emg_uv[:1]
    found = lsr.detect(np.repeat(one, 20, axis=0), drawn.time_ms)
    assert (found.n_stimuli_used, found.rejected) == (1, {"repeated": 19})
    assert found.p_value == lsr.detect(one, drawn.time_ms).p_value


@pytest.mark.parametrize(
    ("change", "words"),
    [(lambda t: t / 1000, "are these seconds"), (lambda t: t + 46.0, "after the search window does")],
)
def test_a_time_axis_that_cannot_be_meant_is_refused(change, words):
    time_ms = np.arange(-40, 80, 0.1)
    emg_uv = np.random.default_rng(1).normal(0, 5, (5, time_ms.size))
    with pytest.raises(lsr.SweepsError, match=words):
        lsr.detect(emg_uv, change(time_ms))


@pytest.mark.parametrize("emg_uv", ["abc", np.zeros((2, 500), complex), [[1.0, 2.0], [3.0]], [object()]])
def test_what_is_no_array_of_real_numbers_is_refused(emg_uv):
    with pytest.raises(lsr.SweepsError, match="emg_uv: needs an array of real numbers, found"):
        lsr.detect(emg_uv, np.arange(500) / 10)


def test_settings_in_a_dictionary_are_refused_by_name():
    with pytest.raises(lsr.SettingsError, match=r"needs lsr.Settings, found {.alpha.: 0.1}"):
        lsr.detect(np.zeros((2, 500)), np.arange(500) / 10, settings={"alpha": 0.1})


def test_sweeps_quieter_than_any_amplifier_are_not_called_absent():
    """Millivolts handed over as microvolts: a limit of 0.06 uV would pass for certainty."""
    drawn = draw_sweeps(seed=9, n_sweeps=20, rate_hz=10_000, before_ms=40, after_ms=60, present=False)
    assert lsr.detect(drawn.emg_uv, drawn.time_ms, drawn.direct_emg_uv).presence == "absent"
    found = lsr.detect(drawn.emg_uv / 1000, drawn.time_ms, drawn.direct_emg_uv)
    assert (found.presence, found.reason) == ("indeterminate", "noise_implausible")


def test_what_is_found_in_sweeps_quieter_than_any_amplifier_is_not_called_a_response():
    drawn = draw_sweeps(seed=9, n_sweeps=20, rate_hz=10_000, before_ms=40, after_ms=60, snr=20.0)
    assert lsr.detect(drawn.emg_uv, drawn.time_ms, drawn.direct_emg_uv).presence == "present"
    found = lsr.detect(drawn.emg_uv / 1e6, drawn.time_ms, drawn.direct_emg_uv / 1e6)
    assert (found.presence, found.reason) == ("indeterminate", "noise_implausible")
    assert found.onset_latency_ms is found.amplitude_uv is None
    simulated = draw_sweeps(seed=9, rate_hz=10_000, before_ms=40, after_ms=60, noise_uv=0.01, snr=1e4)
    assert lsr.detect(simulated.emg_uv, simulated.time_ms).presence == "present"


@pytest.mark.parametrize("direct", [True, False])
def test_volts_handed_over_as_microvolts_are_asked_about_before_a_missing_m_wave(direct):
    drawn = draw_sweeps(seed=9, n_sweeps=20, rate_hz=10_000, before_ms=40, after_ms=60, present=False)
    direct_emg_v = drawn.direct_emg_uv / 1e6 if direct else None
    found = lsr.detect(drawn.emg_uv / 1e6, drawn.time_ms, direct_emg_v)
    assert (found.presence, found.reason) == ("indeterminate", "noise_implausible")


def test_small_responses_of_many_sharp_units_are_not_called_absent():
    """Planted: 21 uV peak to peak of 24 units over 12 ms, beside 9 uV of noise in each of 20 sweeps.

    The shapes of the test fit them so badly that a third was called absent, "nothing above 7 uV".
    """
    time_ms, answers = np.arange(-40, 60, 0.1), []
    m_wave = 2000 * np.exp(-((time_ms - 4.5) ** 2)) * np.sin(time_ms - 4.5)
    for seed in range(40):
        rng = np.random.default_rng(seed)
        peaks_ms = rng.uniform(7.5, 12.5) + np.append(0.0, rng.uniform(0, 12, 23))
        since = (time_ms[:, None] - peaks_ms) / rng.uniform(0.2, 0.25, 24)
        units = (since**3 - 3 * since) * np.exp(-(since**2) / 2) @ rng.choice([-1.0, 1.0], 24)
        emg_uv, direct_uv = rng.normal(0, 9, (2, 20, time_ms.size))
        found = lsr.detect(emg_uv + 21 * units / np.ptp(units), time_ms, direct_uv + m_wave)
        answers.append(found.reason or found.presence.value)
    assert "absent" not in answers
    assert answers.count("sharp_phases") >= 10
