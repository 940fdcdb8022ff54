"""Text and table say what the report says, and say for whom it is."""

import csv
import io
from dataclasses import replace

import pandas as pd
import pytest

from lsr.anatomy import Muscle, Relation
from lsr.detection.detection import Presence
from lsr.findings.findings import Course, Disappearance
from lsr.recording import Problem
from lsr.report.as_json import as_json
from lsr.report.as_table import as_csv, as_frame
from lsr.report.as_text import as_text
from lsr.report.report import NOTICE, build_report
from lsr.stimuli import BranchSource


@pytest.fixture
def render(recording, settings, make_findings):
    def rendered(*pairs, colour=False, **findings):
        return as_text(build_report(recording, make_findings(*pairs, **findings), settings), colour=colour)

    return rendered


def _on_one_line(text):
    return " ".join(text.split())


def test_a_present_lsr_is_told_in_one_sentence(render, pair):
    assert (
        "right zygomatic -> mentalis: LSR PRESENT, onset 9.8 ms (9.5-10.1), 230 uV, in 96 % of 40 stimuli"
    ) in _on_one_line(render(pair))


def test_an_absent_lsr_names_what_would_have_been_seen(render, absent_pair):
    assert "LSR ABSENT, nothing above 14 uV in 40 stimuli" in _on_one_line(render(absent_pair))


def test_an_indeterminate_lsr_names_its_reason(render, indeterminate_pair):
    assert "LSR INDETERMINATE (too noisy)" in _on_one_line(render(indeterminate_pair))


def test_a_direct_muscle_shows_an_m_wave_and_never_an_lsr(render, direct_pair):
    text = _on_one_line(render(direct_pair))
    assert "right zygomatic -> orbicularis oculi: direct muscle, M wave at 3.5 ms, 1235 uV" in text
    assert "LSR" not in text


@pytest.mark.parametrize(
    ("relation", "caution"),
    [(Relation.AMBIGUOUS, "may supply the muscle directly"), (Relation.UNMAPPED, "is not known")],
)
def test_a_response_of_doubtful_supply_is_not_called_an_lsr(render, pair, relation, caution):
    text = _on_one_line(render(replace(pair, relation=relation)))
    assert "response PRESENT" in text
    assert caution in text
    assert "LSR" not in text


def test_an_inferred_branch_is_told_in_every_headline(render, make_findings, pair, direct_pair):
    guessed = replace(make_findings().stimulation[0], branch_source=BranchSource.INFERRED)
    text = _on_one_line(render(pair, direct_pair, stimulation=(guessed,)))
    assert "in 96 % of 40 stimuli; branch inferred, not stated" in text
    assert "direct muscle, M wave at 3.5 ms, 1235 uV; branch inferred, not stated" in text


def test_a_disappearance_is_told_with_time_and_stage(render, operation_pair):
    text = _on_one_line(render(operation_pair, residual_lsr=False))
    told = "LSR DISAPPEARED 00:31:20 after the start, during decompression; before that onset 9.8 ms"
    assert told in text
    assert "from, to: since the start" in text
    assert "Residual LSR: no" in text


@pytest.mark.parametrize(
    ("seen", "told"),
    [
        ((1860.0, "decompression"), "00:31:20 after the start, during decompression;"),
        ((1700.0, "decompression"), "between 00:28:20 and 00:31:20 after the start, during decompression;"),
        ((1810.0, "baseline"), "between 00:30:10 (baseline) and 00:31:20 (decompression) after the start;"),
        ((1810.0, None), "between 00:30:10 (no stage) and 00:31:20 (decompression) after the start;"),
    ],
)
def test_a_disappearance_tells_when_it_was_last_seen_where_that_is_another_stage_or_long_ago(
    render, operation_pair, seen, told
):
    last_seen_s, last_seen_stage = seen
    gone = Disappearance(
        time_s=1880.2, stage="decompression", last_seen_s=last_seen_s, last_seen_stage=last_seen_stage
    )
    text = _on_one_line(render(replace(operation_pair, disappeared_at=gone)))
    assert f"LSR DISAPPEARED {told}" in text


def test_where_a_muscle_of_doubtful_supply_still_responds_the_residual_says_so(render, operation_pair):
    persisted = replace(operation_pair, course=Course.PERSISTED, disappeared_at=None)
    doubtful = replace(persisted, relation=Relation.AMBIGUOUS)
    text = _on_one_line(render(operation_pair, doubtful, residual_lsr=False))
    assert "Residual LSR: no, in none of the target pairs; a muscle that the stimulated branch may" in text
    assert "still responds" not in _on_one_line(render(operation_pair, residual_lsr=False))


def test_a_course_that_cannot_be_told_says_why_and_is_not_called_present(render, operation_pair):
    alike = Problem(code="m_wave_fell_alike", message="LSR and M wave fell alike.")
    text = _on_one_line(render(replace(operation_pair, course=None, disappeared_at=None, warnings=(alike,))))
    why = (
        "LSR CANNOT BE TOLD: it fell as the M wave did (stimulus, electrode or anaesthesia change); seen with"
    )
    assert why in text
    assert "LSR PRESENT" not in text


@pytest.mark.parametrize("course", Course)
def test_every_course_has_its_words(render, operation_pair, course):
    text = _on_one_line(render(replace(operation_pair, course=course)))
    assert f"LSR {course.value.replace('_', ' ').upper()}" in text


