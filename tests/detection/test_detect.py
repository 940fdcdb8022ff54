"""What the sweeps of a muscle show together, and each by itself."""

from dataclasses import fields
from types import SimpleNamespace

import numpy as np
import pytest

import lsr
from lsr.detection import detect as detecting
from lsr.detection.amplitude import Measures, widen_interval
from lsr.detection.detection import MWave, Presence
from lsr.detection.onset import Draws
from lsr.detection.persistence import wilson
from lsr.detection.rivals import Rival
from lsr.synthetic import draw_sweeps

TIME_MS = np.arange(-40, 60, 0.2)


def detect_nothing(**detection):
    """Judge twenty sweeps that hold no response, with an M wave beside them."""
    drawn = draw_sweeps(
        seed=41, n_sweeps=20, rate_hz=5_000, after_ms=60, present=False, noise_uv=2.0, family="smooth"
    )
    settings = lsr.Settings.from_dict({"detection": detection})
    return lsr.detect(drawn.emg_uv, drawn.time_ms, drawn.direct_emg_uv, settings)


def detect_planted(sizes=None, shifts_ms=None):
    """Judge sweeps with a response at 11 ms, of so many times 200 uV and so much later in each."""
    sizes = np.ones(20) if sizes is None else np.asarray(sizes, dtype=float)
    shifts_ms = np.zeros(sizes.size) if shifts_ms is None else shifts_ms
    late_ms = TIME_MS - 11 - np.asarray(shifts_ms)[:, np.newaxis]
    emg_uv = 200 * sizes[:, np.newaxis] * np.exp(-(late_ms**2)) * np.sin(2 * late_ms)
    return lsr.detect(emg_uv + np.random.default_rng(3).normal(0, 4, emg_uv.shape), TIME_MS)


def test_without_its_measures_a_detection_tells_no_more_of_a_response_than_one_that_found_none():
    def unsaid(found):
        return {one.name for one in fields(found) if getattr(found, one.name) is None} - {"reason", "m_wave"}

    found = detect_planted()
    assert unsaid(found) < unsaid(found.unmeasured()) == unsaid(detect_nothing(smallest_response_uv=1e3))


# --- what would have been seen -------------------------------------------------------------------------


def test_absent_is_said_only_where_the_smallest_response_that_counts_would_have_been_seen():
    limit_uv = detect_nothing().detection_limit_uv
    assert detect_nothing(smallest_response_uv=1.05 * limit_uv).presence == "absent"
    assert detect_nothing(smallest_response_uv=limit_uv / 1.05).presence == "indeterminate"


def test_a_limit_that_is_surely_not_missed_is_higher():
    low, high = (detect_nothing(power=power).detection_limit_uv for power in (0.6, 0.99))
    assert high > 1.2 * low


@pytest.mark.parametrize(
    ("log_odds", "elsewhere", "later", "p_second"),
    [
        (0.1, False, False, 0.0),  # a response is likelier than its rivals, though not surely
        (-0.1, False, False, 1.0),  # a rival is
        (-1.0, True, False, 0.0),  # what begins before the window is likelier, but less than three times
        (-2.0, True, True, 0.0),  # what begins after the window may be a late LSR
    ],
)
def test_what_stands_out_and_may_as_well_be_a_response_is_never_absent(log_odds, elsewhere, later, p_second):
    """A p-value of 0 for a second response keeps the sweeps from being called absent."""
    start = SimpleNamespace(begins_elsewhere=elsewhere, begins_after=later)
    found_by = SimpleNamespace(value=2.0 * log_odds, without=start)
    told = detecting._look_beside(found_by, None, lsr.Settings().detection, 2.0)
    assert told == (found_by, p_second)


