"""Every stimulus that can be cut counts for its block, its intensity and its direct muscle."""

import numpy as np
import pytest

import lsr
from lsr.judge import Material
from lsr.recording import Annotation, Recording
from lsr.report.as_explanation import as_explanation
from lsr.report.as_text import as_text
from lsr.settings import Settings
from lsr.stimuli import Stimulus, StimulusSet, StimulusSource
from lsr.sweeps import Cut

RATE_HZ = 5000.0
RAMP_MA = np.repeat([2.0, 4.0, 6.0, 8.0, 10.0], 8)


def wave_uv(onset_ms, amplitude_uv, duration_ms=5.0):
    """A biphasic wave that begins so long after the stimulus, sampled from the stimulus on."""
    since = (np.arange(0, 60, 1e3 / RATE_HZ) - onset_ms) / duration_ms
    return np.where((since > 0) & (since < 1), 0.5 * amplitude_uv * np.sin(2 * np.pi * since), 0.0)


def draw_channel(seed, times_s, *, m_wave_uv=0.0, lsr_uv=0.0, seconds=None):
    """EMG of a muscle: noise, artifacts, and an M wave and an LSR of that size after each stimulus."""
    emg_uv = np.random.default_rng(seed).normal(0, 4, round((times_s[-1] + 1.0) * RATE_HZ))
    sizes = np.broadcast_to(m_wave_uv, times_s.shape), np.broadcast_to(lsr_uv, times_s.shape)
    for time_s, m_uv, late_uv in zip(times_s, *sizes, strict=True):
        first = round(time_s * RATE_HZ)
        emg_uv[first : first + 2] += 900.0
        answer = wave_uv(3.4, m_uv) + wave_uv(9.6, late_uv)
        emg_uv[first : first + answer.size] += answer
    return emg_uv[: None if seconds is None else round(seconds * RATE_HZ)]


def record(channels, times_s, intensity_ma=None, branch="zygomatic", notes=()):
    """A recording of channels by label; annotations tell the stimuli of the right side, notes the stages."""
    given = [""] * len(times_s) if intensity_ma is None else [f" {ma:g} mA" for ma in intensity_ma]
    return Recording.from_arrays(
        list(channels.values()),
        rates_hz=RATE_HZ,
        labels=list(channels),
        annotations=[
            Annotation(time_s=float(t), duration_s=None, text=f"Stim right {branch}{ma}")
            for t, ma in zip(times_s, given, strict=True)
        ]
        + [Annotation(time_s=t, duration_s=None, text=text) for t, text in notes],
    )


def pair_of(report, label):
    (pair,) = (pair for pair in report.pairs if pair.channel == label)
    return pair


def every_half_second(n):
    return 1.0 + 0.5 * np.arange(n)


def draw_ramp(direct_uv=None):
    """Five intensities, eight stimuli each: an M wave from 6 mA on, an LSR from 8 mA on."""
    times_s = every_half_second(RAMP_MA.size)
    if direct_uv is None:
        direct_uv = draw_channel(1, times_s, m_wave_uv=np.where(RAMP_MA >= 6, 1200.0, 0.0))
    late_uv = draw_channel(2, times_s, lsr_uv=np.where(RAMP_MA >= 8, 150.0, 0.0))
    return record({"R O.Oculi": direct_uv, "R Mentalis": late_uv}, times_s, RAMP_MA)


# --- which stimuli -------------------------------------------------------------------------------------


def test_of_many_stimuli_some_are_judged_from_the_first_to_the_last():
    n = 1000
    stimuli = StimulusSet(
        id="S1",
        side=None,
        branch=None,
        branch_source=None,
        source=StimulusSource.ANNOTATION,
        precision_ms=0.1,
        text=None,
        stimuli=tuple(Stimulus(time_s=float(k)) for k in range(n)),
    )
    cut = Cut(before_s=0.05, after_s=0.1, kept=np.ones(n, dtype=bool))
    chosen = Material(recording=None, stimuli=stimuli, cut=cut, settings=Settings()).some()
    assert chosen.size < n
    assert (chosen[0], chosen[-1]) == (0, n - 1)
    assert np.ptp(np.diff(chosen)) <= 1


def test_a_stimulus_too_close_to_the_end_is_counted_and_not_used():
    times_s = np.append(every_half_second(24), 13.03)
    channels = {
        "R O.Oculi": draw_channel(1, times_s, m_wave_uv=1200.0, seconds=13.05),
        "R Mentalis": draw_channel(2, times_s, lsr_uv=150.0, seconds=13.05),
    }
    report = lsr.analyze(record(channels, times_s))
    pair = pair_of(report, "R Mentalis")
    assert report.stimulation[0].n_stimuli == 25
    assert (pair.n_stimuli_used, pair.rejected) == (24, {"touches_gap": 1})


