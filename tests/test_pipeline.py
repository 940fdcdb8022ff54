"""From a recording to its report: the steps together."""

import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

import lsr
from lsr.errors import NoMuscle, NoStimuli
from lsr.recording import Annotation, Recording, Segment
from lsr.settings import Settings
from lsr.synthetic.waveforms import start_ms
from lsr.traces import FREE_TEXT

SAMPLE_DATA = Path(__file__).parents[1] / "sample_data"
N_STIMULI = 24
RATE_HZ = 5000.0


def wave(rate_hz, *, onset_ms, amplitude_uv, duration_ms=5.0):
    """A biphasic wave that begins so long after the stimulus, sampled from the stimulus on."""
    time_ms = np.arange(0, 60, 1e3 / rate_hz)
    since = (time_ms - onset_ms) / duration_ms
    return np.where((since > 0) & (since < 1), 0.5 * amplitude_uv * np.sin(2 * np.pi * since), 0.0)


def draw_channel(seed, times_s, seconds, *, rate_hz=RATE_HZ, m_wave_uv=0.0, lsr_uv=0.0, persists=None):
    """EMG of a muscle: noise, artifact, M wave, and an LSR after those stimuli that `persists` says."""
    rng = np.random.default_rng(seed)
    emg_uv = rng.normal(0, 4, round(seconds * rate_hz))
    for k, time_s in enumerate(times_s):
        first = round(time_s * rate_hz)
        emg_uv[first : first + 2] += 900.0
        answer = wave(rate_hz, onset_ms=3.4, amplitude_uv=m_wave_uv)
        if persists is None or persists[k]:
            answer = answer + wave(rate_hz, onset_ms=9.6, amplitude_uv=lsr_uv * rng.uniform(0.8, 1.2))
        emg_uv[first : first + answer.size] += answer
    return emg_uv


def draw_study(*, seed=1, text="Stim right zygomatic 14 mA", n=N_STIMULI, lsr_uv=150.0, texts=(), **more):
    times_s = 1.0 + 0.5 * np.arange(n)
    seconds = float(times_s[-1]) + 1.0
    channels = [
        draw_channel(seed, times_s, seconds, m_wave_uv=1200.0),
        draw_channel(seed + 1, times_s, seconds, lsr_uv=lsr_uv, persists=more.pop("persists", None)),
    ]
    early_s = more.pop("early_ms", 0.0) / 1e3
    notes = [Annotation(time_s=t - early_s, duration_s=None, text=text) for t in times_s]
    notes += [Annotation(time_s=t, duration_s=None, text=words) for t, words in texts]
    return Recording.from_arrays(
        channels,
        rates_hz=RATE_HZ,
        labels=more.pop("labels", ("R O.Oculi", "R Mentalis")),
        annotations=sorted(notes, key=lambda note: note.time_s),
        name="case.edf",
        start=datetime(2020, 1, 2, 8, 0, 0),
        **more,
    )


def target_of(report):
    (pair,) = (pair for pair in report.pairs if pair.channel == "R Mentalis")
    return pair


def test_a_study_gives_an_lsr_where_it_is():
    pair = target_of(lsr.analyze(draw_study()))
    assert (pair.presence, pair.relation) == ("present", "target")
    assert pair.onset_latency_ms == pytest.approx(9.6, abs=0.5)
    assert pair.m_wave.amplitude_uv == pytest.approx(1200.0, rel=0.1)
    assert pair.course is None
    assert pair.n_stimuli_used == N_STIMULI


def test_a_study_without_lsr_says_so():
    report = lsr.analyze(draw_study(lsr_uv=0.0))
    assert target_of(report).presence == "absent"
    assert report.residual_lsr is None


@pytest.mark.parametrize("early_ms", [3.0, 8.0, 10.0])
def test_the_artifact_of_markers_that_come_early_is_no_lsr(early_ms):
    report = lsr.analyze(draw_study(lsr_uv=0.0, early_ms=early_ms))
    pair = target_of(report)
    assert pair.presence == "absent"
    assert pair.m_wave.onset_latency_ms == pytest.approx(3.4, abs=0.3)
    assert [problem.code for problem in report.problems] == ["marker_offset"]


def test_markers_that_come_early_do_not_move_an_lsr():
    pair = target_of(lsr.analyze(draw_study(early_ms=10.0)))
    assert pair.onset_latency_ms == pytest.approx(9.6, abs=0.5)


def test_equal_recordings_give_equal_bytes():
    first, second = (json.dumps(lsr.analyze(draw_study()).to_dict()) for _ in range(2))
    assert first == second


