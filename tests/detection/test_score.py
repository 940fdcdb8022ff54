"""What a score is made of, and what a score is worth."""

from dataclasses import replace

import numpy as np
import pytest

from lsr.detection.evidence import Model
from lsr.detection.noise import Noise
from lsr.detection.presence import (
    Score,
    detection_limit_uv,
    discount,
    evidence_of_starts,
    p_value,
    score_beside,
    score_presence,
    threshold_score,
    weigh,
)
from lsr.detection.waveform import FINE_SEARCH_FAMILY, LASTING_SEARCH_FAMILY, SEARCH_FAMILIES, Family

SEARCH_MS = (5.5, 14.0)


def score_of(*, within=1.0, before=0.025, beyond=0.475, **changes):
    """A score of these odds, none of them logarithms."""
    with np.errstate(divide="ignore"):
        odds = {"within": np.log(within), "before": np.log(before), "beyond": np.log(beyond)}
    rest = {
        "starts_ms": np.zeros(1),
        "log_evidence": np.zeros(1),
        "smallest_uv": 1.0,
        "sizes_uv": np.ones(1),
        "earliest": (4.5, SEARCH_FAMILIES[0], 30.0),
        "families": SEARCH_FAMILIES,
    }
    return Score(**odds | rest | changes)


def average_of(response_uv=0.0, *, last_ms=26.0, noise_uv=2.0, nuisances=None):
    """An average in white noise, told by so many nuisances beside it: a level where none are given."""
    time_ms = np.arange(1.4, last_ms, 0.2)
    average_uv = np.random.default_rng(6).normal(0, noise_uv, time_ms.size)
    if callable(response_uv):
        average_uv += response_uv(time_ms)
    columns = np.ones((time_ms.size, 1)) if nuisances is None else nuisances(time_ms)
    return Model.build(time_ms, average_uv, np.eye(time_ms.size) / noise_uv, columns)


def response(start_ms, size_uv, family=SEARCH_FAMILIES[0]):
    """What a family holds, of bumps that deviate by that size."""
    sizes = np.random.default_rng(9).normal(0, size_uv, family.centres_ms.size)
    return lambda time_ms: family.bumps(time_ms - start_ms) @ sizes


# --- what competes with a response ---------------------------------------------------------------------


def test_a_response_competes_with_none_and_with_one_that_starts_elsewhere():
    told = score_of(within=3.0, before=0.1, beyond=0.2)
    assert np.exp(told.without) == pytest.approx(0.5 + 0.1 + 0.2)
    assert np.exp(told.alone) == pytest.approx(3.0 / 0.5)


@pytest.mark.parametrize(
    ("before", "beyond", "elsewhere", "after"),
    [
        (0.3, 0.25, True, False),  # likelier together than none, of which the odds are a half
        (0.25, 0.3, True, True),
        (0.2, 0.25, False, False),
        (0.0, 0.6, True, True),
    ],
)
def test_what_starts_elsewhere_has_to_be_likelier_than_nothing(before, beyond, elsewhere, after):
    told = score_of(before=before, beyond=beyond)
    assert (told.begins_elsewhere, told.begins_after) == (elsewhere, after)


def test_choices_of_nuisances_are_weighed_by_their_own_evidence():
    """The first explains little without a response, the second three times as much: (6 + 3) / (0.5 + 3)."""
    alone, rival = score_of(within=6.0, before=0.0, beyond=0.0), score_of(within=1.0, before=0.1, beyond=0.4)
    value, beside, instead = weigh([(alone, 0.0), (rival, np.log(3))], [False, False])
    assert np.exp(value) == pytest.approx(9 / 3.5)
    assert (beside, instead) == (0, 1)


@pytest.mark.parametrize(("gain", "beside"), [(3.0, 0), (6.0, 1)])
def test_a_rival_that_adds_less_than_no_family_fits_takes_no_part_of_a_response(gain, beside):
    """Of a log evidence of 1000 that a response adds beside the rival, half a per cent is 5."""
    alone = replace(score_of(before=0.0, beyond=0.0), within=1000.0 - gain)
    rival = replace(score_of(before=0.0, beyond=0.0), within=1000.0)
    assert weigh([(alone, 0.0), (rival, 0.0)], [False, True])[1] == beside
    assert weigh([(alone, 0.0), (rival, 0.0)], [False, False])[1] == 1, "a copy of the M wave may take part"
    explains_it = replace(score_of(before=0.0, beyond=0.0), within=1.0)
    assert weigh([(alone, 0.0), (explains_it, 999.0)], [False, True])[1] == 1, (
        "little is left for the response"
    )


@pytest.mark.parametrize(
    ("start_ms", "where"),
    [(4.4, "before"), (5.0, "inside"), (9.0, "inside"), (13.2, "inside"), (14.8, "beyond"), (16.5, "beyond")],
)
@pytest.mark.parametrize("size_uv", [60.0, 20_000.0])
def test_where_a_response_starts_is_told(start_ms, where, size_uv):
    """The bumps rise slowly: one that starts half a millisecond before the window is seen within it."""
    told = score_presence(average_of(response(start_ms, size_uv)), SEARCH_MS)
    assert (told.within > told.without) == (where == "inside")
    if where != "inside":
        assert told.begins_after == (where == "beyond")


