"""What annotation texts tell about stimuli."""

import time

import pytest

from lsr.anatomy import Branch, Side
from lsr.stimuli.texts import StimulusText, read_stimulus_text, reads_as_event, reads_as_pulse

R, L = Side.RIGHT, Side.LEFT
ZYG, TEMP, MM, BUC, CERV = (
    Branch.ZYGOMATIC,
    Branch.TEMPORAL,
    Branch.MARGINAL_MANDIBULAR,
    Branch.BUCCAL,
    Branch.CERVICAL,
)

XML_STIMULUS = (
    '<EDF_XMLnote>\n<Stimulus_zyg><duration unit="ms">0.2</duration>'
    '<intensity mode="current" unit="mA">15.3</intensity><position>right zygomatic</position></Stimulus_zyg>'
    "</EDF_XMLnote>"
)


@pytest.mark.parametrize(
    ("text", "side", "branch", "intensity_ma", "pulse_width_ms"),
    [
        ("Stimulus right zygomatic 0.2ms x 15.3mA", R, ZYG, 15.3, 0.2),
        ("Stimulus right zygomatic 0.2msx15.3mA", R, ZYG, 15.3, 0.2),
        ("Stim R MM 12 mA", R, MM, 12.0, None),
        ("STIM L temporal branch 10.0mA 200us", L, TEMP, 10.0, 0.2),
        ("Stim rechts 0,2ms x 15,3mA", R, None, 15.3, 0.2),
        ("Reiz links R. buccalis 8 mA", None, BUC, 8.0, None),  # "R." may be ramus: two sides tell neither
        ("Stim R. zygomaticus 8 mA", None, ZYG, 8.0, None),  # the same: the right side is not told for sure
        ("Stim rechts R. zygomaticus 8 mA", R, ZYG, 8.0, None),
        ("Stim R. Zyg 8 mA", R, ZYG, 8.0, None),
        ("STIM_R_ZYG_12mA", R, ZYG, 12.0, None),
        ("Stim_L_MM_0.2_ms_7.5_mA_3", L, MM, 7.5, 0.2),
        ("Stim_L_MM_7.5mA_ISI_2ms", L, MM, 7.5, None),
        ("Stim_L_MM_5-7.5mA", L, MM, None, None),
        ("Stimulation droite zygomatique 12 mA", R, ZYG, 12.0, None),
        ("Stim sx zigomatico 12 mA", L, ZYG, 12.0, None),
        ("Stim izq cigomatico 12 mA", L, ZYG, 12.0, None),
        ("Stim gauche marginale mandibulaire", L, MM, None, None),
        ("Stim li. zyg. 900 uA 100 µs", L, ZYG, 0.9, 0.1),
        ("Stim Left marginal mandibular", L, MM, None, None),
        ("stim R marg. mand. 5mA", R, MM, 5.0, None),
        ("Stim cervical R", R, CERV, None, None),
        ("StimB", None, None, None, None),
        ("Stimulus_elbow", None, None, None, None),
        ("stimulus_V=12", None, None, None, None),  # volts are no current
        ("Stim 12 V", None, None, None, None),
        ("stim_mA=7.5", None, None, 7.5, None),
        ("Stim I=12mA", None, None, 12.0, None),
        ("Stim 10-12 mA", None, None, None, None),  # which of the two is not told
        ("Stim R zygomatic/temporal", R, None, None, None),
        ("Stim R zyg 12 mA, ISI 2 ms", R, ZYG, 12.0, None),
        ("Stimulus right zyg 0.2ms x 15.3mA at 28.5cm from recording site", R, ZYG, 15.3, 0.2),
        (XML_STIMULUS, R, ZYG, 15.3, 0.2),
    ],
)
def test_a_text_tells_side_branch_intensity_and_width(text, side, branch, intensity_ma, pulse_width_ms):
    told = read_stimulus_text(text)
    assert (told.side, told.branch) == (side, branch)
    assert told.intensity_ma == pytest.approx(intensity_ma)
    assert told.pulse_width_ms == pytest.approx(pulse_width_ms)


@pytest.mark.parametrize(
    ("text", "n_averaged"),
    [
        ("average of 20", 20),
        ("Averaged 10", 10),
        ("avg 16", 16),
        ("n=20", 20),
        ("Stim R zyg n = 5 12 mA", 5),
        ("20 sweeps", 20),
        ("Mittelung von 8", 8),
        ("<EDF_XMLnote><sweeps_accepted>14</sweeps_accepted></EDF_XMLnote>", 14),
        ("Stim R zyg 20 mA", None),
        ("average", None),
    ],
)
def test_an_average_tells_how_many_sweeps_it_holds(text, n_averaged):
    assert read_stimulus_text(text).n_averaged == n_averaged


