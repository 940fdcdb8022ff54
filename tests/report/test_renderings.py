"""Text and table say what the report says, and say for whom it is."""

import csv
import inspect
import io
import re
from dataclasses import replace

import pandas as pd
import pytest
from rich.cells import cell_len

from lsr.anatomy import Branch, Muscle, Relation, Side
from lsr.detection.detection import Presence
from lsr.findings import course as course_module
from lsr.findings.findings import (
    Course,
    Disappearance,
    MuscleActivity,
    NerveConduction,
    Spontaneous,
    Synkinesis,
)
from lsr.recording import Problem
from lsr.report.as_json import as_json
from lsr.report.as_table import as_csv, as_frame
from lsr.report.as_text import as_text, table, wrapped
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
        "LSR CANNOT BE TOLD: it fell as the M wave did (stimulus, electrode or anaesthesia change); "
        "seen with onset 9.8 ms (9.5-10.1), 230 uV"
    )
    assert why in text
    assert "LSR PRESENT" not in text


def test_a_course_that_cannot_be_told_has_the_colour_of_what_is_not_known(
    render, operation_pair, indeterminate_pair, absent_pair
):
    alike = Problem(code="m_wave_fell_alike", message="LSR and M wave fell alike.")
    untold = replace(operation_pair, course=None, disappeared_at=None, warnings=(alike,))
    colours = []
    for one in (untold, indeterminate_pair, operation_pair, absent_pair):
        headline = next(line for line in render(one, colour=True).splitlines() if "mentalis: LSR" in line)
        colours.append(re.match(r"(\x1b\[\d+m)?", headline)[0])
    assert colours[0] == colours[1] != colours[2] != ""
    assert colours[3] == ""


@pytest.mark.parametrize("course", [Course.PERSISTED, Course.REDUCED, Course.REAPPEARED])
def test_what_stays_is_told_with_its_change(render, operation_pair, course):
    changed = replace(operation_pair, course=course, disappeared_at=None, amplitude_change_percent=-41.7)
    word = course.value.upper()
    assert f"LSR {word} (-42 % amplitude), onset" in _on_one_line(render(changed))
    unknown = replace(changed, amplitude_change_percent=None)
    assert f"LSR {word}, onset" in _on_one_line(render(unknown))


@pytest.mark.parametrize(("intensities_ma", "told"), [((12.0, 12.0), "12 mA"), ((4.0, 12.5), "4-12.5 mA")])
def test_currents_are_told_as_one_or_as_a_range(render, pair, make_findings, intensities_ma, told):
    (stimuli,) = make_findings(pair).stimulation
    given = tuple(
        replace(stimuli.stimuli[0], time_s=float(k), intensity_ma=ma) for k, ma in enumerate(intensities_ma)
    )
    text = _on_one_line(render(pair, stimulation=(replace(stimuli, stimuli=given),)))
    assert f"ms), {told}; left out: 1 no artifact" in text


@pytest.mark.parametrize(
    ("p_value", "told"),
    [(0.00009, "<0.0001"), (0.00012, "0.00012"), (0.0012, "0.001"), (0.29, "0.290"), (None, "-")],
)
def test_p_values_are_told_as_exactly_as_they_count(render, pair, p_value, told):
    shown = replace(pair, detection=replace(pair.detection, p_value=p_value, persistence=0.84))
    (row,) = (line.split() for line in render(shown).splitlines() if line.startswith("S1  mentalis"))
    assert (row[-1], row[6]) == (told, "84")


@pytest.mark.parametrize("course", Course)
def test_every_course_has_its_words(render, operation_pair, course):
    text = _on_one_line(render(replace(operation_pair, course=course)))
    assert f"LSR {course.value.replace('_', ' ').upper()}" in text


def test_not_detected_is_never_called_disappeared(render, operation_pair):
    pair = replace(operation_pair, course=Course.NOT_DETECTED_AT_BASELINE, disappeared_at=None)
    assert "disappear" not in render(pair).lower()


