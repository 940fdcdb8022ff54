"""What became of a pair's LSR during the operation?

Conventions
-----------
Blocks are in the order of time. Baseline is the leading stage, from its first block with an adequate M
wave on. It is the first block that can be judged where there are no stages and that block is among the first
quarter, and where nothing of these can be judged but an LSR is seen soon after.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from lsr.detection.detection import NEARLY_PRESENT, Detection, Presence
from lsr.detection.rivals import SECOND_ARTIFACT
from lsr.findings.blocks import count_leading
from lsr.findings.findings import BlockFinding, Course, Disappearance, PairFinding
from lsr.findings.likeness import Contrast
from lsr.findings.rare import Alike, count_together, may_be_unanswered
from lsr.findings.states import (
    Run,
    States,
    holds_more,
    holds_nothing,
    holds_some,
    is_as_strong,
    is_present,
    is_stimulated_alike,
    is_weaker,
    judge_states,
    m_wave_uv,
    surely_gone,
    surely_without,
)
from lsr.findings.trend import LEAST_M_FALL, Change, change_to_nothing, find_change
from lsr.recording import Problem
from lsr.settings import DetectionSettings
from lsr.stages import DECOMPRESSION, Stage, is_before_decompression, is_since_decompression

_MIN_SPAN_S = 600.0  # without stages, a recording this long with this many blocks is an operation
_MIN_BLOCKS = 3
_HINT = 0.05  # p-value; above it, nothing stands out
_MOST = 0.5  # of the blocks that can be judged
_LEAST_SILENT = 5  # last stimuli; fewer tell too little
_FIRST_SHARE, _LAST_SHARE = 0.25, 0.25  # of the blocks: baseline and end of an operation without stages


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of an LSR, and since when."""

    course: Course | None = None
    change: Change | None = None
    disappeared_at: Disappearance | None = None
    baseline_block: int | None = None
    residual: bool | None = None  # present at the end; None: cannot be told
    warnings: tuple[Problem, ...] = ()
    there: tuple[bool | None, ...] = ()  # whether the LSR was in each block; None: cannot be told


def is_operation(blocks: Sequence[BlockFinding]) -> bool:
    """Whether a course can be asked for: several stages, or several blocks over a long time."""
    stages = {block.stage for block in blocks if block.stage}
    if len(stages) > 1:
        return True
    return len(blocks) >= _MIN_BLOCKS and blocks[-1].end_s - blocks[0].start_s >= _MIN_SPAN_S


def judge_course(
    blocks: Sequence[BlockFinding],
    settings: DetectionSettings,
    *,
    first_stage: Detection | None = None,
    pooled: Detection | None = None,
    runs: Sequence[Run] = (),
    parts_uv: Sequence[np.ndarray | None] = (),
    contrasts: Sequence[Contrast] = (),
    alike: Sequence[Alike | None] = (),
) -> Outcome:
    """Judge the blocks of one pair.

    Parameters
    ----------
    blocks : sequence of BlockFinding
    settings : DetectionSettings
        Its `alpha` is the false positive rate over all blocks.
    first_stage : Detection | None
        All stimuli of the first stage together.
    pooled : Detection | None
        All stimuli together.
    runs : sequence of Run
        What blocks too noisy to tell by themselves show together.
    parts_uv : sequence of np.ndarray or None, one per block
        Averages to compare blocks by.
    contrasts : sequence of Contrast
        What the first stage shows and others do not.
    alike : sequence of Alike or None, one per block
        Single sweeps that hold the LSR in blocks that show none.

    Returns
    -------
    Outcome
    """
    is_masked = _masked_by_second_artifact(blocks, first_stage, pooled)
    if is_masked:
        first_stage = None
    together = [(first_stage, range(_n_first(blocks))), (pooled, range(len(blocks)))]
    states = judge_states(
        blocks,
        settings,
        runs=runs,
        parts_uv=parts_uv,
        contrasts=contrasts,
        pooled=[(found, which) for found, which in together if found is not None],
        is_masked=is_masked,
    )
    states = _with_end(blocks, states)
    outcome = _judge_states(blocks, settings, states, first_stage, runs, alike)
    return replace(outcome, there=states.there)


