"""Tables of pairs: no cell is a formula, and every value comes back as it was."""

import csv
import io
import json
from dataclasses import replace

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import lsr
from lsr.report.as_bids import as_tsv, columns_description
from lsr.report.as_table import as_csv, as_frame, csv_line, plain_text, safe_text
from lsr.report.report import build_report

HOSTILE = [
    *("=1+2", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "x;=1", "'=1", "''", "'R Ment"),
    *(
        "NA",
        "nan",
        "NULL",
        "None",
        "",
        " ",
        "-5",
        "+1e3",
        "001",
        "true",
        'say "no", twice',
        "a\r\nb",
        "\uff1d1",
    ),
]


@pytest.fixture
def report_of(recording, settings, make_findings, pair, operation_pair):
    def build(labels):
        pairs = [replace(pair, channel=label) for label in labels]
        return build_report(recording, make_findings(*pairs, operation_pair), settings)

    return build


def _written(path, report):
    path.write_text(as_csv([report]), encoding="utf-8", newline="")
    return path


def test_hostile_labels_come_back_as_they_were(report_of, tmp_path):
    report = report_of(HOSTILE)
    read = lsr.read_table(_written(tmp_path / "pairs.csv", report))
    assert list(read["channel"])[:-1] == HOSTILE
    pd.testing.assert_frame_equal(read, report.to_frame())


def test_no_cell_begins_a_formula(report_of):
    for row in csv.reader(io.StringIO(as_csv([report_of(HOSTILE)]), newline="")):
        for cell in row:
            for begin in cell.replace("\t", ";").replace("\r", ";").replace("\n", ";").split(";"):
                assert not begin.startswith(tuple("=@\uff1d")), cell
                assert not begin.startswith(tuple("+-")) or _is_number(begin), cell


def _is_number(text):
    try:
        return bool(float(text)) or True
    except ValueError:
        return False


@given(st.text(alphabet=st.sampled_from("=+-@\t\r\n';1.e aR\uff1d")))
def test_what_is_made_safe_is_made_plain_again(text):
    assert plain_text(safe_text(text)) == text


@given(st.text())
def test_any_text_survives_its_cell(text):
    (row,) = csv.reader(io.StringIO(csv_line([safe_text(text), "end"]), newline=""))
    assert [plain_text(row[0]), row[1]] == [text, "end"]


def test_pandas_alone_reads_it_too(report_of, tmp_path):
    path = _written(tmp_path / "pairs.csv", report_of(["NA", "R Ment"]))
    read = pd.read_csv(path, keep_default_na=False, na_values=[""], dtype={"channel": str})
    assert list(read["channel"])[:2] == ["NA", "R Ment"]
    assert read["onset_latency_ms"].dtype == "float64"


def test_what_is_missing_stays_missing_and_columns_keep_their_kinds(report_of, tmp_path, recording, settings):
    frame = report_of(["A"]).to_frame()
    assert frame["disappeared_at_stage"].isna().tolist() == [True, False]
    empty = as_frame([])
    assert empty.dtypes.equals(frame.dtypes)
    assert (str(frame["n_blocks"].dtype), str(frame["residual_lsr"].dtype)) == ("Int64", "boolean")


def test_what_is_measured_is_a_number(report_of):
    units = ("_s", "_ms", "_uv", "_ma", "_percent", "_low", "_high")
    frame = report_of(["A"]).to_frame()
    measured = {name: str(frame[name].dtype) for name in frame.columns if name.endswith(units)}
    assert "disappeared_at_last_seen_s" in measured
    assert set(measured.values()) == {"float64"}


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "is no table of pairs"),
        (b"\xff\xfe\x00", "is no table of pairs"),
        (b"when,what\n1,2\n", "names no 'recording_name' and 'channel'"),
        (b"recording_name,channel\na.edf\n", "row 2 has 1 cells, not 2"),
        (
            b"recording_name,channel,n_blocks\na.edf,A,many\n",
            "n_blocks is 'many', and should be a whole number",
        ),
        (b"recording_name,channel,residual_lsr\na.edf,A,maybe\n", "should be true or false"),
        (None, "cannot be read"),
    ],
)
def test_what_is_no_table_is_refused_by_name(tmp_path, content, told):
    path = tmp_path / "pairs.csv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(lsr.TableError, match=r"pairs\.csv") as error:
        lsr.read_table(path)
    assert told in str(error.value)


def test_a_table_of_bids_has_every_column_described_and_no_empty_cell(report_of):
    report = report_of(["NA", "=1", "", "a\tb\nc"])
    header, *rows = [line.split("\t") for line in as_tsv(report).splitlines()]
    described = json.loads(columns_description())
    assert header == list(described)
    assert described["onset_latency_ci_ms_low"]["Units"] == "ms"
    assert described["area_uv_ms"]["Units"] == "uV ms"
    assert {len(row) for row in rows} == {len(header)}
    assert all(cell for row in rows for cell in row)
    assert "n/a" in rows[0]


@pytest.mark.parametrize("residual", [True, False])
def test_what_is_true_or_false_comes_back_so(recording, settings, make_findings, pair, tmp_path, residual):
    report = build_report(recording, make_findings(pair, residual_lsr=residual), settings)
    read = lsr.read_table(_written(tmp_path / "pairs.csv", report))
    assert read["residual_lsr"].tolist() == [residual]
