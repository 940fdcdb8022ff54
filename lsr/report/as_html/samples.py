"""How do traces and blocks become data for the page's charts?

Conventions
-----------
Averages are 16-bit integers times a step; single sweeps are 8-bit, their square roots stepped evenly, so
that small waves keep their shape beside large ones. Both little-endian, in base64. Absent numbers are null.
"""

from __future__ import annotations

import base64
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from lsr.report.as_html.view import clock_of, pair_titles, words
from lsr.report.plain import visible
from lsr.report.wording import pair_order

if TYPE_CHECKING:
    from lsr.report.report import BlockReport, Report
    from lsr.traces import PairTraces


def page_data(report: Report) -> dict[str, Any]:
    """Gather what the page draws.

    Returns
    -------
    dict
        Ready for JSON.
    """
    traces = report.traces
    titles, order = pair_titles(report), pair_order(report)
    detection = report.settings["detection"]
    return {
        "start_s": clock_of(report.recording.start),
        "has_clock": report.recording.start is not None,
        "end_s": report.recording.end_s,
        "zones_ms": {
            name: detection[f"{setting}_window_ms"]
            for name, setting in (("direct", "direct"), ("lsr", "search"), ("late", "late"))
        },
        "stages": [_stage(one.name, one.start_s, one.end_s) for one in traces.stages] if traces else [],
        "events": [[one.time_s, visible(one.text, longest=60)] for one in traces.events] if traces else [],
        "order": order,
        "activity": _activity(report, order),
        "synkinesis": _synkinesis(report, order),
        "pairs": [
            {
                "look": order.index(k),
                "title": titles[k],
                "relation": pair.relation.value,
                "is_operation": pair.course is not None,
                "threshold_ma": pair.stimulus_threshold_ma,
                "recruitment": [
                    [one.intensity_ma, one.persistence, one.amplitude_uv, one.m_wave_uv]
                    for one in pair.recruitment
                ],
                "blocks": _columns([_block(block) for block in pair.blocks]),
                "traces": _traces(traces.pairs[k]) if traces else None,
            }
            for k, pair in enumerate(report.pairs)
        ],
    }


def _activity(report: Report, order: list[int]) -> list[dict[str, Any]]:
    """Spontaneous activity over time, each channel's with the first pair that shows it."""
    if report.spontaneous is None:
        return []
    rows: dict[str, list[dict[str, Any]]] = {}
    for one in report.spontaneous.trend:
        row = {"start_s": one.start_s, "end_s": one.end_s, "presence": None, "rate": one.bursts_per_min}
        rows.setdefault(one.channel, []).append(row)
    pairs = {report.pairs[k].channel: k for k in reversed(order)}
    return [
        {"pair": pairs[channel], "blocks": _columns(some)}
        for channel, some in rows.items()
        if channel in pairs
    ]


def _synkinesis(report: Report, order: list[int]) -> list[dict[str, Any]]:
    """Shared bursts over time, with the first pair that shows the first of the two muscles."""
    if report.spontaneous is None:
        return []
    rows: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for one in report.spontaneous.synkinesis_trend:
        row = {"start_s": one.start_s, "end_s": one.end_s, "presence": None, "rate": one.shared_per_min}
        rows.setdefault(one.channels, []).append(row)
    pairs = {report.pairs[k].channel: k for k in reversed(order)}
    return [
        {
            "pair": pairs[channels[0]],
            "title": " and ".join(visible(channel, longest=60) for channel in channels) + " together",
            "blocks": _columns(some),
        }
        for channels, some in rows.items()
        if channels[0] in pairs
    ]


def _stage(name: str, start_s: float, end_s: float) -> dict[str, Any]:
    return {"name": words(name), "start_s": start_s, "end_s": end_s}


def _columns(rows: list[dict[str, Any]]) -> dict[str, list[Any]]:
    """One list per name instead of names in every row."""
    return {name: [row[name] for row in rows] for name in rows[0]} if rows else {}


def _block(block: BlockReport) -> dict[str, Any]:
    return {
        "start_s": block.start_s,
        "end_s": block.end_s,
        "stage": words(block.stage) if block.stage else None,
        "presence": block.presence.value,
        "reason": words(block.reason) if block.reason else None,
        "in_course": block.presence_in_course,
        "onset_ms": block.onset_latency_ms,
        "onset_ci_ms": block.onset_latency_ci_ms,
        "amplitude_uv": block.amplitude_uv,
        "amplitude_ci_uv": block.amplitude_ci_uv,
        "persistence": block.persistence,
        "m_wave_uv": block.m_wave.amplitude_uv if block.m_wave else None,
        "m_wave_ms": block.m_wave.onset_latency_ms if block.m_wave else None,
        "n_used": block.n_stimuli_used,
    }


def _traces(traces: PairTraces) -> dict[str, Any]:
    usable = ~np.isnan(traces.averages_uv).any(axis=1)
    averages, step_uv = _sixteen_bits(np.nan_to_num(traces.averages_uv))
    sweeps, largest_uv = _eight_bits(traces.sweeps_uv)
    return {
        "time_ms": [float(one) for one in traces.time_ms],
        "averages": averages,
        "step_uv": step_uv,
        "usable": [bool(one) for one in usable],
        "sweeps": sweeps,
        "largest_uv": largest_uv,
        "n_sweeps": [int((traces.blocks == row).sum()) for row in range(usable.size)],  # of each block
        "sweep_times_s": [round(float(one), 1) for one in traces.times_s],
        "sweep_onsets_ms": [None if math.isnan(one) else round(float(one), 1) for one in traces.onsets_ms],
        "n_not_shown": traces.n_not_shown,
        "baseline": traces.baseline_block,
        "last": traces.last_block,
    }


def _sixteen_bits(samples_uv: np.ndarray) -> tuple[str, float]:
    step_uv = float(f"{max(float(np.abs(samples_uv).max(initial=0.0)), 1e-6) / 32767:.6g}")
    return _base64(np.clip(np.round(samples_uv / step_uv), -32767, 32767).astype("<i2")), step_uv


def _eight_bits(samples_uv: np.ndarray) -> tuple[str, float]:
    largest_uv = float(f"{max(float(np.abs(samples_uv).max(initial=0.0)), 1e-6):.6g}")
    share = np.clip(np.abs(samples_uv) / largest_uv, 0, 1)
    return _base64(np.round(127 * np.sign(samples_uv) * np.sqrt(share)).astype("i1")), largest_uv


def _base64(numbers: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(numbers).tobytes()).decode()
