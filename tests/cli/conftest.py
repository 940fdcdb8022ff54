"""The command line, called as a user calls it."""

import numpy as np
import pytest
from typer.testing import CliRunner

from lsr.findings.findings import Findings
from lsr.recording import Recording
from lsr.report.report import build_report
from lsr_cli.main import app


@pytest.fixture
def call():
    """Call `lsr` with arguments; gives exit_code, stdout and stderr."""
    runner = CliRunner()
    return lambda *arguments, stdin=None: runner.invoke(app, [str(one) for one in arguments], input=stdin)


@pytest.fixture
def analyzed(monkeypatch):
    """Replace the analysis by an empty report; gives the calls. Names tell what happens to a file."""
    import lsr

    calls = []

    def analyze(path, settings, **options):
        calls.append((path, settings, options))
        print("chatter of a library")
        if "refused" in path.name:
            raise lsr.MalformedRecording(f"{path.name}: byte 0 is odd; export it again")
        if "misconfigured" in path.name:
            raise lsr.SettingsError("no channel is called 'X'")
        if "crashes" in path.name:
            raise ZeroDivisionError("Doe^Jane, born 1950")
        with Recording.from_arrays(
            [np.zeros(500)], rates_hz=1000, labels=["R Ment"], name=path.name
        ) as recording:
            findings = Findings(stimulation=(), pairs=(), residual_lsr=None)
            return build_report(recording, findings, settings, created=options["created"])

    monkeypatch.setitem(vars(lsr), "analyze", analyze)
    return calls
