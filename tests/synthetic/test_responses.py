"""Motor units: a drawn response starts when it should and answers as often as it should."""

import numpy as np
import pytest

from lsr.synthetic.amplifier import Amplifier
from lsr.synthetic.families import UNIT_SHAPES
from lsr.synthetic.responses import draw_firing, draw_lateral_spread, exact_sweeps, render_response
from lsr.synthetic.streams import stream
from lsr.synthetic.waveforms import fine_time_ms, start_ms, weighted_sum


def response(shape: str = "gamma", latency_ms: float = 9.0, morphology: str = "polyphasic"):
    return draw_lateral_spread(
        stream(3, shape),
        latency_ms=latency_ms,
        shape=shape,
        amplifier=Amplifier(),
        morphology=morphology,
    )


@pytest.mark.parametrize("shape", UNIT_SHAPES)
@pytest.mark.parametrize("latency_ms", [6.5, 13.5])
def test_the_sum_of_units_starts_at_the_latency_after_the_amplifier(shape, latency_ms):
    nominal = response(shape, latency_ms).units.sum(axis=0)
    assert start_ms(nominal, fine_time_ms()) == pytest.approx(latency_ms, abs=0.02)
    assert np.ptp(nominal) == pytest.approx(1.0)


def test_a_polyphasic_response_has_more_units_over_a_longer_time_than_a_monophasic_one():
    many, few = response(morphology="polyphasic").units, response(morphology="monophasic").units
    assert len(many) > len(few)


def test_persistence_is_the_share_of_stimuli_that_the_muscle_answers():
    firing = draw_firing(stream(1), response(), 2000, persistence=0.7)
    assert firing.answered.mean() == pytest.approx(0.7, abs=0.04)
    assert not firing.weights[~firing.answered].any()


def test_a_muscle_that_hardly_answers_answers_once():
    assert draw_firing(stream(1), response(), 5, persistence=0.0).answered.sum() == 1
    assert draw_firing(stream(1), response(), 5, persistence=0.0, may_all_fail=True).answered.sum() == 0


def test_latency_jitter_is_the_standard_deviation_of_single_latencies():
    drawn = response("gamma", morphology="monophasic")
    firing = draw_firing(stream(2), drawn, 400, jitter_ms=0.5, unit_dropout=0.0)
    exact_uv, exact_ms = exact_sweeps(drawn, firing)
    latencies_ms = [start_ms(row, exact_ms) for row in exact_uv]
    assert np.std(latencies_ms) == pytest.approx(0.5, abs=0.1)


def test_a_stimulus_between_samples_shifts_its_sweep_by_less_than_a_sample():
    drawn = response()
    firing = draw_firing(stream(2), drawn, 1)
    time_ms = np.arange(0.0, 40.0, 0.1)
    on_sample = render_response(drawn, firing, time_ms, np.array([0.0]))[0]
    between = render_response(drawn, firing, time_ms + 0.04, np.array([0.04]))[0]
    np.testing.assert_allclose(between, on_sample, atol=1e-9)


def test_waveforms_add_up_by_their_weights_and_delays():
    wave = np.zeros((2, fine_time_ms().size))
    wave[0, 100], wave[1, 200] = 1.0, 1.0
    time_ms = fine_time_ms()[:500]
    sweep = weighted_sum(wave, np.array([[2.0, -3.0]]), np.array([[0.5, 0.0]]), time_ms)[0]
    assert sweep[150] == pytest.approx(2.0)
    assert sweep[200] == pytest.approx(-3.0)
    assert np.count_nonzero(np.abs(sweep) > 1e-6) == 2


def test_the_amplifier_is_causal():
    step = np.zeros((1, fine_time_ms().size))
    step[:, 1000:] = 1.0
    filtered = Amplifier().filter(step)[0]
    assert not filtered[:1000].any()
    assert filtered[1000:].max() > 0.9