def test_reports_of_one_file_are_equal_and_the_stated_time_is_all_that_may_differ():
    path = SAMPLE_DATA / "clinic_without_lsr.edf"
    plain = lsr.analyze(path).to_dict()
    dated = lsr.analyze(str(path), created=datetime(2021, 3, 4, tzinfo=UTC)).to_dict()
    assert dated.pop("created") == "2021-03-04T00:00:00+00:00"
    assert json.dumps(plain) == json.dumps(dated)


def test_events_of_a_file_divide_the_recording(tmp_path):
    events = tmp_path / "events.csv"
    events.write_text("time,text\n08:00:00,Baseline\n08:00:07,Decompression\n", encoding="utf-8")
    persists = np.arange(N_STIMULI) < 12
    report = lsr.analyze(draw_study(persists=persists), events=events)
    pair = target_of(report)
    assert [block.stage for block in pair.blocks] == ["baseline", "decompression"]
    assert pair.course == "disappeared"
    assert pair.disappeared_at.stage == "decompression"
    assert pair.disappeared_at.last_seen_s == pytest.approx(6.5)
    assert report.residual_lsr is False


def test_what_is_odd_about_events_and_settings_is_in_the_report(tmp_path):
    events = tmp_path / "events.csv"
    events.write_text("time_s,text\n0.2,Opening\n0.5,Baseline\n9999,Decompression\n", encoding="utf-8")
    settings = Settings.from_dict({"channels": {"no such label": {"relation": "ignore"}}})
    report = lsr.analyze(draw_study(), settings, events=events)
    odd = {"events_outside", "stages_out_of_order", "channel_not_there"}
    assert odd <= {problem.code for problem in report.problems}


def test_stages_may_be_annotations():
    texts = [(0.5, "Baseline"), (6.9, "Decompression")]
    pair = target_of(lsr.analyze(draw_study(texts=texts)))
    assert pair.course == "persisted"
    assert pair.baseline_block == 0
    low, high = pair.amplitude_change_ci_percent
    assert low < pair.amplitude_change_percent < high


@pytest.mark.parametrize(
    ("texts", "course"),
    [
        ([(31.2, "Decompression")], "disappeared_before_decompression"),
        ([(15.0, "Teflon requested"), (31.2, "Start MVD")], "disappeared_before_decompression"),
        ([(31.2, "Post-decompression")], "disappeared"),
        ([(31.2, "Vessel decompressed")], "disappeared"),
        ([(20.0, "nerve free"), (31.2, "Decompression")], "disappeared"),
        ([(31.2, "Closing")], "disappeared"),
    ],
)
def test_an_lsr_is_lost_before_decompression_only_if_a_text_tells_so(texts, course):
    marked = [(0.5, "Baseline"), (10.7, "Arachnoid dissection"), *texts]
    there = [k < 40 for k in range(80)]  # lost at 21 s
    (pair,) = [
        pair for pair in lsr.analyze(draw_study(n=80, persists=there, texts=marked)).pairs if pair.course
    ]
    assert (pair.course, pair.disappeared_at.stage) == (course, "arachnoid_dissection")
    said = [warning.message for warning in pair.warnings if warning.code == "decompression_not_marked"]
    assert len(said) == (course == "disappeared")
    assert not any(text in message for _, text in texts for message in said)  # may hold a name


def test_free_text_of_annotations_may_name_a_person_and_is_not_shown():
    texts = [(0.5, "Baseline"), (3.13, "Zzyzxova Quillfeather in"), (6.9, "Decompression by Zzyzxova")]
    report = lsr.analyze(draw_study(texts=texts), with_traces=True)
    assert [event.text for event in report.traces.events] == ["Baseline", FREE_TEXT, "decompression"]


def test_what_else_a_stimulus_is_called_may_name_a_person_and_is_not_shown():
    shown = [
        lsr.analyze(draw_study(text=text)).stimulation[0].text
        for text in ("Stim R zygomatic", "Stim Zzyzxova R zygomatic")
    ]
    assert shown == ["Stim R zygomatic", None]


def test_every_stimulus_has_its_row_with_what_its_sweep_shows():
    persists = np.arange(N_STIMULI) % 3 > 0
    report = lsr.analyze(draw_study(persists=persists), with_sweeps=True)
    rows = target_of(report).sweeps
    assert [row.stimulus for row in rows] == list(range(N_STIMULI))
    assert [row.time_s for row in rows] == report.stimulation[0].times_s
    agree = np.mean([row.present == there for row, there in zip(rows, persists, strict=True)])
    assert agree >= 0.9


def test_a_branch_that_nobody_states_is_inferred():
    report = lsr.analyze(draw_study(text="Stim"))
    assert (report.stimulation[0].branch, report.stimulation[0].branch_source) == ("zygomatic", "inferred")
    assert {"branch_inferred", "side_inferred"} <= {problem.code for problem in report.problems}
    assert target_of(report).presence == "present"


