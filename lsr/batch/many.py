"""Many recordings from Python: reports as they come, with nothing written anywhere."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from lsr.batch.dispatch import results_of
from lsr.batch.engines import given_engine, local_engine
from lsr.settings import Settings, given_settings

if TYPE_CHECKING:
    from lsr.report.report import Report


@dataclass(frozen=True, slots=True, kw_only=True)
class Analyzed:
    """A recording that was analysed, or why it was not: exactly one of `report` and `error` is there."""

    path: Path
    report: Report | None
    error: Exception | None


def analyze_many(
    paths: Iterable[str | os.PathLike[str]],
    executor: Executor | None = None,
    settings: Settings | None = None,
    *,
    events: str | os.PathLike[str] | None = None,
    with_sweeps: bool = False,
    with_traces: bool = False,
    jobs: int | None = None,
) -> Iterator[Analyzed]:
    """Analyse recordings, and give each as it is finished: not in their order.

    Parameters
    ----------
    paths : iterable of paths
        Recordings; read only as far as workers are free, so there may be any number of them.
    executor : Executor | None
        What does the work, as of `concurrent.futures` or `distributed.Client.get_executor`; None: processes
        of this machine, each of which may die without taking more than its recording with it.
    settings : Settings | None
        Defaults when None.
    events : path | None
        CSV with the stages of an operation.
    with_sweeps, with_traces : bool
        As for `lsr.analyze`.
    jobs : int | None
        How many processes, where there is no executor; None: one for each core.

    Yields
    ------
    Analyzed
        A recording that is refused has its error instead of a report, and the others go on.

    Raises
    ------
    TypeError
        One path instead of several.
    SettingsError
        Settings that are none.
    BatchError
        The script that called this is not guarded, or the executor takes no more work.

    Notes
    -----
    Processes start by importing the script that called this: guard it by ``if __name__ == "__main__":``.
    """
    if isinstance(paths, str | bytes | os.PathLike):
        one = os.fspath(paths)
        raise TypeError(
            f"paths: needs several of them, found one, {one!r}; give [{one!r}], or use lsr.analyze"
        )
    work = partial(
        _analyzed,
        settings=given_settings(settings),
        events=None if events is None else Path(events),
        with_sweeps=with_sweeps,
        with_traces=with_traces,
    )
    return _each_analyzed(work, paths, executor, jobs)


def _each_analyzed(
    work: Callable[[Path], Analyzed],
    paths: Iterable[str | os.PathLike[str]],
    executor: Executor | None,
    jobs: int | None,
) -> Iterator[Analyzed]:
    with local_engine(jobs) if executor is None else given_engine(executor) as engine:
        for path, result in results_of(work, (Path(path) for path in paths), engine):
            if isinstance(result, Analyzed):
                yield result
            else:
                yield Analyzed(path=path, report=None, error=result)


def _analyzed(
    path: Path, *, settings: Settings, events: Path | None, with_sweeps: bool, with_traces: bool
) -> Analyzed:
    from lsr.pipeline import analyze

    try:
        report = analyze(path, settings, events=events, with_sweeps=with_sweeps, with_traces=with_traces)
    except MemoryError:
        raise
    except Exception as error:
        return Analyzed(path=path, report=None, error=error)
    return Analyzed(path=path, report=report, error=None)
