"""Many recordings: found, analysed by many workers, written so that nothing is half done, and told together.

Conventions
-----------
A task is one recording and where its outputs go; it depends on nothing else, so it may run anywhere, again,
and in any order. Only the process that was started puts outputs in place; workers leave theirs in a folder.
Everything in the output folder follows from the recordings, the settings and the version of `lsr`: no times,
no process numbers, no paths but those below the given folders.
"""

from lsr.batch.engines import Engine, dask_engine, given_engine, local_engine
from lsr.batch.planning import Plan, plan_recordings
from lsr.batch.run import BatchResult, run_batch, run_plan
from lsr.batch.tasks import Kind, Output, Refusal, Task
from lsr.batch.tell import Tally, Watch

__all__ = [
    "BatchResult",
    "Engine",
    "Kind",
    "Output",
    "Plan",
    "Refusal",
    "Tally",
    "Task",
    "Watch",
    "dask_engine",
    "given_engine",
    "local_engine",
    "plan_recordings",
    "run_batch",
    "run_plan",
]
