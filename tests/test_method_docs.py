"""The page on the method names every reason and warning that a report can hold, and the numbers in use."""

import re
from pathlib import Path

from lsr.detection import detect, onset, presence, rivals
from lsr.detection.waveform import FINE_SEARCH_FAMILY, LASTING_SEARCH_FAMILY
from lsr.findings import contact, likeness, rare, states, trend
from lsr.settings import Settings
from lsr.stimuli import paired

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "method.md").read_text(encoding="utf-8")
SOURCES = {
    path.relative_to(ROOT / "lsr").as_posix(): path.read_text(encoding="utf-8")
    for path in (ROOT / "lsr").rglob("*.py")
}


def rows(title):
    """Codes in the first column of the table under a title."""
    table = PAGE.split(f"### {title}\n")[1].split("\n#")[0]
    return set(re.findall(r"`(\w+)`", " ".join(re.findall(r"^\|([^|]*`[^|]*)\|", table, re.M))))


def given(pattern, *places):
    """What a pattern finds in the source below some places."""
    return {
        code
        for name, source in SOURCES.items()
        if name.startswith(places)
        for code in re.findall(pattern, source, re.M)
    }


def test_every_reason_is_explained():
    reasons = given(r'(?:Presence\.INDETERMINATE, |unusable\(|reason=)"([a-z_]+)"', "")
    reasons |= given(r'_withheld\(\w+, "([a-z_]+)"', "findings/")
    reasons |= given(r'return "([a-z_]+)"', "detection/detect.py")
    blind = SOURCES["detection/detect.py"].split("def _why_blind")[1].split("\ndef ")[0]
    reasons |= set(re.findall(r'"([a-z_]+)": ', blind))
    reasons |= given(r'^SECOND_ARTIFACT = "([a-z_]+)"', "detection/rivals.py")
    reasons |= given(r'^ELECTRODE_CHANGED = "([a-z_]+)"', "findings/contact.py")
    reasons |= given(r'reasons\.append\("([a-z_]+)"\)', "detection/prepare.py")
    assert len(reasons) > 10
    assert rows("Reasons") == reasons


def test_every_warning_and_every_problem_of_settings_events_and_stimuli_is_explained():
    codes = given(r'code="([a-z_]+)"', "findings/", "stimuli/", "stages.py", "sweeps.py")
    codes |= given(r'^ELECTRODE_CHANGED = "([a-z_]+)"', "findings/contact.py")
    codes |= given(r'_cannot_tell\("([a-z_]+)"', "findings/")
    codes |= {code for pair in given(r'code="(\w+)" if \w+ else "(\w+)"', "findings/") for code in pair}
    codes |= {f"{what}_disagrees" for what in ("side", "branch")}
    codes |= given(r'^NOT_PAIRED = "([a-z_]+)"', "stimuli/paired.py")
    warned = SOURCES["detection/detect.py"].split("def _warnings")[1].split("\ndef ")[0]
    codes |= set(re.findall(r'\(\s*"([a-z_]+)",', warned))
    assert len(codes) > 20
    assert rows("Warnings") | rows("Problems of settings, events and stimuli") == codes


def test_every_stimulus_left_out_is_explained():
    left_out = given(r'left_out(?:\[|=\{)"([a-z_]+)"', "stimuli/")
    assert left_out == {"outside_data", "outside_window", "no_artifact", "not_paired", "duplicate"}
    for code in left_out:
        assert f"`{code}` (" in " ".join(PAGE.split())


