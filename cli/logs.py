"""What is told beside the data: lines on stderr, as text or as JSON.

Conventions
-----------
Errors and notices are always told, `--verbose` adds what is done and how long it takes, `--log-json` makes
every line a JSON object: time (UTC), level, message, and facts under their own names. Text that may come from
a header (what a library prints, the text of an unexpected error) is in no JSON line.
"""

from __future__ import annotations

import io
import json
import logging
import sys
import traceback
from datetime import UTC, datetime
from typing import Any, TextIO

LOGGER = logging.getLogger("lsr")
NOTICE = 25  # told without --verbose, though nothing failed
_FACTS = "lsr_facts"


class _OnStderr(logging.Handler):
    """Writes each record as a line on what is stderr at that moment."""

    def __init__(self, *, as_json: bool) -> None:
        super().__init__()
        self.as_json = as_json

    def emit(self, record: logging.LogRecord) -> None:
        message = " ".join(record.getMessage().split())
        if not self.as_json:
            _write(f"lsr: {message}")
            return
        level = "notice" if record.levelno == NOTICE else record.levelname.lower()
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        facts: dict[str, Any] = getattr(record, _FACTS, {})
        line = {"time": time, "level": level, "message": message, **facts}
        _write(json.dumps(line, allow_nan=False))


def _write(line: str) -> None:
    """Write to what is stderr now: above a progress bar where there is one; `typer.echo` writes into it."""
    print(line, file=sys.stderr, flush=True)


def start_logging(*, verbose: bool = False, as_json: bool = False) -> None:
    """Say from now on what is told, and how; the last call counts."""
    for name in ("lsr", ""):  # and every library, their warnings too
        logger = logging.getLogger(name)
        for handler in [one for one in logger.handlers if isinstance(one, _OnStderr)]:
            logger.removeHandler(handler)
        if name == "lsr" or as_json:
            logger.addHandler(_OnStderr(as_json=as_json))
            logger.propagate = False
    LOGGER.setLevel(logging.INFO if verbose else NOTICE)
    logging.captureWarnings(as_json)


def tell(level: int, message: str, **facts: object) -> None:
    """Tell something; facts are names of their own in JSON, and wanted there only."""
    LOGGER.log(level, message, extra={_FACTS: facts})


def tells_json() -> bool:
    """Tell whether stderr gets JSON lines."""
    return any(isinstance(one, _OnStderr) and one.as_json for one in LOGGER.handlers)


def tells_all() -> bool:
    """Tell whether --verbose was given."""
    return LOGGER.isEnabledFor(logging.INFO)


def chatter() -> TextIO:
    """Where what libraries print goes: to stderr, but not between JSON lines."""
    return io.StringIO() if tells_json() else sys.stderr


def tell_frames(error: Exception) -> None:
    """Show where an error came from, without its text, which may quote a header."""
    frames = traceback.format_tb(error.__traceback__)
    if tells_json():
        tell(logging.INFO, f"traceback of {type(error).__name__}", frames=[frame.strip() for frame in frames])
    else:
        _write(f"Traceback of {type(error).__name__}:\n{''.join(frames)}")