@pytest.mark.parametrize(
    "text",
    [
        "stimulus",
        "Stim",
        "STIM",
        "Stimulus",
        "StimA",
        "StimB",
        "Stimulus_elbow",
        "Stimulus/S  1",
        "trigger",
        "TRIG",
        "Trigger 1",
        "R stim 12 mA",
        "Rechts Stim",
        "Stimulus right elbow 0.2ms x 15.3mA at 28.5cm from recording site",
        "Stim R MM 12 mA",
        "stimulus_V=0.320",
        "Reiz",
        XML_STIMULUS,
    ],
)
def test_a_pulse_reads_as_a_pulse(text):
    assert reads_as_pulse(text)


@pytest.mark.parametrize(
    "text",
    [
        "Stimulator off",
        "stimulation stopped",
        "Stimulation starts",
        "Stim. threshold test begins",
        "Stim on",
        "stim aus",
        "Stim electrode moved",
        "Stim intensity 12 mA",
        "start stimulation",
        "Pre-stimulus beep 1000Hz",
        "Stimulus click 35dB both ears",
        "Stim L median 20 mA",
        "Stim SSEP R tibial",
        "Trigger at 15:14:30 (= filestart)",
        "Stimulus?",
        "Response 7.2mV at 7.8ms (55.0m/s)",
        "Sleep stage W",
        "baseline",
        "decompression",
        "Mr Stimson asked for water",
        "Stimme",
        "Electrician",
        "",
        "<EDF_XMLnote><measurements><latency>7.8</latency></measurements></EDF_XMLnote>",
        "<EDF_XMLnote><Stimulus",
    ],
)
def test_speaking_about_stimulation_is_no_pulse(text):
    assert not reads_as_pulse(text)


def test_the_kind_of_a_text_is_what_stays_without_numbers_side_and_branch():
    assert (
        read_stimulus_text("Stim R zyg 5 mA").kind == read_stimulus_text("STIM left MM 12,5mA").kind == "stim"
    )
    assert read_stimulus_text("StimA").kind != read_stimulus_text("StimB").kind
    assert read_stimulus_text("Stim1").kind != read_stimulus_text("Stim2").kind
    assert read_stimulus_text("Stim 3").counter == "3"
    assert read_stimulus_text("Stimulus right zygomatic 0.2ms x 15.3mA").text == "Stimulus right zygomatic"


def test_an_xml_note_that_declares_entities_is_not_read():
    bomb = (
        '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
        "<EDF_XMLnote><Stimulus><position>&b; right</position></Stimulus></EDF_XMLnote>"
    )
    for note in (bomb, bomb[bomb.index("<EDF") :]):
        assert read_stimulus_text(note) == StimulusText()


def test_only_the_words_of_the_field_can_be_quoted():
    assert reads_as_event("Stimulator off")
    assert not reads_as_event("Anna Muster asked for water")
    assert not reads_as_event("baseline 12.03.1960")
    assert not reads_as_event("baseline 2 1 1960")
    assert reads_as_event("stimulus 3: 0.2ms 12.5mA")


def test_fifty_thousand_different_texts_are_read_in_well_under_a_second():
    texts = [f"Stim R zyg #{number} {number / 1000:.3f} mA" for number in range(50_000)]
    begin = time.process_time()
    told = [read_stimulus_text(text) for text in texts if reads_as_pulse(text)]
    assert time.process_time() - begin < 3.0  # well under a second on an idle machine
    assert told[1234].intensity_ma == pytest.approx(1.234)


def test_blanks_in_a_row_cost_no_time_and_say_nothing():
    blanks = " " * 20_000
    begin = time.process_time()
    told = read_stimulus_text(f"Stim R zyg{blanks}12 mA{blanks}")
    assert time.process_time() - begin < 3.0
    assert told == read_stimulus_text("Stim R zyg 12 mA")


@pytest.mark.parametrize(
    "note",
    [
        "<sweeps>20</sweeps><sweeps_accepted>14</sweeps_accepted>",
        '<sweeps kind="rejected">6</sweeps><sweeps kind="accepted">14</sweeps>',
    ],
)
def test_of_the_sweeps_of_a_note_the_accepted_ones_count(note):
    assert read_stimulus_text(f"<EDF_XMLnote>{note}</EDF_XMLnote>").n_averaged == 14


def test_a_time_of_10_ms_is_no_width_of_a_pulse():
    told = read_stimulus_text("Stim R zyg 10 ms 12 mA")
    assert (told.pulse_width_ms, told.intensity_ma) == (None, 12.0)
