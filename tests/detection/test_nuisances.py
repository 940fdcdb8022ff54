"""What else than a response an average may hold: how it is told, and how large it may be."""

from types import SimpleNamespace

import numpy as np
import pytest

from lsr.cleaning.artifact import tail_columns
from lsr.detection import nuisances, rivals, varying
from lsr.detection.evidence import Model
from lsr.detection.noise import Noise
from lsr.detection.nuisances import Nuisances
from lsr.detection.prepare import prepare
from lsr.detection.rivals import Rival

AT_MS = np.arange(1.6, 26.0, 0.2)


# --- columns seen where no response can be --------------------------------------------------------------


@pytest.fixture
def seen():
    """Columns of three kinds and data, some of the rows left out; and a function that weighs them densely."""
    rng = np.random.default_rng(3)
    white = {"drift": rng.normal(size=(50, 2)), "tail": rng.normal(size=(50, 3)), "hum": np.ones((50, 1))}
    data, rows = 3 * rng.normal(size=50), np.arange(50) > 9

    def dense(deviations):
        columns = np.hstack([white[kind][rows] * size for kind, size in deviations.items()])
        covariance = np.eye(40) + columns @ columns.T
        explained = columns.T @ np.linalg.solve(covariance, data[rows])
        gain = data[rows] @ data[rows] - data[rows] @ np.linalg.solve(covariance, data[rows])
        return 0.5 * gain - 0.5 * np.linalg.slogdet(covariance)[1], explained

    return nuisances._Shapes.seen(white, data, rows), dense


def test_deviations_are_as_likely_as_the_covariance_makes_the_data(seen):
    shapes, dense = seen
    tried = [{"drift": 0.5, "tail": 2.0}, {"hum": 1.0}, {"drift": 0.5, "tail": 2.0, "hum": 1.0}]
    expected = [dense(deviations)[0] for deviations in tried]
    np.testing.assert_allclose([shapes.log_evidence([one])[0] for one in tried], expected)
    doubled = [{kind: 2 * size for kind, size in one.items()} for one in tried[2:]]
    both = [dense(one)[0] for one in (*tried[2:], *doubled)]
    np.testing.assert_allclose(shapes.log_evidence([*tried[2:], *doubled]), both)


def test_what_is_integrated_out_first_counts_all_the_same(seen):
    shapes, dense = seen
    expected, _ = dense({"drift": 0.5, "tail": 2.0, "hum": 1.0})
    rest = shapes.given({"drift": 0.5}).given({"tail": 2.0})
    assert list(rest.kinds) == ["hum"]
    assert rest.log_evidence([{"hum": 1.0}])[0] == pytest.approx(expected)


def test_of_every_kind_as_much_is_fitted_as_its_deviation_makes_likely(seen):
    shapes, dense = seen
    found = shapes.fit({"drift": 0.5, "tail": 2.0})
    _, explained = dense({"drift": 0.5, "tail": 2.0})
    np.testing.assert_allclose(found["drift"], 0.5 * explained[:2])
    np.testing.assert_allclose(found["tail"], 2.0 * explained[2:])
    assert found["hum"] == 0


# --- models of them ------------------------------------------------------------------------------------


def nuisances_of(inflation=1.0, kinds=("drift", "drift", "tail", "copy 1")):
    """Noise of 2 uV, coloured, and one sample per nuisance in which 10 uV of it may be."""
    root = (np.eye(AT_MS.size) - np.diag(np.full(AT_MS.size - 1, 0.6), -1)) / 2
    columns = 10 * np.eye(AT_MS.size)[:, : len(kinds)]
    average_uv = np.random.default_rng(1).normal(0, 2, AT_MS.size)
    return Nuisances(
        sweeps_uv=average_uv[None],
        steady=Model.build(AT_MS, average_uv, root, columns),
        inflation=np.where(AT_MS > 10, inflation, 1.0),
        apart=np.zeros(1, bool),
        columns=columns,
        counts=tuple((kind, kinds.count(kind)) for kind in dict.fromkeys(kinds)),
        find_rivals=lambda: (),
        removed=None,
    )


