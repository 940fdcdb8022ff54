"""What the README shows is what the tool prints."""

import re
from pathlib import Path

import pytest

import lsr
from lsr.report.as_text import as_text

ROOT = Path(__file__).parents[1]
SHOWN = {
    block.partition(":")[0]: block
    for block in re.findall(r"^```\n(\w+\.edf: .*?)\n```$", (ROOT / "README.md").read_text(), re.M | re.S)
}


def _words(text):
    """Leave the last digits to the machine: the layout and every word have to agree."""
    return " ".join(re.sub(r"<?\d+(\.\d+)?", "#", text).split())


def test_the_readme_shows_reports():
    assert {"clinic_with_lsr.edf", "operation_vanishes.edf"} <= set(SHOWN)


@pytest.mark.parametrize("name", SHOWN)
def test_a_report_of_the_readme_is_what_the_demo_prints(name):
    sample = ROOT / "sample_data" / name
    events = sample.with_suffix(".events.csv")
    report = lsr.analyze(sample, events=events if events.exists() else None)
    assert _words(SHOWN[name]) == _words(as_text(report)), "the README shows an older output of 'make demo'"