def _masked_by_second_artifact(
    blocks: Sequence[BlockFinding], first_stage: Detection | None, pooled: Detection | None
) -> bool:
    """Whether what single blocks take for an LSR may be the second artifact that the others show.

    All stimuli together show it, most blocks, and the first stage: by its verdict, or in as many blocks as
    show an LSR. Where pulses were doubled later, the first stage tells what the LSR is.
    """
    if pooled is None or pooled.reason != SECOND_ARTIFACT:
        return False
    judged = [block.detection for block in blocks if block.detection.p_value is not None]
    if _count_second(judged) < _MOST * len(judged):
        return False
    first = [block.detection for block in blocks[: _n_first(blocks)]]
    n_present = sum(one.presence is Presence.PRESENT for one in first)
    by_verdict = first_stage is not None and first_stage.reason == SECOND_ARTIFACT
    return by_verdict or _count_second(first) >= max(n_present, 1)


def _count_second(found: Sequence[Detection]) -> int:
    return sum(one.reason == SECOND_ARTIFACT for one in found)


def _judge_states(
    blocks: Sequence[BlockFinding],
    settings: DetectionSettings,
    states: States,
    first_stage: Detection | None,
    runs: Sequence[Run],
    alike: Sequence[Alike | None],
) -> Outcome:
    """Judge what became of an LSR, given in which blocks it was there."""
    baseline = _at_baseline(blocks, states, first_stage, settings.alpha)
    if baseline is None and _seen_soon_after(blocks, states):
        outcome = _follow(blocks, settings, states, runs, alike)
        message = (
            "nothing of the baseline can be judged; the LSR is measured against the first block that can"
        )
        return replace(outcome, warnings=(Problem(code="late_baseline", message=message), *outcome.warnings))
    if baseline is None:
        outcome = _cannot_tell("no_baseline_verdict", "whether an LSR was there at baseline cannot be told")
        return replace(outcome, residual=True if _ends_with_lsr(blocks, states) else None)
    if not baseline:
        return _not_at_baseline(blocks, states)
    if not states.present:
        message = "at baseline an LSR is seen over all its stimuli only: single blocks are too noisy for it"
        return _cannot_tell("faint_at_baseline", message)
    return _follow(blocks, settings, states, runs, alike)


def _follow(
    blocks: Sequence[BlockFinding],
    settings: DetectionSettings,
    states: States,
    runs: Sequence[Run],
    alike: Sequence[Alike | None],
) -> Outcome:
    """Follow an LSR that was there from its first block on."""
    present = states.present

    def is_gone(silent: Sequence[int], neighbours: Sequence[int]) -> bool:
        return surely_gone(
            blocks,
            states,
            silent,
            last_seen=neighbours,
            alpha=settings.alpha,
            power=settings.power,
            runs=runs,
        )

    silent = [k for k in range(_held_until(states) + 1, len(blocks)) if states.there[k] is False]
    if not silent:
        gaps = list(pairwise(present))
        pauses = [
            [k for k in range(a + 1, b) if states.there[k] is False or k in states.faded] for a, b in gaps
        ]
        returned = [
            (pause, gap[1])
            for pause, gap in zip(pauses, gaps, strict=True)
            if pause
            and is_gone(pause, gap)
            and holds_more(states, [k for k in present if k >= gap[1]], pause)
            and not _may_be_there_unanswered(blocks, states, pause, alike, settings.alpha)
        ]
        if returned and not any(
            is_stimulated_alike(blocks[k], blocks[one])
            for pause, since in returned
            for k in pause
            for one in present
            if one >= since
        ):
            return _back_with_stimulus(blocks, states)
        return _still_there(blocks, states, returned=bool(returned))
    if not is_gone(silent, present[-1:]):
        message = (
            "the LSR was last so small that it may be there unseen: whether it disappeared cannot be told"
        )
        return _cannot_tell("faint_at_end", message, baseline_block=_first_measured(states))
    if len(silent) == 1 and not _reaches_end(blocks, silent[0]) and not _is_surely(blocks, states, silent[0]):
        message = "one block is without the LSR, and none after it can be judged"
        return _cannot_tell("no_final_verdict", message, baseline_block=_first_measured(states))
    since = present[-1] if len(silent) == 1 else silent[-1]
    if any(k > since for k in states.doubtful):
        message = "beside the last block without the LSR, another may hold it: the course cannot be told"
        return _cannot_tell("no_final_verdict", message, baseline_block=_first_measured(states))
    rare = count_together([one for k in silent if k < len(alike) and (one := alike[k]) is not None])
    if rare.tells:
        message = (
            f"{rare.n_alike} of {rare.n_sweeps} single stimuli in blocks without an LSR show it "
            f"(by chance {rare.by_chance:.1f}): it answers now and then, which no average tells"
        )
        return _cannot_tell("answers_now_and_then", message, baseline_block=_first_measured(states))
    if _may_be_there_unanswered(blocks, states, silent, alike, settings.alpha):
        message = (
            "the LSR left so many stimuli unanswered before that it may have left those of the last blocks "
            "unanswered by chance"
        )
        return _cannot_tell("answers_now_and_then", message, baseline_block=_first_measured(states))
    return _gone(blocks, states, silent, settings.smallest_response_uv)


