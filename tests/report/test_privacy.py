"""No rendering of a report holds what a header says of the patient, and each says for whom it is."""

from pathlib import Path

import pytest

import lsr
from lsr.report.as_explanation import as_explanation
from lsr.report.as_html import as_html, summary_as_html
from lsr.report.as_json import as_json
from lsr.report.as_table import as_csv
from lsr.report.as_text import as_text
from lsr.report.figures import as_svg, draw_trend, draw_waterfall
from lsr.report.report import NOTICE

pytestmark = pytest.mark.slow

HEADER = {8: "MRN4711 F 02-MAY-1951 Mustermann_Erika", 88: "Startdate 02-JAN-2020 ADM99 Dr_Quincke Room7"}
SECRETS = ("Mustermann", "MRN4711", "MAY-1951", "ADM99", "Quincke")
SAMPLE = Path(__file__).parents[2] / "sample_data" / "clinic_with_lsr.edf"
ANALYZED = {}


@pytest.fixture
def renderings(tmp_path):
    """Every rendering of a report whose file names its patient."""
    if not ANALYZED:
        content = bytearray(SAMPLE.read_bytes())
        for at, text in HEADER.items():
            content[at : at + 80] = text.ljust(80).encode("ascii")
        file = tmp_path / "case.edf"
        file.write_bytes(content)
        report = lsr.analyze(file, with_sweeps=True, with_traces=True)
        ANALYZED.update(
            text=as_text(report),
            json=as_json(report),
            csv=as_csv([report]),
            html=as_html(report),
            notebook=summary_as_html(report),
            explanation="".join(as_explanation(report, number) for number in range(len(report.pairs))),
            frame=report.to_frame().to_string(),
            figures=as_svg(draw_trend(report)).decode() + as_svg(draw_waterfall(report, 0)).decode(),
        )
    return ANALYZED


@pytest.mark.parametrize(
    "kind", ["text", "json", "csv", "html", "notebook", "explanation", "frame", "figures"]
)
def test_the_patient_is_in_no_rendering(renderings, kind):
    assert renderings[kind]
    assert not [secret for secret in SECRETS if secret.lower() in renderings[kind].lower()]


@pytest.mark.parametrize("kind", ["text", "json", "csv", "html", "notebook", "explanation", "frame"])
def test_every_rendering_says_for_whom_it_is(renderings, kind):
    assert NOTICE in " ".join(renderings[kind].split())