def sizes_uv(model, n_columns):
    """How much of each nuisance a model lets be there."""
    held = np.linalg.inv(model.root.T @ model.root) - np.linalg.inv(model.noise_root.T @ model.noise_root)
    return np.sqrt(np.clip(held.diagonal()[:n_columns], 0, None))


def test_noise_is_raised_where_the_sweeps_differ_unless_what_is_steady_is_asked():
    found = nuisances_of(inflation=3.0)
    raised = found.model().noise_root @ found.steady.average_uv
    np.testing.assert_allclose(raised, found.steady.noise_root @ found.steady.average_uv / found.inflation)
    assert found.model(steady=True) is found.steady
    np.testing.assert_allclose(sizes_uv(found.model(), 4), 10.0)


def test_noise_that_is_hardly_raised_is_left_as_it_is():
    found = nuisances_of(inflation=1.09)
    assert not found.varies
    assert found.model() is found.steady


def test_a_rival_is_one_more_nuisance_and_bare_is_noise_and_drift():
    found = nuisances_of()
    rival = Rival("a rival", 7 * np.eye(AT_MS.size)[:, 4:5], 6.0, "hum")
    np.testing.assert_allclose(sizes_uv(found.model(rival), 6), [10, 10, 10, 10, 7, 0], atol=1e-4)
    np.testing.assert_allclose(sizes_uv(found.bare(), 4), [10, 10, 0, 0], atol=1e-4)


def test_lesser_models_hold_less_tail_and_less_copy_in_the_steps_of_their_sizes():
    found = nuisances_of()
    told = np.array([sizes_uv(one, 4) for one in found.lesser_models()])
    np.testing.assert_allclose(told[:, :2], 10.0)
    assert sorted(set(told[:, 2].round(4))) == [0.3, 2.0, 10.0]
    assert sorted(set(told[:, 3].round(4))) == [0.025, 0.1, 0.5, 2.5, 10.0]
    assert len(told) == 15
    assert len(list(nuisances_of(kinds=("drift", "drift", "tail", "ring")).lesser_models())) == 3


# --- sizes ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("centre_ms", "ends_ms"), [(4.0, 6.0), (7.4, 7.4), (12.0, 9.0)])
def test_the_direct_zone_ends_later_where_the_m_wave_is_late(centre_ms, ends_ms):
    wave_uv = 1000 * np.exp(-((AT_MS - centre_ms) ** 2)) + 100 * np.exp(-((AT_MS - 15) ** 2))
    assert nuisances._direct_zone_ends_ms([wave_uv], AT_MS) == pytest.approx(ends_ms, abs=0.21)
    assert nuisances._direct_zone_ends_ms([], AT_MS) == 6.0
    early_uv = np.exp(-((AT_MS - 3) ** 2))
    assert nuisances._direct_zone_ends_ms([early_uv, wave_uv], AT_MS) == pytest.approx(ends_ms, abs=0.21)


def test_a_mean_over_neighbours_keeps_the_level_to_both_ends():
    np.testing.assert_allclose(nuisances._moving_mean(np.full(20, 3.0), 4), 3.0)
    assert nuisances._moving_mean(np.eye(9)[4] * 5, 2).round(9).tolist() == [0, 0, 1, 1, 1, 1, 1, 0, 0]


def test_the_level_is_as_far_from_zero_as_the_stretches_beside_allow():
    whole_uv, data_uv = np.r_[np.zeros(10), np.full(10, -7.0)], np.array([-90.0, 40.0])
    after = np.arange(20) > 9

    def level_uv(*, before, after):
        prepared = SimpleNamespace(noise=SimpleNamespace(average_sd_uv=2.0), before=before, after=after)
        return nuisances._level_uv(data_uv, whole_uv, prepared)

    none = np.zeros(20, bool)
    assert level_uv(before=~after, after=after) == pytest.approx(4 + 7)
    assert level_uv(before=none, after=after) == level_uv(before=~after, after=none) == pytest.approx(90 + 20)


def misfit_uv(*, rest_uv=0.0, tail=0.0, copy=0.0):
    """What may be left beside tails and copies in noise of 1 uV."""
    fitted = {"tail": tail + 0 * AT_MS, "copy 1": copy + 0 * AT_MS}
    data = sum(fitted.values()) + rest_uv * np.where(np.arange(AT_MS.size) % 2, 1, -1)
    allowed, removed = nuisances._misfit(fitted, {"copy 1": 0.01}, AT_MS, data, AT_MS < 6, 1.0)
    return dict(zip(AT_MS.round(1), allowed, strict=True)), removed


