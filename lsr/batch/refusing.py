"""How is it told why a recording has no report? Without the machine's paths, and without a patient's name.

Conventions
-----------
A message begins with the recording's name below the given folder. The text of an error that was not raised on
purpose may quote a header, so only its kind and place are told.
"""

from __future__ import annotations

import traceback
from pathlib import Path

from lsr.batch.tasks import Refusal
from lsr.errors import LsrError


def refusal_of(error: Exception, recording: Path, name: str, events: Path | None = None) -> Refusal:
    """Word an error.

    Parameters
    ----------
    error : Exception
        What was raised.
    recording : Path
        The recording, and `name`, what it is called below the given folder.
    name : str
    events : Path | None
        An events file, which the message may name, too.
    """
    if not isinstance(error, LsrError):
        place = traceback.extract_tb(error.__traceback__)[-1]
        message = (
            f"unexpected {type(error).__name__} at {Path(place.filename).name}:{place.lineno}; "
            "this is a fault of lsr: please report it"
        )
        return Refusal(name=name, kind="Unexpected", message=f"{name}: {message}")
    message = _without_places(str(error), recording, name)
    if events is not None:
        message = message.replace(str(events), events.name)
    for known in (f"{name}: ", f"{recording.name}: "):
        message = message.removeprefix(known)
    return Refusal(name=name, kind=type(error).__name__, message=f"{name}: {message}")


def _without_places(message: str, recording: Path, name: str) -> str:
    """Take the machine's paths out of a message: what lies beside a recording is told as its name is."""
    folder = name.rpartition("/")[0]
    for path in (recording, recording.resolve()):
        message = message.replace(str(path), name)
    for beside in (recording.parent, recording.resolve().parent):
        if beside.name:
            for separator in "/\\":
                message = message.replace(f"{beside}{separator}", f"{folder}/" if folder else "")
    return message