# --- averages ------------------------------------------------------------------------------------------


def draw_averages(lsr_uv, intensity_ma=None):
    """Averages of twenty stimuli, of which half answer: every average holds half of the LSR."""
    times_s = every_half_second(len(lsr_uv))
    channels = {
        "R O.Oculi": draw_channel(1, times_s, m_wave_uv=1200.0),
        "R Mentalis": draw_channel(2, times_s, lsr_uv=0.5 * lsr_uv),
    }
    return record(channels, times_s, intensity_ma, branch="zygomatic average of 20 sweeps")


def test_averages_do_not_tell_how_many_stimuli_were_answered():
    report = lsr.analyze(draw_averages(np.full(12, 200.0)))
    (stimuli,) = report.stimulation
    assert (stimuli.source, stimuli.n_stimuli, stimuli.n_averaged) == ("average", 12, (20, 20))
    pair = pair_of(report, "R Mentalis")
    assert pair.presence == "present"
    for measured in (pair, *pair.blocks):
        assert measured.persistence is measured.persistence_ci is measured.latency_jitter_ms is None
    assert "averages" in [warning.code for warning in pair.warnings]
    text = as_text(report)
    assert "12 averages of 20 sweeps" in text
    assert "over 12 averages" in " ".join(text.split())
    assert "persistence" not in as_explanation(report, 1).split("decided")[0]


def test_averages_of_a_ramp_recruit_without_a_share_of_answers():
    report = lsr.analyze(draw_averages(np.where(RAMP_MA >= 8, 300.0, 0.0), RAMP_MA))
    levels = pair_of(report, "R Mentalis").recruitment
    assert levels[-1].amplitude_uv == pytest.approx(150.0, rel=0.2)
    assert [level.persistence for level in levels] == [None] * len(levels)


# --- which direct muscle -------------------------------------------------------------------------------


def test_the_largest_m_wave_proves_the_stimulus_though_another_direct_muscle_is_silent():
    times_s = every_half_second(24)
    channels = {
        "R Mentalis": draw_channel(1, times_s, m_wave_uv=1200.0),
        "R DAO": draw_channel(2, times_s),
        "R O.Oculi": draw_channel(3, times_s),
    }
    report = lsr.analyze(record(channels, times_s, branch="marginal mandibular"))
    assert pair_of(report, "R O.Oculi").presence == "absent"


def test_each_direct_muscle_shows_its_own_m_wave_in_every_block():
    times_s = every_half_second(48)
    planted_uv = {"R Mentalis": 1200.0, "R DAO": 600.0}
    channels = {
        label: draw_channel(k, times_s, m_wave_uv=size) for k, (label, size) in enumerate(planted_uv.items())
    }
    report = lsr.analyze(record(channels, times_s, branch="marginal mandibular"))
    for label, size_uv in planted_uv.items():
        shown = [block.m_wave.amplitude_uv for block in pair_of(report, label).blocks]
        assert len(shown) > 1
        assert shown == pytest.approx([size_uv] * len(shown), rel=0.1)


def draw_leak(leak, lsr_uv, seed):
    """Two direct muscles, of which the one with the smaller and later M wave leaks into the target."""
    times_s, rng = every_half_second(20), np.random.default_rng(seed)
    small = wave_uv(4.2, 1500.0, 7.0)
    shown = {
        "R Mentalis": wave_uv(3.0, 3000.0, 4.0),
        "R DAO": small,
        "R O.Oculi": leak * small + wave_uv(9.6, lsr_uv),
    }
    channels = {label: rng.normal(0, 4, round((times_s[-1] + 1) * RATE_HZ)) for label in shown}
    for label, answer in shown.items():
        for first in np.round(times_s * RATE_HZ).astype(int):
            channels[label][first : first + 2] += 900.0
            channels[label][first : first + answer.size] += answer
    return record(channels, times_s, branch="marginal mandibular")


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("leak", [0.02, 0.05, 0.1])
def test_an_lsr_begins_where_it_does_though_the_lesser_of_two_direct_muscles_leaks(leak, seed):
    """Beside the larger M wave alone, the leak passes for its beginning: 2 ms early."""
    pair = pair_of(lsr.analyze(draw_leak(leak, 60.0, seed)), "R O.Oculi")
    assert pair.presence == "present"
    assert pair.onset_latency_ms == pytest.approx(9.7, abs=0.3)
    assert pair.amplitude_uv == pytest.approx(60, rel=0.1)


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("leak", [0.02, 0.04])
def test_the_leak_of_a_lesser_direct_muscle_is_neither_an_lsr_nor_hides_that_there_is_none(leak, seed):
    assert pair_of(lsr.analyze(draw_leak(leak, 0.0, seed)), "R O.Oculi").presence == "absent"