def test_a_block_that_tells_nothing_alone_shows_what_the_operation_tells(render, operation_pair):
    told = replace(operation_pair, there=(True, True, True, True, None, False))
    rows = [line.split() for line in render(told).splitlines() if line.startswith("00:")]
    assert [(row[3], row[4]) for row in rows] == [
        *(("present", "yes"), ("present", "yes")),
        *(("absent", "?"), ("absent", "no")),
    ]


def test_blocks_that_answer_alike_share_a_line(render, operation_pair):
    lines = render(operation_pair).splitlines()
    assert "00:26:20 00:29:15 baseline       present -       3   9.5-9.7       230      1235" in lines
    assert any(line.startswith("00:30:20 00:32:15 decompression  absent  -       2") for line in lines)


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


def test_blocks_have_a_table_where_they_say_more_than_their_pair(render, operation_pair):
    alike = replace(operation_pair, blocks=operation_pair.blocks[:4])
    assert "Course of" in render(replace(alike, course=Course.PERSISTED, disappeared_at=None))
    assert "Course of" not in render(replace(alike, course=None, disappeared_at=None))
    assert "Course of" in render(replace(operation_pair, course=None, disappeared_at=None))


# --- what is told, and what is not ---------------------------------------------------------------------


_REASONS = {*re.findall(r'_cannot_tell\(\s*"(\w+)"', inspect.getsource(course_module)), "m_wave_fell_alike"}
_REASONS |= {"weaker_stimulus", "back_with_stimulus"}


@pytest.mark.parametrize("code", sorted(_REASONS))
def test_whyever_a_course_cannot_be_told_the_lsr_is_not_called_present(render, operation_pair, code):
    why = Problem(code=code, message="why")
    text = _on_one_line(render(replace(operation_pair, course=None, disappeared_at=None, warnings=(why,))))
    assert "LSR CANNOT BE TOLD" in text
    assert "LSR PRESENT" not in text


def test_an_operation_whose_end_is_not_known_says_so(render, operation_pair):
    assert "Residual LSR: cannot be told" in render(operation_pair)
    assert "Residual LSR: cannot be told" in render(operation_pair, replace(operation_pair, course=None))
    assert "Residual LSR" not in render(replace(operation_pair, course=None))


def test_a_late_response_that_is_absent_is_not_told(render, pair):
    assert "late response" not in render(pair)


def test_stimuli_left_out_are_told_with_their_reason(render, pair):
    assert "left out: 1 no artifact" in render(pair)


def test_targets_come_before_direct_muscles(render, pair, direct_pair):
    text = render(direct_pair, pair)
    assert text.index("LSR PRESENT") < text.index("direct muscle")


def test_the_row_of_a_direct_muscle_is_that_of_its_m_wave(render, direct_pair, indeterminate_pair):
    withheld = replace(indeterminate_pair.detection, reason="direct_muscle")
    text = _on_one_line(render(replace(direct_pair, detection=withheld)))
    assert "orbicularis oculi direct present 3.5 1235" in text


def test_a_range_is_from_the_lowest_to_the_highest_in_whatever_order_they_come(render, operation_pair):
    blocks = [
        replace(block, detection=replace(block.detection, onset_latency_ms=onset_ms))
        for block, onset_ms in zip(operation_pair.blocks, (9.6, 9.2, 9.5), strict=False)
    ]
    text = render(replace(operation_pair, blocks=(*blocks, *operation_pair.blocks[3:])))
    assert "9.2-9.6" in text


def test_blocks_that_differ_are_shown_though_no_course_can_be_told(render, operation_pair):
    assert "Course of" in render(replace(operation_pair, course=None, disappeared_at=None))


def test_a_warning_of_one_pair_among_several_names_it(render, pair, absent_pair):
    odd = replace(pair, warnings=(Problem(code="odd", message="Odd indeed."),))
    text = _on_one_line(render(odd, replace(absent_pair, muscle=Muscle.FRONTALIS)))
    assert "right zygomatic -> mentalis: Odd indeed. [odd]" in text


