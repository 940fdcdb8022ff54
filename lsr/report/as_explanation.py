"""Why did the answer of a pair come out as it did: its evidence, step by step, as text.

Conventions
-----------
A pair is asked for by its muscle, its channel's label, its stimulus set, or several of these ("S1 mentalis");
capitals and punctuation do not matter. Every reason that a report may give for "indeterminate" is worded
here; `docs/method.md` says when each is given.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from lsr.anatomy import Relation
from lsr.detection.detection import Presence
from lsr.report.as_text import pair_names, verdict, wrapped
from lsr.report.report import PairReport, Report
from lsr.report.wording import counted, words

REASONS = {
    "artifact_outlasts_window": "the stimulus artifact is so large where a response may lie that a small one "
    "cannot be told from its tail, or what stands out may be its tail",
    "blanked": "the monitor blanked the stimulus artifact into the search window",
    "borderline": "p is only a little above alpha: what is nearly a response is not called absent",
    "sharp_phases": "sharp phases stand out, which the shapes of the test do not fit: no response is proved, "
    "but one of many units may be there",
    "crosstalk": "what is conducted from the direct muscle, or begins too early to be an LSR, may hide a "
    "small response, or be what stands out",
    "direct_muscle": "the stimulated branch supplies this muscle: what it shows is its M wave, never an LSR",
    "explained_otherwise": "something stands out that may be a response, but what begins outside the search "
    "window explains it as well, and a small response beside that cannot be excluded",
    "flat": "the sweeps do not change at all: the channel is not connected",
    "hum": "mains hum that averaging left hides a small response",
    "in_few_sweeps": "something stands out in a few sweeps only: a spasm burst, or a response that few "
    "stimuli evoke",
    "m_wave_late": "the direct muscle answers only when an LSR would: the nerve may conduct slowly, and what "
    "stands out be a wave conducted from that muscle",
    "missing_samples": "samples are missing in every sweep",
    "noise_implausible": "the sweeps are quieter than any amplifier: they may be in another unit than "
    "microvolts",
    "no_m_wave": "no response was found and a small one would have been seen, but no M wave proves that the "
    "stimulus reached the nerve",
    "rate_too_low": "the channel is sampled below 2 kHz, too slowly for latencies",
    "relation_unknown": "nothing says what a response of this muscle means for this stimulus",
    "repeated": "the sweeps are copies of others",
    "saturated": "the amplifier was at its limit where a response may be",
    "side_not_told": "no response was found, but another channel of this muscle is not silent, and neither "
    "names a side: this may be the one that was not stimulated",
    "second_artifact": "what stands out looks like the artifact of another stimulus in the same sweep",
    "starts_outside_window": "there is a response, but it starts before the search window or after it",
    "too_few_sweeps": "a small response would not have been seen in so few sweeps; twenty would do",
    "too_noisy": "noise would have hidden a small response",
    "electrode_changed": "the channel sees less than a third of the stimulus that it saw where it answered",
    "touches_gap": "no sweep lies wholly in the recording, clear of gaps and of the next stimulus",
    "unsure_over_stages": "a response stands out in some stage or over all, but not once it is counted that "
    "both were asked",
}
_MARGIN = 17  # of the steps' names


def find_pairs(report: Report, wanted: str) -> list[int]:
    """Numbers of the pairs that a user may mean, in the order of the report.

    Parameters
    ----------
    report : Report
    wanted : str
        Words that all have to occur, as in "mentalis", "S1 mentalis", "R Mentalis" or "Ch3".

    Returns
    -------
    list[int]
        Those whose channel or muscle is just this, if there are any; else all that hold its words; empty
        where none does.
    """
    asked = _told(wanted)
    if not asked:
        return []
    named = [
        [_told(text) for text in (pair.channel, pair.muscle or "", f"{pair.stimulation} {pair.channel}")]
        for pair in report.pairs
    ]
    exact = [number for number, names in enumerate(named) if asked in names]
    if exact:
        return exact
    return [
        number
        for number, (name, pair) in enumerate(zip(pair_names(report), report.pairs, strict=True))
        if _holds(_told(f"{pair.stimulation} {name} {pair.channel} {pair.side or ''}"), asked)
    ]


def _told(text: str) -> list[str]:
    """Words of a name, small; "O.Oculi" and "Orb_Oc" are two."""
    return re.findall(r"[^\W_]+", text.lower())


def _holds(name: list[str], asked: list[str]) -> bool:
    return all(any(word == one or (len(one) > 2 and word.startswith(one)) for word in name) for one in asked)


def as_explanation(report: Report, number: int) -> str:
    """Word the evidence of one pair, without a newline at its end.

    Parameters
    ----------
    report : Report
    number : int
        Which of its pairs.
    """
    pair = report.pairs[number]
    alpha = report.settings["detection"]["alpha"]
    title = (
        f"{report.recording.name}: {pair.stimulation} {pair_names(report)[number]}, channel {pair.channel!r}"
    )
    lines = [
        wrapped(title, indent="  "),
        wrapped(verdict(pair), indent="  "),
        "",
        *(_step("stimuli", found) for found in _of_a_part(pair)),
        *(_step(one.step, one.found) for one in pair.evidence if one.step != "verdict"),
        *(_step(step, found) for step, found in _measured(pair)),
        *(_step("stages", found) for found in _staged(pair)),
        _step("decided", " ".join(_decided(pair, alpha))),
        *(_step("warning", f"{note.message} [{note.code}]") for note in pair.warnings),
        "",
        wrapped(f"docs/method.md explains every step. {report.notice}"),
    ]
    return "\n".join(lines)


def _step(step: str, found: str) -> str:
    return wrapped(f"  {step:<{_MARGIN}}{found}", indent=" " * (_MARGIN + 2))


def _of_a_part(pair: PairReport) -> Iterator[str]:
    """Tell where the evidence is of one stage alone, or of one block."""
    if pair.n_stimuli_measured is not None:
        part = f"during {words(pair.measured_stage)}" if pair.measured_stage else "in one block"
        yield (
            f"the steps and measures below are of the {pair.n_stimuli_measured} {part}; the course rests on "
            f"all {pair.n_stimuli_used}"
        )


def _measured(pair: PairReport) -> Iterator[tuple[str, str]]:
    """Measures of a response, each with how sure it is."""
    if pair.onset_latency_ms is not None and pair.onset_latency_ci_ms is not None:
        low, high = pair.onset_latency_ci_ms
        yield (
            "onset",
            f"{pair.onset_latency_ms:.1f} ms, 95 % interval {low:.2f}-{high:.2f} ms; "
            f"peak at {pair.peak_latency_ms:.1f} ms",
        )
    if pair.amplitude_uv is not None and pair.amplitude_ci_uv is not None:
        low, high = pair.amplitude_ci_uv
        yield (
            "size",
            f"{pair.amplitude_uv:.3g} uV peak to peak, 95 % interval {low:.3g}-{high:.3g} uV; "
            # The report calls monophasic whatever is not polyphasic, also two phases.
            f"{'polyphasic, ' if pair.morphology == 'polyphasic' else ''}"
            f"{counted(pair.n_phases or 0, 'phase')}, {pair.duration_ms:.1f} ms long",
        )
    if pair.persistence is not None and pair.persistence_ci is not None:
        low, high = pair.persistence_ci
        jitter = "" if pair.latency_jitter_ms is None else f"; latency jitter {pair.latency_jitter_ms:.2f} ms"
        yield (
            "persistence",
            f"{100 * pair.persistence:.0f} % of single sweeps answer, 95 % interval "
            f"{100 * low:.0f}-{100 * high:.0f} %{jitter}",
        )
    late = pair.late_response
    if late is not None:
        onset = "" if late.onset_latency_ms is None else f" from {late.onset_latency_ms:.0f} ms"
        p = "" if late.p_value is None else f", p = {late.p_value:.2g}"
        yield "late response", f"{late.presence.value}{onset}{p}"
    if pair.p_value_adjusted is not None:
        yield "over all pairs", f"p = {pair.p_value_adjusted:.2g} (Holm)"


def _staged(pair: PairReport) -> Iterator[str]:
    """Presence block by block, where there is a course to tell."""
    if pair.course is None or len(pair.blocks) < 2:
        return
    answers = [block.presence for block in pair.blocks]
    told = ", ".join(f"{words(one)} in {answers.count(one)}" for one in Presence if one in answers)
    yield f"the course rests on {counted(len(answers), 'block')}: {told}"


def _decided(pair: PairReport, alpha: float) -> Iterator[str]:
    """Tell what the answer rests on."""
    if pair.presence is Presence.PRESENT:
        yield f"present, because p is at most alpha = {alpha:g}."
        if pair.relation is Relation.AMBIGUOUS:
            yield "The stimulated branch may supply this muscle, so that a response need be no LSR."
    elif pair.presence is Presence.ABSENT:
        yield (
            f"absent: p is above alpha = {alpha:g}, a small response would have been seen, and an M wave "
            "proves the stimulus."
        )
    else:
        yield f"indeterminate: {REASONS.get(pair.reason or '', words(pair.reason or 'no reason told'))}."
    if pair.course is not None:
        yield f"Over the operation: {words(pair.course)}."
