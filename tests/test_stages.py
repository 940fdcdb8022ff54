"""Stages of surgery begin where somebody says so, and last until the next begins."""

import time as clock
from datetime import datetime, time

import numpy as np
import pytest

import lsr
from lsr.errors import EventsError
from lsr.recording import Annotation, Recording
from lsr.settings import DEFAULT_STAGES, Settings
from lsr.stages import Event, Stage, check_events, check_stages, find_stages, read_events, stage_of

COURSE = Settings().course
START = datetime(2024, 5, 2, 22, 30, 0)


def record(texts):
    annotations = [Annotation(time_s=time_s, duration_s=None, text=text) for time_s, text in texts]
    return Recording.from_arrays(
        [np.zeros(1000)], rates_hz=1.0, labels=["R Mentalis"], annotations=annotations, name="case.edf"
    )


@pytest.mark.parametrize(
    ("text", "stage"),
    [
        ("Baseline", "baseline"),
        ("baseline 2", "baseline"),
        ("Before skin incision", "baseline"),
        ("pre-incision", "baseline"),
        ("preop. values", "baseline"),
        ("baseline before decompression", "baseline"),
        ("Skin incision", "opening"),
        ("after incision", "opening"),
        ("retrosigmoid craniotomy", "opening"),
        ("Dura opening", "opening"),
        ("dural opening", "opening"),
        ("dura opened", "opening"),
        ("opening of the dura", "opening"),
        ("Arachnoid dissection", "arachnoid_dissection"),
        ("start arachnoid dissection", "arachnoid_dissection"),
        ("dissection", "arachnoid_dissection"),
        ("Decompression: teflon placed", "decompression"),
        ("DECOMPRESSION", "decompression"),
        ("start of decompression", "decompression"),
        ("teflon in", "decompression"),
        ("vessel moved away", "decompression"),
        ("vessel mobilised", "decompression"),
        ("AICA transposition", "decompression"),
        ("MVD", "decompression"),
        ("Closing", "closing"),
        ("dura closed", "closing"),
        ("closure of dura", "closing"),
        ("skin closure", "closing"),
        ("before decompression", None),
        ("Prior to MVD", None),
        ("no teflon yet", None),
        ("after decompression", "decompression"),  # it has begun by then
        ("After decompression", "decompression"),
        ("Post-decompression", "decompression"),
        ("Post decompression LSR", "decompression"),
        ("post MVD", "decompression"),
        ("Baseline post decompression", "decompression"),
        ("baseline after teflon", "decompression"),
        ("Baseline after positioning", "baseline"),
        ("Decompression complete", "decompression"),
        ("Decompression done", "decompression"),
        ("end of decompression", "decompression"),
        ("Vessel decompressed", "decompression"),
        ("Facial nerve decompressed", "decompression"),
        ("Vessel off nerve", "decompression"),
        ("AICA moved", "decompression"),
        ("AICA mobilized", "decompression"),
        ("PICA moved away", "decompression"),
        ("Start MVD", "decompression"),
        ("Decompression, no LSR", "decompression"),
        ("Teflon in, LSR not gone", "decompression"),
        ("Durotomy", "opening"),
        ("Start closing", "closing"),
        ("Closing: no more LSR", "closing"),
        ("Decompression not started", None),
        ("Decompression planned", None),
        ("decompression not complete", None),
        ("vessel not moved yet", None),
        ("Teflon requested", None),
        ("Teflon ready", None),
        ("Prepare teflon", None),
        ("preparing for the dura opening", None),
        ("MVD case, right side", None),
        ("LSR before dura opening", None),
        ("LSR pre decompression", None),
        ("LSR until decompression", None),
        ("Next stimulation after decompression", None),
        ("wait until after decompression", None),
        ("Offending vessel identified", None),
        ("muscle dissection", None),
        ("eye closure", None),
        ("Stim R zyg 12 mA", None),
        ("Stimulus right zygomatic 0.2ms x 15.3mA", None),
        ("sevoflurane 1 MAC", None),
        ("", None),
        ("Decompresion", "decompression"),  # misspelt
        ("decompresson start", "decompression"),
        ("Dekompresion", "decompression"),
        ("Decomp", "decompression"),
        ("Décompression", "decompression"),
        ("De\u0301compression", "decompression"),  # the accent a character of its own
        ("Début de la décompression", "decompression"),
        ("Décompression prévue", None),
        ("Pas encore de décompression", None),
        ("avant décompression", None),
        ("Ouverture de la dure-mère", "opening"),
        ("Craniectomie", "opening"),
        ("Dissection arachnoïdienne", "arachnoid_dissection"),
        ("Dissection de l'arachnoïde", "arachnoid_dissection"),
        ("Fermeture durale", "closing"),
        ("Fermeture des yeux", None),
        ("Ligne de base", "baseline"),
        ("Línea basal", "baseline"),
        ("Incisión", "opening"),
        ("Apertura dural", "opening"),
        ("Disección aracnoidea", "arachnoid_dissection"),
        ("Descompresión", "decompression"),
        ("Inicio de descompresión", "decompression"),
        ("aún no descompresión", None),
        ("Antes de la descompresión", None),
        ("Descompresión pendiente", None),
        ("Cierre", "closing"),
        ("ベースライン", "baseline"),
        ("硬膜切開", "opening"),
        ("くも膜剥離", "arachnoid_dissection"),
        ("減圧開始", "decompression"),
        ("減圧前", None),
        ("減圧予定", None),
        ("閉創", "closing"),
        ("テフロン挿入", "decompression"),
        ("責任血管を移動", "decompression"),
        ("血管移動なし", None),
        ("減圧後 LSRなし", "decompression"),
        ("テフロン準備", None),
        ("基线 LSR", "baseline"),
        ("术前基线", "baseline"),
        ("基线（减压前）", "baseline"),  # noqa: RUF001
        ("基线, 减压前", "baseline"),
        ("切皮", "opening"),
        ("开颅", "opening"),
        ("硬脑膜打开", "opening"),
        ("剪开硬膜", "opening"),
        ("蛛网膜锐性分离", "arachnoid_dissection"),
        ("减压", "decompression"),
        ("开始减压", "decompression"),
        ("減壓開始", "decompression"),
        ("垫入Teflon", "decompression"),
        ("责任血管推移", "decompression"),
        ("减压后LSR未消失", "decompression"),
        ("尚未减压", None),
        ("准备减压", None),
        ("减压前", None),
        ("缝合硬膜", "closing"),
        ("硬脑膜缝合", "closing"),
        ("关颅", "closing"),
        ("기저치", "baseline"),
        ("피부 절개", "opening"),
        ("경막 절개", "opening"),
        ("지주막 박리", "arachnoid_dissection"),
        ("감압 시작", "decompression"),
        ("혈관 이동", "decompression"),
        ("테프론 삽입", "decompression"),
        ("아직 감압 안 함", None),
        ("감압 전", None),
        ("테프론 준비", None),
        ("경막 봉합", "closing"),
        ("Linha de base", "baseline"),
        ("Incisão da pele", "opening"),
        ("Abertura da dura", "opening"),
        ("Dissecção da aracnoide", "arachnoid_dissection"),
        ("Descompressão", "decompression"),
        ("início da descompressão", "decompression"),
        ("Vaso afastado do nervo", "decompression"),
        ("Descompressão, sem LSR", "decompression"),
        ("Ainda não descompressão", None),
        ("Teflon solicitado", None),
        ("Fechamento da dura", "closing"),
        ("Fechamento dos olhos", None),
        ("Gefäß mobilisiert", "decompression"),
        ("Gefäß noch nicht mobilisiert", None),
        ("Trepanation", "opening"),
        ("Duraverschluss", "closing"),
        ("午前10時 減圧開始", None),  # no text that begins so; a pattern of the settings may
        ("Teflon in situ, sin", "decompression"),  # the left side
        ("Decompression to follow", None),
        ("decompression about to start", None),
        ("decompression postponed", None),
        ("Dekompression folgt", None),
        ("Gleich Dekompression", None),
        ("Dekompression, LSR gleich", "decompression"),
        ("asking for Teflon", None),
        ("decompression on hold", None),
    ],
)
def test_the_default_texts_tell_their_stage(text, stage):
    assert stage_of(text, DEFAULT_STAGES) == stage


