"""What do all pairs of a recording show together?

Conventions
-----------
Detections come block by block and pooled over a pair; here they become one finding per pair, and one
statement over all pairs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from lsr.anatomy import Relation
from lsr.detection.detection import Detection, MWave, Presence, SweepFinding
from lsr.findings.blocks import count_leading
from lsr.findings.conduction import find_nerve_conduction
from lsr.findings.contact import ELECTRODE_CHANGED
from lsr.findings.course import (
    Outcome,
    doubt_end,
    doubt_last_answers,
    doubt_unmarked,
    is_operation,
    judge_course,
)
from lsr.findings.findings import BlockFinding, Findings, PairFinding, PairSweep
from lsr.findings.likeness import Contrast, is_at_edge
from lsr.findings.multiplicity import holm
from lsr.findings.pairs import Pair
from lsr.findings.rare import Alike
from lsr.findings.states import Run, count_until_lost
from lsr.findings.threshold import Level, find_threshold, recruitment, response_levels
from lsr.recording import Problem
from lsr.settings import Settings
from lsr.stages import Stage
from lsr.stimuli import StimulusSet, StimulusSource, Unmarked

_BEGINS_ELSEWHERE = ("starts_outside_window", "crosstalk")  # what blocks say of such a response


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """Everything detected in one pair."""

    stimuli: StimulusSet
    pair: Pair
    pooled: Detection  # all stimuli of the pair together
    first_stage: Detection | None  # those of the first stage, where there are several
    contrasts: tuple[Contrast, ...]  # what the first stage shows and others do not
    runs: tuple[Run, ...]  # blocks too noisy to tell by themselves, together
    alike: tuple[Alike | None, ...]  # one per block: its single sweeps that hold the LSR
    blocks: tuple[BlockFinding, ...]
    parts_uv: tuple[np.ndarray | None, ...]  # one per block: averages to compare blocks by
    m_wave: MWave | None
    m_wave_levels: tuple[Level, ...]  # by intensity; empty where it does not vary
    n_too_close: int  # stimuli whose window touches a gap or the next stimulus
    pooled_stimuli: tuple[int, ...] = ()  # whose sweeps those of `pooled` are

    @property
    def is_proof(self) -> bool:
        """Whether it is a direct muscle that shows an M wave."""
        shown = self.m_wave is not None and self.m_wave.presence is Presence.PRESENT
        return shown and self.pair.relation is Relation.DIRECT


def find_findings(
    judged: Sequence[Judged],
    stimuli: Sequence[StimulusSet],
    settings: Settings,
    problems: Sequence[Problem] = (),
    *,
    stages: Sequence[Stage] = (),
    unmarked: Unmarked | None = None,
) -> Findings:
    """Join what was detected in all pairs.

    Parameters
    ----------
    judged : sequence of Judged
    stimuli : sequence of StimulusSet
    settings : Settings
    problems : sequence of Problem
        Odd things met on the way.
    stages : sequence of Stage
        All of the recording, as `find_stages` finds them.
    unmarked : Unmarked | None
        Whether somebody stimulated where no marker says so.

    Returns
    -------
    Findings
    """
    found = _doubt_swaps([_find_pair(one, settings, stages, unmarked) for one in judged])
    found = _doubt_sides(judged, found)
    pairs = _adjusted([pair for pair, _ in found], settings.detection.alpha)
    ends = [
        outcome.residual
        for (_, outcome), pair in zip(found, pairs, strict=True)
        if outcome is not None and pair.relation is Relation.TARGET
    ]
    residual: bool | None = None
    if ends:
        residual = True if any(ends) else (False if all(end is False for end in ends) else None)
    return Findings(
        stimulation=tuple(stimuli),
        pairs=tuple(pairs),
        residual_lsr=residual,
        problems=tuple(problems),
        nerve_conduction=find_nerve_conduction(pairs),
    )


def _doubt_swaps(
    found: Sequence[tuple[PairFinding, Outcome | None]],
) -> list[tuple[PairFinding, Outcome | None]]:
    """Doubt a loss where a response came up in another channel: the electrodes may have been swapped."""
    came_up = [
        pair.channel for pair, _ in found if any(one.code == "appeared_later" for one in pair.warnings)
    ]
    doubted: list[tuple[PairFinding, Outcome | None]] = []
    for pair, outcome in found:
        others = sorted({label for label in came_up if label != pair.channel})
        if outcome is not None and outcome.disappeared_at is not None and others:
            message = (
                f"the LSR was lost here, and a response that was not there at baseline came up in "
                f"{', '.join(map(repr, others))}: the electrodes may have been swapped"
            )
            warnings = (*pair.warnings, Problem(code="channels_may_be_swapped", message=message))
            doubted.append((replace(pair, warnings=warnings), replace(outcome, residual=None)))
        else:
            doubted.append((pair, outcome))
    return doubted


def _doubt_sides(
    judged: Sequence[Judged], found: Sequence[tuple[PairFinding, Outcome | None]]
) -> list[tuple[PairFinding, Outcome | None]]:
    """Withhold absence, and its course, where another channel of the muscle is not silent, neither of a side.

    The silent one may be of the side that was not stimulated. Whether an LSR is left, the other tells.
    """
    alike = [(one.stimuli.id, one.pair.site.muscle, one.pair.site.side) for one in judged]
    heard = {
        key
        for key, (pair, _) in zip(alike, found, strict=True)
        if key[1] is not None and key[2] is None and pair.detection.presence is not Presence.ABSENT
    }
    doubted: list[tuple[PairFinding, Outcome | None]] = []
    for key, (pair, outcome) in zip(alike, found, strict=True):
        detection = pair.detection
        if key in heard and detection.presence is Presence.ABSENT:
            pair = replace(pair, detection=_withheld(detection, "side_not_told"), course=None)
            outcome = None
        doubted.append((pair, outcome))
    return doubted


def _find_pair(
    judged: Judged, settings: Settings, stages: Sequence[Stage], unmarked: Unmarked | None
) -> tuple[PairFinding, Outcome | None]:
    relation, site = judged.pair.relation, judged.pair.site
    detection, outcome = judged.pooled, None
    measured_stage, n_measured, is_part = None, None, False
    sweeps = _sweeps(judged)
    if relation in (Relation.TARGET, Relation.AMBIGUOUS):
        if is_operation(judged.blocks):
            outcome = _follow_operation(judged, settings, stages, unmarked)
            detection, measured_stage, is_part = _spokesman(judged, outcome, settings.detection.alpha)
            if detection.presence is Presence.ABSENT and any(outcome.there):
                detection = _withheld(detection, "in_few_sweeps")  # too few to be seen in all together
        detection = _unless_begun_before(detection, judged, outcome, settings.detection.alpha)
        if detection.onset_latency_ms is None:
            measured_stage, is_part = None, False
        n_measured = detection.n_stimuli_used if is_part else None
        detection = _counted(detection, judged)
    elif relation is Relation.DIRECT:
        detection = _withheld(detection, "direct_muscle")
    elif detection.presence is not Presence.INDETERMINATE:
        detection = _withheld(detection, "relation_unknown")
    warnings = _warnings(judged, settings, detection, outcome)
    levels = _levels(judged, sweeps, outcome)
    threshold = find_threshold(levels)
    finding = PairFinding(
        stimulation=judged.stimuli.id,
        branch=judged.stimuli.branch,
        muscle=site.muscle,
        side=site.side or judged.stimuli.side,
        channel=site.label,
        relation=relation,
        detection=detection,
        m_wave=judged.m_wave,
        stimulus_threshold_ma=threshold.intensity_ma if threshold else None,
        stimulus_threshold_ci_ma=threshold.interval_ma if threshold else None,
        m_wave_threshold=find_threshold(judged.m_wave_levels),
        recruitment=recruitment(
            levels, judged.m_wave_levels, counts_stimuli=judged.stimuli.source is not StimulusSource.AVERAGE
        ),
        p_value_adjusted=None,
        blocks=judged.blocks,
        course=outcome.course if outcome else None,
        amplitude_change_percent=outcome.change.percent if outcome and outcome.change else None,
        amplitude_change_ci_percent=outcome.change.interval_percent if outcome and outcome.change else None,
        disappeared_at=outcome.disappeared_at if outcome else None,
        baseline_block=outcome.baseline_block if outcome else None,
        sweeps=sweeps,
        measured_stage=measured_stage,
        n_stimuli_measured=n_measured,
        there=outcome.there if outcome else (),
        warnings=(*warnings, *(outcome.warnings if outcome else ())),
    )
    return finding, outcome


def _follow_operation(
    judged: Judged, settings: Settings, stages: Sequence[Stage], unmarked: Unmarked | None
) -> Outcome:
    """What became of the LSR, and how far it can be believed."""
    outcome = judge_course(
        judged.blocks,
        settings.detection,
        first_stage=judged.first_stage,
        pooled=judged.pooled,
        runs=judged.runs,
        alike=judged.alike,
        parts_uv=judged.parts_uv,
        contrasts=judged.contrasts,
    )
    intensities = [stimulus.intensity_ma for stimulus in judged.stimuli.stimuli]
    outcome = doubt_last_answers(judged.blocks, outcome, intensities, settings.detection.alpha)
    outcome = doubt_end(judged.blocks[-1].end_s, outcome, stages)
    if unmarked is None:
        return outcome
    return doubt_unmarked(outcome, before=unmarked.before, after=unmarked.after)


def _levels(judged: Judged, sweeps: Sequence[PairSweep], outcome: Outcome | None) -> tuple[Level, ...]:
    """Answers by intensity; of an operation before the LSR was lost, and of its first stage if that tells.

    An LSR that is gone answers to no current, and one that is going to ever fewer stimuli of one current.
    """
    if judged.pair.relation not in (Relation.TARGET, Relation.AMBIGUOUS):
        return ()
    intensities = [stimulus.intensity_ma for stimulus in judged.stimuli.stimuli]
    if outcome is None:
        return response_levels(intensities, sweeps, judged.blocks)
    blocks = judged.blocks[: count_until_lost(judged.blocks, outcome.there)]
    at_first = response_levels(intensities, sweeps, blocks[: count_leading([one.stage for one in blocks])])
    return at_first if find_threshold(at_first) else response_levels(intensities, sweeps, blocks)


def _spokesman(judged: Judged, outcome: Outcome, alpha: float) -> tuple[Detection, str | None, bool]:
    """The detection that speaks for an operation, the stage that it is of, and whether of a part at all.

    That of the first stage where the LSR was there, else that of all stimuli; where neither tells, that of
    the block that shows the LSR most surely. P-values are multiplied by how many were asked (Bonferroni).
    """
    asked = [judged.pooled] if judged.first_stage is None else [judged.first_stage, judged.pooled]
    chosen = next((one for one in asked if one.presence is Presence.PRESENT), judged.pooled)
    p_values = [one.p_value for one in asked if one.p_value is not None]
    p = min(1.0, len(asked) * min(p_values)) if p_values else None
    if chosen.presence is Presence.PRESENT and p is not None and p > alpha:
        return replace(_withheld(chosen, "unsure_over_stages"), p_value=p), None, False
    if chosen.presence is Presence.INDETERMINATE and (surest := _surest(judged, outcome)) is not None:
        p_block = len(judged.blocks) * (surest.detection.p_value or 0.0)
        if p_block <= alpha:
            return replace(surest.detection, p_value=p_block), surest.stage, True
    is_of_first = chosen is judged.first_stage and chosen is not judged.pooled
    stage = next((block.stage for block in judged.blocks if block.stage), None) if is_of_first else None
    return replace(chosen, p_value=p), stage, stage is not None


def _surest(judged: Judged, outcome: Outcome) -> BlockFinding | None:
    """The block that shows the LSR most surely; None where none shows it by itself."""
    shown = [
        block
        for block, is_there in zip(judged.blocks, outcome.there, strict=False)
        if is_there and block.detection.presence is Presence.PRESENT
    ]
    return min(shown, key=lambda block: block.detection.p_value or 0.0, default=None)


def _unless_begun_before(
    detection: Detection, judged: Judged, outcome: Outcome | None, alpha: float
) -> Detection:
    """Withhold a response that every block sees as plainly, and none sees begin in the search window.

    What all stimuli show has hardly any noise left, and what models of tails and copies miss of a wave that
    begins with the M wave may pass there for a response that begins after it.
    """
    told = [block.detection for block in judged.blocks if block.detection.p_value is not None]
    if any(one.presence is Presence.PRESENT for one in told) or (outcome and any(outcome.there)):
        return detection
    stands_out = [one.reason for one in told if one.p_value is not None and one.p_value <= alpha]
    reasons = Counter(one for one in stands_out if one is not None and one in _BEGINS_ELSEWHERE)
    if detection.presence is not Presence.PRESENT or reasons.total() <= len(told) / 2:
        return detection
    (reason, _), *_ = reasons.most_common()
    found = f"{reasons.total()} of {len(told)} see it plainly, none begin in the search window: {reason}"
    evidence = (*detection.evidence, ("blocks", found))
    return _withheld(replace(detection.unmeasured(), evidence=evidence), reason)


def _counted(detection: Detection, judged: Judged) -> Detection:
    """Count the stimuli of all blocks, and those that could not be cut."""
    rejected: Counter[str] = Counter()
    for block in judged.blocks:
        rejected.update(block.detection.rejected)
    if judged.n_too_close:
        rejected["touches_gap"] += judged.n_too_close
    used = sum(block.detection.n_stimuli_used for block in judged.blocks)
    return replace(
        detection,
        n_stimuli_used=used,
        n_stimuli_rejected=rejected.total(),
        rejected=dict(sorted(rejected.items())),
    )


def _withheld(detection: Detection, reason: str) -> Detection:
    """The detection without its verdict, and why."""
    return replace(detection, presence=Presence.INDETERMINATE, reason=reason)


def _sweeps(judged: Judged) -> tuple[PairSweep, ...]:
    """Every stimulus of the set, with what its sweep shows; those that were not cut say so.

    A block with few answers, as the weak stimuli of a ramp, has no waveform to tell them by: outside an
    operation, where a response stays what it is, that of all stimuli tells.
    """
    rows: dict[int, PairSweep] = {}
    together: dict[int, SweepFinding] = {}
    if judged.pooled.presence is Presence.PRESENT and not is_operation(judged.blocks):
        together = dict(zip(judged.pooled_stimuli, judged.pooled.sweeps, strict=False))
    for block in judged.blocks:
        for stimulus, own in zip(block.stimuli, block.detection.sweeps, strict=True):
            finding = own
            if own.used and own.present is None and (other := together.get(stimulus)) and other.used:
                finding = other
            time_s = judged.stimuli.stimuli[stimulus].time_s
            rows[stimulus] = PairSweep(stimulus=stimulus, time_s=time_s, stage=block.stage, finding=finding)
    left_out = SweepFinding(
        used=False, reason="touches_gap", present=None, latency_ms=None, amplitude_uv=None
    )
    for number, stimulus_ in enumerate(judged.stimuli.stimuli):
        if number not in rows:
            rows[number] = PairSweep(stimulus=number, time_s=stimulus_.time_s, stage=None, finding=left_out)
    return tuple(rows[number] for number in sorted(rows))


def _warnings(
    judged: Judged, settings: Settings, detection: Detection, outcome: Outcome | None
) -> list[Problem]:
    """What is to be known of a pair besides its verdict and its course."""
    relation = judged.pair.relation
    warnings = []
    is_shown = detection.presence is Presence.PRESENT or (outcome is not None and any(outcome.there))
    if relation is Relation.AMBIGUOUS and is_shown:
        message = "the stimulated branch often supplies this muscle too: a response may be no lateral spread"
        warnings.append(Problem(code="ambiguous_muscle", message=message))
    if relation is Relation.TARGET and is_shown and judged.m_wave is None:
        message = (
            "no muscle of the stimulated branch was recorded: crosstalk of its M wave may be part of the "
            "response, and put its onset earlier"
        )
        warnings.append(Problem(code="no_direct_muscle", message=message))
    if relation is Relation.UNMAPPED:
        message = (
            "what a response of this muscle means for this stimulus is not known; "
            'say it with [channels] "LABEL" = { relation = "target" }, or name branch and side'
        )
        warnings.append(Problem(code="relation_unknown", message=message))
    if judged.stimuli.side and judged.pair.site.side is None:
        message = f"the channel's side is not stated; {judged.stimuli.side} is assumed"
        warnings.append(Problem(code="side_assumed", message=message))
    if relation is Relation.DIRECT and judged.m_wave is not None and judged.m_wave.is_clipped:
        message = "the M wave reaches the amplifier's limit: its amplitude is a lower bound"
        warnings.append(Problem(code="clipped", message=message))
    if judged.stimuli.source is StimulusSource.AVERAGE and relation is not Relation.DIRECT:
        message = (
            "each sweep is an average: which stimuli are answered, and how constant the latency is, "
            "cannot be told"
        )
        warnings.append(Problem(code="averages", message=message))
    if any(len(stimulus.train_ms) > 1 for stimulus in judged.stimuli.stimuli):
        message = "stimuli are trains; latencies count from the first pulse, artifacts of the others stay"
        warnings.append(Problem(code="train", message=message))
    late_ms = judged.m_wave.late_onset_ms if judged.m_wave else None
    if relation is Relation.DIRECT and late_ms is not None:
        first_ms, last_ms = settings.detection.direct_window_ms
        message = (
            f"no M wave begins in the direct window ({first_ms:g} to {last_ms:g} ms), but the muscle "
            f"answers from {late_ms:.1f} ms on: if the nerve conducts that slowly, set "
            "detection.direct_window_ms and search_window_ms later; else, were branch and electrodes those "
            "that are named?"
        )
        warnings.append(Problem(code="m_wave_late", message=message))
    lost = [block for block in judged.blocks if block.detection.reason == ELECTRODE_CHANGED]
    if lost:
        message = (
            f"in {len(lost)} of {len(judged.blocks)} blocks, from {lost[0].start_s:.0f} s on, the channel "
            "sees less than a third of the stimulus that it saw where it answered: the electrode may be off "
            "or the gain changed, so silence there is no loss"
        )
        warnings.append(Problem(code=ELECTRODE_CHANGED, message=message))
    window_ms = settings.detection.search_window_ms
    if is_at_edge(detection, window_ms):
        message = (
            f"the onset lies at the edge of the search window ({window_ms[0]:g} ms): "
            "the end of an M wave may reach it"
        )
        warnings.append(Problem(code="onset_at_edge", message=message))
    return warnings


def _adjusted(pairs: list[PairFinding], alpha: float) -> list[PairFinding]:
    """Holm's adjustment over the pairs that may show an LSR."""
    asked = [
        k
        for k, pair in enumerate(pairs)
        if pair.relation in (Relation.TARGET, Relation.AMBIGUOUS) and pair.detection.p_value is not None
    ]
    p_values = [pairs[k].detection.p_value for k in asked]
    adjusted = list(pairs)
    for k, p in zip(asked, holm([p for p in p_values if p is not None]), strict=True):
        warnings = pairs[k].warnings
        if pairs[k].detection.presence is Presence.PRESENT and p > alpha:
            message = f"over all pairs of the recording p = {p:.2g}: one such finding may be chance"
            warnings = (*warnings, Problem(code="chance_over_pairs", message=message))
        adjusted[k] = replace(pairs[k], p_value_adjusted=p, warnings=warnings)
    return adjusted