def test_what_the_direct_zone_leaves_unexplained_may_follow_it_and_fades():
    allowed, removed = misfit_uv(rest_uv=np.where(AT_MS < 5.5, np.sqrt(1 + 8**2), 20.0))
    assert removed.unexplained_direct_uv == pytest.approx(8)
    assert removed.largest_uv == 20.0
    assert [allowed[at] for at in (2.0, 4.8)] == pytest.approx([12, 12])
    assert allowed[8.0] == pytest.approx(12 / np.e)
    assert allowed[14.0] < 0.01
    quiet, removed = misfit_uv(rest_uv=0.5)
    assert removed.unexplained_direct_uv == max(quiet.values()) == 0


def test_a_share_of_tail_and_copy_may_be_left_too():
    allowed, removed = misfit_uv(tail=-1000.0)
    assert (allowed[10.0], allowed[22.0], removed.tail_uv) == (pytest.approx(5), 0, 1000)
    allowed, removed = misfit_uv(copy=100.0)
    assert (allowed[10.0], allowed[22.0], removed.crosstalk_uv) == (pytest.approx(6), pytest.approx(6), 100)
    steep, _ = misfit_uv(copy=50 * (AT_MS - 10))
    assert steep[10.0] == pytest.approx(np.hypot(0.06 * 50 * 0.75, 0.06 * 50), rel=0.1)


def test_a_copy_that_misfits_early_may_misfit_as_much_of_itself_later():
    allowed, _ = misfit_uv(rest_uv=np.sqrt(1 + 8**2), copy=100.0)
    assert allowed[14.0] == pytest.approx(np.hypot(1.5 * 8, 6), rel=0.01)


def found_in(added_uv, *, search_ms=(5.5, 14.0), noise_uv=2.0):
    """Nuisances of twenty sweeps that all hold the same, without a direct muscle."""
    time_ms = np.arange(-40, 80, 0.2)
    emg_uv = np.random.default_rng(1).normal(0, noise_uv, (20, time_ms.size)) + added_uv(time_ms)
    prepared = prepare(emg_uv, time_ms, search_ms=search_ms, mains_hz=None)
    return nuisances.find_nuisances(prepared, [])


def test_no_model_is_finer_than_a_small_share_of_a_large_response():
    found = found_in(lambda t: 8000 * np.exp(-((t - 11) ** 2)) * np.sin(2 * (t - 11)), noise_uv=0.5)
    finest_uv = 1 / found.steady.noise_root[0, 0]
    assert finest_uv == pytest.approx(np.hypot(0.002 * found.removed.largest_uv, 0.5 / np.sqrt(20)), rel=0.1)
    assert finest_uv > 10.0


@pytest.mark.parametrize("seed", [8, 9, 10])
def test_noise_that_the_sweeps_share_is_no_smaller_in_their_average(seed):
    """Planted: 2 uV of noise of each sweep, and 0.5 uV that all have alike, more than averaging leaves."""
    shared_uv = np.random.default_rng(seed).normal(0, 0.5, 600)
    apart, alike = (found_in(lambda t, at=at: at * shared_uv) for at in (0.0, 1.0))
    noise_uv = [1 / found.steady.noise_root.diagonal()[30:].mean() for found in (apart, alike)]
    assert noise_uv[1] / noise_uv[0] == pytest.approx(np.sqrt(1 + 0.5**2 * 20 / 2**2), rel=0.2)
    assert [found.removed.noise_uv for found in (apart, alike)] == pytest.approx(noise_uv, rel=0.01)


def test_what_comes_well_before_a_later_window_is_no_response_of_it():
    sooner, later = (
        found_in(
            lambda t, at=at: 100 * np.exp(-(((t - at) / 0.4) ** 2)) * np.sin(2 * (t - at)),
            search_ms=(8.0, 14.0),
        )
        for at in (7.0, 8.5)
    )
    assert sooner.removed.largest_uv < 15 < 25 < later.removed.largest_uv


# --- rivals --------------------------------------------------------------------------------------------


