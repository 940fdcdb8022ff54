"""How often is lsr right, how close are its onsets, and how do other detectors do on the same sweeps?

Run by `make benchmark`; by hand: `python benchmarks/accuracy.py --quick`. Methods are tuned on the
tuning seeds only; the reporting seeds are for the numbers that are published.
"""

from __future__ import annotations

import argparse
import datetime
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import _tables as tables
import numpy as np
import pandas as pd
from _cases import FULL, QUICK, Case, Size, draw, names_of, plan
from _limit import DETECTABLE, matched_filter
from _peers import PEERS, judge, prepare

import lsr
from lsr.threads import use_one_thread

LIMIT = "matched filter (limit)"
MARKS = ("<!-- tables -->", "<!-- end of tables -->")  # in a page that the tables are written into
_CASES_AT_ONCE = 8


def judge_case(case: Case, peers: bool) -> list[dict[str, Any]]:
    """Draw one case and ask everybody; one row per detector."""
    drawn = draw(case)
    truth = drawn.truth
    limit = matched_filter(case)
    common = asdict(case) | {
        "present": case.present,
        "d_prime": limit.d_prime,
        "true_onset_ms": truth.onset_ms,
        "true_amplitude_uv": truth.amplitude_uv,
        "true_average_uv": None if truth.amplitude_uv is None else truth.amplitude_uv * truth.persistence,
        "true_persistence": truth.persistence,
    }
    rows = [
        common | _ask_lsr(case, drawn.emg_uv, drawn.time_ms, drawn.direct_emg_uv),
        common | {"detector": LIMIT, "called": False, "score": limit.score, "onset_ms": limit.onset_ms},
    ]
    if peers and not case.extra:
        block = prepare(drawn.emg_uv, drawn.time_ms)
        for peer in PEERS:
            if peer.installed:
                started = time.perf_counter()
                verdict = judge(peer, block)
                rows.append(
                    common
                    | {
                        "detector": peer.name,
                        "called": verdict.present,
                        "score": verdict.score,
                        "onset_ms": verdict.onset_ms,
                        "milliseconds": 1000.0 * (time.perf_counter() - started),
                    }
                )
    return rows


def _ask_lsr(
    case: Case, emg_uv: np.ndarray, time_ms: np.ndarray, direct_uv: np.ndarray | None
) -> dict[str, Any]:
    started = time.perf_counter()
    found = lsr.detect(emg_uv, time_ms, direct_uv if case.direct else None)
    milliseconds = 1000.0 * (time.perf_counter() - started)
    low_ms, high_ms = found.onset_latency_ci_ms or (None, None)
    amplitude_low, amplitude_high = found.amplitude_ci_uv or (None, None)
    persistence_low, persistence_high = found.persistence_ci or (None, None)
    return {
        "detector": "lsr",
        "called": found.presence == "present",
        "answer": str(found.presence),
        "reason": found.reason,
        "score": found.score,
        "p_value": found.p_value,
        "onset_ms": found.onset_latency_ms,
        "low_ms": low_ms,
        "high_ms": high_ms,
        "amplitude_uv": found.amplitude_uv,
        "amplitude_low_uv": amplitude_low,
        "amplitude_high_uv": amplitude_high,
        "persistence": found.persistence,
        "persistence_low": persistence_low,
        "persistence_high": persistence_high,
        "milliseconds": milliseconds,
    }


def judge_cases(cases: list[Case], peers: bool) -> list[dict[str, Any]]:
    """Rows of several cases: what one process does at a time."""
    return [row for case in cases for row in judge_case(case, peers)]


def run(cases: list[Case], *, peers: bool, processes: int) -> pd.DataFrame:
    """Judge all cases, in parallel; the result does not depend on the number of processes."""
    order = np.random.default_rng(0).permutation(len(cases))  # so that the processes end together
    parts = [
        [cases[i] for i in order[first : first + _CASES_AT_ONCE]]
        for first in range(0, len(cases), _CASES_AT_ONCE)
    ]
    rows: list[dict[str, Any]] = []
    use_one_thread()  # the processes import numpy anew
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        for number, some in enumerate(pool.map(judge_cases, parts, [peers] * len(parts)), start=1):
            rows += some
            if sys.stderr.isatty():
                print(f"\r{number * _CASES_AT_ONCE} of {len(cases)} blocks", end="", file=sys.stderr)
    frame = pd.DataFrame(rows)
    frame["true_onset_ms"] = frame.true_onset_ms.astype(float)
    for name in ("score", "onset_ms", "low_ms", "high_ms", "p_value"):
        frame[name] = frame[name].astype(float)
    limit = frame.detector == LIMIT  # called present where 1 % of its own nulls are
    cut = frame.score[limit & ~frame.present].quantile(0.99)
    frame.loc[limit, "called"] = frame.score[limit] > cut
    return frame.sort_values(["extra", "seed"], kind="stable")