def test_the_numbers_are_those_in_use():
    text = " ".join(PAGE.split())
    settings = Settings().detection
    least, most = paired._AS_OFTEN
    assert f"about as often ({least:g} to {most:g} times)" in text
    assert f"midpoints to their neighbours (up to {paired.FAR_S:g} s)" in text
    odds = presence._NOTHING, presence._BEFORE, presence._BEYOND
    assert "O = {:g} + {:g} mean_{{t before}} BF(t) + {:g} mean_{{t beyond}} BF(t)".format(*odds) in text
    assert f"the window {100 * presence._MISFIT:g} % of the best log evidence" in text
    assert f"up to {presence._BEYOND_MS:g} ms beyond it compete" in text
    assert f"starts ({presence._STEP_MS:g} ms apart)" in text
    assert f"`f` is {presence._FEW:g}, else 1" in text
    assert f"(1 + {presence._SHORT_MS:g} ms / T)" in text
    assert f"exp(-(score / d + {presence._TAIL_OFFSET:g}))" in text
    assert f"score at alpha + {presence._SEARCH_COST:g}" in text
    assert f"p > {detect._BORDERLINE:g} alpha" in text
    assert f"prior odds of exp(-{rivals._RIVAL_COST:g})" in text
    assert f"up to {rivals._SECOND_BEFORE_MS:g} ms, the average bends more sharply" in text
    assert f"at least {rivals.SPIKE_BENDS:g} of what the average spans" in text
    assert f"bumps {rivals._SPIKE_WIDTH_MS:g} ms wide" in text
    assert f"above {presence._WORTH_LASTING:g} for any start" in text
    assert f"Above {presence._WORTH_FINER:g} responses of many sharp phases" in text
    assert f"bumps of {FINE_SEARCH_FAMILY.width_ms:g} ms over {FINE_SEARCH_FAMILY.length_ms:g} ms" in text
    assert f"count where they explain {100 * presence._FINER:g} % more" in text
    assert f"{100 * presence._MISFIT:g} % of what the response explains beside it" in text
    assert f"do not wane for {LASTING_SEARCH_FAMILY.length_ms:g} ms" in text
    assert f"counts by its power of {onset._TEMPER:g}" in text
    assert f"varies by {onset._MARKING_MS:g} ms more" in text
    assert f"`p <= alpha` ({settings.alpha:g})" in text
    assert f"response of {settings.smallest_response_uv:g} uV peak to peak" in text
    assert f"probability of {100 * settings.power:g} %" in text
    assert f"exceeds {100 * onset.ONSET_SHARE:g} % of its peak" in text
    assert f"{onset._N_DRAWS} responses are drawn" in text
    low, high = settings.search_window_ms
    assert f"LSR onset from {low:g} to {high:g} ms" in text


def test_the_numbers_by_which_an_operation_is_followed_are_those_in_use():
    text = " ".join(PAGE.split())
    one, other = likeness._TAILS_MS
    assert f"and tails of {one:g} and {other:g} ms" in text
    assert f"({likeness._UNMODELLED:g} allowed for what their nuisances have wrong alike)" in text
    assert f"agree within {likeness._MOST_SPREAD:g} and it does within {likeness._AGREE:g} deviations" in text
    assert f"by which sizes are not told within {likeness._MOST_DEVIATION:g} is of an LSR" in text
    assert f"tells its size within {likeness._TOLD_ALONE:g}, is believed by itself" in text
    assert f"agree with the compared ones within {likeness._MOST_SPREAD:g}" in text
    assert f"begin within {likeness._EDGE_MS:g} ms of the search window's start" in text
    assert (
        f"({likeness._BIAS_COMPARED:g} allowed for bias compared, {likeness._BIAS_CONTRAST:g} with a " in text
    )
    assert f"contrast, {likeness._BIAS_ALONE:g} by itself)" in text
    assert likeness.SAME_M_WAVE == 0.8
    assert "an M wave that differs by less than a fifth" in text
    assert f"at more than {states._CLEARLY_THERE:g} by 2.5 deviations holds an LSR" in text
    assert f"below {states._LITTLE:g} by 2 holds none" in text
    assert f"is doubted from {states._DOUBTFUL:g} by 2 on" in text
    assert f"from that bias, or {states._LEAST_BIAS:g}, by 1.64 deviations on" in text
    assert (states._ADEQUATE, states._LEFT, states._SURE, states._UNLIKE_ALPHA) == (0.5, 0.25, 1e-3, 1e-3)
    assert "M wave is at least half of the baseline's" in text
    assert "(a quarter of it by 2 deviations)" in text
    assert "with a chance of at most 1 in 1000" in text
    assert "needs a thousandth of the p-value" in text
    assert f"is at least {states._SAME_INTENSITY:g} times as strong" in text
    assert states._SAME_NOISE == (1 / 3, 4.0)
    assert "(1/3 to 4 times the usual noise" in text
    assert contact._LOST == 1 / 3
    assert "is less than a third of that now" in text
    assert f"shifted by up to {rare._SHIFT_MS:g} ms" in text
    assert f"and correlates by {rare._ALIKE:g}" in text
    assert (trend._LEAST_FALL, trend.LEAST_M_FALL) == (0.25, 0.15)
    assert f"by at least a quarter that exceeds {trend._DEVIATIONS_99:g} deviations" in text
    assert "the M wave was at least 15 % smaller" in text
    assert f"holds at least {trend._LEAST_OF_OWN:g} of the LSR's own amplitude" in text