def test_without_a_branch_no_response_is_called_an_lsr():
    times_s = 1.0 + 0.5 * np.arange(N_STIMULI)
    channels = [draw_channel(seed, times_s, 14.0, lsr_uv=150.0) for seed in (5, 6)]
    recording = Recording.from_arrays(
        channels,
        rates_hz=RATE_HZ,
        labels=("R Frontalis", "R Mentalis"),
        annotations=[Annotation(time_s=t, duration_s=None, text="Stim") for t in times_s],
    )
    report = lsr.analyze(recording)
    assert report.stimulation[0].branch is None
    for pair in report.pairs:
        assert (pair.relation, pair.presence, pair.reason) == (
            "unmapped",
            "indeterminate",
            "relation_unknown",
        )
        assert "relation_unknown" in {warning.code for warning in pair.warnings}


@pytest.mark.parametrize(("rate_hz", "has_latency"), [(1900.0, False), (2000.0, True)])
def test_below_2_khz_an_m_wave_proves_the_stimulus_and_has_no_latency(rate_hz, has_latency):
    times_s = 1.0 + 0.5 * np.arange(20)
    with Recording.from_arrays(
        [draw_channel(1, times_s, 14.0, rate_hz=rate_hz, m_wave_uv=1500.0)],
        rates_hz=rate_hz,
        labels=["R O.Oculi"],
        annotations=[Annotation(time_s=t, duration_s=None, text="Stim R zyg") for t in times_s.tolist()],
    ) as recording:
        report = lsr.analyze(recording)
    (pair,) = report.pairs
    assert (pair.m_wave.presence, pair.m_wave.amplitude_uv > 1000) == ("present", True)
    shown = (pair.m_wave, pair.blocks[0].m_wave, report.nerve_conduction[0])
    assert {one.onset_latency_ms is not None for one in shown} == {has_latency}


def test_channels_of_different_rates_are_judged_each_at_its_own():
    times_s = 1.0 + 0.5 * np.arange(N_STIMULI)
    recording = Recording.from_arrays(
        [
            draw_channel(1, times_s, 14.0, rate_hz=10_000.0, m_wave_uv=1200.0),
            draw_channel(2, times_s, 14.0, rate_hz=4000.0, lsr_uv=150.0),
            draw_channel(3, times_s, 14.0, rate_hz=1000.0),
        ],
        rates_hz=[10_000.0, 4000.0, 1000.0],
        labels=("R O.Oculi", "R Mentalis", "R DAO"),
        annotations=[Annotation(time_s=t, duration_s=None, text="Stim right zygomatic") for t in times_s],
    )
    report = lsr.analyze(recording)
    pair = target_of(report)
    assert pair.presence == "present"
    assert pair.onset_latency_ms == pytest.approx(9.6, abs=0.5)
    assert pair.m_wave.presence == "present"
    slow = report.pairs[-1]
    assert (slow.presence, slow.reason) == ("indeterminate", "rate_too_low")


def test_sweeps_with_gaps_between_them_are_judged_as_those_of_one_stretch():
    whole = draw_study()
    times_s = 1.0 + 0.5 * np.arange(N_STIMULI)
    starts = np.round((times_s - 0.03) * RATE_HZ).astype(int)
    rows = [slice(start, start + round(0.13 * RATE_HZ)) for start in starts]
    (block,) = whole.stream(seconds=100.0)
    cut = Recording.from_arrays(
        list(np.concatenate([block.samples[:, row] for row in rows], axis=1)),
        rates_hz=RATE_HZ,
        labels=("R O.Oculi", "R Mentalis"),
        segments=[Segment(start_s=row.start / RATE_HZ, stop_s=row.stop / RATE_HZ) for row in rows],
        annotations=list(whole.annotations),
    )
    first, second = target_of(lsr.analyze(whole)), target_of(lsr.analyze(cut))
    assert second.presence == "present"
    assert second.onset_latency_ms == pytest.approx(first.onset_latency_ms, abs=0.3)
    assert lsr.analyze(cut).spontaneous is None


def test_intensities_that_vary_give_thresholds_and_a_recruitment_curve():
    n = 40
    intensity_ma = np.repeat([2.0, 4.0, 6.0, 8.0, 10.0], 8)
    times_s = 1.0 + 0.5 * np.arange(n)
    recording = Recording.from_arrays(
        [
            draw_channel(1, times_s, 22.0, m_wave_uv=1200.0),
            draw_channel(2, times_s, 22.0, lsr_uv=150.0, persists=intensity_ma >= 6),
        ],
        rates_hz=RATE_HZ,
        labels=("R O.Oculi", "R Mentalis"),
        annotations=[
            Annotation(time_s=t, duration_s=None, text=f"Stim right zygomatic {ma:g} mA")
            for t, ma in zip(times_s, intensity_ma, strict=True)
        ],
    )
    pair = target_of(lsr.analyze(recording))
    assert 4.0 < pair.stimulus_threshold_ma < 6.0
    assert pair.stimulus_threshold_ci_ma[0] < pair.stimulus_threshold_ma < pair.stimulus_threshold_ci_ma[1]
    assert pair.m_wave_threshold_ma is None  # every intensity evoked one
    assert [level.intensity_ma for level in pair.recruitment] == [2.0, 4.0, 6.0, 8.0, 10.0]
    assert [level.m_wave_uv > 0 for level in pair.recruitment] == [True] * 5
    assert pair.recruitment[-1].persistence > 0.8


