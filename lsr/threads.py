"""On how many threads does linear algebra run?

Conventions
-----------
On one, while lsr computes. Its matrices are small, so that threads cost more than they bring (twice the
time on two cores), and sums in another order would be other bytes.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from threadpoolctl import ThreadpoolController

_LIBRARIES = ("OPENBLAS", "OMP", "MKL")


def use_one_thread() -> None:
    """Let linear algebra run on one thread in this process; to be called before numpy is imported."""
    for library in _LIBRARIES:
        os.environ.setdefault(f"{library}_NUM_THREADS", "1")


@contextmanager
def one_thread() -> Iterator[None]:
    """Let linear algebra run on one thread, in all of the process, and then on as many as before.

    Also a decorator.
    """
    with _controller().limit(limits=1, user_api="blas"):
        yield


@cache
def _controller() -> ThreadpoolController:
    import scipy.linalg  # noqa: F401  what is loaded later would not be found
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