SECOND = Rival("a second pulse", np.zeros((1, 1)), 0.0, "second_artifact")
HUM = Rival("hum", np.zeros((1, 1)), 0.0, "hum")
WAVE = MWave(presence=Presence.PRESENT, amplitude_uv=1000.0, onset_latency_ms=3.5, peak_latency_ms=4.5)
QUIET = {"p": 0.5, "limit": 15.0, "m_wave": WAVE, "noise_uv": 2.0, "bare": 15.0}
QUIET |= {"steady": None, "n_clipped": 0, "sharp": -5.0}


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({}, "absent"),
        ({"p": 0.01}, "present"),
        ({"p": 0.01, "limit": 50.0, "instead": (SECOND,), "m_wave": None}, "present"),
        ({"p": 0.01, "beside": (HUM, SECOND)}, "second_artifact"),
        ({"instead": (SECOND, HUM)}, "second_artifact"),
        ({"beside": (SECOND,)}, "absent"),
        ({"limit": 20.1, "bare": 20.1}, "told by _why_blind"),
        ({"limit": 20.1}, "told by _why_blind"),
        ({"limit": 20.1, "instead": (HUM,)}, "hum"),
        ({"limit": 20.1, "bare": 20.1, "instead": (HUM,)}, "told by _why_blind"),
        ({"p": 0.03}, "borderline"),
        ({"p": 0.031}, "absent"),
        ({"p_second": 0.03}, "explained_otherwise"),
        ({"p_second": 0.03, "instead": (HUM,)}, "hum"),
        ({"p_second": 0.031, "instead": (HUM,)}, "absent"),
        ({"m_wave": None}, "no_m_wave"),
        ({"m_wave": MWave.absent()}, "no_m_wave"),
        ({"n_clipped": 4}, "absent"),
        ({"n_clipped": 5}, "saturated"),
        ({"noise_uv": 0.001}, "noise_implausible"),
        ({"noise_uv": 0.001, "m_wave": None}, "noise_implausible"),
        ({"steady": 100.0}, "in_few_sweeps"),  # so much stands out where the noise is not raised
        ({"steady": 0.0}, "absent"),
        ({"sharp": 1.51}, "sharp_phases"),  # p = exp(-(1.51 + 2)), below three times alpha
        ({"sharp": 1.50}, "absent"),
        ({"sharp": 1.51, "m_wave": None}, "no_m_wave"),
    ],
)
def test_absent_is_said_only_where_nothing_speaks_against_it(monkeypatch, changed, reason):
    case = QUIET | {"beside": (), "instead": (), "p_second": 1.0} | changed
    steady = SimpleNamespace(alone=case["steady"])
    monkeypatch.setattr(detecting, "discount", lambda noise: 1.0)
    monkeypatch.setattr(detecting, "detection_limit_uv", lambda *_: case["bare"])
    monkeypatch.setattr(detecting, "score_presence", lambda *_: steady)
    monkeypatch.setattr(detecting, "score_sharp", lambda *_: case["sharp"])
    monkeypatch.setattr(detecting, "_why_blind", lambda *_: "told by _why_blind")
    presence, why = detecting._answer(
        *(case[name] for name in ("p", "limit", "m_wave")),
        SimpleNamespace(
            noise=SimpleNamespace(sweep_sd_uv=case["noise_uv"]),
            n_clipped=case["n_clipped"],
            emg_uv=np.zeros((20, 1)),
        ),
        SimpleNamespace(bare=lambda: None, removed=None),
        lsr.Settings().detection,
        of_all=SimpleNamespace(varies=case["steady"] is not None, model=lambda steady: None),
        otherwise=None,
        **{name: case[name] for name in ("beside", "instead", "p_second")},
    )
    assert (why or presence) == reason
    assert (presence in ("present", "absent")) == (why is None)


# --- sweep by sweep ------------------------------------------------------------------------------------


def test_each_sweep_tells_its_own_latency():
    shifts_ms = np.random.default_rng(1).permutation(np.linspace(-0.4, 0.4, 20))
    found = detect_planted(shifts_ms=shifts_ms)
    assert np.corrcoef([sweep.latency_ms for sweep in found.sweeps], shifts_ms)[0, 1] > 0.9


def test_each_sweep_tells_its_own_amplitude():
    sizes_uv = np.array([sweep.amplitude_uv for sweep in detect_planted(np.tile([1.0, 2.0], 10)).sweeps])
    assert sizes_uv[1::2].mean() / sizes_uv[::2].mean() == pytest.approx(2.0, rel=0.1)


def test_the_interval_of_persistence_is_no_narrower_than_that_of_the_count():
    found = detect_planted(np.tile([1.0, 0.0], 5))
    low, high = wilson(5, 10)
    assert found.persistence == 0.5
    assert found.persistence_ci[0] <= low + 1e-9
    assert found.persistence_ci[1] >= high - 1e-9


def test_the_interval_of_an_amplitude_is_widened_by_what_sweeps_differ():
    """Half of 16 sweeps hold 0.5 of it, half 1.5: a deviation of 51.6 uV, of the mean of 12.9 uV."""
    measured = Measures(
        peak_latency_ms=11.0,
        amplitude_uv=100.0,
        amplitude_ci_uv=(98.0, 102.0),
        baseline_to_peak_uv=50.0,
        area_uv_ms=1.0,
        duration_ms=4.0,
        n_phases=2,
        morphology="monophasic",
    )
    low, high = widen_interval(measured, np.tile([0.5, 1.5], 8))
    assert low == pytest.approx(100 - np.hypot(2, 1.96 * 51.64 / 4), abs=0.1)
    assert high > 120
    assert widen_interval(measured, np.ones(1)) == (98.0, 102.0)


def test_a_response_of_which_no_start_lies_in_the_window_is_not_called_present(monkeypatch):
    monkeypatch.setattr(Draws, "within", lambda *_: None)
    found = detect_planted()
    assert (found.presence, found.reason) == ("indeterminate", "starts_outside_window")
    assert not found.begins_late  # planted at 10 ms


@pytest.mark.parametrize(("onset_ms", "late"), [(5.0, False), (13.9, False), (14.8, True)])
def test_a_response_that_starts_after_the_window_may_be_a_late_lsr(monkeypatch, onset_ms, late):
    """Planted: an LSR of 12.6 ms that moved beyond the window is not gone."""
    monkeypatch.setattr(Draws, "within", lambda *_: None)
    monkeypatch.setattr(Draws, "onset", lambda *_: onset_ms)
    assert detect_planted().begins_late is late
