"""How does a file come to be there whole or not at all, whatever the disk does?

Conventions
-----------
What is not yet whole has a name that begins with a dot, so no folder that is looked through shows it.
"""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Give a file beside `path` to write to, which takes its place when all is written.

    Parameters
    ----------
    path : Path
        The file to be; its folder is there. Where it is a link, what it leads to is replaced.

    Yields
    ------
    Path
        Where to write. Nothing of it stays where that fails.

    Raises
    ------
    OSError
        It cannot be written, or not take its place.
    """
    place = Path(os.path.realpath(path))
    if place.exists() and not place.is_file():
        yield place  # a pipe, or a device, is written to as it is
        return
    partial = place.with_name(f".lsr-{uuid.uuid4().hex}.part")
    try:
        yield partial
        if place.exists():
            shutil.copymode(place, partial)
        partial.replace(place)
    finally:
        partial.unlink(missing_ok=True)
