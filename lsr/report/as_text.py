"""Reports as text for a terminal: what a surgeon reads in five seconds first, the numbers after it.

Conventions
-----------
No line is longer than `WIDTH`. Latencies carry one decimal, as far as they can be trusted. Clock-like
times (00:31:20) count from the start of the recording. Nothing is computed here, only worded.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Iterable
from itertools import groupby

from lsr.anatomy import Muscle, Relation
from lsr.detection.detection import Presence
from lsr.findings.findings import Course
from lsr.report.report import (
    BlockReport,
    Measures,
    MWaveReport,
    NerveConductionReport,
    Note,
    PairReport,
    Report,
    StimulationReport,
)
from lsr.report.wording import (
    INFERRED,
    clock,
    counted,
    counts,
    digits,
    gather_warnings,
    given,
    inferred_sets,
    length,
    pair_order,
    residual,
    signed,
    stimulated,
    teller,
    untold,
    used,
    words,
)
from lsr.stimuli import StimulusSource

WIDTH = 80

_BOLD, _DIM, _YELLOW, _RESET = "\x1b[1m", "\x1b[2m", "\x1b[33m", "\x1b[0m"
_UNIT = re.compile(r"(\d) (%|ms|uV|mA|s\b)")  # a number stays with its unit
_NOTHING = "-"  # in a table: does not apply
_FILLER = "\ue000"  # for private use, so in no text
_THERE = {Presence.PRESENT: "yes", Presence.ABSENT: "no", Presence.INDETERMINATE: "?"}
_LONG_GAP = 1.5  # lengths of a block, from an LSR to its loss; more is no matter of how blocks divide


def as_text(report: Report, *, colour: bool = False) -> str:
    """Render a report as text, without a newline at its end.

    Parameters
    ----------
    report : Report
        What to render.
    colour : bool
        Mark headlines and warnings by escape codes of a terminal.
    """
    parts = [
        _opening(report),
        *(_headlines(report, colour=colour)),
        _residual(report),
        _pair_table(report),
        *(_block_table(pair, report) for pair in report.pairs if _has_course(pair)),
        _sides(report),
        _spontaneous(report),
        _notes("Warnings", _warnings(report), colour=colour),
        _notes("About the file", report.problems, colour=colour),
        wrapped(report.notice),
    ]
    return "\n\n".join(part for part in parts if part)


def wrapped(text: str, *, indent: str = "") -> str:
    """Break text into lines that fit, `indent` before all but the first."""
    together = _UNIT.sub("\\1\N{NO-BREAK SPACE}\\2", _as_columns(_printable(text)))
    width = WIDTH - (_FILLER in together)  # a long word may be broken before a filler
    lines = textwrap.fill(together, width, subsequent_indent=indent, break_on_hyphens=False)
    return lines.replace("\N{NO-BREAK SPACE}", " ").replace(_FILLER, "")


def _printable(text: str) -> str:
    """Replace what a terminal would obey: labels and annotations are free text."""
    return "".join(character if character.isprintable() else "?" for character in text)


def _as_columns(text: str) -> str:
    """Follow every character that a terminal shows two columns wide by a filler: lengths are columns then."""
    if text.isascii():
        return text
    from rich.cells import cell_len

    return "".join(character + _FILLER * (cell_len(character) - 1) for character in text)


def _painted(text: str, code: str, *, colour: bool) -> str:
    if not colour or not code:
        return text
    return "\n".join(f"{code}{line}{_RESET}" for line in text.split("\n"))


def _opening(report: Report) -> str:
    recording = report.recording
    start = f", started {recording.start.replace('T', ' ')}" if recording.start else ""
    title = (
        f"{recording.name}: {recording.format}, {length(recording.duration_s, recording.end_s)}, "
        f"{counted(len(recording.channels), 'channel')}{start}"
    )
    rule = "=" * min(WIDTH, len(title))
    return "\n".join([wrapped(title, indent="  "), rule, *map(stimulation_line, report.stimulation)])


def stimulation_line(one: StimulationReport) -> str:
    """Word one set of stimuli: where, how many, how known, how strong, what was left out."""
    text = f"{one.id}  {stimulated(one)}"
    if one.branch_source:
        text += f" (branch: {words(one.branch_source)})"
    told = [words(one.source)] if one.source is not StimulusSource.AVERAGE else []
    quoted = teller(one)
    told += [repr(quoted)] if quoted else []
    text += f": {given(one)}" + (f", told by {' '.join(told)}" if told else "")
    text += f" (+-{one.precision_ms:.2g} ms)"
    if one.intensity_ma:
        low, high = one.intensity_ma
        text += f", {low:g} mA" if low == high else f", {low:g}-{high:g} mA"
    if one.n_left_out:
        text += f"; left out: {counts(one.n_left_out)}"
    return wrapped(text, indent="    ")


def _recorded(pair: PairReport) -> str:
    return words(pair.muscle) if pair.muscle else f"channel {pair.channel!r}"


def _headlines(report: Report, *, colour: bool) -> Iterable[str]:
    """Give one headline per pair: targets first, as they are what is asked about."""
    if not report.pairs:
        return ["No pair of a stimulated branch and a muscle could be judged."]
    names, lines = pair_names(report), []
    for number in pair_order(report):
        pair = report.pairs[number]
        inferred = f"; {INFERRED}" if pair.stimulation in inferred_sets(report) else ""
        line = wrapped(f"{names[number]}: {verdict(pair)}{inferred}", indent="    ")
        lines.append(_painted(line, _headline_code(pair), colour=colour))
    return ["\n".join(lines)]


def _headline_code(pair: PairReport) -> str:
    if pair.relation is Relation.DIRECT:
        return _DIM
    if untold(pair):
        return _YELLOW
    return {Presence.PRESENT: _BOLD, Presence.INDETERMINATE: _YELLOW, Presence.ABSENT: ""}[pair.presence]


def pair_names(report: Report) -> list[str]:
    """Name each pair by branch and muscle; where that is not enough, by stimulus set and channel too."""
    sets = {one.id: one for one in report.stimulation}
    plain = [f"{stimulated(sets[pair.stimulation])} -> {_recorded(pair)}" for pair in report.pairs]
    return [
        name if plain.count(name) == 1 else f"{pair.stimulation} {name} ({pair.channel})"
        for name, pair in zip(plain, report.pairs, strict=True)
    ]


def verdict(pair: PairReport) -> str:
    """Word the answer of a pair, and the measures that support it."""
    if pair.relation is Relation.DIRECT:
        return f"direct muscle, {_m_wave(pair)}"
    what = "LSR" if pair.relation is Relation.TARGET else "response"
    caution = {
        Relation.AMBIGUOUS: "; ambiguous: this branch may supply the muscle directly",
        Relation.UNMAPPED: "; whether this branch supplies the muscle is not known",
    }.get(pair.relation, "")
    if pair.course:
        measured = _before(pair) if pair.disappeared_at else _measured(pair)
        return f"{what} {_course(pair, pair.course)}{measured}{caution}"
    why = untold(pair)
    if why:
        measured = f"{_onset(pair)}{_amplitude(pair)}"
        return f"{what} CANNOT BE TOLD: {why}{f'; seen with{measured[1:]}' if measured else ''}{caution}"
    return f"{what} {pair.presence.upper()}{_measured(pair)}{caution}"


def _course(pair: PairReport, course: Course) -> str:
    """Word what became of the LSR, with when or by how much."""
    change = pair.amplitude_change_percent
    by = f" ({signed(change)} % amplitude)" if change is not None else ""
    at = _gone_at(pair)
    wording = {
        Course.NOT_DETECTED_AT_BASELINE: "NOT DETECTED AT BASELINE",
        Course.PERSISTED: f"PERSISTED{by}",
        Course.REDUCED: f"REDUCED{by}",
        Course.DISAPPEARED: f"DISAPPEARED{at}",
        Course.DISAPPEARED_BEFORE_DECOMPRESSION: f"DISAPPEARED BEFORE DECOMPRESSION{at}",
        Course.REAPPEARED: f"REAPPEARED{by}",
    }
    return wording[course]


def _gone_at(pair: PairReport) -> str:
    """Word when an LSR was gone, and last seen where that was in another stage or long before."""
    gone = pair.disappeared_at
    if gone is None:
        return ""
    missed, since = clock(gone.time_s), " after the start"
    during = f"{since}, during {words(gone.stage)}" if gone.stage else since
    if gone.last_seen_s is None:
        return f" {missed}{during}"
    seen = clock(gone.last_seen_s)
    if gone.stage != gone.last_seen_stage:
        stages = [words(stage) if stage else "no stage" for stage in (gone.last_seen_stage, gone.stage)]
        return f" between {seen} ({stages[0]}) and {missed} ({stages[1]}){since}"
    if gone.time_s - gone.last_seen_s > _LONG_GAP * _length_when_seen(pair, gone.last_seen_s):
        return f" between {seen} and {missed}{during}"
    return f" {missed}{during}"


def _length_when_seen(pair: PairReport, time_s: float) -> float:
    """Length of the block with a stimulus: a disappearance is dated no more exactly."""
    return next((block.end_s - block.start_s for block in pair.blocks if block.end_s >= time_s), 0.0)


def _measured(pair: PairReport) -> str:
    """Word the measures that support the answer, each after a comma."""
    stimuli = used(pair, pair.n_stimuli_used)
    if pair.presence is Presence.PRESENT:
        share = f", in {100 * pair.persistence:.0f} % of" if pair.persistence is not None else ", over"
        measured = stimuli if pair.n_stimuli_measured is None else used(pair, pair.n_stimuli_measured)
        during = f" during {words(pair.measured_stage)}" if pair.measured_stage else ""
        return f"{_onset(pair)}{_amplitude(pair)}{share} {measured}{during}{_threshold(pair)}{_late(pair)}"
    limit = (
        f", nothing above {_uv(pair.detection_limit_uv)} uV" if pair.detection_limit_uv is not None else ""
    )
    if pair.presence is Presence.ABSENT:
        return f"{limit} in {stimuli}" if limit else f" in {stimuli}"
    return f" ({words(pair.reason)})" if pair.reason else ""


def _threshold(pair: PairReport) -> str:
    return "" if pair.stimulus_threshold_ma is None else f", from {pair.stimulus_threshold_ma:.3g} mA on"


def _late(pair: PairReport) -> str:
    late = pair.late_response
    if late is None or late.presence is not Presence.PRESENT:
        return ""
    return ", late response" + (
        "" if late.onset_latency_ms is None else f" at {late.onset_latency_ms:.0f} ms"
    )


def _before(pair: PairReport) -> str:
    """Word what an LSR was like while it was there."""
    measured = f"{_onset(pair)}{_amplitude(pair)}"
    return f"; before that{measured[1:]}" if measured else ""


def _amplitude(measures: Measures) -> str:
    return "" if measures.amplitude_uv is None else f", {_uv(measures.amplitude_uv)} uV"


def _onset(measures: Measures) -> str:
    if measures.onset_latency_ms is None:
        return ""
    interval = measures.onset_latency_ci_ms
    return f", onset {measures.onset_latency_ms:.1f} ms" + (
        f" ({interval[0]:.1f}-{interval[1]:.1f})" if interval else ""
    )


def _m_wave(pair: PairReport) -> str:
    m_wave = pair.m_wave
    if m_wave is None or m_wave.presence is not Presence.PRESENT:
        return "no M wave seen"
    onset = f" at {m_wave.onset_latency_ms:.1f} ms" if m_wave.onset_latency_ms is not None else ""
    size = f", {_uv(m_wave.amplitude_uv)} uV" if m_wave.amplitude_uv is not None else ""
    return f"M wave{onset}{size}"


def _uv(value: float | None) -> str:
    return _NOTHING if value is None else digits(value)


def _ms(value: float | None) -> str:
    return _NOTHING if value is None else f"{value:.1f}"


def _share(value: float | None) -> str:
    return _NOTHING if value is None else f"{100 * value:.0f}"


def _p(value: float | None) -> str:
    if value is None:
        return _NOTHING
    return "<0.0001" if value < 0.0001 else f"{value:.2g}" if value < 0.001 else f"{value:.3f}"


def _residual(report: Report) -> str:
    if report.residual_lsr is None and not any(pair.course for pair in report.pairs):
        return ""
    return wrapped(f"Residual LSR: {residual(report)}")


def _sides(report: Report) -> str:
    """Word nerve conduction where both sides were stimulated, each difference once."""
    lines = [
        wrapped(f"- {_conducted(one, one.amplitude_ratio)}", indent="  ")
        for one in report.nerve_conduction
        if one.amplitude_ratio is not None
    ]
    return "\n".join(["Nerve conduction, side against side", *lines]) if lines else ""


def _conducted(one: NerveConductionReport, ratio: float) -> str:
    """Word the M wave of a side; below 2 kHz it has no latency."""
    at = "" if one.onset_latency_ms is None else f" at {one.onset_latency_ms:.1f} ms"
    later = "" if one.latency_difference_ms is None else f", {one.latency_difference_ms:+.1f} ms"
    return (
        f"{words(one.muscle or one.channel)}, M wave of the {one.side} side: {_uv(one.amplitude_uv)} uV{at}; "
        f"{100 * ratio:.0f} % of the other side's{later}"
    )


def _spontaneous(report: Report) -> str:
    """Word the bursts between the stimuli; nothing where there are none."""
    found = report.spontaneous
    if found is None:
        return ""
    lines = [
        f"- {_printable(one.channel)}: {counted(one.n_bursts, 'burst')} "
        f"in {length(one.observed_s or 0.0, one.observed_s or 0.0)}, "
        f"{one.bursts_per_min or 0.0:.3g} a minute, {one.duration_ms or 0.0:.0f} ms each, "
        f"{100 * (one.active_share or 0.0):.0f} % of the time"
        for one in found.activity
        if one.stage is None and one.n_bursts
    ]
    lines += [
        f"- {_printable(one.channels[0])} and {_printable(one.channels[1])} fire together: "
        f"{counted(one.n_shared, 'burst')}, {100 * (one.share or 0.0):.0f} % of the muscle with fewer, "
        f"{abs(one.lag_ms or 0.0):.0f} ms apart"
        for one in found.synkinesis
        if one.stage is None
    ]
    return (
        "\n".join(["Between the stimuli", *(wrapped(line, indent="  ") for line in lines)]) if lines else ""
    )


# Column: (head, width, cell); text is aligned left, numbers right.
_PairColumn = tuple[str, int, Callable[[PairReport], str]]
_PAIR_COLUMNS: tuple[_PairColumn, ...] = (
    ("set", -3, lambda pair: pair.stimulation),
    ("muscle", -17, lambda pair: _short(pair)),
    ("relation", -9, lambda pair: pair.relation.value),
    ("answer", -7, lambda pair: _short_presence(_shown(pair).presence)),
    ("onset", 5, lambda pair: _ms(_shown(pair).onset_latency_ms)),
    ("uV", 5, lambda pair: _uv(_shown(pair).amplitude_uv)),
    ("%", 3, lambda pair: _share(pair.persistence)),
    ("used", 4, lambda pair: _NOTHING if pair.relation is Relation.DIRECT else str(pair.n_stimuli_used)),
    ("noise", 5, lambda pair: _uv(pair.noise_uv)),
    ("limit", 5, lambda pair: _uv(pair.detection_limit_uv)),
    ("p", 7, lambda pair: _p(pair.p_value)),
)


def _shown(pair: PairReport) -> PairReport | MWaveReport:
    """Tell what the table shows of a pair: of a direct muscle its M wave."""
    return pair.m_wave if pair.relation is Relation.DIRECT and pair.m_wave else pair


def _pair_table(report: Report) -> str:
    if not report.pairs:
        return ""
    head = [name for name, _, _ in _PAIR_COLUMNS]
    rows = [[cell(pair) for _, _, cell in _PAIR_COLUMNS] for pair in report.pairs]
    widths = [width for _, width, _ in _PAIR_COLUMNS]
    legend = (
        "onset: ms after the stimulus; uV: peak to peak; %: persistence; used: stimuli used; "
        "noise and limit: noise floor and smallest response that would have been seen, uV; "
        "direct: answer, onset and uV are those of the M wave"
    )
    return table(head, rows, widths) + "\n" + wrapped(legend)


def table(head: list[str], rows: list[list[str]], widths: list[int]) -> str:
    """Align cells under their heads; a negative width aligns to the left, what is too long ends in "~"."""
    lines = [
        " ".join(_padded(cell, width) for cell, width in zip(row, widths, strict=True))
        for row in (head, *rows)
    ]
    rule = " ".join("-" * abs(width) for width in widths)
    return "\n".join(line.rstrip() for line in (lines[0], rule, *lines[1:]))


def _padded(cell: str, width: int) -> str:
    cell = _as_columns(_printable(cell))
    if len(cell) > abs(width):
        cut = abs(width) - 1 - (cell[abs(width) - 1] == _FILLER)
        cell = cell[:cut] + "~"
    padded = cell.ljust(-width) if width < 0 else cell.rjust(width)
    return padded.replace(_FILLER, "")


def _short(pair: PairReport) -> str:
    if pair.muscle is Muscle.DEPRESSOR_ANGULI_ORIS:
        return "depr. anguli oris"
    return words(pair.muscle) if pair.muscle else pair.channel


def _short_presence(presence: Presence) -> str:
    return "indet." if presence is Presence.INDETERMINATE else presence.value


def _has_course(pair: PairReport) -> bool:
    """Tell whether a pair's blocks say more than the pair as a whole: of a course, or of a change."""
    answers = {block.presence for block in pair.blocks}
    return Presence.PRESENT in answers and (pair.course is not None or len(answers) > 1)