def rivals_of(**changes):
    given = {
        "swing": nuisances._usual_columns(1.6, 0.2, AT_MS.size).swing,
        "at": AT_MS,
        "data": np.random.default_rng(2).normal(0, 1, AT_MS.size),
        "deviation_uv": 1.0,
        "dispersed": None,
        "hum_is_told": True,
        "lasting_uv": 0.49,
        "mains_hz": (50.0,),
        "direct_uv": None,
        "until_ms": 14.0,
    }
    return rivals.find_rivals(**given | changes)


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({}, []),
        ({"dispersed": np.ones((AT_MS.size, 1))}, ["a dispersed copy of the M wave"]),
        ({"hum_is_told": False}, 4 * ["mains hum"]),
        ({"lasting_uv": 0.51}, 2 * ["a notch filter that rings"]),
        (
            {"lasting_uv": 0.51, "dispersed": np.ones((AT_MS.size, 1))},
            [
                "a dispersed copy of the M wave",
                *2
                * [
                    "a notch filter that rings",
                    "a notch filter that rings and a dispersed copy of the M wave",
                ],
            ],
        ),
        ({"data": 60 * np.exp(-(((AT_MS - 6) / 0.1) ** 2))}, ["a second stimulus artifact"]),
    ],
)
def test_what_may_pass_for_a_response_is_asked_where_something_speaks_for_it(changes, names):
    assert [one.name for one in rivals_of(**changes)] == [*2 * ["a tail that swings"], *names]


def pulse_uv(at_ms, size_uv, tail_uv=0.0):
    since = AT_MS - at_ms
    tail = tail_uv * np.exp(-np.clip(since, 0, None) / 1.5) * (since > 0.1)
    return size_uv * np.exp(-((since / 0.1) ** 2)) + tail


def find_second(data_uv, *, shared=False):
    return rivals._second_artifact(AT_MS, data_uv, 1.0, shared=np.full(AT_MS.size, shared))


@pytest.mark.parametrize(
    ("at_ms", "size_uv", "shared", "is_pulse"),
    [
        (6.0, 100.0, False, True),
        (6.0, 10.0, False, False),  # no larger than noise may be
        (2.2, 100.0, False, False),  # the first artifact's own end
        (8.6, 100.0, False, False),  # pulses of a train come sooner
        (8.6, 100.0, True, True),  # unless all channels see it
    ],
)
def test_a_second_pulse_is_as_sharp_and_as_soon_as_pulses_are(at_ms, size_uv, shared, is_pulse):
    found = find_second(pulse_uv(at_ms, size_uv), shared=shared)
    assert (found is not None) == is_pulse


def test_a_second_pulse_and_its_tail_are_what_its_columns_hold():
    data = pulse_uv(6.0, 100.0, tail_uv=40.0)
    columns = find_second(data).columns
    left = data - columns @ np.linalg.lstsq(columns, data)[0]
    assert np.abs(left).max() < 1.0
    assert np.abs(columns[AT_MS < 4.5]).max() < 1e-3


def test_where_the_artifact_lasts_for_long_no_second_one_is_looked_for():
    late = AT_MS > 7.2
    assert rivals._second_artifact(AT_MS[late], np.ones(late.sum()), 1.0, shared=late[late] & False) is None


def test_a_muscle_bends_less_sharply_than_a_pulse():
    since = np.clip(AT_MS - 6, 0, None)
    assert find_second(100 * since * np.exp(-since) * np.sin(4 * since)) is None


def test_a_pulse_that_all_channels_see_is_one_of_the_direct_muscle_in_the_window():
    wave_uv = np.random.default_rng(4).normal(0, 1, AT_MS.size)
    for at_ms, until_ms, seen in ((10.0, 14.0, True), (10.0, 9.0, False), (4.0, 14.0, False)):
        shared = rivals._bends_sharply(AT_MS, wave_uv + pulse_uv(at_ms, 40.0), until_ms)
        assert shared.any() == seen
        if seen:  # as in another channel, give or take a sample
            assert AT_MS[shared].round(1).tolist() == [9.6, 9.8, 10.0, 10.2, 10.4]
    assert not rivals._bends_sharply(AT_MS, wave_uv, 14.0).any()
    assert not rivals._bends_sharply(AT_MS, None, 14.0).any()


