"""How does the facial nerve conduct: the M wave of every direct muscle, side against side?

Conventions
-----------
Latencies are milliseconds from the stimulus, amplitudes microvolts peak to peak. Sides are compared where
the same branch and muscle were stimulated and recorded on both.
"""

from __future__ import annotations

from collections.abc import Sequence

from lsr.anatomy import Relation
from lsr.findings.findings import NerveConduction, PairFinding


def find_nerve_conduction(pairs: Sequence[PairFinding]) -> tuple[NerveConduction, ...]:
    """Gather the M waves of the direct muscles, in the order of the pairs."""
    direct = [pair for pair in pairs if pair.relation is Relation.DIRECT]
    return tuple(_conduction(pair, _other_side(pair, direct)) for pair in direct)


def _other_side(pair: PairFinding, direct: Sequence[PairFinding]) -> PairFinding | None:
    """The one direct muscle alike on the other side; None where there is none, or more than one."""
    if pair.side is None or pair.muscle is None:
        return None
    alike = [
        one
        for one in direct
        if one.side not in (None, pair.side) and (one.branch, one.muscle) == (pair.branch, pair.muscle)
    ]
    return alike[0] if len(alike) == 1 else None


def _conduction(pair: PairFinding, other: PairFinding | None) -> NerveConduction:
    wave, across = pair.m_wave, other.m_wave if other else None
    difference = ratio = None
    if wave and across and wave.onset_latency_ms is not None and across.onset_latency_ms is not None:
        difference = wave.onset_latency_ms - across.onset_latency_ms
    if wave and across and wave.amplitude_uv and across.amplitude_uv:
        ratio = wave.amplitude_uv / across.amplitude_uv
    return NerveConduction(
        stimulation=pair.stimulation,
        branch=pair.branch,
        muscle=pair.muscle,
        side=pair.side,
        channel=pair.channel,
        onset_latency_ms=wave.onset_latency_ms if wave else None,
        amplitude_uv=wave.amplitude_uv if wave else None,
        n_stimuli=sum(len(block.stimuli) for block in pair.blocks),
        latency_difference_ms=difference,
        amplitude_ratio=ratio,
    )