# --- operations ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def operation():
    """Three stages of twenty stimuli: one LSR is lost at decompression, of another muscle the electrode."""
    times_s = every_half_second(60)
    until = np.arange(60) < 40
    off = draw_channel(3, times_s, lsr_uv=150.0)
    since = round((times_s[40] - 0.2) * RATE_HZ)
    off[since:] = np.random.default_rng(4).normal(0, 4, off.size - since)
    channels = {
        "R O.Oculi": draw_channel(1, times_s, m_wave_uv=np.where(until, 1200.0, 900.0)),
        "R Mentalis": draw_channel(2, times_s, lsr_uv=np.where(until, 150.0, 0.0)),
        "R DAO": off,
    }
    stages = ("baseline", "dura opening", "decompression")
    notes = [(float(times_s[20 * k]) - 0.3, text) for k, text in enumerate(stages)]
    return lsr.analyze(record(channels, times_s, notes=notes))


def test_an_lsr_that_is_lost_is_measured_in_the_first_stage_and_dated_by_what_it_answered(operation):
    pair = pair_of(operation, "R Mentalis")
    assert (pair.presence, pair.course) == ("present", "disappeared")
    assert (pair.measured_stage, pair.n_stimuli_measured, pair.n_stimuli_used) == ("baseline", 20, 60)
    assert pair.amplitude_uv == pytest.approx(150, rel=0.1)
    gone = pair.disappeared_at
    assert (gone.time_s, gone.stage) == (21.0, "decompression")
    assert (gone.last_seen_s, gone.last_seen_stage) == (20.5, "opening")
    assert [(one.start_s, one.end_s) for one in pair.blocks] == [(1.0, 10.5), (11.0, 20.5), (21.0, 30.5)]


def test_an_electrode_that_comes_off_while_others_see_the_stimulus_loses_no_lsr(operation):
    pair = pair_of(operation, "R DAO")
    assert [block.reason for block in pair.blocks] == [None, None, "electrode_changed"]
    assert pair.course is pair.disappeared_at is operation.residual_lsr is None


def test_the_m_wave_beside_a_block_is_that_of_its_own_stimuli(operation):
    for pair in operation.pairs:
        sizes = [block.m_wave.amplitude_uv for block in pair.blocks]
        assert sizes == pytest.approx([1200.0, 1200.0, 900.0], rel=0.05)
    assert "m_wave_smaller" in [one.code for one in pair_of(operation, "R Mentalis").warnings]


# --- intensities ---------------------------------------------------------------------------------------


def test_m_wave_and_lsr_have_each_a_threshold_and_blocks_the_median_of_their_intensities():
    pair = pair_of(lsr.analyze(draw_ramp()), "R Mentalis")
    assert 4.0 < pair.m_wave_threshold_ma < 6.0 < pair.stimulus_threshold_ma < 8.0
    assert [block.intensity_ma for block in pair.blocks] == [4.0, 8.0]  # of 20 stimuli each
    assert [level.m_wave_uv == 0 for level in pair.recruitment] == [True, True, False, False, False]