def test_what_swings_at_mains_frequency_after_the_response_is_measured_hum_included():
    time_ms = np.arange(-40, 80, 0.2)
    after, swing = time_ms > 26, 5 * np.sin(2 * np.pi * 0.1 * time_ms)  # 100 Hz: twice the mains
    noise = SimpleNamespace(weights=np.array([0.5, 0.5]))
    hum = SimpleNamespace(hum_uv=np.stack([swing, swing]))

    def lasting_uv(average, hum, after, mains_hz=(50.0,)):
        prepared = SimpleNamespace(hum=hum, noise=noise, after=after, time_ms=time_ms)
        data = np.where(np.arange(20) > 9, 3.0, 0.0)
        return rivals.lasting_uv(average, data, data > -1, prepared, mains_hz)

    assert lasting_uv(swing, None, after) == pytest.approx(5 / np.sqrt(2), rel=0.02)
    assert lasting_uv(0 * swing, hum, after) == pytest.approx(5 / np.sqrt(2), rel=0.02)
    assert lasting_uv(swing, None, after, (60.0,)) < 2.0
    assert lasting_uv(swing, None, np.zeros(time_ms.size, bool)) == 1.5  # all that is left counts


# --- what varies from sweep to sweep -------------------------------------------------------------------


def bump_uv(size_uv, at_ms=11.0, wavelength_ms=3.0):
    since = AT_MS - at_ms
    return size_uv * np.exp(-((since / 1.2) ** 2)) * np.sin(2 * np.pi * since / wavelength_ms)


def what_varies(added_uv, *, noise_uv=1.0):
    """Twenty sweeps of white noise to which something is added, sweep by sweep."""
    added_uv = np.asarray(added_uv, float)
    n_sweeps = len(added_uv)
    noise_uv = np.broadcast_to(noise_uv, n_sweeps)
    weights = noise_uv**-2.0 / (noise_uv**-2.0).sum()
    noise = Noise(
        variance_uv2=noise_uv**2,
        weights=weights,
        predictors=np.ones((1, 1)),
        errors=np.ones(1),
        spikiness=1.0,
        quiet_ms=100.0,
    )
    sweeps_uv = np.random.default_rng(5).normal(0, 1, added_uv.shape) * noise_uv[:, None] + added_uv
    root = np.eye(AT_MS.size) / noise.average_sd_uv
    model = Model.build(AT_MS, weights @ sweeps_uv, root, np.zeros((AT_MS.size, 1)))
    inflation, apart = varying.what_varies(sweeps_uv, noise, model, 6.0, (AT_MS > 6) & (AT_MS < 22))
    return dict(zip(AT_MS.round(1), inflation, strict=True)), np.flatnonzero(apart).tolist()


def test_noise_is_not_raised_by_noise_nor_by_a_response_that_all_sweeps_hold():
    for added_uv in (np.zeros((20, 1)) + 0 * AT_MS, np.tile(bump_uv(10.0), (20, 1))):
        inflation, apart = what_varies(added_uv)
        assert max(inflation.values()) < 1.1
        assert min(inflation.values()) >= 1
        assert apart == []


@pytest.mark.parametrize("n_sweeps", [4, 5, 20])
@pytest.mark.parametrize("wavelength_ms", [0.45, 3.0])
def test_a_burst_in_one_sweep_raises_the_noise_there_and_sets_it_apart(n_sweeps, wavelength_ms):
    """The sharp one is seen as it is, the slow one smoothed as well; of four sweeps none is told apart."""
    added_uv = np.zeros((n_sweeps, AT_MS.size))
    added_uv[2] = bump_uv(20.0, wavelength_ms=wavelength_ms)
    inflation, apart = what_varies(added_uv)
    if n_sweeps == 4:
        assert set(inflation.values()) == {1.0}
    else:
        assert inflation[11.0] > 1.5
        assert max(inflation[2.0], inflation[20.0]) < 1.15
    assert apart == ([2] if n_sweeps > 4 and wavelength_ms > 1 else [])