def test_a_stage_lasts_until_the_next_and_the_last_to_the_end():
    texts = [(100, "Baseline"), (300, "skin incision"), (350, "dura opening"), (600, "decompression")]
    stages = find_stages(record(texts), COURSE)
    assert stages == (
        Stage(name="baseline", start_s=100, end_s=300),
        Stage(name="opening", start_s=300, end_s=600),
        Stage(name="decompression", start_s=600, end_s=1000),
    )


def test_a_recording_without_stages_has_none():
    assert find_stages(record([(10, "stimulus"), (20, "alarm")]), COURSE) == ()


def test_events_and_annotations_are_told_together_in_any_order():
    events = (Event(time_s=500, text="decompression"), Event(time_s=10, text="baseline"))
    together = find_stages(record([(200, "skin incision")]), COURSE, events)
    assert [stage.name for stage in together] == ["baseline", "opening", "decompression"]
    assert together == find_stages(record([(200, "skin incision")]), COURSE, events[::-1])


def test_a_stage_may_come_back():
    texts = [(100, "decompression"), (300, "closing"), (400, "decompression again")]
    assert [stage.name for stage in find_stages(record(texts), COURSE)] == [
        "decompression",
        "closing",
        "decompression",
    ]


@pytest.mark.parametrize(
    "remark", ["2 h after incision", "Baseline noise high", "LSR gone since dura opening"]
)
@pytest.mark.parametrize("last", ["decompression", "closing"])
def test_baseline_and_opening_do_not_come_back_after_decompression(remark, last):
    texts = [(100, "Baseline"), (200, "Skin incision"), (300, last)]
    stages = find_stages(record([*texts, (400, remark)]), COURSE)
    assert [(one.name, one.end_s) for one in stages] == [("baseline", 200), ("opening", 300), (last, 1000)]
    # A heading that only looks like decompression keeps none of them from beginning.
    stages = find_stages(record([(0, "MVD right"), *texts, (400, "Arachnoid dissection")]), COURSE)
    assert [one.name for one in stages[1:]] == ["baseline", "opening", last, "arachnoid_dissection"]


