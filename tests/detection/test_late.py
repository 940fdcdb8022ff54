"""Is there a late response, and is it kept apart from the early one?"""

import pytest

import lsr
from lsr.synthetic import draw_sweeps


def judge(seed, **changes):
    drawn = draw_sweeps(seed=seed, **{"n_sweeps": 20, "rate_hz": 10_000, "before_ms": 50} | changes)
    return lsr.detect(drawn.emg_uv, drawn.time_ms, drawn.direct_emg_uv)


@pytest.mark.parametrize("seed", [120, 121, 122])
def test_an_afterdischarge_is_reported_and_is_no_lsr(seed):
    found = judge(seed, present=False, nuisance="late", strength=2.0, family="smooth")
    assert found.late_response.presence == "present"
    assert 20 <= found.late_response.onset_latency_ms <= 60
    assert found.presence != "present"


def test_most_recordings_without_afterdischarge_show_none():
    found = [judge(seed, present=False).late_response.presence for seed in range(130, 136)]
    assert found.count("present") <= 1


def test_an_early_response_is_no_late_one():
    found = judge(140, snr=20, latency_ms=8, morphology="monophasic", family="sharp")
    assert found.presence == "present"
    assert found.late_response.presence != "present"


def test_sweeps_that_end_early_say_nothing_of_late_responses():
    assert judge(141, after_ms=25).late_response is None
