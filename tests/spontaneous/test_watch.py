"""Between the stimuli of a recording: bursts by muscle and stage, and which muscles fire together."""

import numpy as np
import pytest

from lsr.findings.pairs import find_sites
from lsr.recording import Annotation, Recording, Segment
from lsr.settings import Settings
from lsr.spontaneous import watch
from lsr.spontaneous.rhythm import is_heartbeat
from lsr.spontaneous.shared import find_shared
from lsr.spontaneous.watch import find_spontaneous
from lsr.stages import Stage
from lsr.stimuli import find_stimuli

RATE_HZ = 4000.0
SECONDS = 60.0
LABELS = ("R O.Oculi", "R Mentalis", "L Mentalis")
STIMULI_S = np.arange(1.0003, 30.0, 0.5)
BURSTS_S = np.arange(0.75, 59.0, 2.5) + 0.05 * np.arange(24)  # of the first two, 80 ms each, between stimuli
LAG_S = 0.006


def draw_emg(*, unmarked_s=(), seed=4):
    """Two muscles that fire together, one at rest; an artifact and an evoked response at each stimulus."""
    rng = np.random.default_rng(seed)
    time_s = np.arange(0, SECONDS, 1 / RATE_HZ)
    emg_uv = rng.normal(0, 5, (3, time_s.size))
    for channel, lag_s in ((0, 0.0), (1, LAG_S)):
        for start_s in BURSTS_S + lag_s:
            within = (time_s >= start_s) & (time_s < start_s + 0.08)
            emg_uv[channel, within] += rng.normal(0, 30, within.sum())
    for stimulus_s in (*STIMULI_S, *unmarked_s):
        first = round(stimulus_s * RATE_HZ)
        emg_uv[:, first] += 1500.0
        evoked_ms = np.arange(0, 12, 1e3 / RATE_HZ)
        begin = first + round(0.004 * RATE_HZ)
        emg_uv[:, begin : begin + evoked_ms.size] += 400 * np.sin(2 * np.pi * evoked_ms / 6)
    return emg_uv


def record(emg_uv, segments=None):
    return Recording.from_arrays(
        list(emg_uv),
        rates_hz=RATE_HZ,
        labels=LABELS,
        segments=segments,
        annotations=[Annotation(time_s=t, duration_s=None, text="Stim R zygomatic 12 mA") for t in STIMULI_S],
        name="case.edf",
    )


def look(recording, stages=()):
    return find_spontaneous(
        recording, find_sites(recording, Settings()), find_stimuli(recording, Settings()), stages
    )


def test_muscles_that_never_rest_share_nothing_by_chance():
    """Six bursts a second, never closer than 80 ms, as those are joined: they cover more than at random."""
    rng = np.random.default_rng(6)
    gaps_s = 0.08 + rng.exponential(0.08, (40, 2, 400))
    pairs = [np.cumsum(one, axis=1) for one in gaps_s]
    shared = [find_shared(*(starts[starts < 50.0] for starts in pair), 50.0) for pair in pairs]
    assert sum(one is not None for one in shared) <= 1


def test_bursts_that_another_muscle_conducts_are_neither_this_ones_nor_shared():
    rng = np.random.default_rng(8)
    time_s = np.arange(0, SECONDS, 1 / RATE_HZ)
    within = (time_s[:, None] >= BURSTS_S) & (time_s[:, None] < BURSTS_S + 0.08)
    emg_uv = rng.normal(0, 5, (3, time_s.size))
    burst_uv = rng.normal(0, 60, time_s.size) * within.any(axis=1)
    emg_uv += np.array([[1.0], [0.25], [-0.3]]) * burst_uv  # in one electrode pair upside down
    spontaneous = look(record(emg_uv))
    own, *conducted = [one.n_bursts for one in spontaneous.activity]
    assert own >= BURSTS_S.size - 1
    assert conducted == [0, 0]
    assert not spontaneous.synkinesis
    emg_uv[1] += rng.normal(0, 30, time_s.size) * within.any(axis=1)  # motor units of its own beside them
    (shared,) = look(record(emg_uv)).synkinesis
    assert shared.channels == ("R O.Oculi", "R Mentalis")
    assert shared.n_shared >= BURSTS_S.size - 1


@pytest.fixture(scope="module")
def found():
    stages = (
        Stage(name="baseline", start_s=0.0, end_s=30.0),
        Stage(name="closing", start_s=30.0, end_s=SECONDS),
    )
    return look(record(draw_emg()), stages)


