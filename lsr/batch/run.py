"""A run, from its plan to its manifest: what is done already, what is to do, and what all of it says.

Conventions
-----------
The order of everything that is written is that of the plan, whoever was finished first.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from queue import Empty, SimpleQueue
from types import TracebackType

import lsr
from lsr.batch.dispatch import results_of
from lsr.batch.engines import Engine, available_cores, dask_engine, given_engine, local_engine
from lsr.batch.folder import Entry, OutputFolder
from lsr.batch.planning import Plan, plan_recordings
from lsr.batch.summary import SUMMARY_HTML, Overview, summary_page
from lsr.batch.tables import (
    FAILURES_CSV,
    PAIRS_CSV,
    PAIRS_PARQUET,
    Row,
    failures_as_csv,
    pairs_as_csv,
    pairs_as_parquet,
    read_report,
    rows_of,
)
from lsr.batch.tasks import Refusal, Task, content_sha256
from lsr.batch.tell import Tally, Watch, unwatched
from lsr.batch.work import Done, Job, Left, perform
from lsr.errors import BatchError, WorkerLost
from lsr.settings import Settings, given_settings


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchResult:
    """What a run came to."""

    n_analysed: int  # with those that were done before
    n_done_before: int
    n_removed: int  # reports of an earlier run, of recordings that this one does not ask for
    refused: tuple[Refusal, ...]
    presences: frozenset[str]  # of target pairs; without any in a recording: indeterminate


def run_batch(
    given: Sequence[str | os.PathLike[str]],
    out: str | os.PathLike[str],
    settings: Settings | Callable[[Path], Settings] | None = None,
    *,
    events: str | os.PathLike[str] | None = None,
    jobs: int | None = None,
    scheduler: str | None = None,
    executor: Executor | None = None,
    resume: bool = False,
    html: bool = True,
    watch: Watch = unwatched,
) -> BatchResult:
    """Analyse all recordings of folders: a report each, and tables and a summary over all.

    Parameters
    ----------
    given : sequence of paths
        Folders to look through, or recordings themselves.
    out : path
        The output folder.
    settings : Settings | Callable[[Path], Settings] | None
        What recordings are analysed with, or what tells it for each; defaults when None.
    events : path | None
        CSV with the stages of an operation, for every recording.
    jobs : int | None
        Processes of this machine; None: one for each core.
    scheduler : str | None
        Address of a running Dask scheduler, which does the work instead.
    executor : Executor | None
        What does the work instead; not ended here.
    resume : bool
        Go on with what an earlier run left in `out`: what is done, and has not changed, is kept.
    html : bool
        Also leave a page of each recording.
    watch : Watch
        Called after each recording.

    Returns
    -------
    BatchResult

    Raises
    ------
    RecordingNotFound
        None of the given paths is there.
    SettingsError
        Settings that are none.
    EventsError
        An events file that can serve no recording.
    BatchError
        The run cannot begin, or cannot go on.

    Notes
    -----
    Processes start by importing the script that called this: guard it by ``if __name__ == "__main__":``.
    """
    chosen = settings if callable(settings) else given_settings(settings)
    plan = plan_recordings(
        [Path(one) for one in given],
        Path(out),
        chosen if callable(chosen) else lambda path: chosen,
        events=Path(events) if events is not None else None,
        html=html,
    )
    if scheduler is not None:
        engine: AbstractContextManager[Engine] = dask_engine(scheduler)
    elif executor is not None:
        engine = given_engine(executor)
    else:
        engine = local_engine(jobs)
    return run_plan(plan, Path(out), engine, resume=resume, watch=watch)


def run_plan(
    plan: Plan,
    out: Path,
    engine: AbstractContextManager[Engine],
    *,
    resume: bool = False,
    watch: Watch = unwatched,
) -> BatchResult:
    """Do what a plan says.

    Parameters
    ----------
    plan : Plan
        As `plan_recordings` makes it, or any other.
    out : Path
        The output folder.
    engine : context manager of Engine
        `local_engine`, `dask_engine` or `given_engine`; entered only where there is something to do.
    resume, watch
        As for `run_batch`.

    Returns
    -------
    BatchResult

    Raises
    ------
    BatchError
        Nothing is planned; or the run cannot begin, or cannot go on.
    """
    if not plan.tasks and not plan.refused:
        raise BatchError(
            "no recording was found (the output folder is passed over); name a folder that holds some"
        )
    with OutputFolder(out.resolve(), resume=resume) as folder:
        run = _Run(plan, folder, watch)
        run.keep_what_is_done()
        run.analyse(engine)
        return run.conclude()


class _Run:
    """The state of a run: which recordings are done, and which are refused."""

    def __init__(self, plan: Plan, folder: OutputFolder, watch: Watch) -> None:
        self._plan = plan
        self._folder = folder
        self._watch = watch
        self._done: dict[str, Entry] = {}
        self._refused = {one.name: one for one in plan.refused}
        self._n_before = 0
        self._n_removed = 0

    def keep_what_is_done(self) -> None:
        """Keep what an earlier run did and nothing has changed; remove what no recording leaves any more."""
        earlier = self._folder.earlier
        tasks = [task for task in self._plan.tasks if task.name in earlier]
        with ThreadPoolExecutor(max_workers=available_cores()) as threads:
            for task, is_done in zip(tasks, threads.map(self._is_done, tasks), strict=True):
                if is_done:
                    self._done[task.name] = earlier[task.name]
                    self._n_before += 1
                    self._tell("checking", task.name)
        self._n_removed = len(earlier) - len(tasks)
        kept = {path for entry in self._done.values() for path in entry.outputs}
        self._folder.remove(path for entry in earlier.values() for path in entry.outputs if path not in kept)

    def _is_done(self, task: Task) -> bool:
        entry = self._folder.earlier[task.name]
        if (
            entry.lsr_version != lsr.__version__
            or entry.settings_sha256 != task.settings_sha256()
            or set(entry.outputs) != {output.path for output in task.outputs}
            or not self._folder.has(entry.outputs)
        ):
            return False
        try:
            return content_sha256(task.inputs) == entry.content_sha256
        except OSError:
            return False

    def analyse(self, engine: AbstractContextManager[Engine]) -> None:
        """Analyse what is not done."""
        tasks = [task for task in self._plan.tasks if task.name not in self._done]
        if not tasks:
            self._tell_what_is_refused()
            return
        jobs = (Job(task=task, staging=self._folder.staging, lsr_version=lsr.__version__) for task in tasks)
        with ExitStack() as stack:
            committer = stack.enter_context(_Committer(self._folder))
            workers = stack.enter_context(engine)
            self._tell_what_is_refused()
            for job, result in results_of(perform, jobs, workers):
                task = job.task
                if isinstance(result, Done):
                    entry = _entry(task, result)
                    committer.commit(entry, result.left)
                    self._done[task.name] = entry
                    self._tell("analysing", task.name)
                else:
                    refusal = result if isinstance(result, Refusal) else _lost(task, result)
                    self._refused[task.name] = refusal
                    self._tell("analysing", task.name, refusal)

    def _tell_what_is_refused(self) -> None:
        """Tell what the plan refuses, now that nothing keeps the run from beginning."""
        for one in self._plan.refused:
            self._tell("analysing", one.name, one)

    def conclude(self) -> BatchResult:
        """Write what all recordings say together, and the manifest last."""
        self._tell("writing tables", None)
        refused = tuple(sorted(self._refused.values(), key=lambda one: one.name))
        overview = Overview()
        rows: list[Row] = []
        for task in self._plan.tasks:
            if task.name in self._done:
                report = read_report(self._folder.path / task.json_path)
                if report is None:
                    raise BatchError(f"{task.json_path}: is no report any more; go on with --resume")
                rows += rows_of(report, task.json_path)
                overview.add(report, task)
        tables = {
            PAIRS_CSV: pairs_as_csv(rows),
            PAIRS_PARQUET: pairs_as_parquet(rows),
            FAILURES_CSV: failures_as_csv(refused),
            SUMMARY_HTML: summary_page(overview, refused).encode(errors="backslashreplace"),
        }
        for path, content in tables.items():
            self._folder.write(path, content)
        self._folder.finish(self._manifest(refused, tables))
        return BatchResult(
            n_analysed=len(self._done),
            n_done_before=self._n_before,
            n_removed=self._n_removed,
            refused=refused,
            presences=frozenset(overview.presences),
        )

    def _manifest(self, refused: Iterable[Refusal], tables: dict[str, bytes]) -> bytes:
        entries = [asdict(self._done[task.name]) for task in self._plan.tasks if task.name in self._done]
        told = {
            "lsr_version": lsr.__version__,
            "recordings": [{k: v for k, v in one.items() if k != "lsr_version"} for one in entries],
            "failures": [asdict(one) for one in refused],
            "tables": {path: sha256(content).hexdigest() for path, content in tables.items()},
        }
        return (json.dumps(told, indent=1) + "\n").encode()

    def _tell(self, step: str, name: str | None, refusal: Refusal | None = None) -> None:
        n_failed = len(self._refused)
        self._watch(
            Tally(
                step=step,
                n_total=len(self._plan.tasks) + len(self._plan.refused),
                n_done=len(self._done) + n_failed,
                n_done_before=self._n_before,
                n_failed=n_failed,
                name=name,
                refusal=refusal,
            )
        )


def _entry(task: Task, done: Done) -> Entry:
    return Entry(
        name=task.name,
        content_sha256=done.content_sha256,
        settings_sha256=task.settings_sha256(),
        lsr_version=lsr.__version__,
        outputs={left.path: left.sha256 for left in done.left},
    )


def _lost(task: Task, error: WorkerLost) -> Refusal:
    return Refusal(name=task.name, kind=WorkerLost.__name__, message=f"{task.name}: {error}")


class _Committer:
    """Puts outputs in place in a thread: waiting for the disk costs no worker's time."""

    def __init__(self, folder: OutputFolder) -> None:
        self._folder = folder
        self._waiting: SimpleQueue[tuple[Entry, Sequence[Left]] | None] = SimpleQueue()
        self._outcome: Future[None] = Future()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def commit(self, entry: Entry, left: Sequence[Left]) -> None:
        """Have outputs put in place soon.

        Raises
        ------
        BatchError
            Earlier ones could not be.
        """
        if self._outcome.done():
            self._outcome.result()
        self._waiting.put((entry, left))

    def _serve(self) -> None:
        is_more = True
        try:
            while is_more:
                entries = [self._waiting.get()]
                while True:
                    try:
                        entries.append(self._waiting.get_nowait())
                    except Empty:
                        break
                is_more = None not in entries
                self._folder.commit([entry for entry in entries if entry is not None])
        except BaseException as error:
            self._outcome.set_exception(error)
        else:
            self._outcome.set_result(None)

    def __enter__(self) -> _Committer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._waiting.put(None)
        self._thread.join()
        if error is None:
            self._outcome.result()
