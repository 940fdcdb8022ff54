"""What does the page say of a report, in which words?

Conventions
-----------
Nothing is computed here, only worded: every number is one of the report's. All text that a file brings
passes `visible`. Clock times are those of the recording's start where it states one, else they count from it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from lsr.anatomy import Muscle, Relation, Side
from lsr.detection.detection import Presence
from lsr.findings.findings import Course
from lsr.report.plain import visible
from lsr.report.wording import (
    INFERRED,
    clock,
    counts,
    digits,
    gather_warnings,
    given,
    inferred_sets,
    length,
    never_there,
    pair_order,
    residual,
    signed,
    stimulated,
    teller,
    untold,
)
from lsr.report.wording import words as plain_words

if TYPE_CHECKING:
    from lsr.report.report import BlockReport, Note, PairReport, Report, StimulationReport

_NONE = _TO = "\N{EN DASH}"
_MINUS = "\N{MINUS SIGN}"
Word = Callable[[float | None], str]

_MOST_NAMED = 3  # pairs in the headline
_SHORT = {  # warnings whose code says little to a reader in a hurry
    "bursts": "muscle restless",
    "no_baseline": "no rest recorded before the stimuli",
    "coarse_rate": "coarse sampling",
    "averages": "averages, not single sweeps",
    "m_wave_fell_alike": "M wave fell as much",
    "m_wave_smaller": "M wave smaller when it went",
    "end_not_judged": "last blocks not judged",
    "rest_not_excluded": "a small rest may be left",
    "not_stimulated_since": "not stimulated since decompression",
    "late_baseline": "first stage not judged",
    "appeared_later": "seen later",
    "chance_over_pairs": "may be chance",
    "side_assumed": "side not stated",
    "clipped": "amplitude at least",
    "channels_may_be_swapped": "electrodes may be swapped",
    "electrode_changed": "electrode may be off",
}
_TOLD_ELSEWHERE = (
    "ambiguous_muscle",
    "no_baseline_verdict",
    "faint_at_baseline",
    "faint_at_end",
    "no_final_verdict",
    "answers_now_and_then",
    "silent_at_last",
    "end_not_marked",
    "weaker_stimulus",
    "back_with_stimulus",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """How a pair stands: a colour and a shape (both by name), a word, and what it means."""

    kind: str  # there | less | gone | never | unknown | direct: colour
    shape: str  # full | half | ring | dash | question | square | back
    word: str


_BY_COURSE = {
    Course.PERSISTED: State(kind="there", shape="full", word="Persisted"),
    Course.REDUCED: State(kind="less", shape="half", word="Reduced"),
    Course.DISAPPEARED: State(kind="gone", shape="ring", word="Disappeared"),
    Course.DISAPPEARED_BEFORE_DECOMPRESSION: State(kind="gone", shape="ring", word="Disappeared early"),
    Course.REAPPEARED: State(kind="there", shape="back", word="Reappeared"),
    Course.NOT_DETECTED_AT_BASELINE: State(kind="never", shape="dash", word="Not detected at baseline"),
}
_BY_PRESENCE = {
    Presence.PRESENT: State(kind="there", shape="full", word="Present"),
    Presence.ABSENT: State(kind="gone", shape="ring", word="Absent"),
    Presence.INDETERMINATE: State(kind="unknown", shape="question", word="Cannot be told"),
}


def words(name: str) -> str:
    """Word a name of the report; some of them quote the file."""
    return visible(plain_words(name), longest=80)


def view_of(report: Report) -> dict[str, Any]:
    """Word a report for the page's template."""
    titles = pair_titles(report)
    recording = report.recording
    triggers = {one.trigger_channel for one in report.stimulation}
    return {
        "name": visible(recording.name, longest=120),
        "format": visible(recording.format),
        "length": length(recording.duration_s, recording.end_s),
        "start": visible(recording.start.replace("T", " ")) if recording.start else None,
        "times": "times by the clock" if recording.start else "times since the start",
        "sha256": recording.sha256,
        "version": report.lsr_version,
        "schema_version": report.schema_version,
        "created": report.created,
        "notice": report.notice,
        "multiplicity": report.multiplicity,
        "headline": _headline(report, titles),
        "is_operation": _is_operation(report),
        "stimulation": [_stimulation(one) for one in report.stimulation],
        "lines": [_line(report, k, titles[k]) for k in pair_order(report)],
        "pairs": [
            {"title": titles[k], "number": k, "blocks": _block_rows(report, report.pairs[k])}
            for k in pair_order(report)
        ],
        "measures": _measure_tables(report, titles),
        "left_out": _left_out(report, titles),
        "warnings": _warnings(report, titles),
        "problems": [_note(one) for one in report.problems],
        "events": _events(report),
        "conduction": _conduction(report),
        "activity": _activity(report),
        "synkinesis": _synkinesis(report),
        "channels": [
            {
                "label": visible(one.label, longest=80),
                "taken_for": " ".join(words(part) for part in (one.side, one.muscle) if part)
                or ("trigger" if one.label in triggers else _NONE),
                "rate": f"{one.rate_hz:g} Hz",
                "unit": visible(one.unit, longest=40) or _NONE,
            }
            for one in recording.channels
        ],
        "settings": [visible(line) for line in _flat(report.settings)][:400],
        "has_traces": report.traces is not None and any(pair.blocks for pair in report.pairs),
        "has_trend": any(pair.blocks for pair in report.pairs),
    }