def select(found, channel, stage=None):
    (one,) = (one for one in found.activity if (one.channel, one.stage) == (channel, stage))
    return one


def test_bursts_are_counted_between_the_stimuli(found):
    oculi = select(found, "R O.Oculi")
    assert abs(oculi.n_bursts - BURSTS_S.size) <= 1
    assert oculi.observed_s == pytest.approx(SECONDS - 0.103 * STIMULI_S.size, abs=0.5)
    assert oculi.bursts_per_min == pytest.approx(60 * oculi.n_bursts / oculi.observed_s)
    assert oculi.duration_ms == pytest.approx(80, abs=8)
    assert oculi.active_share == pytest.approx(BURSTS_S.size * 0.08 / oculi.observed_s, rel=0.15)


def test_a_muscle_at_rest_has_none_though_it_answers_every_stimulus(found):
    mentalis = select(found, "L Mentalis")
    assert (mentalis.n_bursts, mentalis.active_share) == (0, 0.0)
    assert mentalis.duration_ms is None


def test_stages_share_out_the_bursts(found):
    parts = [select(found, "R O.Oculi", stage) for stage in ("baseline", "closing")]
    whole = select(found, "R O.Oculi")
    assert sum(part.n_bursts for part in parts) == whole.n_bursts
    assert sum(part.observed_s for part in parts) == pytest.approx(whole.observed_s)


def test_of_a_stage_counts_what_was_looked_at_in_it_and_nothing_of_one_that_is_too_short():
    """No stimulus comes after 30 s; nothing is read in pieces of 14 s."""
    ends_s = (33.0, 47.0, 59.8, SECONDS)
    stages = [
        Stage(name=f"until {end_s:g}", start_s=start_s, end_s=end_s)
        for start_s, end_s in zip((0.0, *ends_s), ends_s, strict=False)
    ]
    told = look(record(draw_emg()), stages)
    lengths_s = {one.stage: one.observed_s for one in told.activity if one.channel == "L Mentalis"}
    assert lengths_s.pop(None) == pytest.approx(SECONDS - 0.103 * STIMULI_S.size, abs=0.5)
    assert list(lengths_s) == ["until 33", "until 47", "until 59.8"]
    assert lengths_s["until 47"] == pytest.approx(14.0, abs=0.1)
    assert lengths_s["until 59.8"] == pytest.approx(13.0, abs=0.1)


def test_what_follows_the_last_pulse_of_a_train_is_evoked():
    """Planted: six pulses in 30 ms, and at times an afterdischarge 75 ms after the last of them."""
    emg_uv, rng = draw_emg(), np.random.default_rng(8)
    trains_s = STIMULI_S[:, None] + np.arange(6) * 0.006
    for time_s in STIMULI_S[rng.random(STIMULI_S.size) < 0.5]:  # at no pace of a heart
        first = round((time_s + 0.105) * RATE_HZ)
        emg_uv[2, first : first + 80] += rng.normal(0, 40, 80)
    recording = Recording.from_arrays(
        list(emg_uv),
        rates_hz=RATE_HZ,
        labels=LABELS,
        annotations=[Annotation(time_s=t, duration_s=None, text="Stim R zyg") for t in trains_s.ravel()],
        name="case.edf",
    )
    assert {len(one.train_ms) for one in find_stimuli(recording, Settings())[0].stimuli} == {6}
    assert select(look(recording), "L Mentalis").n_bursts == 0
    assert select(look(record(emg_uv)), "L Mentalis").n_bursts > 3  # of single pulses, activity of its own


def test_muscles_that_fire_together_are_told_with_their_lag(found):
    one, *_ = found.synkinesis
    assert one.stage is None
    assert one.channels == ("R O.Oculi", "R Mentalis")
    assert one.share > 0.9 > one.share_by_chance
    assert one.lag_ms == pytest.approx(1000 * LAG_S, abs=1.0)


def test_shared_bursts_are_told_by_stage_and_over_time(found):
    whole, *parts = found.synkinesis
    assert [part.stage for part in parts] == ["baseline", "closing"]
    assert sum(part.n_shared for part in parts) == whole.n_shared
    assert sum(point.n_shared for point in found.synkinesis_trend) == whole.n_shared
    assert {point.channels for point in found.synkinesis_trend} == {whole.channels}


def test_the_trend_holds_every_burst_once(found):
    points = [point for point in found.trend if point.channel == "R Mentalis"]
    assert sum(point.n_bursts for point in points) == select(found, "R Mentalis").n_bursts