def _may_be_there_unanswered(
    blocks: Sequence[BlockFinding],
    states: States,
    silent: Sequence[int],
    alike: Sequence[Alike | None],
    alpha: float,
) -> bool:
    """Whether an LSR as constant as in the blocks that show it may leave these as silent as they are."""
    shown = [blocks[k].detection for k in states.present]
    counts = [(one.persistence, one.n_stimuli_used) for one in shown if one.persistence is not None]
    n_sweeps = sum(blocks[k].detection.n_stimuli_used for k in silent)
    if not counts or not n_sweeps:
        return False
    share = float(np.average([one for one, _ in counts], weights=[n for _, n in counts]))
    n_alike = sum(one.n_alike for k in silent if k < len(alike) and (one := alike[k]) is not None)
    return may_be_unanswered(n_sweeps, min(n_alike, n_sweeps), share, alpha / len(blocks))


def _is_surely(blocks: Sequence[BlockFinding], states: States, silent: int) -> bool:
    """Whether a block holds next to nothing of the LSR, and nothing in it hints at a response."""
    found = blocks[silent].detection
    hints = found.presence is not Presence.ABSENT and (found.p_value or 0.0) <= _HINT
    return holds_nothing(states, silent) and not hints


def _held_until(states: States) -> int:
    """The last block up to which those after the last that shows an LSR still hold some of it together."""
    last = states.present[-1]
    after = [k for k in states.measured if k > last]
    held = [
        k for n, k in enumerate(after, 1) if holds_some(states, after[:n]) and not holds_nothing(states, k)
    ]
    return max(held, default=last)


def _told_by_comparison(blocks: Sequence[BlockFinding], states: States) -> tuple[Problem, ...]:
    """Which blocks hold an LSR, or hold none, that do not say so by themselves."""
    if states.likeness is None:
        return ()
    own = {True: Presence.PRESENT, False: Presence.ABSENT}
    held, gone = (
        [k for k in states.measured if states.there[k] is said and blocks[k].detection.presence is not word]
        for said, word in own.items()
    )
    most = max((float(states.likeness.size[k] + 2 * states.likeness.deviation[k]) for k in gone), default=0.0)
    parts = [f"{len(held)} to hold an LSR"] if held else []
    parts += [f"{len(gone)} to hold none, or at most {100 * max(most, 0.01):.0f} % of it"] if gone else []
    if not parts:
        return ()
    message = f"of the blocks that do not tell by themselves, comparison tells {' and '.join(parts)}"
    return (Problem(code="told_by_comparison", message=message),)