def test_a_ramp_has_its_threshold_though_the_block_of_weak_stimuli_cannot_be_judged_alone():
    intensity_ma = np.repeat(
        [2.0, 4.0, 6.0, 8.0, 10.0], [6, 6, 8, 8, 9]
    )  # no answer in the first block of 20
    times_s = 1.0 + 0.4 * np.arange(intensity_ma.size)
    answered = intensity_ma > 6
    recording = Recording.from_arrays(
        [
            draw_channel(1, times_s, 16.0, m_wave_uv=1200.0),
            draw_channel(2, times_s, 16.0, lsr_uv=150.0, persists=answered),
        ],
        rates_hz=RATE_HZ,
        labels=("R O.Oculi", "R Mentalis"),
        annotations=[
            Annotation(time_s=t, duration_s=None, text=f"Stim right zygomatic {ma:g} mA")
            for t, ma in zip(times_s, intensity_ma, strict=True)
        ],
    )
    pair = target_of(lsr.analyze(recording, with_sweeps=True))
    assert (pair.blocks[0].presence, pair.presence) == ("indeterminate", "present")
    assert 6.0 < pair.stimulus_threshold_ma < 8.0
    assert [level.persistence for level in pair.recruitment[:3]] == [0.0] * 3
    assert [sweep.present for sweep in pair.sweeps] == list(answered)
    assert pair.persistence == pytest.approx(answered.mean(), abs=0.001)


def test_nerve_conduction_compares_the_sides():
    times_s = 1.0 + 0.5 * np.arange(48)
    is_right = np.arange(48) < 24
    right, left = times_s[is_right], times_s[~is_right]
    recording = Recording.from_arrays(
        [
            draw_channel(1, right, 26.0, m_wave_uv=600.0),
            draw_channel(2, left, 26.0, m_wave_uv=1200.0),
        ],
        rates_hz=RATE_HZ,
        labels=("R O.Oculi", "L O.Oculi"),
        annotations=[
            Annotation(time_s=t, duration_s=None, text=f"Stim {'right' if here else 'left'} zygomatic")
            for t, here in zip(times_s, is_right, strict=True)
        ],
    )
    affected, healthy = lsr.analyze(recording).nerve_conduction
    assert (affected.side, healthy.side) == ("right", "left")
    assert affected.amplitude_ratio == pytest.approx(0.5, abs=0.05)
    assert affected.latency_difference_ms == pytest.approx(0.0, abs=0.3)


def test_nothing_to_analyse_is_said_with_the_way_out():
    with pytest.raises(NoMuscle, match=r"\[channels\]"):
        lsr.analyze(draw_study(labels=("Ch1", "Ch2")))
    rest = Recording.from_arrays([np.zeros(5000)], rates_hz=RATE_HZ, labels=["R Mentalis"], name="rest.edf")
    with pytest.raises(NoStimuli, match=r"rest\.edf"):
        lsr.analyze(rest)


def test_settings_reach_the_analysis():
    narrow = Settings.from_dict({"detection": {"search_window_ms": [11.5, 14.0]}})
    pair = target_of(lsr.analyze(draw_study(), narrow))
    assert pair.onset_latency_ms is None or pair.onset_latency_ms >= 11.0


def test_the_drawn_lsr_starts_where_this_file_says():
    drawn = wave(50_000.0, onset_ms=9.6, amplitude_uv=150.0)
    assert start_ms(drawn, np.arange(0, 60, 0.02)) == pytest.approx(9.6, abs=0.1)


def test_samples_beyond_the_range_that_the_header_states_are_told(tmp_path):
    """Twelve bits in the header, sixteen in the data: every amplitude would be wrong by a factor of 16."""
    path = SAMPLE_DATA / "triggered_sweeps.edf"
    raw = path.read_bytes()
    narrow = tmp_path / "narrow.edf"
    narrow.write_bytes(raw.replace(b"-32768", b"-128  ", 3).replace(b"32767 ", b"127   ", 3))
    codes = [{problem.code for problem in lsr.analyze(one).problems} for one in (path, narrow)]
    assert "beyond_range" not in codes[0]
    assert "beyond_range" in codes[1]