def test_a_text_that_looks_back_at_decompression_begins_none_anew():
    texts = [(100, "decompression"), (300, "closing"), (400, "LSR after decompression")]
    assert [stage.name for stage in find_stages(record(texts), COURSE)] == ["decompression", "closing"]
    texts = [(100, "closing"), (300, "decompression")]
    assert [stage.name for stage in find_stages(record(texts), COURSE)] == ["closing", "decompression"]


def test_decompression_may_have_begun_with_the_first_text_that_may_speak_of_it():
    texts = [(100, "baseline"), (200, "decompression not complete"), (300, "AICA conflict")]
    stages = find_stages(record([*texts, (400, "teflon"), (500, "closing")]), COURSE)
    assert [(stage.name, stage.maybe_from_s) for stage in stages] == [
        ("baseline", None),
        ("decompression", 100),
        ("closing", None),
    ]


def test_patterns_of_the_settings_stand_but_swallow_no_stimulus():
    course = Settings.from_dict({"course": {"stages": {"decompression": ["*"]}}}).course
    texts = [(100, "Stim R zyg"), (200, "release")]
    assert [stage.start_s for stage in find_stages(record(texts), course)] == [200]


@pytest.mark.parametrize(
    ("stage", "pattern", "text"),
    [
        ("opening", "*before dura opening*", "LSR before dura opening"),
        ("decompression", "teflon ready*", "Teflon ready, 10:30"),
        ("baseline", "baseline after teflon*", "Baseline after Teflon"),
        ("closing", "post-decompression", "Post-decompression"),
        ("decompression", "nerve is free*", "Nerve is free"),
    ],
)
def test_a_pattern_of_the_settings_may_name_what_the_default_ones_pass_over(stage, pattern, text):
    assert (
        stage_of(text, Settings.from_dict({"course": {"stages": {stage: [pattern]}}}).course.stages) == stage
    )


