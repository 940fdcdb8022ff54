"""Lateral spread responses in facial EMG: read a recording, find the responses, report them.

Conventions
-----------
The public names stand in `__all__`. Each is imported from its home when first used, so that
``import lsr`` and ``lsr --help`` answer at once.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lsr.anatomy import Branch, Muscle, Relation, Side, relation_of
    from lsr.batch.many import Analyzed, analyze_many
    from lsr.batch.tables import load_reports
    from lsr.detection.detect import detect
    from lsr.detection.detection import Detection, LateResponse, MWave, Presence, SweepFinding
    from lsr.errors import (
        BatchError,
        EventsError,
        LsrError,
        MalformedRecording,
        NoMuscle,
        NoStimuli,
        RecordingError,
        RecordingNotFound,
        SettingsError,
        SweepsError,
        TableError,
        UnknownFormat,
        UnknownUnit,
        UnreadableSamples,
        WorkerLost,
    )
    from lsr.findings.findings import BlockFinding, Course, Disappearance, Findings, PairFinding, PairSweep
    from lsr.io.registry import read_recording
    from lsr.pipeline import analyze
    from lsr.recording import Annotation, Channel, Problem, Recording, Segment
    from lsr.report.as_table import read_table
    from lsr.report.inspection import Inspection, inspect
    from lsr.report.report import Report, report_schema
    from lsr.settings import Settings
    from lsr.stages import Stage
    from lsr.stimuli import BranchSource, Stimulus, StimulusSet, StimulusSource

__version__ = "0.1.0"

_NAMES_OF = {
    "lsr.anatomy": ("Branch", "Muscle", "Relation", "Side", "relation_of"),
    "lsr.batch.many": ("Analyzed", "analyze_many"),
    "lsr.batch.tables": ("load_reports",),
    "lsr.detection.detect": ("detect",),
    "lsr.detection.detection": ("Detection", "LateResponse", "MWave", "Presence", "SweepFinding"),
    "lsr.errors": (
        "BatchError",
        "EventsError",
        "LsrError",
        "MalformedRecording",
        "NoMuscle",
        "NoStimuli",
        "RecordingError",
        "RecordingNotFound",
        "SettingsError",
        "SweepsError",
        "TableError",
        "UnknownFormat",
        "UnknownUnit",
        "UnreadableSamples",
        "WorkerLost",
    ),
    "lsr.findings.findings": (
        "BlockFinding",
        "Course",
        "Disappearance",
        "Findings",
        "PairFinding",
        "PairSweep",
    ),
    "lsr.io.registry": ("read_recording",),
    "lsr.pipeline": ("analyze",),
    "lsr.recording": ("Annotation", "Channel", "Problem", "Recording", "Segment"),
    "lsr.report.as_table": ("read_table",),
    "lsr.report.inspection": ("Inspection", "inspect"),
    "lsr.report.report": ("Report", "report_schema"),
    "lsr.settings": ("Settings",),
    "lsr.stages": ("Stage",),
    "lsr.stimuli": ("BranchSource", "Stimulus", "StimulusSet", "StimulusSource"),
}
_HOME_OF = {name: home for home, names in _NAMES_OF.items() for name in names}

__all__ = [
    "Analyzed",
    "Annotation",
    "BatchError",
    "BlockFinding",
    "Branch",
    "BranchSource",
    "Channel",
    "Course",
    "Detection",
    "Disappearance",
    "EventsError",
    "Findings",
    "Inspection",
    "LateResponse",
    "LsrError",
    "MWave",
    "MalformedRecording",
    "Muscle",
    "NoMuscle",
    "NoStimuli",
    "PairFinding",
    "PairSweep",
    "Presence",
    "Problem",
    "Recording",
    "RecordingError",
    "RecordingNotFound",
    "Relation",
    "Report",
    "Segment",
    "Settings",
    "SettingsError",
    "Side",
    "Stage",
    "Stimulus",
    "StimulusSet",
    "StimulusSource",
    "SweepFinding",
    "SweepsError",
    "TableError",
    "UnknownFormat",
    "UnknownUnit",
    "UnreadableSamples",
    "WorkerLost",
    "analyze",
    "analyze_many",
    "detect",
    "inspect",
    "load_reports",
    "read_recording",
    "read_table",
    "relation_of",
    "report_schema",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'lsr' has no attribute {name!r}")
    value = getattr(import_module(_HOME_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