def _with_end(blocks: Sequence[BlockFinding], states: States) -> States:
    """Take for present what the last blocks hold together, where none of them is surely without it."""
    if not states.present:
        return states
    end = [k for k in range(states.present[-1] + 1, len(blocks)) if _reaches_end(blocks, k)]
    some = [k for k in end if k in states.measured]
    silent = [k for k in end if states.there[k] is False]
    if any(k not in some or holds_nothing(states, k) for k in silent) or not holds_some(states, some):
        return states
    return replace(states, there=tuple(k in some or one for k, one in enumerate(states.there)))


def _at_baseline(
    blocks: Sequence[BlockFinding], states: States, first_stage: Detection | None, alpha: float
) -> bool | None:
    """Presence in the first stage: present in any block, absent in all that can be judged."""
    if all(block.stage is None for block in blocks):
        first = _first_judged(states)
        if first is None or first >= max(1.0, _FIRST_SHARE * len(blocks)):
            return None
        return states.there[first]
    judged = [state for state in states.there[: _n_first(blocks)] if state is not None]
    if any(judged):
        return True
    if first_stage is not None and is_present(first_stage, alpha / len(blocks)):
        return True
    if any(is_present(block.detection, alpha) for block in blocks[: _n_first(blocks)]):
        return None  # not surely, given how many blocks are asked, but no absence either
    if first_stage is not None:
        if first_stage.presence is Presence.ABSENT:
            is_adequate = states.baseline is not None and states.baseline < _n_first(blocks)
            return False if is_adequate else None
        hinted = first_stage.presence is Presence.PRESENT or first_stage.reason in (
            *NEARLY_PRESENT,
            "explained_otherwise",
            "in_few_sweeps",
        )
        if hinted and len(judged) < _n_first(blocks):
            return None  # its stimuli together hint at what a block may hide that cannot tell
    if any(block.detection.reason == "in_few_sweeps" for block in blocks[: _n_first(blocks)]):
        return None  # a response that varies, or answers now and then, is little like what comes later
    return False if judged else None


def _seen_soon_after(blocks: Sequence[BlockFinding], states: States) -> bool:
    """Whether the first block that can be judged shows an LSR, and lies before decompression, or the end."""
    first = _first_judged(states)
    if first is None or not states.there[first]:
        return False
    if all(block.stage is None for block in blocks):
        return not _reaches_end(blocks, first)
    return is_before_decompression(blocks[first].stage)


def _first_judged(states: States) -> int | None:
    return next((k for k, state in enumerate(states.there) if state is not None), None)


def _ends_with_lsr(blocks: Sequence[BlockFinding], states: States) -> bool:
    """Whether the last block that can be judged lies at the end, and shows an LSR."""
    last = max((k for k, state in enumerate(states.there) if state is not None), default=0)
    return states.there[last] is True and _reaches_end(blocks, last)


def _n_first(blocks: Sequence[BlockFinding]) -> int:
    """How many leading blocks are the baseline."""
    return count_leading([block.stage for block in blocks])


def _cannot_tell(code: str, message: str, *, baseline_block: int | None = None) -> Outcome:
    return Outcome(baseline_block=baseline_block, warnings=(Problem(code=code, message=message),))


def _not_at_baseline(blocks: Sequence[BlockFinding], states: States) -> Outcome:
    """No response at baseline: never "disappeared", though one may have come up later."""
    last = max((k for k, one in enumerate(states.there) if one is not None), default=0)
    course: Course | None = Course.NOT_DETECTED_AT_BASELINE
    warnings: tuple[Problem, ...] = ()
    if is_since_decompression(blocks[0].stage):
        course = None
        message = (
            "nothing was stimulated before decompression: whether an LSR was there at baseline cannot be told"
        )
        warnings = (Problem(code="no_baseline_verdict", message=message),)
    elif _appears_with_stimulus(blocks, states):
        course = None
        message = (
            "the first stimuli, or their M waves, were smaller than those that show an LSR later: whether "
            "one was there at baseline cannot be told"
        )
        warnings = (Problem(code="no_baseline_verdict", message=message),)
    if any(states.there):
        at_first = "at baseline" if course else "at first"
        message = f"no LSR was detected {at_first}, but one was later"
        warnings = (*warnings, Problem(code="appeared_later", message=message))
    if not _reaches_end(blocks, last):
        return Outcome(course=course, warnings=(*warnings, *_unjudged_end(blocks, last)))
    return Outcome(
        course=course,
        residual=states.there[last],
        warnings=warnings,
    )