def clock_of(start: str | None) -> float:
    """Seconds since 1970 of a start, as if it were in UTC: a recording's times are local."""
    if start is None:
        return 0.0
    return (datetime.fromisoformat(start).replace(tzinfo=None) - datetime(1970, 1, 1)).total_seconds()


def moment(report: Report, time_s: float) -> str:
    """Word a time: by the clock where the recording says when it starts."""
    if report.recording.start is None:
        return clock(time_s)
    return clock((clock_of(report.recording.start) + time_s) % 86_400)


def pair_titles(report: Report) -> list[str]:
    """Name each pair by branch and muscle; where that is not enough, by stimulus set and channel too."""
    sets = {one.id: one for one in report.stimulation}
    plain = [f"{stimulated(sets[pair.stimulation])} → {_muscle(pair)}" for pair in report.pairs]
    return [
        title
        if plain.count(title) == 1
        else f"{pair.stimulation} {title} ({visible(pair.channel, longest=60)})"
        for title, pair in zip(plain, report.pairs, strict=True)
    ]


def _flat(settings: dict[str, Any], within: str = "") -> Iterator[str]:
    """Write settings one a line, under their full names."""
    for name, value in settings.items():
        place = f"{within}.{name}" if within else name
        if isinstance(value, dict) and value:
            yield from _flat(value, place)
        else:
            yield f"{place} = {json.dumps(value, ensure_ascii=False)}"


def _muscle(pair: PairReport) -> str:
    return words(pair.muscle) if pair.muscle else f"channel {visible(pair.channel, longest=60)}"


def _is_operation(report: Report) -> bool:
    return report.residual_lsr is not None or any(pair.course or untold(pair) for pair in report.pairs)


def _headline(report: Report, titles: list[str]) -> dict[str, str]:
    """Tell what is read first: of an operation what is left, else where there is an LSR."""
    asked = [k for k, pair in enumerate(report.pairs) if pair.relation is Relation.TARGET]
    # Which muscles are targets rests on the branch.
    doubt = f"; {INFERRED}" if inferred_sets(report) & {report.pairs[k].stimulation for k in asked} else ""
    if _is_operation(report):
        kind, shape = {
            True: ("there", "full"),
            False: ("never", "dash") if never_there(report) else ("gone", "ring"),
            None: ("unknown", "question"),
        }[report.residual_lsr]
        return {"kind": kind, "shape": shape, "label": "Residual LSR", "text": residual(report) + doubt}
    present = [titles[k] for k in asked if report.pairs[k].presence is Presence.PRESENT]
    if present:
        kind, shape = "there", "full"
        where = ", ".join(present) if len(present) <= _MOST_NAMED else f"in {len(present)} pairs"
        text = f"present, {where}"
    elif not asked:
        kind, shape, text = "none", "dash", "not asked: no muscle that another branch supplies was recorded"
    elif all(report.pairs[k].presence is Presence.ABSENT for k in asked):
        kind, shape, text = "gone", "ring", "absent" + (" in all pairs" if len(asked) > 1 else "")
    else:
        kind, shape, text = "unknown", "question", "cannot be told"
    return {"kind": kind, "shape": shape, "label": "LSR", "text": text + doubt}