def test_a_side_is_told_by_its_share_of_the_other_and_by_how_much_later_it_is(
    recording, settings, make_findings, pair
):
    side = NerveConduction(
        stimulation="S1",
        branch=Branch.ZYGOMATIC,
        muscle=Muscle.ORBICULARIS_OCULI,
        side=Side.RIGHT,
        channel="R O.Oculi",
        onset_latency_ms=4.2,
        amplitude_uv=600.0,
        n_stimuli=20,
        latency_difference_ms=0.7,
        amplitude_ratio=0.8,
    )
    slow = replace(side, onset_latency_ms=None, latency_difference_ms=None)  # sampled below 2 kHz

    def told(one):
        findings = replace(make_findings(pair), nerve_conduction=(one,))
        text = _on_one_line(as_text(build_report(recording, findings, settings)))
        return text.split("M wave of the ")[1].split(" Warnings")[0]

    assert told(side) == "right side: 600 uV at 4.2 ms; 80 % of the other side's, +0.7 ms"
    assert told(slow) == "right side: 600 uV; 80 % of the other side's"


def test_bursts_between_the_stimuli_are_told_once_for_each_muscle_that_has_any(
    recording, settings, make_findings, pair
):
    def active(channel, n_bursts, stage=None):
        return MuscleActivity(
            channel=channel,
            muscle=Muscle.MENTALIS,
            side=Side.RIGHT,
            stage=stage,
            observed_s=120.0,
            n_bursts=n_bursts,
            bursts_per_min=n_bursts / 2,
            duration_ms=80.4 if n_bursts else None,
            active_share=0.034,
            discharge_hz=None,
        )

    together = Synkinesis(
        channels=("R Ment", "R OOc"),
        muscles=(Muscle.MENTALIS, Muscle.ORBICULARIS_OCULI),
        stage=None,
        n_shared=9,
        shared_per_min=4.5,
        share=0.75,
        share_by_chance=0.03,
        lag_ms=-6.2,
        lag_quartiles_ms=(-7.0, -5.0),
    )
    found = Spontaneous(
        activity=(active("R Ment", 13), active("R Ment", 5, "closing"), active("R Front", 0)),
        synkinesis=(together, replace(together, stage="closing", n_shared=5)),
        trend=(),
        synkinesis_trend=(),
        n_spikes=0,
        n_heartbeats=0,
    )

    def told(spontaneous):
        findings = replace(make_findings(pair), spontaneous=spontaneous)
        text = _on_one_line(as_text(build_report(recording, findings, settings)))
        return text.partition("Between the stimuli ")[2].split(" Warnings")[0]

    assert told(found) == (
        "- R Ment: 13 bursts in 00:02:00, 6.5 a minute, 80 ms each, 3 % of the time "
        "- R Ment and R OOc fire together: 9 bursts, 75 % of the muscle with fewer, 6 ms apart"
    )
    assert told(replace(found, activity=found.activity[2:], synkinesis=())) == ""


@pytest.mark.parametrize("shift", range(4))
def test_wide_characters_keep_to_eighty_columns(shift):
    text = "x" * shift + " 右眼輪筋 10 ms 口輪筋" + "口輪筋한국" * 30
    lines = wrapped(text, indent="  ").split("\n")
    assert max(map(cell_len, lines)) <= 80
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")


@pytest.mark.parametrize(
    ("label", "shown"),
    [("右眼輪筋", "右眼輪筋  |"), ("右眼輪筋a右", "右眼輪筋a~|"), ("a右眼輪筋右", "a右眼輪筋~|")],
)
def test_wide_labels_stay_in_their_column(label, shown):
    assert table(["label", ""], [[label, "|"]], [-10, 1]).split("\n")[2].replace(" |", "|") == shown