def report(frame: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """Title and content of every table."""
    main = frame[~frame.extra]
    order = [LIMIT, "lsr", *(peer.name for peer in PEERS if (frame.detector == peer.name).any())]
    threshold = tables.thresholds(main)["lsr"]
    yield "All detectors, all main nuisances", tables.by_detector(main, order)
    yield (
        "lsr by nuisance (below the main ones: not in the totals)",
        tables.by_group(frame, "lsr", "nuisance", threshold),
    )
    grouped = main.assign(
        d_prime_from=pd.cut(
            main.d_prime.where(main.present), [0, 3, 5, 8, 15, 30, np.inf], labels=[0, 3, 5, 8, 15, 30]
        ).astype(float),
        snr=main.snr.where(main.present),
    )
    for column in ("snr", "n_sweeps", "d_prime_from", "rate_hz", "family", "direct", "before_ms"):
        yield f"lsr by {column}", tables.by_group(grouped, "lsr", column, threshold)
    if len(order) > 2:
        for measure in ("FPR", "sens@5", "hit@1"):
            yield f"{measure} by nuisance", tables.peers_by_nuisance(main, order, measure)
    yield "The three answers of lsr", tables.answers(frame)
    yield "Why lsr could not tell (blocks)", tables.reasons(frame)
    yield "Calibration of lsr: nulls with p at or below a level", tables.calibration(frame)
    yield "Sizes by lsr against the truth", tables.sizes(main)


def head(arguments: argparse.Namespace, cases: list[Case], seconds: float) -> str:
    """What was run."""
    lines = [
        f"lsr {lsr.__version__}, {datetime.date.today():%Y-%m-%d}: "
        f"{arguments.seeds} seeds {names_of(cases)}; "
        f"{sum(case.present for case in cases)} blocks with a response, "
        f"{sum(not case.present for case in cases)} without; {seconds:.0f} s.",
        f"SNR: peak to peak of the response over the standard deviation of one sweep's noise. "
        f"Detectable: a matched filter reaches d' >= {DETECTABLE:g}.",
    ]
    if not arguments.no_peers:
        lines += [
            f"{peer.name}: not installed (pip install '.[benchmark]')" for peer in PEERS if not peer.installed
        ]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", choices=("tuning", "reporting"), default="tuning")
    parser.add_argument("--series", type=int, default=0, help="another range of seeds of the same kind")
    parser.add_argument("--quick", action="store_true", help="few blocks, under a minute")
    parser.add_argument("--no-peers", action="store_true", help="lsr and the limit alone")
    parser.add_argument("--only", default="", help="nuisances to run, separated by commas")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--markdown", type=Path, help="write the tables to this file, between its marks")
    parser.add_argument("--rows", type=Path, help="write every case and verdict to this CSV file")
    arguments = parser.parse_args()
    size: Size = QUICK if arguments.quick else FULL
    only = set(filter(None, arguments.only.split(",")))
    cases = [
        case for case in plan(arguments.seeds, size, arguments.series) if not only or case.nuisance in only
    ]
    started = time.perf_counter()
    frame = run(cases, peers=not arguments.no_peers, processes=arguments.processes)
    title = head(arguments, cases, time.perf_counter() - started)
    print(title)
    for name, table in report(frame):
        print(f"\n{name}\n{tables.as_text(table)}")
    if arguments.rows:
        frame.to_csv(arguments.rows, index=False)
    if arguments.markdown:
        _write(arguments.markdown, title, frame)


def _write(path: Path, title: str, frame: pd.DataFrame) -> None:
    """Write the tables, between the marks of a page that has them."""
    parts = [title.replace("\n", "\n\n")]
    parts += [f"### {name}\n\n{tables.as_markdown(table)}" for name, table in report(frame)]
    content = "\n\n".join(parts) + "\n"
    page = path.read_text(encoding="utf-8") if path.exists() else ""
    before, start, rest = page.partition(MARKS[0])
    _, stop, after = rest.partition(MARKS[1])
    if stop:
        content = f"{before}{start}\n\n{content}\n{stop}{after}"
    path.write_text(content, encoding="utf-8")


if __name__ == "__main__":
    main()