@pytest.mark.parametrize(
    ("texts", "maybe_from_s"),
    [
        ([(600, "Decompression")], None),
        ([(600, "Start MVD")], None),
        ([(600, "Post-decompression")], 300),
        ([(600, "Decompression complete")], 300),
        ([(600, "AICA moved")], 300),
        ([(500, "nerve free"), (600, "Decompression")], 500),
        ([(500, "nerve free"), (600, "Decompression done")], 300),
        ([(500, "Decompression not complete"), (600, "Decompression")], 300),
        ([(500, "Teflon ready"), (600, "Decompression")], None),
        ([(500, "Position change finished"), (600, "Decompression")], None),
        ([(500, "Vessel moved, teflon ready"), (600, "Decompression")], 300),
        ([(500, "Arachnoid dissection, vessel seen"), (600, "Decompression")], 500),
        ([(500, "Arachnoid dissection, vessel moved"), (600, "Decompression")], 300),
        ([(500, "Arachnoid dissection finished"), (600, "Decompression")], None),
        ([(500, "before decompression"), (600, "Decompression")], None),
        ([(50, "right MVD, AICA loop?"), (600, "Decompression")], None),  # before any stage
        ([(600, "Decompression"), (700, "Decompression done")], None),
        ([(500, "right descompresión"), (600, "Decompression")], 500),
        ([(500, "decompression to follow"), (600, "Decompression")], None),
        ([(500, "decompression on hold"), (600, "Decompression")], 500),
        ([(600, "Décompression terminée")], 300),
        ([(600, "減圧終了")], 300),
        ([(500, "前下小脳動脈を減圧"), (600, "Decompression")], 500),
        ([(500, "責任血管を確認"), (600, "減圧")], 500),
        ([(600, "責任血管を移動"), (700, "減圧")], 300),
        ([(500, "见责任血管"), (600, "减压")], 500),
        ([(600, "垫入Teflon")], 300),
        ([(500, "혈관 확인"), (600, "감압")], 500),
        ([(500, "vaso identificado"), (600, "Descompressão")], 500),
        ([(500, "vaisseau vu"), (600, "Décompression")], 500),
        ([(600, "Teflon colocado")], 300),
    ],
)
def test_decompression_may_have_begun_before_a_text_that_finds_it_done(texts, maybe_from_s):
    stages = find_stages(record([(100, "Baseline"), (300, "Arachnoid dissection"), *texts]), COURSE)
    assert [stage.name for stage in stages] == ["baseline", "arachnoid_dissection", "decompression"]
    assert stages[-1].start_s == 600
    assert stages[-1].maybe_from_s == maybe_from_s


def test_a_baseline_that_speaks_of_the_vessel_is_before_decompression():
    texts = [(100, "Baseline"), (300, "Baseline 2, vessel seen"), (600, "Decompression")]
    stages = find_stages(record(texts), COURSE)
    assert [(stage.name, stage.maybe_from_s) for stage in stages] == [
        ("baseline", None),
        ("decompression", None),
    ]


@pytest.mark.parametrize("text", ["LSR after decompression: absent", "Decompression complete"])
def test_a_look_back_while_closing_opens_no_decompression(text):
    stages = find_stages(record([(100, "Baseline"), (600, "Closing"), (700, text)]), COURSE)
    assert [stage.name for stage in stages] == ["baseline", "closing"]


def test_fifty_thousand_annotations_take_little_time():
    texts = [(i / 100, f"Stim R zyg {i % 20} mA") for i in range(50_000)] + [(3.0, "decompression")]
    recording = record(texts)
    begin = clock.process_time()
    (stage,) = find_stages(recording, COURSE)
    assert clock.process_time() - begin < 3.0
    assert stage.start_s == 3.0


# --- events files --------------------------------------------------------------------------------------


def write(tmp_path, content, encoding="utf-8"):
    path = tmp_path / "case.events.csv"
    path.write_bytes(content.encode(encoding))
    return path