def state_of(pair: PairReport) -> State:
    """Tell how a pair stands."""
    if pair.relation is Relation.DIRECT:
        seen = pair.m_wave is not None and pair.m_wave.presence is Presence.PRESENT
        return State(kind="direct", shape="square", word="M wave" if seen else "No M wave")
    if pair.course is not None:
        return _BY_COURSE[pair.course]
    if untold(pair):
        return _BY_PRESENCE[Presence.INDETERMINATE]
    return _BY_PRESENCE[pair.presence]


def _line(report: Report, number: int, title: str) -> dict[str, Any]:
    pair = report.pairs[number]
    state = state_of(pair)
    return {
        "number": number,
        "title": title[:1].upper() + title[1:],
        "state": state,
        "sentence": _sentence(report, pair, state),
        "amplitude": _amplitude(pair),
        "persistence": _persistence(pair),
        "gone": _gone(report, pair),
        "trust": _trust(report, pair),
        "direct": pair.relation is Relation.DIRECT,
    }


def _sentence(report: Report, pair: PairReport, state: State) -> str:
    if pair.relation is Relation.DIRECT:
        if state.word != "M wave":
            return "direct muscle: no response"
        if pair.stimulation in inferred_sets(report):
            return "direct muscle of the inferred branch: proves a stimulus, not the branch"
        return "direct muscle: proves the stimulus"
    what = "LSR" if pair.relation is Relation.TARGET else "Response"
    doubt = {
        Relation.AMBIGUOUS: " Ambiguous: this branch may supply the muscle directly.",
        Relation.UNMAPPED: " Whether this branch supplies the muscle is not known.",
    }.get(pair.relation, "")
    return _told(report, pair, what) + doubt


def _told(report: Report, pair: PairReport, what: str) -> str:
    gone = pair.disappeared_at
    when = ""
    if gone:
        when = f" since {moment(report, gone.time_s)}" + (
            f", during {_stage(gone.stage)}" if gone.stage else ""
        )
        if gone.last_seen_s is not None and gone.last_seen_stage != gone.stage:
            seen = f"{moment(report, gone.last_seen_s)} ({_stage(gone.last_seen_stage)})"
            when = f" between {seen} and {moment(report, gone.time_s)} ({_stage(gone.stage)})"
    if pair.course is not None:
        return {
            Course.PERSISTED: f"{what} still there at the end.",
            Course.REDUCED: f"{what} smaller, but still there at the end.",
            Course.DISAPPEARED: f"{what} gone{when}.",
            Course.DISAPPEARED_BEFORE_DECOMPRESSION: f"{what} gone{when}: before decompression.",
            Course.REAPPEARED: f"{what} went and came back.",
            Course.NOT_DETECTED_AT_BASELINE: f"{what} never seen at baseline, so its loss cannot be judged.",
        }[pair.course]
    why = untold(pair)
    if why:
        return f"{what}: {why}."
    if pair.presence is Presence.PRESENT:
        onset = f", onset {_ms(pair.onset_latency_ms)} ms" if pair.onset_latency_ms is not None else ""
        return f"{what} there{onset}."
    if pair.presence is Presence.ABSENT:
        limit = f" above {_uv(pair.detection_limit_uv)} µV" if pair.detection_limit_uv is not None else ""
        return f"No {'LSR' if what == 'LSR' else 'response'}{limit}."
    reason = f": {words(pair.reason)}" if pair.reason else ""
    return f"Cannot be told{reason}."


def _stage(stage: str | None) -> str:
    return words(stage) if stage else _NONE


def _amplitude(pair: PairReport) -> dict[str, str]:
    if pair.relation is Relation.DIRECT:
        wave_uv = pair.m_wave.amplitude_uv if pair.m_wave else None
        return {"main": f"{_uv(wave_uv)} µV" if wave_uv is not None else _NONE, "more": "M wave"}
    size = f"{_uv(pair.amplitude_uv)} µV" if pair.amplitude_uv is not None else ""
    if pair.amplitude_change_percent is not None:
        interval = pair.amplitude_change_ci_percent
        parts = [" to ".join(signed(end) for end in interval) + " %"] if interval else []
        parts.append(f"baseline {size}" if size else "of baseline")
        more = ", ".join(part.replace(" ", "\N{NO-BREAK SPACE}") for part in parts)
        change = f"{signed(pair.amplitude_change_percent)} %"
        return {"main": change.replace("-", _MINUS), "more": more.replace("-", _MINUS)}
    return {"main": size or _NONE, "more": ""}


