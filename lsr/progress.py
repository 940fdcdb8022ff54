"""How is it told how far a long analysis is?

Conventions
-----------
Whoever wants to know hands in a `Progress`; it is called between the steps of the analysis, from the same
thread, and must not change anything.
"""

from __future__ import annotations

from collections.abc import Callable

# Step, how much of it is done, and of how much; 0: of how much is not known.
Progress = Callable[[str, int, int], None]


def untold(step: str, done: int, total: int) -> None:
    """Tell nobody."""