def test_the_trend_counts_each_stretch_by_itself(monkeypatch):
    monkeypatch.setattr(watch, "_LEAST_BIN_S", 20.0)
    shown = look(record(draw_emg()))
    points = [point for point in shown.trend if point.channel == "R O.Oculi"]
    planted, _ = np.histogram(BURSTS_S, [0, 20, 40, 60])
    for trend, counts in (
        (points, [point.n_bursts for point in points]),
        (shown.synkinesis_trend, [point.n_shared for point in shown.synkinesis_trend]),
    ):
        assert [(point.start_s, point.end_s) for point in trend] == [(0, 20), (20, 40), (40, 60)]
        np.testing.assert_allclose(counts, planted, atol=1)
    assert sum(point.observed_s for point in points) == pytest.approx(select(shown, "R O.Oculi").observed_s)
    for point, shared in zip(points, shown.synkinesis_trend, strict=True):
        assert point.bursts_per_min == pytest.approx(60 * point.n_bursts / point.observed_s)
        assert point.active_share == pytest.approx(point.n_bursts * 0.08 / point.observed_s, rel=0.15)
        assert shared.shared_per_min == pytest.approx(60 * shared.n_shared / point.observed_s)


def test_stimuli_that_no_marker_tells_of_are_no_bursts():
    """By hand, so not at the pace of a pulse."""
    unmarked_s = 30.2 + np.cumsum(np.tile([0.3, 2.2, 0.9, 1.7, 0.5], 5))
    shown = look(record(draw_emg(unmarked_s=unmarked_s)))
    assert select(shown, "L Mentalis").n_bursts == 0
    assert shown.n_heartbeats == shown.n_spikes == 0
    unknown = Recording.from_arrays(list(draw_emg(unmarked_s=unmarked_s)), rates_hz=RATE_HZ, labels=LABELS)
    blind = find_spontaneous(unknown, find_sites(unknown, Settings()), [])
    assert select(blind, "L Mentalis").n_bursts >= 10  # no artifact is known to tell them by


def test_sweeps_that_hold_nothing_but_responses_tell_nothing():
    rows = [slice(round((t - 0.02) * RATE_HZ), round((t - 0.02) * RATE_HZ) + 400) for t in STIMULI_S]
    emg_uv = draw_emg()
    sweeps = np.concatenate([emg_uv[:, row] for row in rows], axis=1)
    segments = [Segment(start_s=row.start / RATE_HZ, stop_s=row.stop / RATE_HZ) for row in rows]
    assert look(record(sweeps, segments)) is None


def test_nothing_is_found_twice_or_lost_where_blocks_meet(monkeypatch, found):
    monkeypatch.setattr(watch, "_BLOCK_S", 3.7)
    shorter, whole = (select(one, "R O.Oculi") for one in (look(record(draw_emg())), found))
    assert abs(shorter.n_bursts - whole.n_bursts) <= 1
    assert shorter.observed_s == pytest.approx(whole.observed_s, abs=0.01)
    assert shorter.duration_ms == pytest.approx(whole.duration_ms, abs=3)


def test_a_burst_that_the_end_of_a_block_cuts_is_one(monkeypatch):
    """Planted: one burst of 0.6 s, of which blocks show 0.4 and 0.2 s."""
    rng = np.random.default_rng(9)
    emg_uv = rng.normal(0, 5, (3, round(SECONDS * RATE_HZ)))
    emg_uv[0, round(39.6 * RATE_HZ) : round(40.2 * RATE_HZ)] *= 8
    muscle = select(look(record(emg_uv)), "R O.Oculi")
    assert muscle.n_bursts == 1
    assert muscle.duration_ms == pytest.approx(600, abs=15)
    assert muscle.active_share == pytest.approx(0.6 / muscle.observed_s, rel=0.03)


def test_of_a_very_long_recording_stretches_tell_the_rate(monkeypatch, found):
    monkeypatch.setattr(watch, "_MOST_SAMPLES", round(3 * RATE_HZ * 31))
    part = select(look(record(draw_emg())), "R O.Oculi")
    assert part.observed_s < 0.6 * SECONDS
    assert part.bursts_per_min == pytest.approx(select(found, "R O.Oculi").bursts_per_min, rel=0.35)