def test_no_start_is_asked_where_the_data_end():
    model = average_of(last_ms=15.6)
    starts_ms = score_presence(model, SEARCH_MS).starts_ms
    assert 14.0 < starts_ms[-1] < 15.1


def test_what_begins_before_the_window_is_known_by_start_and_size():
    told = score_presence(average_of(response(4.5, 40.0)), SEARCH_MS)
    start_ms, family, size_uv = told.earliest
    assert told.begins_elsewhere
    assert not told.begins_after
    assert start_ms < 4.7
    assert 20.0 < size_uv < 80.0
    time_ms = np.arange(0.0, 20.0, 0.2)
    expected_uv = size_uv * family.bumps(time_ms - start_ms)
    np.testing.assert_allclose(told.earlier_columns(time_ms), expected_uv)


# --- sizes and shapes ----------------------------------------------------------------------------------


@pytest.mark.parametrize("size_uv", [20.0, 3000.0, 5e4])
def test_sizes_reach_from_what_noise_lets_through_to_what_is_there(size_uv):
    told = score_presence(average_of(response(9.0, size_uv), noise_uv=2.0), SEARCH_MS)
    assert 2.0 < told.smallest_uv < 4.0
    assert told.sizes_uv.min() <= size_uv <= told.sizes_uv.max()


def beside_nothing(model, like):
    """The score beside a further nuisance that is nowhere."""
    (score,) = score_beside(model, [model.beside(np.zeros((model.time_ms.size, 1)))], SEARCH_MS, like)
    return score


def test_what_joins_a_model_is_as_if_it_had_been_there_from_the_start():
    """Planted: a level of 50 uV and a response of 40 uV, of which the level is told only beside."""
    level_uv = 50 * np.ones((123, 1))
    plain = average_of(lambda time_ms: 30 + response(9.0, 40.0)(time_ms), nuisances=decaying)
    joined = Model.build(
        plain.time_ms,
        plain.average_uv,
        plain.noise_root,
        np.hstack([decaying(plain.time_ms), level_uv]),
    )
    beside = plain.beside(level_uv)
    like = score_presence(joined, SEARCH_MS)
    (told,) = score_beside(plain, [beside], SEARCH_MS, like)
    again = beside_nothing(joined, like)
    assert beside.log_null == pytest.approx(joined.log_null)
    assert told.within == pytest.approx(again.within)
    np.testing.assert_allclose(told.log_evidence, again.log_evidence, atol=1e-6)


def test_with_other_nuisances_the_same_is_told_by_half_of_the_starts_and_the_sizes_that_may_be():
    model = average_of(response(9.0, 40.0))
    told = score_presence(model, SEARCH_MS)
    again = beside_nothing(model, told)
    assert again.starts_ms.size == pytest.approx(told.starts_ms.size / 2, abs=1)
    assert again.smallest_uv == told.smallest_uv < again.sizes_uv.min()
    assert set(again.sizes_uv) <= set(told.sizes_uv)
    shared, one, other = np.intersect1d(
        told.starts_ms.round(3), again.starts_ms.round(3), return_indices=True
    )
    inside = (shared > 8) & (shared < 10)
    assert inside.any()
    np.testing.assert_allclose(again.log_evidence[other][inside], told.log_evidence[one][inside], atol=0.1)


def test_that_a_response_lasts_is_asked_where_it_may_and_told_to_what_is_compared():
    lasting = average_of(response(7.0, 60.0, LASTING_SEARCH_FAMILY))
    waning = average_of(response(7.0, 60.0))
    plain, asked = (score_presence(lasting, SEARCH_MS, may_last=may_last) for may_last in (False, True))
    assert (plain.may_last, asked.may_last) == (False, True)
    assert asked.within > plain.within + 5
    for model in (lasting, waning):
        assert beside_nothing(model, asked).may_last
        assert not beside_nothing(model, replace(asked, families=SEARCH_FAMILIES)).may_last


@pytest.mark.parametrize(("size_uv", "asked"), [(8.0, False), (800.0, True)])
def test_sharp_phases_are_asked_of_what_is_far_above_the_noise(size_uv, asked):
    model = average_of(response(8.0, size_uv, Family(width_ms=0.2, rise_ms=0.5, length_ms=8.0)))
    told = score_presence(model, SEARCH_MS)
    assert (FINE_SEARCH_FAMILY in told.families) == asked
    assert beside_nothing(model, told).families == told.families
    if asked:
        assert told.starts_ms[told.log_evidence.argmax()] == pytest.approx(8.0, abs=0.5)


def log_evidence_of(model, tail, start_ms, family, size_uv):
    """By the covariance of noise of 1 uV, tail and response; up to what the noise alone has."""
    bumps = size_uv * family.bumps(model.time_ms - start_ms)
    covariance = np.eye(model.time_ms.size) + tail @ tail.T + bumps @ bumps.T
    fit = model.average_uv @ np.linalg.solve(covariance, model.average_uv)
    return -0.5 * fit - 0.5 * np.linalg.slogdet(covariance)[1]