def _persistence(pair: PairReport) -> str:
    if pair.relation is Relation.DIRECT or pair.persistence is None:
        return _NONE
    if pair.course is None:
        return f"{100 * pair.persistence:.0f} %"
    shown = [block.persistence for block in pair.blocks if block.persistence is not None]
    last = pair.blocks[-1] if pair.blocks else None
    first = f"{100 * shown[0]:.0f} %" if shown else f"{100 * pair.persistence:.0f} %"
    if last is None or len(pair.blocks) < 2:
        return first
    if last.presence is Presence.ABSENT:
        return f"{first} → none"
    return first if last.persistence is None else f"{first} → {100 * last.persistence:.0f} %"


def _gone(report: Report, pair: PairReport) -> dict[str, str]:
    gone = pair.disappeared_at
    if gone is None:
        return {"main": _NONE, "more": ""}
    told = [words(gone.stage)] if gone.stage else []
    if gone.last_seen_s is not None:
        told.append(f"last seen {moment(report, gone.last_seen_s)}")
    return {"main": moment(report, gone.time_s), "more": ", ".join(told)}


def _trust(report: Report, pair: PairReport) -> list[str]:
    """Word what limits how far the line can be believed."""
    told = [INFERRED] if pair.stimulation in inferred_sets(report) else []
    if pair.relation is not Relation.DIRECT:
        if pair.detection_limit_uv is not None:
            limit, noise = (_with_unit(uv) for uv in (pair.detection_limit_uv, pair.noise_uv))
            told.append(f"would see {limit} (noise {noise})")
        wave = pair.m_wave
        seen = wave is not None and wave.presence is Presence.PRESENT
        told.append(
            f"M\N{NO-BREAK SPACE}wave {_with_unit(wave.amplitude_uv)}" if wave and seen else "no M wave"
        )
    if pair.n_stimuli_rejected and pair.relation is not Relation.DIRECT:
        told.append(
            f"{pair.n_stimuli_rejected} of {pair.n_stimuli_used + pair.n_stimuli_rejected} sweeps left out"
        )
    odd = [
        _SHORT.get(one.code) or words(one.code) for one in pair.warnings if one.code not in _TOLD_ELSEWHERE
    ]
    return [*told, ", ".join(dict.fromkeys(odd))] if odd else told


def _stimulation(one: StimulationReport) -> dict[str, str]:
    intensity = ""
    if one.intensity_ma:
        low, high = one.intensity_ma
        intensity = f"{low:g} mA" if low == high else f"{low:g}{_TO}{high:g} mA"
    quoted = teller(one)
    source = words(one.source) + (f" “{visible(quoted, longest=80)}”" if quoted else "")
    return {
        "id": one.id,
        "branch": stimulated(one),
        "branch_source": words(one.branch_source) if one.branch_source else _NONE,
        "n": given(one),
        "source": source,
        "precision": f"±{one.precision_ms:.2g} ms",
        "intensity": intensity,
        "left_out": visible(counts(one.n_left_out)) or _NONE,
    }


def _block_rows(report: Report, pair: PairReport) -> list[dict[str, str]]:
    return [
        {
            "from": moment(report, block.start_s),
            "to": moment(report, block.end_s),
            "stage": _stage(block.stage),
            "presence": _answer(pair, block),
            "in_course": words(block.presence_in_course) if block.presence_in_course else _NONE,
            "onset": _with_interval(block.onset_latency_ms, block.onset_latency_ci_ms, _ms),
            "amplitude": _with_interval(block.amplitude_uv, block.amplitude_ci_uv, _uv),
            "persistence": _percent(block.persistence),
            "m_wave": _uv(block.m_wave.amplitude_uv) if block.m_wave else _NONE,
            "used": _NONE
            if pair.relation is Relation.DIRECT
            else f"{block.n_stimuli_used}/{block.n_stimuli_used + block.n_stimuli_rejected}",
            "limit": _uv(block.detection_limit_uv),
        }
        for block in pair.blocks
    ]


