"""Figures show what the report says, alike from run to run, and read no text as formula."""

import re
from dataclasses import replace

import numpy as np
import pytest

from lsr.report.figures import (
    as_png,
    as_svg,
    draw_overlay,
    draw_recruitment,
    draw_trend,
    draw_waterfall,
    save_figures,
)
from lsr.report.report import build_report

pytestmark = pytest.mark.slow


def _texts(figure):
    return " | ".join(re.findall(r"<text[^>]*>([^<]*)</text>", as_svg(figure).decode()))


def test_the_trend_shows_every_block_with_a_response(operation_report):
    figure = draw_trend(operation_report)
    amplitudes = figure.axes[0].get_lines()
    drawn = next(line for line in amplitudes if "mentalis" in str(line.get_label()))
    np.testing.assert_allclose(drawn.get_ydata()[:4], 230.12)
    assert np.isnan(drawn.get_ydata()[4:]).all()
    assert "decompression" in _texts(figure)


def test_values_that_hardly_differ_are_drawn_below_the_top(operation_report):
    axes = draw_trend(operation_report).axes[3]
    highest = max(np.nanmax(line.get_ydata()) for line in axes.get_lines())
    assert axes.get_ylim()[1] == pytest.approx(1.1 * highest)


def test_a_trend_without_an_m_wave_has_no_chart_of_it(recording, settings, make_findings, operation_pair):
    blocks = tuple(
        replace(one, m_wave=None, detection=replace(one.detection, m_wave=None))
        for one in operation_pair.blocks
    )
    report = build_report(recording, make_findings(replace(operation_pair, blocks=blocks)), settings)
    assert [axes.get_ylabel() for axes in draw_trend(report).axes] == [
        "amplitude, µV",
        "onset, ms",
        "persistence, %",
    ]


def test_a_notebook_gets_the_trend_from_the_report(operation_report):
    assert len(operation_report.plot_trend().axes) == 4


def test_bursts_and_those_that_muscles_share_are_on_paper_too(restless_report):
    figure = draw_trend(restless_report)
    assert len(figure.axes) == 5
    rates = [list(line.get_ydata()) for line in figure.axes[4].get_lines() if len(line.get_xdata()) == 2]
    assert [one for one in rates if max(one) > 1] == [[24, 20], [22, 14], [20, 12]]
    assert "R Ment and R O.Oculi together" in _texts(figure)


def test_the_waterfall_has_one_trace_a_block_and_an_onset_where_there_is_one(operation_report):
    axes = draw_waterfall(operation_report, 1).axes[0]
    traces = [line for line in axes.get_lines() if len(line.get_xdata()) > 2]
    onsets = [line for line in axes.get_lines() if line.get_marker() == "v"]
    assert (len(traces), len(onsets)) == (6, 4)
    assert onsets[0].get_xdata()[0] == pytest.approx(9.5)


def test_the_overlay_shows_baseline_and_last_average(operation_report):
    text = _texts(draw_overlay(operation_report, 1))
    assert "baseline 07:34:29" in text
    assert "last 07:39:29" in text


def test_the_onset_of_the_baseline_has_the_colour_of_the_baseline(operation_report):
    first, last, onset = draw_overlay(operation_report, 1).axes[0].get_lines()[1:]
    assert onset.get_xdata()[0] == pytest.approx(9.5)
    assert onset.get_color() == first.get_color() != last.get_color()


def test_recruitment_is_in_percent_of_the_largest(operation_report):
    lines = draw_recruitment(operation_report, 1).axes[0].get_lines()
    assert [float(line.get_ydata().max()) for line in lines] == [100, 100, 100]


def test_figures_are_saved_as_svg_and_png(operation_report, tmp_path):
    saved = save_figures(operation_report, tmp_path / "deep", "case")
    names = sorted(path.name for path in saved)
    assert names == sorted(path.name for path in (tmp_path / "deep").iterdir())
    assert {"case.trend.svg", "case.trend.png", "case.2.waterfall.svg", "case.2.recruitment.png"} <= set(
        names
    )
    assert not [name for name in names if name.startswith("case.1.recruitment")]  # the direct muscle


def test_equal_figures_give_equal_bytes(operation_report):
    assert as_svg(draw_trend(operation_report)) == as_svg(draw_trend(operation_report))
    assert as_png(draw_trend(operation_report)) == as_png(draw_trend(operation_report))
    assert b"<dc:date>" not in as_svg(draw_trend(operation_report))


def test_labels_are_no_formulas_and_need_no_font(hostile):
    report = hostile("$\\frac{1}{0}$ $\\undefined{x$", "筋電図 \u202e", "<b>R Ment</b>")
    assert "\\frac" in _texts(draw_waterfall(report, 0))
    draw_trend(report)
    as_png(draw_waterfall(report, 1))
    as_png(draw_trend(report))


def test_figures_need_traces(recording, settings, make_findings, operation_pair):
    report = build_report(recording, make_findings(operation_pair), settings)
    with pytest.raises(ValueError, match="with_traces=True"):
        draw_waterfall(report, 0)
    draw_trend(report)
