"""The sample recordings: `python -m lsr.synthetic.sample_data [DIRECTORY]` draws them.

Conventions
-----------
One recording of each scenario, from the seeds below; the same bytes each time. The README beside them is
written from their truth.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from lsr.synthetic.scenarios import SCENARIOS, write_scenario

SEEDS: dict[str, int] = {name: 100 + number for number, name in enumerate(SCENARIOS)}


def write_sample_data(directory: Path) -> list[Path]:
    """Write every sample recording, its truth and the README into `directory`."""
    paths = [write_scenario(name, directory, seed=SEEDS[name])[0] for name in SCENARIOS]
    readme = directory / "README.md"
    readme.write_text(_readme(paths), encoding="utf-8", newline="\n")
    return paths


def _readme(paths: list[Path]) -> str:
    """README that says where the recordings come from and what is true in each."""
    lines = [
        "# Sample recordings",
        "",
        "Synthetic recordings, drawn by `make sample-data` from `lsr/synthetic`: no patient is in them,",
        "and they prove nothing about accuracy in patients. Drawing them again gives the same bytes.",
        "`NAME.truth.json` beside each recording says everything that is true in it; `NAME.toml` is the",
        "configuration that one recording needs, `NAME.events.csv` the stages of an operation as an events",
        "file. This page is written from the truth files.",
        "",
        "LSR onset: when the noise-free mean response first exceeds 5 % of its peak. Amplitude: peak to peak",
        "of that mean. Crosstalk: a volume-conducted copy of the M wave, which is no LSR.",
    ]
    for path in paths:
        truth = json.loads(path.with_suffix("").with_suffix(".truth.json").read_text(encoding="utf-8"))
        lines += ["", f"## {path.stem}", "", *_about(truth)]
    return "\n".join(lines) + "\n"


def _about(truth: dict[str, Any]) -> list[str]:
    description = truth["description"]
    lines = [
        f"{description[0].upper()}{description[1:]}. {truth['rate_hz']:g} Hz, seed {truth['seed']}.",
        f"Besides the responses: {', '.join(truth['nuisances'])}.",
        "",
        "| stimulated | channel | relation | what is true |",
        "| --- | --- | --- | --- |",
    ]
    for pair in truth["pairs"]:
        side, branch = pair["side"], pair["branch"].replace("_", " ")
        lines.append(f"| {side} {branch} | {pair['channel']} | {pair['relation']} | {_in_words(pair)} |")
    for one in truth["stimulation"]:
        if one["missed_markers"] or one["spurious_markers_s"]:
            missed, spurious = len(one["missed_markers"]), len(one["spurious_markers_s"])
            lines += [
                "",
                f"{missed} of {len(one['times_s'])} stimuli lack a marker, {spurious} markers mark none.",
            ]
    if truth["stages"]:
        stages = "; ".join(f"{stage['text']} ({stage['time_s']:g} s)" for stage in truth["stages"])
        residual = "is" if truth["residual_lsr"] else "is not"
        lines += ["", f"Stages: {stages}. An LSR {residual} left at the end."]
    return lines


def _in_words(pair: dict[str, Any]) -> str:
    """One pair in a sentence or two."""
    parts = []
    if pair["m_wave_amplitude_uv"] is not None:
        onset_ms, size_uv = pair["m_wave_onset_latency_ms"], pair["m_wave_amplitude_uv"]
        parts.append(f"M wave from {onset_ms:.2f} ms, {size_uv:.0f} uV")
    elif pair["present"]:
        parts.append(
            f"LSR from {pair['onset_latency_ms']:.2f} ms, {pair['amplitude_uv']:.0f} uV, "
            f"{pair['morphology']}, persistence {pair['persistence']:.2f}"
        )
    else:
        parts.append("no LSR")
    if pair["stimulus_threshold_ma"] is not None and pair["present"]:
        parts.append(f"lowest intensity that evoked it {pair['stimulus_threshold_ma']:g} mA")
    if pair["late_onset_latency_ms"] is not None:
        parts.append("afterdischarge")
    if pair["crosstalk_uv"] is not None:
        parts.append(f"crosstalk {pair['crosstalk_uv']:.0f} uV")
    if pair["course"] is not None and pair["course"] != "not_detected_at_baseline":
        parts.append(f"course: {pair['course']}")
    if pair["disappeared_at"] is not None:
        gone = pair["disappeared_at"]
        parts.append(f"first block without it at {gone['time_s']:.0f} s, {gone['stage']}")
    return "; ".join(parts)


if __name__ == "__main__":
    for written in write_sample_data(Path(sys.argv[1] if len(sys.argv) > 1 else "sample_data")):
        print(written)