def _answer(pair: PairReport, measures: BlockReport | PairReport) -> str:
    if pair.relation is Relation.DIRECT:
        return "M wave" if measures.m_wave and measures.m_wave.presence is Presence.PRESENT else "no M wave"
    if measures.presence is Presence.INDETERMINATE and measures.reason:
        return f"indeterminate: {words(measures.reason)}"
    return measures.presence.value


def _measure_tables(report: Report, titles: list[str]) -> list[dict[str, Any]]:
    """Tables of every measure, a few pairs each, so that they fit on paper."""
    tables = []
    order = pair_order(report)
    for first in range(0, len(order), 4):
        some = order[first : first + 4]
        columns = [_measures(report.pairs[k]) for k in some]
        # Of an operation, a block may answer otherwise than all stimuli together.
        names = {"answer": "answer over all stimuli"} if _is_operation(report) else {}
        tables.append(
            {
                "heads": [titles[k] for k in some],
                "rows": [
                    (names.get(name, name), [column[name] for column in columns]) for name in columns[0]
                ],
            }
        )
    return tables


def _measures(pair: PairReport) -> dict[str, str]:
    m_wave, late = pair.m_wave, pair.late_response
    direct = pair.relation is Relation.DIRECT
    return {
        "channel": visible(pair.channel, longest=80),
        "relation of muscle to branch": words(pair.relation),
        "answer": _answer(pair, pair),
        "course": words(pair.course) if pair.course else _NONE,
        "amplitude change, %": _with_interval(
            pair.amplitude_change_percent, pair.amplitude_change_ci_percent, _change
        ),
        "onset latency, ms": _with_interval(pair.onset_latency_ms, pair.onset_latency_ci_ms, _ms),
        "peak latency, ms": _ms(pair.peak_latency_ms),
        "latency jitter, ms": _NONE if pair.latency_jitter_ms is None else f"{pair.latency_jitter_ms:.2f}",
        "amplitude peak to peak, µV": _with_interval(pair.amplitude_uv, pair.amplitude_ci_uv, _uv),
        "baseline to peak, µV": _uv(pair.baseline_to_peak_uv),
        "area, µV ms": _uv(pair.area_uv_ms),
        "duration, ms": _ms(pair.duration_ms),
        "phases": _NONE if pair.n_phases is None else f"{pair.n_phases}{_shape(pair)}",
        "persistence, %": _with_interval(pair.persistence, pair.persistence_ci, _percent),
        "stimuli used": _NONE if direct else str(pair.n_stimuli_used),
        "measured, stimuli": _measured(pair),
        "stimuli left out": _NONE if direct else str(pair.n_stimuli_rejected),
        "noise of one sweep, µV": _uv(pair.noise_uv),
        "detection limit, µV": _uv(pair.detection_limit_uv),
        "p": _p(pair.p_value),
        "p, adjusted": _p(pair.p_value_adjusted),
        "score": _NONE if pair.score is None else f"{pair.score:.3g}",
        "stimulus threshold, mA": _with_interval(
            pair.stimulus_threshold_ma, pair.stimulus_threshold_ci_ma, _uv
        ),
        "threshold of the M wave, mA": _with_interval(
            pair.m_wave_threshold_ma, pair.m_wave_threshold_ci_ma, _uv
        ),
        "M wave, µV": _uv(m_wave.amplitude_uv) if m_wave else _NONE,
        "M wave onset, ms": _ms(m_wave.onset_latency_ms) if m_wave else _NONE,
        "late response": _NONE if late is None else _late(late.presence, late.onset_latency_ms),
    }


def _measured(pair: PairReport) -> str:
    """Word of which stimuli the measures are, where not of all."""
    if pair.n_stimuli_measured is None:
        return _NONE
    during = f" during {words(pair.measured_stage)}" if pair.measured_stage else " in one block"
    return f"{pair.n_stimuli_measured}{during}"


def _shape(pair: PairReport) -> str:
    # The report calls monophasic whatever is not polyphasic, also two phases.
    return " (polyphasic)" if pair.morphology == "polyphasic" else ""


def _late(presence: Presence, onset_ms: float | None) -> str:
    return presence.value + (f", {onset_ms:.0f} ms" if onset_ms is not None else "")