def _appears_with_stimulus(blocks: Sequence[BlockFinding], states: States) -> bool:
    """Whether an LSR comes up only where M wave or current are larger than in any silent block before."""
    if not states.present:
        return False
    first = states.present[0]
    silent = [blocks[k] for k in range(first) if states.there[k] is False]
    return not any(is_stimulated_alike(block, blocks[first]) for block in silent)


def _first_measured(states: States) -> int:
    """The baseline block: the first with a response, if possible from the first adequate M wave on."""
    present = states.present
    since = states.baseline or 0
    return next((k for k in present if k >= since), present[0])


def _still_there(blocks: Sequence[BlockFinding], states: States, *, returned: bool) -> Outcome:
    """The last judged block holds a response: persisted, reduced or reappeared."""
    first, last = _first_measured(states), states.present[-1]
    if not _reaches_end(blocks, last):
        message = "the end of the recording tells neither presence nor absence: the course cannot be told"
        return _cannot_tell("no_final_verdict", message, baseline_block=first)
    ends = [k for k in states.present if k > first and _reaches_end(blocks, k)]
    earlier = [k for k in states.present if first <= k and k not in ends]
    change = find_change(blocks, earlier, ends, states.likeness) if ends else None
    reduced = change is not None and change.is_reduction
    if any(k > last for k in states.fallen) and not reduced:
        message = "the last blocks hold less than half of the LSR, and none of them tells whether it is gone"
        return _cannot_tell("no_final_verdict", message, baseline_block=first)
    warnings = [*_unjudged_end(blocks, last), *_told_by_comparison(blocks, states)]
    course: Course | None = Course.PERSISTED
    if returned:
        course = Course.REAPPEARED
    elif change is not None and change.is_reduction:
        course = Course.REDUCED
        if is_weaker(blocks[last], blocks[first]):
            course = None
            message = (
                "the LSR is smaller at the end, and so are the currents: a weaker stimulus cannot be told "
                "from a change of the LSR"
            )
            warnings.append(Problem(code="weaker_stimulus", message=message))
        elif change.fell_with_m_wave:
            course = None
            message = (
                "LSR and M wave fell alike: a change of stimulus, electrode or anaesthesia "
                "cannot be told from a change of the LSR"
            )
            warnings.append(Problem(code="m_wave_fell_alike", message=message))
    return Outcome(
        course=course, change=change, baseline_block=first, residual=True, warnings=tuple(warnings)
    )


def _back_with_stimulus(blocks: Sequence[BlockFinding], states: States) -> Outcome:
    """Gone for a while, and seen again only with a stronger stimulus than that while had."""
    last = states.present[-1]
    message = (
        "the LSR was gone and is seen again only where M wave or current are larger than in any block "
        "without it: whether it came back, or is left and needs the stronger stimulus, cannot be told"
    )
    return Outcome(
        baseline_block=_first_measured(states),
        residual=True if _reaches_end(blocks, last) else None,
        warnings=(Problem(code="back_with_stimulus", message=message), *_unjudged_end(blocks, last)),
    )


