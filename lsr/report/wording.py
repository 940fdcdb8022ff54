"""Which words do all renderings of a report have in common?

Conventions
-----------
Nothing is computed here, only worded. Layout, units and dashes are each rendering's own.
"""

from __future__ import annotations

from lsr.anatomy import Relation
from lsr.findings.findings import Course
from lsr.report.report import PairReport, Report, StimulationReport
from lsr.stimuli import BranchSource, StimulusSource

INFERRED = "branch inferred, not stated"
# In the order in which pairs are shown: targets first, as they are what is asked about.
RELATIONS = (Relation.TARGET, Relation.AMBIGUOUS, Relation.UNMAPPED, Relation.DIRECT)
_UNTOLD = {
    "no_baseline_verdict": "nothing at baseline can be judged",
    "faint_at_baseline": "too faint at baseline",
    "faint_at_end": "too faint at the end to say whether it is gone",
    "no_final_verdict": "the end cannot be judged",
    "answers_now_and_then": "single stimuli still show it at the end",
    "silent_at_last": "the last stimuli go unanswered",
    "end_not_marked": "stimuli at the end bear no marker",
    "weaker_stimulus": "it is smaller at the end, where the stimulus is weaker",
    "back_with_stimulus": "it was gone, and is seen again only with a stronger stimulus",
    "m_wave_fell_alike": "it fell as the M wave did (stimulus, electrode or anaesthesia change)",
}


def clock(time_s: float) -> str:
    """Word seconds since the start as hours, minutes and seconds; what came before it bears a minus.

    Examples
    --------
    >>> clock(1880.2), clock(-60.0)
    ('00:31:20', '-00:01:00')
    """
    minutes, seconds = divmod(abs(int(time_s)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{'-' if time_s <= -1 else ''}{hours:02d}:{minutes:02d}:{seconds:02d}"


def length(duration_s: float, end_s: float) -> str:
    """Word how much was recorded, and over what time where that is more.

    Examples
    --------
    >>> length(14.0, 14.0)
    '14 s'
    >>> length(16.0, 3000.0)
    '16 s within 00:50:00'
    """
    recorded = f"{duration_s:.3g} s" if duration_s < 60 else clock(duration_s)
    return recorded if end_s < duration_s + 1 else f"{recorded} within {clock(end_s)}"


def words(name: str) -> str:
    """Word a name of the report: underscores are spaces."""
    return name.replace("_", " ")


def counted(count: int, noun: str) -> str:
    """Word a count of things.

    Examples
    --------
    >>> counted(1, "stimulus"), counted(3, "stimulus"), counted(2, "gap")
    ('1 stimulus', '3 stimuli', '2 gaps')
    """
    plural = {"stimulus": "stimuli"}.get(noun, f"{noun}s")
    return f"{count} {noun if count == 1 else plural}"


def counts(by_reason: dict[str, int]) -> str:
    """Word how many there are of each reason."""
    return ", ".join(f"{count} {words(reason)}" for reason, count in by_reason.items())


def digits(value: float) -> str:
    """Word a size: three digits that count are enough to read.

    Examples
    --------
    >>> digits(1234.5), digits(12.345)
    ('1234', '12.3')
    """
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def signed(value: float) -> str:
    """Word a change in whole numbers.

    Examples
    --------
    >>> signed(-41.7), signed(-0.3)
    ('-42', '+0')
    """
    return f"{round(value):+d}"


def stimulated(one: StimulationReport) -> str:
    """Name the branch that a stimulus set met."""
    branch = words(one.branch) if one.branch else "unknown branch"
    return f"{one.side} {branch}" if one.side else branch


def given(one: StimulationReport) -> str:
    """Word how many stimuli a set holds, or how many averages of them."""
    if one.source is not StimulusSource.AVERAGE:
        return counted(one.n_stimuli, "stimulus")
    averages = counted(one.n_stimuli, "average")
    if one.n_averaged is None:
        return averages
    low, high = one.n_averaged
    return f"{averages} of {counted(high, 'sweep') if low == high else f'{low} to {high} sweeps'}"


def used(pair: PairReport, n_used: int) -> str:
    """Word a number of stimuli of a pair, or of averages of them."""
    holds_averages = any(one.code == "averages" for one in pair.warnings)
    return counted(n_used, "average" if holds_averages else "stimulus")


def teller(one: StimulationReport) -> str | None:
    """Quote what tells of a set: a text, or a trigger channel, with its code where it has several."""
    return one.text or one.trigger_channel


def pair_order(report: Report) -> list[int]:
    """Sort the numbers of the pairs: targets first, as they are what is asked about."""
    return sorted(range(len(report.pairs)), key=lambda k: RELATIONS.index(report.pairs[k].relation))


def inferred_sets(report: Report) -> set[str]:
    """Which stimulus sets met a branch that nobody states, inferred from M waves."""
    return {one.id for one in report.stimulation if one.branch_source is BranchSource.INFERRED}


def gather_warnings(report: Report, names: list[str]) -> list[tuple[str, str, list[str]]]:
    """Gather the warnings of all pairs, each once: its code, its sentence, and which pairs it concerns.

    Of pairs that are all meant none is named.
    """
    pairs: dict[tuple[str, str], list[str]] = {}
    for name, pair in zip(names, report.pairs, strict=True):
        for one in pair.warnings:
            pairs.setdefault((one.code, one.message), []).append(name)
    return [
        (code, message, [] if len(named) == len(names) else named) for (code, message), named in pairs.items()
    ]


def untold(pair: PairReport) -> str | None:
    """Word why the course of an LSR in an operation cannot be told; None where it is, or is not asked for."""
    if pair.course is not None:
        return None
    return next((_UNTOLD[one.code] for one in pair.warnings if one.code in _UNTOLD), None)


def residual(report: Report) -> str:
    """Word whether an LSR is left at the end of an operation."""
    if report.residual_lsr is None:
        return "cannot be told"
    if report.residual_lsr:
        return "YES, in at least one pair"
    if never_there(report):
        return "none was there at baseline, so its loss cannot be judged"
    left = {Course.PERSISTED, Course.REDUCED, Course.REAPPEARED}
    doubtful = any(pair.course in left for pair in report.pairs if pair.relation is not Relation.TARGET)
    return "no, in none of the target pairs" + (
        "; a muscle that the stimulated branch may supply itself still responds" if doubtful else ""
    )


def never_there(report: Report) -> bool:
    """Whether an operation began without an LSR: then nothing tells that decompression did anything."""
    courses = {pair.course for pair in report.pairs if pair.relation is Relation.TARGET}
    return courses == {Course.NOT_DETECTED_AT_BASELINE}