@pytest.mark.parametrize(
    "content",
    [
        "time_s,text\n61.5,skin incision\n-5,baseline\n",
        "time,text\n22:31:01.5,skin incision\n22:29:55,baseline\n",
        "time,text\n2024-05-02T22:31:01.500,skin incision\n2024-05-02 22:29:55,baseline\n",
        "Time; Text; who\n22:31:01,5; skin incision; x\n22:29:55;baseline;\n\n",
        "time_s;text\n61,5;skin incision\n-5;baseline\n",
        "\ufefftext,time_s\r\nskin incision,61.5\r\nbaseline,-5\r\n",
        'time_s,time,text\n61.5,,"skin incision"\n,22:29:55,baseline\n',
    ],
)
def test_an_events_file_is_read_in_the_forms_people_write(tmp_path, content):
    events = read_events(write(tmp_path, content), START)
    assert events == (Event(time_s=-5.0, text="baseline"), Event(time_s=61.5, text="skin incision"))


def test_clock_times_go_on_past_midnight(tmp_path):
    path = write(tmp_path, "time,text\n23:30,opening\n00:30:00,decompression\n03:00:00,closing\n")
    assert [event.time_s for event in read_events(path, START)] == [3600, 7200, 16200]


def test_a_clock_time_needs_no_date(tmp_path):
    path = write(tmp_path, "time,text\n08:00:10,opening\n")
    assert read_events(path, time(8, 0, 0))[0].time_s == 10
    assert read_events(path, time(8, 0, 0, 250_000))[0].time_s == 9.75


@pytest.mark.parametrize(
    ("content", "start", "words"),
    [
        ("", START, "is empty"),
        ("when,what\n1,2\n", START, "line 1: found the columns 'when', 'what'"),
        ("time,text\n22:40:75,baseline\n", START, "'22:40:75' is no time"),
        ("time,text\n22:40:60,baseline\n", START, "'22:40:60' is no time"),
        ("time,text\n22:60:00,baseline\n", START, "'22:60:00' is no time"),
        ("when,text\n1,baseline\n", START, "line 1: found the columns 'when', 'text'"),
        ("time_s,what\n1,baseline\n", START, "line 1: found the columns 'time_s', 'what'"),
        ("time_s,text\n1,a\nsoon,b\n", START, "line 3: time_s is 'soon'"),
        ("time_s,text\nnan,a\n", START, "line 2: time_s is 'nan'"),
        ("time_s,text\n1,decompression, not started\n", START, "line 2: has more cells than columns"),
        ("time_s,text\n1,5,baseline\n", START, "line 2: has more cells than columns"),
        ('time_s,text\n1,"baseline\n2,closing\n', START, "line 3: unexpected end of data; check the quot"),
        ("time,text\n25:00:00,a\n", START, "line 2: '25:00:00' is no time"),
        ("time,text\n,a\n", START, "line 2: '' is no time"),
        ("time,text\n10:00:00,a\n", None, "does not say when it starts"),
        ("time,text\n2024-05-02 10:00:00,a\n", time(8), "does not say on which it starts"),
        ("time,text\n2024-05-02T10:00:00+02:00,a\n", START, "has a time zone"),
    ],
)
def test_what_cannot_be_read_names_the_file_the_line_the_value_and_the_way_out(
    tmp_path, content, start, words
):
    path = write(tmp_path, content)
    with pytest.raises(EventsError) as caught:
        read_events(path, start)
    assert str(path) in str(caught.value)
    assert words in str(caught.value)


def test_a_missing_or_foreign_events_file_is_refused(tmp_path):
    with pytest.raises(EventsError, match="cannot be read"):
        read_events(tmp_path / "none.csv", START)
    with pytest.raises(EventsError, match="not UTF-8"):
        read_events(write(tmp_path, "time_s,text\n1,Eröffnung\n", "latin-1"), START)


def codes(*events):
    """What is odd about events beside a recording of 1000 s."""
    noted = tuple(Event(time_s=time_s, text=text) for time_s, text in events)
    return [one.code for one in check_events("events.csv", noted, record([]), COURSE)]


def test_events_within_the_recording_or_before_it_are_not_odd():
    assert codes((-3600.0, "Baseline"), (400.0, "Decompression"), (1000.0, "Closing")) == []


def test_some_events_after_the_recording_are_told():
    assert codes((10.0, "Baseline"), (1001.0, "Decompression")) == ["events_outside"]


def test_a_list_that_names_no_stage_is_told():
    assert codes((10.0, "coffee")) == ["events_without_stage"]
    assert codes() == ["events_without_stage"]