def _gone(
    blocks: Sequence[BlockFinding],
    states: States,
    silent: Sequence[int],
    smallest_uv: float,
) -> Outcome:
    """The last judged blocks hold no response."""
    first, last_seen = _first_measured(states), states.present[-1]
    block, before = blocks[silent[0]], blocks[last_seen]
    ends = [k for k in silent if _reaches_end(blocks, k)]
    early = is_before_decompression(block.stage)
    warnings = [*_unjudged_end(blocks, silent[-1]), *_told_by_comparison(blocks, states)]
    if block.stage != before.stage:
        message = (
            f"the LSR was last seen {_during(before.stage)} and first missed {_during(block.stage)}: "
            "when between the two it disappeared cannot be told"
        )
        if not early and is_before_decompression(before.stage):
            message += "; it may have been before decompression"
        warnings.append(Problem(code="disappearance_between_stages", message=message))
    m_before, m_after = m_wave_uv(before), m_wave_uv(block)
    if m_before and m_after and m_after < (1 - LEAST_M_FALL) * m_before:
        message = (
            f"the M wave was {100 * (1 - m_after / m_before):.0f} % smaller when the LSR was first missed "
            "than when it was last seen: stimulus, electrode or anaesthesia may have had a part in it"
        )
        warnings.append(Problem(code="m_wave_smaller", message=message))
    is_none_left = surely_without(blocks, states, ends, smallest_uv)
    if ends and not is_none_left:
        message = (
            f"an LSR of more than {smallest_uv:g} uV peak to peak may be left in the last blocks, though "
            "none is seen: whether one is left cannot be told"
        )
        warnings.append(Problem(code="rest_not_excluded", message=message))
    return Outcome(
        course=Course.DISAPPEARED_BEFORE_DECOMPRESSION if early else Course.DISAPPEARED,
        change=change_to_nothing(blocks[first], blocks[silent[-1]]),
        disappeared_at=Disappearance(
            time_s=block.start_s,
            stage=block.stage,
            last_seen_s=before.start_s if before.last_answered_s is None else before.last_answered_s,
            last_seen_stage=before.stage,
        ),
        baseline_block=first,
        residual=False if is_none_left else None,
        warnings=tuple(warnings),
    )


def _during(stage: str | None) -> str:
    return f"during {stage.replace('_', ' ')}" if stage else "outside the stages that are marked"


def doubt_early(pair: PairFinding, stages: Sequence[Stage]) -> PairFinding:
    """Say no more than "disappeared" where no text tells that decompression had not begun.

    Parameters
    ----------
    pair : PairFinding
    stages : sequence of Stage
        All of the recording, as `find_stages` finds them.

    Returns
    -------
    PairFinding
    """
    gone = pair.disappeared_at
    if pair.course is not Course.DISAPPEARED_BEFORE_DECOMPRESSION or gone is None:
        return pair
    marked = next((stage for stage in stages if stage.name == DECOMPRESSION), None)
    if marked is not None:
        begun_s = marked.start_s if marked.maybe_from_s is None else marked.maybe_from_s
        if gone.time_s <= begun_s:
            return pair
        if marked.start_s < gone.time_s:  # an earlier stage came back
            return replace(pair, course=Course.DISAPPEARED)
    message = (
        "no text tells when decompression began: whether the LSR disappeared before it or during it cannot "
        "be told; [course.stages] in the settings names the words that mark it"
    )
    warning = Problem(code="decompression_not_marked", message=message)
    return replace(pair, course=Course.DISAPPEARED, warnings=(*pair.warnings, warning))


def doubt_end(last_s: float, outcome: Outcome, stages: Sequence[Stage]) -> Outcome:
    """Leave open what is left of an LSR where no stimulus tells of it since decompression began.

    Parameters
    ----------
    last_s : float
        The end of the last block that was judged.
    outcome : Outcome
    stages : sequence of Stage
        All of the recording, as `find_stages` finds them.

    Returns
    -------
    Outcome
    """
    begun_s = next((stage.start_s for stage in stages if stage.name == DECOMPRESSION), None)
    if begun_s is None or last_s >= begun_s or (outcome.course is None and outcome.residual is None):
        return outcome
    message = (
        f"nothing was stimulated since decompression began: the course is that up to {last_s:.0f} s, and "
        "whether an LSR is left cannot be told"
    )
    warning = Problem(code="not_stimulated_since", message=message)
    return replace(outcome, residual=None, warnings=(*outcome.warnings, warning))


