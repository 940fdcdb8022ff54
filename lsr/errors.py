"""Every error that `lsr` raises over recordings, tables and settings; wrong arguments are errors of Python.

Conventions
-----------
A message names the file, the place, the value found and the way out. It never holds a patient's name.

::

    LsrError
    ├── RecordingError          a file that cannot be read
    │   ├── RecordingNotFound       no such file, or no right to read it
    │   ├── UnknownFormat           not a recording, or none that an adapter reads
    │   ├── MalformedRecording      a header, record or annotation that breaks the format
    │   ├── UnreadableSamples       the data ended, or the disk failed, while reading
    │   └── UnknownUnit             a unit that cannot be turned into microvolts
    ├── NoStimuli               nothing in the recording tells when it was stimulated
    ├── NoMuscle                no channel whose muscle can be told
    ├── SweepsError             arrays that are no sweeps (shape, time axis, not finite)
    ├── EventsError             an events file that cannot be read
    ├── TableError              a table of pairs that cannot be read back
    ├── BatchError              a run over many recordings that cannot begin, or go on
    ├── WorkerLost              the process that analysed a recording died, or its memory ran out
    └── SettingsError           a setting that is misspelt or out of range
"""


class LsrError(Exception):
    """Anything `lsr` refuses to do, with the reason; catching it catches every error below."""


class RecordingError(LsrError):
    """A recording that cannot be read."""


class RecordingNotFound(RecordingError):
    """No such file, or no right to read it."""


class UnknownFormat(RecordingError):
    """Not a recording, or in a format that no adapter reads."""


class MalformedRecording(RecordingError):
    """A header, data record or annotation that breaks the format beyond safe repair."""


class UnreadableSamples(RecordingError):
    """The data ended, or the disk failed, while samples were read."""


class UnknownUnit(RecordingError):
    """A physical dimension that cannot be turned into microvolts."""


class NoStimuli(LsrError):
    """Nothing in the recording tells when it was stimulated."""


class NoMuscle(LsrError):
    """No channel whose muscle can be told."""


class SweepsError(LsrError, ValueError):
    """Arrays that are no sweeps: wrong shape, broken time axis, nothing finite."""


class EventsError(LsrError):
    """An events file that cannot be read."""


class TableError(LsrError):
    """A table of pairs that cannot be read back."""


class BatchError(LsrError):
    """A run over many recordings that cannot begin, or cannot go on."""


class WorkerLost(LsrError):
    """The process that analysed a recording died, or its memory ran out, twice."""


class SettingsError(LsrError):
    """A setting that is misspelt, of the wrong kind or out of range."""