def test_a_faint_slow_burst_is_seen_once_smoothed():
    added_uv = np.zeros((20, AT_MS.size))
    added_uv[2] = bump_uv(6.0)
    inflation, apart = what_varies(added_uv)
    assert inflation[11.0] > 1.2
    assert apart == [2]


@pytest.mark.parametrize("size_uv", [10.0, 60.0])
@pytest.mark.parametrize(("at_ms", "apart"), [(12.0, [3, 8]), (24.5, [])])
def test_what_comes_after_any_answer_sets_no_sweep_apart(at_ms, apart, size_uv):
    """Planted in two sweeps: neither smoothing nor what the sweeps share brings it before 22 ms."""
    added_uv = np.zeros((20, AT_MS.size))
    added_uv[3], added_uv[8] = bump_uv(size_uv, at_ms), bump_uv(size_uv, at_ms + 0.9, wavelength_ms=1.7)
    assert what_varies(added_uv)[1] == apart


def test_a_sweep_in_which_all_is_louder_is_not_set_apart_for_it():
    noise_uv = np.where(np.arange(20) == 7, 5.0, 1.0)
    added_uv = np.zeros((20, AT_MS.size))
    added_uv[3] = bump_uv(20.0)
    assert what_varies(added_uv, noise_uv=noise_uv)[1] == [3]


def test_sweeps_that_hold_the_same_are_not_set_apart_though_few():
    added_uv = np.zeros((20, AT_MS.size))
    added_uv[[1, 6, 11, 16]] = bump_uv(12.0)
    assert what_varies(added_uv)[1] == []
    added_uv[[6, 11, 16]] = 0
    assert what_varies(added_uv)[1] == [1]


def test_where_most_sweeps_stand_apart_none_does():
    rng = np.random.default_rng(8)
    envelope = np.exp(-(((AT_MS - 11) / 2) ** 2))
    bursts = [
        sum(rng.normal(0, 8) * np.exp(-(((AT_MS - at) / 0.6) ** 2)) for at in np.arange(8, 14)) * envelope
        for _ in range(20)
    ]
    for n_bursts, n_apart in ((9, 9), (17, 0)):
        added_uv = np.where(np.arange(20)[:, None] < n_bursts, bursts, 0.0)
        inflation, apart = what_varies(added_uv)
        assert len(apart) == pytest.approx(n_apart, abs=2 * (n_apart > 0))
        assert inflation[11.0] > 2


def test_a_response_that_varies_in_size_and_shifts_a_little_raises_the_noise_little():
    sizes_uv = np.random.default_rng(1).uniform(10, 30, (20, 1))
    shifts_ms = np.random.default_rng(2).normal(0, 0.15, (20, 1))
    varying, _ = what_varies(np.stack([bump_uv(size[0]) for size in sizes_uv]))
    shifting, _ = what_varies(np.stack([bump_uv(15.0, 11.0 + shift[0]) for shift in shifts_ms]))
    assert max(varying.values()) < 1.1
    assert max(shifting.values()) < 1.1


@pytest.mark.parametrize(
    ("alike", "n_sweeps", "agree"),
    [
        ({0.1: 17}, 20, True),  # nearly all a little: a coin seldom does so
        ({0.1: 16}, 20, False),
        ({0.5: 7}, 20, True),  # many clearly
        ({0.5: 6}, 20, False),
        ({0.25: 7}, 20, False),
        ({0.5: 4}, 9, False),  # of so few, by chance
    ],
)
def test_sweeps_agree_where_most_are_alike_or_many_are_clearly(alike, n_sweeps, agree):
    likeness = np.repeat([*alike, -0.1], [*alike.values(), n_sweeps - sum(alike.values())])
    own = np.stack([likeness, np.sqrt(1 - likeness**2), np.full(n_sweeps, 9.0)], axis=1)
    others = np.tile([4.0, 0.0, -9.0], (n_sweeps, 1))
    assert varying._most_agree(own, others, np.array([True, True, False])) == agree


def test_the_usual_columns_are_those_of_the_time_axis():
    usual = nuisances._usual_columns(float(AT_MS[0]), 0.2, AT_MS.size)
    np.testing.assert_allclose(usual.tail, tail_columns(AT_MS))
    level, slope = usual.drift.T
    assert set(level) == {1.0}
    np.testing.assert_allclose(np.diff(slope), 0.02)