def doubt_last_answers(
    blocks: Sequence[BlockFinding], outcome: Outcome, intensities_ma: Sequence[float | None], alpha: float
) -> Outcome:
    """Leave open what became of an LSR that the last stimuli of the last block do not show any more.

    Parameters
    ----------
    blocks : sequence of BlockFinding
        In the order of time.
    outcome : Outcome
    intensities_ma : sequence of float or None
        Of every stimulus of the set: the silence of weaker ones tells nothing.
    alpha : float
        As unlikely has the silence of so many stimuli to be while the LSR answers as often as before.

    Returns
    -------
    Outcome
    """
    if not outcome.there or not outcome.there[-1]:
        return outcome
    last = blocks[-1]
    answers = [
        sweep.present
        for row, sweep in zip(last.stimuli, last.detection.sweeps, strict=True)
        if sweep.present is not None and is_as_strong(intensities_ma[row], last.answered_ma)
    ]
    answered = [k for k, is_present in enumerate(answers) if is_present]
    shares = [
        block.detection.persistence
        for block, is_there in zip(blocks[:-1], outcome.there[:-1], strict=True)
        if is_there and block.detection.persistence is not None
    ]
    if not answered or not shares:
        return outcome
    n_shown = answered[-1] + 1
    n_silent, share = len(answers) - n_shown, min(*shares, len(answered) / n_shown)
    if n_silent < _LEAST_SILENT or may_be_unanswered(n_silent, 0, share, alpha):
        return outcome
    message = (
        f"in the last block the LSR answers {len(answered)} of the first {n_shown} stimuli, none of the last "
        f"{n_silent}: what became of it, and whether one is left, cannot be told"
    )
    warning = Problem(code="silent_at_last", message=message)
    return replace(
        outcome,
        course=None,
        change=None,
        disappeared_at=None,
        residual=None,
        warnings=(*outcome.warnings, warning),
    )


def doubt_unmarked(outcome: Outcome, *, before: bool, after: bool) -> Outcome:
    """Leave open what stimuli may have shown that no marker tells of.

    Parameters
    ----------
    outcome : Outcome
    before, after : bool
        Whether there are any before the first that is marked, and after the last.

    Returns
    -------
    Outcome
    """
    if before and outcome.course is Course.NOT_DETECTED_AT_BASELINE:
        message = (
            "stimuli before the first that is marked are not used: whether an LSR was there at baseline "
            "cannot be told"
        )
        warning = Problem(code="no_baseline_verdict", message=message)
        outcome = replace(outcome, course=None, warnings=(warning, *outcome.warnings))
    if after and (outcome.course is not None or outcome.residual is not None):
        message = (
            "stimuli after the last that is marked are not used: what became of the LSR, and whether one is "
            "left, cannot be told"
        )
        warning = Problem(code="end_not_marked", message=message)
        outcome = replace(outcome, residual=None, warnings=(*outcome.warnings, warning))
        if outcome.course is not Course.NOT_DETECTED_AT_BASELINE:
            outcome = replace(outcome, course=None, change=None, disappeared_at=None)
    return outcome


def _reaches_end(blocks: Sequence[BlockFinding], last: int) -> bool:
    """Whether a block lies in the last stage, or, without stages, among the last quarter of blocks."""
    others = [k for k, block in enumerate(blocks) if block.stage != blocks[-1].stage]
    if blocks[-1].stage is not None and others:
        return last > others[-1]
    return last >= len(blocks) - max(1.0, _LAST_SHARE * len(blocks))


def _unjudged_end(blocks: Sequence[BlockFinding], last: int) -> tuple[Problem, ...]:
    if last == len(blocks) - 1:
        return ()
    message = (
        f"the last {len(blocks) - 1 - last} of {len(blocks)} blocks tell neither presence nor absence; "
        f"the course is that up to {blocks[last].end_s:.0f} s"
    )
    return (Problem(code="end_not_judged", message=message),)