def _left_out(report: Report, titles: list[str]) -> list[dict[str, str]]:
    """What was not judged, and why."""
    rows = [
        {
            "what": f"{one.id} {stimulated(one)}: marks taken for no stimulus",
            "why": visible(counts(one.n_left_out)),
        }
        for one in report.stimulation
        if one.n_left_out
    ]
    return rows + [
        {"what": title, "why": visible(counts(pair.rejected))}
        for title, pair in zip(titles, report.pairs, strict=True)
        if pair.rejected and pair.relation is not Relation.DIRECT
    ]


def _warnings(report: Report, titles: list[str]) -> list[dict[str, str]]:
    return [
        {"code": visible(code), "message": visible(message), "pairs": "; ".join(named)}
        for code, message, named in gather_warnings(report, titles)
    ]


def _note(note: Note) -> dict[str, str]:
    return {"code": visible(note.code), "message": visible(note.message), "pairs": ""}


def _events(report: Report) -> list[dict[str, str]]:
    if report.traces is None:
        return []
    return [
        {"time": moment(report, one.time_s), "text": visible(one.text)} for one in report.traces.events[:200]
    ]


def _conduction(report: Report) -> list[list[str]]:
    """Rows of nerve conduction: the M wave of every direct muscle, and how the other side's differs."""
    return [
        [
            _site(one.side, one.muscle, one.channel),
            words(one.branch) if one.branch else _NONE,
            _ms(one.onset_latency_ms),
            _uv(one.amplitude_uv),
            _NONE if one.latency_difference_ms is None else f"{one.latency_difference_ms:+.1f}",
            _NONE if one.amplitude_ratio is None else f"{one.amplitude_ratio:.2f}",
            str(one.n_stimuli),
        ]
        for one in report.nerve_conduction
    ]


def _activity(report: Report) -> list[list[str]]:
    """Rows of what muscles do between the stimuli, in all of the recording and by stage."""
    return [
        [
            _site(one.side, one.muscle, one.channel),
            words(one.stage) if one.stage else "all",
            length(one.observed_s, one.observed_s),
            str(one.n_bursts),
            _uv(one.bursts_per_min),
            _NONE if one.duration_ms is None else f"{one.duration_ms:.0f}",
            _NONE if one.active_share is None else f"{100 * one.active_share:.1f}",
            _NONE if one.discharge_hz is None else f"{one.discharge_hz:.0f}",
        ]
        for one in (report.spontaneous.activity if report.spontaneous else [])
    ]


def _synkinesis(report: Report) -> list[list[str]]:
    """Rows of muscles that share bursts, in all of the recording and by stage."""
    if report.spontaneous is None:
        return []
    sides = {one.channel: one.side for one in report.spontaneous.activity}
    return [
        [
            " and ".join(
                _site(sides.get(channel), muscle, channel)
                for muscle, channel in zip(one.muscles, one.channels, strict=True)
            ),
            words(one.stage) if one.stage else "all",
            str(one.n_shared),
            _uv(one.shared_per_min),
            _percent(one.share),
            _percent(one.share_by_chance),
            _NONE if one.lag_ms is None else f"{one.lag_ms:+.1f}",
        ]
        for one in report.spontaneous.synkinesis
    ]


def _site(side: Side | None, muscle: Muscle | None, channel: str) -> str:
    if muscle is None:
        return f"channel {visible(channel, longest=60)}"
    return f"{side} {words(muscle)}" if side else words(muscle)


def _with_interval(value: float | None, interval: tuple[float, float] | None, word: Word) -> str:
    if value is None:
        return _NONE
    between = " to " if interval and interval[0] < 0 else _TO
    return word(value) + (f" ({word(interval[0])}{between}{word(interval[1])})" if interval else "")


def _uv(value: float | None) -> str:
    return _NONE if value is None else digits(value)


def _with_unit(value: float | None) -> str:
    return f"{_uv(value)}\N{NO-BREAK SPACE}µV"


def _ms(value: float | None) -> str:
    return _NONE if value is None else f"{value:.1f}"


def _change(value: float | None) -> str:
    return _NONE if value is None else signed(value)


def _percent(share: float | None) -> str:
    return _NONE if share is None else f"{100 * share:.0f}"


def _p(value: float | None) -> str:
    if value is None:
        return _NONE
    return "< 0.0001" if value < 0.0001 else f"{value:.2g}"