def decaying(time_ms):
    return 30 * np.exp(-time_ms / 3)[:, None]


def test_the_evidence_of_starts_is_that_of_all_the_data():
    model = average_of(response(8.0, 5.0), noise_uv=1.0, nuisances=decaying)
    like = score_of(sizes_uv=np.array([6.0]), smallest_uv=6.0)
    starts_ms, evidence = evidence_of_starts(model, SEARCH_MS, like)
    assert 4.0 < starts_ms[0] < 4.7
    assert starts_ms[-1] == pytest.approx(14.0, abs=0.4)
    for start_ms, told in zip(starts_ms[::5], evidence[::5], strict=True):
        families = (*SEARCH_FAMILIES, LASTING_SEARCH_FAMILY)
        expected = [log_evidence_of(model, decaying(model.time_ms), start_ms, one, 6.0) for one in families]
        assert told == pytest.approx(np.log(np.mean(np.exp(expected)) / 2), abs=1e-6)


def test_a_score_counts_every_size_and_half_as_much_the_larger_ones():
    model = average_of(response(8.0, 5.0), noise_uv=1.0, nuisances=decaying)
    told = score_presence(model, SEARCH_MS)
    tail, none = decaying(model.time_ms), SEARCH_FAMILIES[0]
    without = log_evidence_of(model, tail, 8.0, none, 0.0)
    for start_ms, evidence in zip(told.starts_ms[2::9], told.log_evidence[2::9], strict=True):
        expected = [
            sum(
                np.exp(log_evidence_of(model, tail, start_ms, one, told.smallest_uv * 2.0**k) - without)
                / 2**k
                for k in range(6)
            )
            for one in SEARCH_FAMILIES
        ]
        assert evidence == pytest.approx(np.log(np.mean(expected) / 2), abs=0.05)


# --- what a score is worth -----------------------------------------------------------------------------


def noise_of(weights, *, spikiness=1.0, quiet_ms=20.0):
    weights = np.asarray(weights, float)
    return Noise(
        variance_uv2=np.ones(weights.size),
        weights=weights / weights.sum(),
        predictors=np.ones((1, 1)),
        errors=np.ones(1),
        spikiness=spikiness,
        quiet_ms=quiet_ms,
    )


@pytest.mark.parametrize("alpha", [0.05, 0.01, 1e-6])
def test_at_the_threshold_the_p_value_is_alpha(alpha):
    assert p_value(threshold_score(alpha)) == pytest.approx(alpha)


def test_a_p_value_is_a_probability_and_never_0():
    assert p_value(-1e3) == 1.0
    assert 0 < p_value(1e6) < 1e-9


@pytest.mark.parametrize(
    ("weights", "given", "worth"),
    [
        (np.ones(20), {}, 2.0),  # as long a quiet stretch as doubles what is needed
        (np.ones(20), {"quiet_ms": 80.0}, 1.25),
        (np.ones(20), {"quiet_ms": 80.0, "spikiness": 3.0}, 1.25 * 1.1),
        ([1.0, 1.0, *np.zeros(18)], {"quiet_ms": 80.0, "spikiness": 3.0}, 1.25 * 2),  # two count of twenty
        (np.ones(5), {"quiet_ms": 80.0}, 1.25),
        (np.ones(4), {"quiet_ms": 80.0}, 1.25 * 1.3),  # so few tell no burst from a response
    ],
)
def test_a_score_counts_less_where_the_noise_is_not_well_known(weights, given, worth):
    assert discount(noise_of(weights, **given)) == pytest.approx(worth)


def limit_uv(threshold=5.0, power=0.5, search_ms=SEARCH_MS, **given):
    return detection_limit_uv(average_of(**given), search_ms, threshold, power)


def test_the_limit_grows_by_the_root_of_the_energy_that_is_needed():
    assert limit_uv(7.0) / limit_uv(0.0) == pytest.approx(np.sqrt((7 + 11) / 11))
    assert limit_uv(-3.0) == limit_uv(0.0)
    assert limit_uv(7.0, 0.975) / limit_uv(7.0) == pytest.approx(1 + 1.96 / 6, abs=1e-3)
    assert limit_uv(noise_uv=6.0, nuisances=lambda time_ms: 0 * time_ms[:, None]) == pytest.approx(
        3 * limit_uv(nuisances=lambda time_ms: 0 * time_ms[:, None])
    )


def test_the_limit_is_that_of_the_latency_where_a_response_is_hardest_to_see():
    def hidden_early(time_ms):
        return 50 * np.diag(np.where(time_ms < 11, 1.0, 0.0))

    whole, late = (limit_uv(search_ms=window, nuisances=hidden_early) for window in (SEARCH_MS, (12.0, 14.0)))
    assert late < 1.5 * limit_uv()
    assert whole > 4 * late
