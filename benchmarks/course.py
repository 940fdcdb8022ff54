"""How often is the course of an operation told right, and how exactly is a disappearance dated?

Run by `make benchmark`; by hand: `python benchmarks/course.py --operations 60`. Operations are drawn in
memory, with stages, disturbances and noise of every kind; see `_operations.py`.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context

import pandas as pd
from _operations import UNTOLD, Operation, draw_operation, plan_operation

from lsr import Settings
from lsr.pipeline import find
from lsr.stages import find_stages
from lsr.threads import use_one_thread

PERSISTING = ("persisted", "reduced", "reappeared")
GONE = ("disappeared", "disappeared_before_decompression")


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What was said of an operation."""

    operation: Operation
    called: str
    residual: bool | None
    gone_at: int | None  # first block said to be without the LSR
    within_interval: bool | None  # whether the disappearance lies in the stated interval
    why: str


def judge(number: int) -> Verdict:
    """Draw one operation and ask for its course."""
    operation = plan_operation(number)
    recording, target = draw_operation(operation)
    settings = Settings()
    findings = find(recording, settings, find_stages(recording, settings.course))
    (pair,) = (pair for pair in findings.pairs if pair.channel == target)
    gone, gone_at, within = pair.disappeared_at, None, None
    if gone is not None:
        gone_at = next(k for k, block in enumerate(pair.blocks) if block.start_s == gone.time_s)
        if operation.gone_at is not None and gone.last_seen_s is not None:
            last, first = pair.blocks[operation.gone_at - 1].end_s, pair.blocks[operation.gone_at].start_s
            within = gone.last_seen_s <= last and gone.time_s >= first
    return Verdict(
        operation=operation,
        called=pair.course.value if pair.course else UNTOLD,
        residual=findings.residual_lsr,
        gone_at=gone_at,
        within_interval=within,
        why=" ".join(warning.code for warning in pair.warnings),
    )


def confusion(verdicts: Sequence[Verdict]) -> pd.DataFrame:
    """Operations by what is right (rows) and what was said (columns)."""
    rows = [(one.operation.right[0], one.called) for one in verdicts]
    return pd.crosstab(
        pd.Series([right for right, _ in rows], name="right"),
        pd.Series([said for _, said in rows], name="said"),
    )


def summary(verdicts: Sequence[Verdict]) -> list[tuple[str, str]]:
    """The numbers that the aims are stated in."""
    right = [one for one in verdicts if one.called in one.operation.right]
    dated = [one for one in verdicts if one.called in GONE and one.operation.gone_at is not None]
    errors = [abs((one.gone_at or 0) - (one.operation.gone_at or 0)) for one in dated]
    swapped = [
        one
        for one in verdicts
        if (one.called in PERSISTING and one.operation.right[0] in GONE)
        or (one.called in GONE and one.operation.right[0] not in GONE)
    ]
    untold = [one for one in verdicts if one.called == UNTOLD and UNTOLD not in one.operation.right]
    return [
        ("state right", _share(len(right), len(verdicts))),
        ("of the others, not told", str(len(untold))),
        ("dated at the block", _share(sum(error == 0 for error in errors), len(errors))),
        ("dated within one block", _share(sum(error <= 1 for error in errors), len(errors))),
        ("moment within the interval", _share(sum(bool(one.within_interval) for one in dated), len(dated))),
        ("gone called still there, or the other way round", str(len(swapped))),
    ]


def _share(n: int, of: int) -> str:
    return f"{n} of {of} ({100 * n / of:.1f} %)" if of else "-"


def main() -> None:
    """Draw, judge, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--operations", type=int, default=200)
    parser.add_argument("--first", type=int, default=0, help="number of the first operation: another draw")
    parser.add_argument("--processes", type=int, default=2)
    asked = parser.parse_args()
    started = time.perf_counter()
    numbers = range(asked.first, asked.first + asked.operations)
    use_one_thread()  # the processes import numpy anew
    with ProcessPoolExecutor(asked.processes, mp_context=get_context("spawn")) as pool:
        verdicts = list(pool.map(judge, numbers, chunksize=4))
    print(f"{len(verdicts)} operations, SNR 3 to 30\n")
    print(confusion(verdicts).to_string(), "\n")
    for name, value in summary(verdicts):
        print(f"{name:50s} {value}")
    print("\nnot as it should be:")
    for one in verdicts:
        wrong_date = (
            one.called in GONE and one.operation.gone_at is not None and one.gone_at != one.operation.gone_at
        )
        if one.called not in one.operation.right or wrong_date:
            drawn = one.operation
            print(
                f"  {drawn.number:4d} SNR {drawn.snr:4.1f} {drawn.fate}, {drawn.disturbance}: {one.called}; "
                f"gone at block {drawn.gone_at}, said {one.gone_at} {one.why}"
            )
    print(f"\n{time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main()