@pytest.mark.parametrize("time_s", [57_600.0, -7 * 3600.0])
def test_a_list_that_lies_wholly_elsewhere_is_refused(time_s):
    """An elapsed time in the column of clock times, as text reports print it."""
    with pytest.raises(EventsError, match=r"events\.csv: 1 of 1 events lie outside .* 1000 s.*'time_s'"):
        codes((time_s, "Decompression"))


@pytest.mark.parametrize(
    ("texts", "odd"),
    [
        (["Baseline", "Dura opening", "Decompression", "Closing"], []),
        (["Decompression", "Closing", "Decompression"], []),  # opened again
        (["Dura opening", "Decompression", "Dura opening", "Closing"], []),
        (["Closing", "Decompression", "Baseline"], ["stages_out_of_order"]),
        (["Baseline", "Decompression", "Arachnoid dissection", "Closing"], ["stages_out_of_order"]),
        ([], []),
    ],
)
def test_stages_that_run_backwards_are_told(texts, odd):
    """Planted: events whose times are turned round; the closing passed for the baseline without a word."""
    noted = record([(100.0 * k, text) for k, text in enumerate(texts)])
    found = check_stages(find_stages(noted, COURSE))
    assert [one.code for one in found] == odd
    assert [one.code for one in lsr.inspect(noted).problems if one.code.startswith("stages")] == odd


def test_the_order_in_which_stages_begin_is_told_with_its_times():
    noted = record([(10.0, "Closing"), (300.0, "Arachnoid dissection")])
    (found,) = check_stages(find_stages(noted, COURSE))
    assert "(closing at 10 s, arachnoid dissection at 300 s)" in found.message


# --- odd forms -----------------------------------------------------------------------------------------


def test_a_clock_time_half_a_day_after_the_start_is_the_next_morning(tmp_path):
    assert read_events(write(tmp_path, "time,text\n11:00,closing\n"), START)[0].time_s == 12.5 * 3600


def test_a_clock_has_no_75_minutes(tmp_path):
    with pytest.raises(EventsError, match="is no time"):
        read_events(write(tmp_path, "time,text\n22:75:00,closing\n"), START)


@pytest.mark.parametrize(
    "text",
    [
        "not yet teflon",
        "until teflon",
        "awaiting teflon",
        "planned: teflon",
        "vor Dekompression: teflon",
        "preparing teflon",
    ],
)
def test_what_is_still_to_come_begins_no_stage(text):
    assert stage_of(text, DEFAULT_STAGES) is None
    assert stage_of("teflon", DEFAULT_STAGES) == "decompression"


@pytest.mark.parametrize(
    "text",
    [
        "Decompression started, no BAEP change",
        "Decompression, no complications",
        "Decompression no. 1",
        "Start MVD, BAEP not changed",
        "Ende Dekompression",
        "Dekompression erfolgt",
        "Teflon inserted",
        "2nd teflon",
        "Decompression continued",
        "kein LSR nach Dekompression",
    ],
)
def test_texts_that_tell_of_decompression_open_it_whatever_else_they_deny(text):
    assert stage_of(text, DEFAULT_STAGES) == "decompression"


@pytest.mark.parametrize(
    "text",
    [
        "ohne Dekompression",
        "Teflon bereit",
        "Teflon angefordert",
        "need teflon",
        "teflon on table",
        "Decompression in 5 min",
        "decompression next",
        "Decompression aborted",
        "No decompression yet",
        "MVD case, right side",
    ],
)
def test_texts_that_look_ahead_open_no_decompression(text):
    assert stage_of(text, DEFAULT_STAGES) is None


@pytest.mark.parametrize(
    "text",
    [
        "VA moved",
        "Arachnoid dissection, AICA moved",
        "LSR absent, decompression complete",
        "Further decompression",
    ],
)
def test_where_a_text_finds_decompression_under_way_it_may_have_begun_with_the_stage_before(text):
    texts = [(100, "Baseline"), (300, "Arachnoid dissection"), (500, text), (600, "Teflon")]
    *_, last = find_stages(record(texts), COURSE)
    assert (last.name, last.maybe_from_s) == ("decompression", 300)