def test_not_detected_is_never_called_disappeared(render, operation_pair):
    pair = replace(operation_pair, course=Course.NOT_DETECTED_AT_BASELINE, disappeared_at=None)
    assert "disappear" not in render(pair).lower()


def test_blocks_that_answer_alike_share_a_line(render, operation_pair):
    lines = render(operation_pair).splitlines()
    assert "00:26:20 00:29:15 baseline             present   3   9.5-9.7       230      1235" in lines
    assert any(line.startswith("00:30:20 00:32:15 decompression        absent    2") for line in lines)


def test_every_line_fits_the_terminal(render, pair, direct_pair, operation_pair, indeterminate_pair):
    long_label = replace(
        pair, channel="EMG " + "very long label " * 9, muscle=None, relation=Relation.UNMAPPED
    )
    dao = replace(pair, muscle=Muscle.DEPRESSOR_ANGULI_ORIS)
    text = render(pair, dao, direct_pair, operation_pair, indeterminate_pair, long_label)
    assert max(map(len, text.splitlines())) <= 80


def test_a_recording_without_pairs_still_gets_a_report(render):
    text = render()
    assert "No pair" in text
    assert NOTICE.split(";")[0] in text


def test_two_channels_of_one_muscle_are_told_apart(render, pair):
    text = _on_one_line(render(pair, replace(pair, channel="R Ment 2")))
    assert "mentalis (R Ment):" in text
    assert "mentalis (R Ment 2):" in text


def test_warnings_and_problems_come_last_but_for_the_notice(render, pair):
    text = render(replace(pair, warnings=(Problem(code="odd", message="Odd indeed."),)))
    assert text.index("LSR PRESENT") < text.index("Odd indeed. [odd]") < text.index("The header is odd.")
    assert _on_one_line(text).endswith(NOTICE)


def test_every_rendering_is_for_review(recording, settings, make_findings, pair):
    report = build_report(recording, make_findings(pair), settings)
    for rendered in (as_text(report), as_json(report), as_csv([report])):
        assert "qualified neurophysiologist; research use" in _on_one_line(rendered)


def test_colour_adds_nothing_but_colour(render, pair, indeterminate_pair):
    import re

    coloured = render(pair, indeterminate_pair, colour=True)
    assert "\x1b[" in coloured
    assert re.sub(r"\x1b\[\d+m", "", coloured) == render(pair, indeterminate_pair)


def test_a_label_cannot_command_the_terminal(render, pair):
    assert "\x1b" not in render(replace(pair, muscle=None, channel="\x1b[2J", relation=Relation.UNMAPPED))


def test_the_table_has_a_row_for_every_pair(recording, settings, make_findings, pair, operation_pair):
    report = build_report(recording, make_findings(pair, operation_pair), settings)
    rows = list(csv.DictReader(io.StringIO(as_csv([report]))))
    assert [row["channel"] for row in rows] == ["R Ment", "R Ment"]
    assert rows[0]["onset_latency_ci_ms_low"] == "9.5"
    assert rows[0]["m_wave_amplitude_uv"] == "1234.57"
    assert rows[0]["late_response_presence"] == "absent"
    assert rows[0]["rejected"] == "burst: 2"
    assert rows[0]["disappeared_at_time_s"] == ""
    assert rows[1]["disappeared_at_time_s"] == "1880.2"
    assert rows[1]["disappeared_at_stage"] == "decompression"
    assert rows[1]["n_blocks"] == "6"


def test_a_second_table_continues_the_first(recording, settings, make_findings, pair):
    report = build_report(recording, make_findings(pair), settings)
    assert as_csv([report]) + as_csv([report], header=False) == as_csv([report, report])


def test_a_channel_called_na_keeps_its_name(recording, settings, make_findings, pair):
    report = build_report(recording, make_findings(replace(pair, channel="NA")), settings)
    assert report.to_frame()["channel"][0] == "NA"
    read_back = pd.read_csv(io.StringIO(as_csv([report])), keep_default_na=False)
    assert read_back["channel"][0] == "NA"


def test_no_pairs_give_a_table_with_columns(recording, settings, make_findings):
    report = build_report(recording, make_findings(), settings)
    assert "onset_latency_ms" in as_frame([report]).columns
    assert len(as_frame([report])) == 0


def test_a_number_stays_with_its_unit(render, pair):
    for length in range(30):
        text = render(replace(pair, muscle=None, channel="x" * length, relation=Relation.UNMAPPED))
        assert not [line for line in text.splitlines() if line.strip().startswith(("%", "ms", "uV"))]


def test_threshold_and_late_response_are_told_where_they_are_known(render, pair):
    late = replace(pair.detection.late_response, presence=Presence.PRESENT, onset_latency_ms=31.6)
    shown = replace(pair, stimulus_threshold_ma=8.5, detection=replace(pair.detection, late_response=late))
    assert "from 8.5 mA on, late response at 32 ms" in _on_one_line(render(shown))


def test_blocks_without_any_response_need_no_table(render, operation_pair, absent_pair):
    never = replace(
        operation_pair,
        detection=absent_pair.detection,
        course=Course.NOT_DETECTED_AT_BASELINE,
        blocks=tuple(replace(block, detection=absent_pair.detection) for block in operation_pair.blocks),
    )
    assert "Course of" not in render(never)
    assert "Course of" in render(operation_pair)