def _block_table(pair: PairReport, report: Report) -> str:
    """Show how a pair went on, one line for consecutive blocks of one stage that answer alike."""
    name = pair_names(report)[report.pairs.index(pair)]
    head = ["from", "to", "stage", "alone", "there", "n", "onset", "uV", "M wave uV"]
    widths = [-8, -8, -14, -7, -5, 3, 9, 9, 9]
    rows = []
    for (stage, alone, in_course), group in groupby(
        pair.blocks, key=lambda block: (block.stage, block.presence, block.presence_in_course)
    ):
        run = list(group)
        rows.append(
            [
                clock(run[0].start_s),
                clock(run[-1].end_s),
                words(stage or _NOTHING),
                _short_presence(alone),
                _THERE.get(in_course, _NOTHING),
                str(len(run)),
                _range(run, lambda block: block.onset_latency_ms, _ms),
                _range(run, lambda block: block.amplitude_uv, _uv),
                _range(run, lambda block: block.m_wave.amplitude_uv if block.m_wave else None, _uv),
            ]
        )
    legend = (
        "from, to: since the start; alone: what a block tells by itself; there: what the operation, as its "
        "own control, tells of it; n: blocks of stimuli; onset, uV: lowest to highest of them"
    )
    return "\n".join(
        [wrapped(f"Course of {name}", indent="    "), table(head, rows, widths), wrapped(legend)]
    )


def _range(
    run: list[BlockReport],
    measure: Callable[[BlockReport], float | None],
    word: Callable[[float | None], str],
) -> str:
    """Word the lowest and the highest of some blocks."""
    values = [value for value in map(measure, run) if value is not None]
    if not values:
        return _NOTHING
    low, high = word(min(values)), word(max(values))
    return low if low == high else f"{low}-{high}"


def _warnings(report: Report) -> list[Note]:
    return [
        Note(code=code, message=f"{'; '.join(names)}: {message}" if names else message)
        for code, message, names in gather_warnings(report, pair_names(report))
    ]


def _notes(title: str, notes: list[Note], *, colour: bool) -> str:
    if not notes:
        return ""
    lines = [wrapped(f"- {note.message} [{note.code}]", indent="  ") for note in notes]
    return _painted("\n".join([f"{title}:", *lines]), _YELLOW, colour=colour)