def test_silence_at_the_weaker_of_two_currents_by_turns_is_no_disappearance():
    """Planted: from run to run 6 and 14 mA; only the stronger evokes the LSR, which stays."""
    times_s = every_half_second(160)
    currents_ma = np.where(np.arange(160) // 24 % 2, 14.0, 6.0)
    lsr_uv = np.where(currents_ma > 10, 150.0, 0.0)
    channels = {
        "R O.Oculi": draw_channel(1, times_s, m_wave_uv=1200.0),
        "R Mentalis": draw_channel(2, times_s, lsr_uv=lsr_uv),
    }
    stages = ("baseline", "dura opening", "arachnoid", "decompression")
    notes = [(float(times_s[40 * k]) - 0.3, text) for k, text in enumerate(stages)]
    report = lsr.analyze(record(channels, times_s, currents_ma, notes=notes))
    pair = pair_of(report, "R Mentalis")
    assert pair.course is None
    assert report.residual_lsr is True
    assert "weaker_stimulus" in [one.code for one in pair.warnings]
    assert (pair.blocks[5].intensity_ma, pair.blocks[5].presence) == (6.0, "absent")
    assert pair.blocks[5].presence_in_course == "indeterminate"


def draw_operation(lsr_uv, n_first, *, noise_uv=0.0):
    """A baseline of so many stimuli, decompression from then on; the LSR's size after each stimulus."""
    times_s = every_half_second(len(lsr_uv))
    emg_uv = draw_channel(2, times_s, lsr_uv=lsr_uv)
    emg_uv += np.random.default_rng(7).normal(0, noise_uv, emg_uv.size)
    channels = {"R O.Oculi": draw_channel(1, times_s, m_wave_uv=1200.0), "R Mentalis": emg_uv}
    notes = [(0.5, "baseline"), (float(times_s[n_first]) - 0.3, "decompression")]
    return record(channels, times_s, notes=notes)


@pytest.mark.parametrize(("every", "course"), [(13, None), (0, "disappeared")])
def test_an_lsr_that_answers_one_stimulus_in_thirteen_has_not_disappeared(every, course):
    """Planted: 40 uV after every stimulus of the baseline, and after six of eighty since decompression."""
    k = np.arange(120)
    answered = (k < 40) | (k % every == 3 if every else False)
    pair = pair_of(lsr.analyze(draw_operation(np.where(answered, 40.0, 0.0), 40)), "R Mentalis")
    assert pair.course == course
    assert ("answers_now_and_then" in [one.code for one in pair.warnings]) is (course is None)


@pytest.mark.parametrize(("n_answered", "course"), [(110, None), (120, "persisted")])
def test_an_lsr_that_is_lost_within_the_last_block_is_not_told_as_left(n_answered, course):
    """Planted: the last ten stimuli go unanswered, in the second half of the last block."""
    sizes_uv = np.where(np.arange(120) < n_answered, 80.0, 0.0)
    report = lsr.analyze(draw_operation(sizes_uv, 40))
    pair = pair_of(report, "R Mentalis")
    assert pair.course == course
    assert report.residual_lsr is (None if course is None else True)
    assert ("silent_at_last" in [one.code for one in pair.warnings]) is (course is None)


@pytest.mark.parametrize("left_uv", [0.0, 40.0])
def test_blocks_too_noisy_to_tell_alone_tell_together(left_uv):
    """Planted: blocks of five sweeps of which none excludes 20 uV; without an LSR, or with a rest of it."""
    sizes_uv = np.where(np.arange(80) < 20, 300.0, left_uv)
    settings = Settings.from_dict({"course": {"block_stimuli": 5}})
    pair = pair_of(lsr.analyze(draw_operation(sizes_uv, 20, noise_uv=10.0), settings), "R Mentalis")
    later = pair.blocks[4:]
    if left_uv:
        assert "absent" not in {block.presence_in_course for block in later}
        assert pair.course != "disappeared"
    else:
        assert {block.reason for block in later} == {"too_few_sweeps"}
        assert {block.presence_in_course for block in later} == {"absent"}
        assert pair.course == "disappeared"


def test_an_m_wave_that_the_artifact_hides_is_not_known_which_is_not_none():
    times_s = every_half_second(RAMP_MA.size)
    direct_uv = draw_channel(1, times_s, m_wave_uv=np.where(RAMP_MA >= 6, 1200.0, 0.0))
    for time_s in times_s[RAMP_MA == 10.0]:
        first = round(time_s * RATE_HZ)
        direct_uv[first : first + round(12e-3 * RATE_HZ)] = 5000.0  # the amplifier's rail
    pair = pair_of(lsr.analyze(draw_ramp(direct_uv)), "R Mentalis")
    by_ma = {level.intensity_ma: level.m_wave_uv for level in pair.recruitment}
    assert by_ma[8.0] == pytest.approx(1200.0, rel=0.1)
    assert by_ma[10.0] is None
    assert 4.0 < pair.m_wave_threshold_ma < 6.0


def test_an_intensity_of_which_no_sweep_can_be_cut_has_no_m_wave_of_0():
    times_s = np.append(every_half_second(40), 21.03)
    intensity_ma = np.append(RAMP_MA, 12.0)
    channels = {
        "R O.Oculi": draw_channel(1, times_s, m_wave_uv=1200.0, seconds=21.05),
        "R Mentalis": draw_channel(2, times_s, lsr_uv=150.0, seconds=21.05),
    }
    pair = pair_of(lsr.analyze(record(channels, times_s, intensity_ma)), "R Mentalis")
    assert pair.rejected == {"touches_gap": 1}
    assert all(level.m_wave_uv > 0 for level in pair.recruitment)