def test_of_a_very_long_recording_in_short_pieces_some_are_looked_at(monkeypatch):
    """Planted: recorded in pieces of 2.5 s, none of them as long as the stretches of a whole recording."""
    pieces = [Segment(start_s=4.0 * k, stop_s=4.0 * k + 2.5) for k in range(24)]
    recording = record(draw_emg(), pieces)
    whole = look(recording)
    monkeypatch.setattr(watch, "_MOST_SAMPLES", round(3 * RATE_HZ * 31))
    part = look(recording)
    for label in LABELS:
        seen_s = select(part, label).observed_s
        assert 0.3 < seen_s / select(whole, label).observed_s < 0.7
    assert select(part, "R O.Oculi").n_bursts > 4 > select(part, "L Mentalis").n_bursts


@pytest.mark.parametrize(("least", "most"), [(-1.0, 1.0), (0.0, 1.0), (-1.0, 0.0)])
def test_saturated_stretches_are_no_bursts(least, most):
    emg_uv = draw_emg()
    rail_uv = 3000.0
    emg_uv[2, 160_000:164_000] = rail_uv * np.where(np.sin(np.arange(4000)) > 0, most, least)
    recording = record(emg_uv)
    object.__setattr__(recording.channels[2], "rail_min_uv", -rail_uv)
    object.__setattr__(recording.channels[2], "rail_max_uv", rail_uv)
    assert select(look(recording), "L Mentalis").n_bursts == 0


@pytest.mark.parametrize("flat_s", [(0.0, 40.0), (8.0, 35.0), (13.0, 16.0)])
@pytest.mark.parametrize(
    "level_uv", [0.0, 0.0763, -12.3]
)  # what a zero stands for, depends on the calibration
def test_a_channel_switched_off_or_muted_has_no_bursts(flat_s, level_uv):
    """Rounding leaves so little of one value that it is told only at some rates."""
    rate_hz, rng = 12_800.0, np.random.default_rng(8)
    time_s = np.arange(0, 40.0, 1 / rate_hz)
    emg_uv = rng.normal(0, 5, (3, time_s.size))
    emg_uv[2, (time_s >= flat_s[0]) & (time_s < flat_s[1])] = level_uv
    recording = Recording.from_arrays(
        list(emg_uv.astype(np.float32)),
        rates_hz=rate_hz,
        labels=LABELS,
        annotations=[Annotation(time_s=t, duration_s=None, text="Stim R zygomatic") for t in STIMULI_S[:20]],
        name="case.edf",
    )
    found = [one for one in look(recording).activity if (one.channel, one.stage) == ("L Mentalis", None)]
    assert [one.n_bursts for one in found] == ([0] if flat_s[1] - flat_s[0] < 35 else [])


@pytest.mark.parametrize("pulse_s", [0.5, 0.8, 1.2])
def test_short_bursts_at_the_pace_of_a_pulse_are_the_heart(pulse_s):
    rng = np.random.default_rng(6)
    beats_s = np.cumsum(pulse_s * rng.normal(1.0, 0.03, 40))
    spasm_s = np.array([beats_s[10] + 0.2 * pulse_s])
    start_s = np.sort(np.concatenate([beats_s, spasm_s]))
    duration_s = np.where(np.isin(start_s, spasm_s), 0.3, 0.03)
    beats = is_heartbeat(start_s, start_s + duration_s)
    assert beats.sum() == 40
    assert not beats[np.isin(start_s, spasm_s)].any()


def test_irregular_bursts_are_not_the_heart():
    start_s = np.cumsum(np.random.default_rng(7).exponential(0.9, 60) + 0.05)
    assert not is_heartbeat(start_s, start_s + 0.03).any()


def test_intervals_that_a_pulse_can_have_but_does_not_keep_are_not_the_heart():
    start_s = np.cumsum(np.tile([0.5, 0.9, 1.4], 10))
    assert not is_heartbeat(start_s, start_s + 0.03).any()


def test_a_few_bursts_at_one_pace_are_not_the_heart():
    start_s = 0.8 * np.arange(7)
    assert not is_heartbeat(start_s, start_s + 0.03).any()


def test_muscles_that_fire_on_their_own_share_nothing():
    rng = np.random.default_rng(8)
    shared = [
        find_shared(np.sort(rng.uniform(0, 600, 200)), np.sort(rng.uniform(0, 600, 150)), 600.0)
        for _ in range(200)
    ]
    assert sum(one is not None for one in shared) <= 2


def test_the_lag_changes_sign_with_the_order():
    rng = np.random.default_rng(9)
    first_s = np.sort(rng.uniform(0, 600, 80))
    second_s = first_s + 0.012
    assert find_shared(first_s, second_s, 600.0).lag_ms == pytest.approx(12.0)
    assert find_shared(second_s, first_s, 600.0).lag_ms == pytest.approx(-12.0)
