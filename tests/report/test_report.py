"""The report keeps the names that users rely on, and says nothing it does not know."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import jsonschema
import numpy as np
import pytest

from lsr.report.as_json import as_json
from lsr.report.report import Report, build_report, channel_report, report_schema, stimulation_report

# The names users and scripts rely on. More may stand beside them; none may go.
PROMISED = {
    "Report": "schema_version lsr_version settings created recording stimulation pairs residual_lsr problems",
    "RecordingReport": "name sha256 format start duration_s n_segments channels",
    "ChannelReport": "label rate_hz unit muscle side",
    "StimulationReport": ("id side branch branch_source source n_stimuli n_left_out intensity_ma times_s"),
    "PairReport": (
        "stimulation branch muscle side channel relation presence reason p_value score onset_latency_ms "
        "onset_latency_ci_ms peak_latency_ms amplitude_uv baseline_to_peak_uv area_uv_ms duration_ms "
        "n_phases morphology persistence persistence_ci latency_jitter_ms n_stimuli_used n_stimuli_rejected "
        "rejected noise_uv detection_limit_uv stimulus_threshold_ma m_wave late_response course "
        "amplitude_change_percent disappeared_at blocks warnings"
    ),
    "BlockReport": (
        "presence reason p_value score onset_latency_ms onset_latency_ci_ms peak_latency_ms amplitude_uv "
        "baseline_to_peak_uv area_uv_ms duration_ms n_phases morphology persistence persistence_ci "
        "latency_jitter_ms n_stimuli_used n_stimuli_rejected rejected noise_uv detection_limit_uv m_wave "
        "late_response start_s end_s stage"
    ),
    "MWaveReport": "amplitude_uv onset_latency_ms",
    "LateResponseReport": "presence onset_latency_ms",
    "DisappearanceReport": "time_s stage",
    "Note": "code message",
}
ANSWERS = {
    "Presence": "present absent indeterminate",
    "Relation": "target ambiguous direct unmapped",
    "BranchSource": "annotation settings inferred",
    "StimulusSource": "annotation trigger_channel record artifact average",
    "Course": (
        "not_detected_at_baseline persisted reduced disappeared disappeared_before_decompression reappeared"
    ),
    "Branch": "temporal zygomatic buccal marginal_mandibular cervical",
}


@pytest.fixture
def report(recording, settings, make_findings, pair, direct_pair, operation_pair):
    findings = make_findings(pair, direct_pair, operation_pair, residual_lsr=True)
    return build_report(recording, findings, settings)


@pytest.mark.parametrize("model", PROMISED)
def test_the_schema_holds_every_promised_name(model):
    schema = report_schema()
    found = schema if model == "Report" else schema["$defs"][model]
    assert set(PROMISED[model].split()) <= set(found["properties"])


@pytest.mark.parametrize("enumeration", ANSWERS)
def test_the_schema_holds_every_promised_answer(enumeration):
    assert set(ANSWERS[enumeration].split()) <= set(report_schema()["$defs"][enumeration]["enum"])


def test_a_report_obeys_its_schema(report):
    jsonschema.Draft202012Validator.check_schema(report_schema())
    jsonschema.validate(report.to_dict(), report_schema())


def test_a_report_with_everything_obeys_its_schema(recording, settings, make_findings, operation_pair):
    report = build_report(
        recording,
        make_findings(operation_pair),
        settings,
        with_sweeps=True,
        created=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
    )
    found = report.to_dict()
    jsonschema.validate(found, report_schema())
    assert found["created"] == "2026-01-02T03:04:05+00:00"
    assert found["stimulation"][0]["times_s"] == [1.0, 1.333333, 1.666667]
    assert found["pairs"][0]["sweeps"][0]["latency_ms"] == 9.8


def test_a_promised_name_is_never_left_out_of_the_json(report):
    found = report.to_dict()
    only_on_request = {"created", "times_s", "sweeps"}
    for name, part in [
        ("Report", found),
        ("PairReport", found["pairs"][0]),
        ("BlockReport", found["pairs"][2]["blocks"][0]),
        ("StimulationReport", found["stimulation"][0]),
        ("RecordingReport", found["recording"]),
    ]:
        assert set(PROMISED[name].split()) - set(part) <= only_on_request


def test_time_of_day_sweeps_and_stimulus_times_come_only_on_request(report):
    found = report.to_dict()
    assert "created" not in found
    assert "times_s" not in found["stimulation"][0]
    assert "sweeps" not in found["pairs"][0]


def test_a_stimulus_set_tells_its_lowest_and_highest_current_and_its_times_on_request(make_findings, pair):
    (stimuli,) = make_findings(pair).stimulation
    given = [(8.0, 10), (15.0, 20), (5.0, None), (None, 12)]
    some = [
        replace(stimuli.stimuli[0], time_s=0.5 * k, intensity_ma=ma, n_averaged=n)
        for k, (ma, n) in enumerate(given)
    ]
    told = stimulation_report(replace(stimuli, stimuli=tuple(some)), with_sweeps=True)
    assert (told.n_stimuli, told.intensity_ma, told.n_averaged) == (4, (5.0, 15.0), (10, 20))
    assert told.times_s == [0.0, 0.5, 1.0, 1.5]
    bare = stimulation_report(replace(stimuli, stimuli=(some[3],) * 2), with_sweeps=False)
    assert (bare.intensity_ma, bare.times_s) == (None, None)


@pytest.mark.parametrize(
    ("text", "channel", "is_told"),
    [("Stim R Zyg", None, True), ("Mustermann", None, False), ("DC1 3", "DC1", True), ("", "DC1", False)],
)
def test_the_text_of_stimuli_is_told_where_it_can_name_nobody(make_findings, pair, text, channel, is_told):
    (stimuli,) = make_findings(pair).stimulation
    told = stimulation_report(replace(stimuli, text=text, trigger_channel=channel), with_sweeps=False)
    assert told.text == (text if is_told else None)


def test_what_is_not_finite_is_null(recording, settings, make_findings, pair):
    odd = replace(
        pair.detection,
        noise_uv=float("nan"),
        score=float("inf"),
        onset_latency_ci_ms=(float("nan"), 3.0),
        amplitude_uv=float("-inf"),
    )
    report = build_report(recording, make_findings(replace(pair, detection=odd)), settings)
    found = json.loads(as_json(report), parse_constant=lambda name: pytest.fail(f"{name} in the JSON"))
    for name in ("noise_uv", "score", "onset_latency_ci_ms", "amplitude_uv"):
        assert found["pairs"][0][name] is None


def test_numbers_of_numpy_become_plain_numbers(recording, settings, make_findings, pair):
    measured = replace(
        pair.detection,
        n_phases=np.int64(3),
        n_stimuli_used=np.int64(40),
        onset_latency_ms=np.float32(9.8),
        onset_latency_ci_ms=(np.float64(9.5), np.float32(10.1)),
    )
    report = build_report(recording, make_findings(replace(pair, detection=measured)), settings)
    plain = build_report(recording, make_findings(pair), settings)
    assert as_json(report) == as_json(plain)


def test_latencies_are_rounded_alike_everywhere(report):
    assert report.pairs[0].onset_latency_ms == 9.8
    assert report.to_dict()["pairs"][0]["onset_latency_ms"] == 9.8
    assert report.to_frame()["onset_latency_ms"][0] == 9.8


def test_equal_input_gives_equal_bytes(recording, settings, make_findings, pair):
    first, second = (build_report(recording, make_findings(pair), settings) for _ in range(2))
    assert as_json(first) == as_json(second)


def test_a_report_survives_json(report):
    assert Report.model_validate_json(as_json(report)) == report


def test_problems_of_file_and_stimuli_come_once(recording, settings, make_findings, pair):
    report = build_report(recording, make_findings(pair, problems=recording.problems), settings)
    assert [problem.code for problem in report.problems] == ["odd_header"]


def test_the_m_wave_of_the_pair_proves_the_stimulus(report):
    m_wave = report.pairs[0].m_wave
    assert m_wave.amplitude_uv == 1234.57
    assert m_wave.onset_latency_ms == 3.46


def test_channels_carry_what_the_configuration_says_of_them(recording, make_findings, pair):
    from lsr.settings import Settings

    settings = Settings.from_dict({"channels": {"R Ment": {"muscle": "platysma", "side": "left"}}})
    report = build_report(recording, make_findings(pair), settings)
    channel = report.recording.channels[0]
    assert (channel.muscle, channel.side) == ("platysma", "left")
    assert report.settings["channels"]["R Ment"]["muscle"] == "platysma"
    some = Settings.from_dict({"channels": {"R Ment": {"muscle": "platysma"}}})
    assert channel_report(recording.channels[0], some).side == recording.channels[0].side == "right"


def test_a_block_carries_what_the_operation_tells_of_it(recording, settings, make_findings, operation_pair):
    told = (True, True, None, True, False, False)
    report = build_report(recording, make_findings(replace(operation_pair, there=told)), settings)
    assert [block.presence_in_course for block in report.pairs[0].blocks] == [
        *("present", "present", "indeterminate"),
        *("present", "absent", "absent"),
    ]


def test_without_an_operation_no_block_is_told_by_its_course(report):
    assert all(block.presence_in_course is None for pair in report.pairs for block in pair.blocks)
