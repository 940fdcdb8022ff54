"""Many recordings from Python: reports as they come."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd
import pytest

import lsr
from lsr.batch.tables import load_reports
from lsr.report.as_json import as_json


def test_reports_and_errors_come_side_by_side(recordings):
    paths = [recordings / "case.edf", recordings / "2020" / "cut.edf", recordings / "nothing.edf"]
    with ThreadPoolExecutor(1) as threads:
        found = {one.path: one for one in lsr.analyze_many(iter(paths), threads)}
    assert found[paths[0]].report.to_dict() == lsr.analyze(paths[0]).to_dict()
    assert found[paths[0]].error is None
    assert isinstance(found[paths[1]].error, lsr.MalformedRecording)
    assert isinstance(found[paths[2]].error, lsr.RecordingNotFound)
    assert found[paths[1]].report is None


@pytest.mark.parametrize("one", ["c.edf", Path("c.edf")])
def test_one_path_is_not_taken_for_many(one):
    with pytest.raises(TypeError, match=r"found one, 'c.edf'; give \['c.edf'\], or use lsr.analyze"):
        lsr.analyze_many(one)


def test_settings_of_another_kind_are_refused_by_name(recordings):
    wrong = {"detection": {"alpha": 0.1}}
    for call in (
        lsr.analyze,
        lsr.inspect,
        lambda path, settings: lsr.analyze_many([path], settings=settings),
    ):
        with pytest.raises(lsr.SettingsError, match=r"needs lsr.Settings, found {'detection'"):
            call(recordings / "case.edf", wrong)


def test_a_script_without_its_guard_is_told_so_once(recordings, tmp_path):
    script = tmp_path / "script.py"
    path = str(recordings / "case.edf")
    script.write_text(f"import lsr\nfor one in lsr.analyze_many([{path!r}] * 3, jobs=2):\n    print(one)\n")
    ended = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=60)
    assert ended.returncode == 1
    assert ended.stdout == ""
    assert ended.stderr.count("Traceback") == 1
    assert ended.stderr.splitlines()[-1].endswith('put what it does below if __name__ == "__main__":')


def test_a_script_from_stdin_is_told_that_processes_cannot_begin_with_it(recordings):
    """Not that memory ran out, once for each recording."""
    path = str(recordings / "case.edf")
    script = f"import lsr\nfor one in lsr.analyze_many([{path!r}] * 3, jobs=2):\n    print(one)\n"
    ended = subprocess.run([sys.executable, "-"], input=script, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 1
    assert ended.stdout == ""
    assert ended.stderr.splitlines()[-1].endswith("that can be imported, as none from stdin can")


@pytest.mark.slow
def test_processes_of_this_machine_are_the_default(recordings):
    paths = sorted((recordings / "2019").iterdir()) * 3
    assert len({one.report.recording.sha256 for one in lsr.analyze_many(paths, jobs=2)}) == 1


def test_reports_are_loaded_from_any_folder(recordings, tmp_path):
    report = lsr.analyze(recordings / "case.edf")
    (tmp_path / "2019").mkdir()
    (tmp_path / "2019" / "case.json").write_text(as_json(report))
    (tmp_path / "case.json").write_text(as_json(report, indent=2))
    (tmp_path / "truth.json").write_text('{"pairs": []}')
    frame = load_reports(tmp_path)
    assert list(frame["report"].unique()) == ["2019/case.json", "case.json"]
    one = frame[frame["report"] == "case.json"].drop(columns="report").reset_index(drop=True)
    pd.testing.assert_frame_equal(one, report.to_frame())


def test_a_report_that_cannot_be_read_is_told(tmp_path):
    (tmp_path / "a.json").write_text('{"schema_version": "1", "lsr_version": "9", "pairs": 3}')
    with pytest.raises(lsr.TableError, match="analyse again"):
        load_reports(tmp_path)
    (tmp_path / "a.json").write_text("{")
    with pytest.raises(lsr.TableError, match="cannot be read"):
        load_reports(tmp_path)
    with pytest.raises(lsr.TableError, match="no such folder"):
        load_reports(tmp_path / "nothing")


def test_a_folder_without_reports_is_an_empty_table(tmp_path):
    assert len(load_reports(tmp_path)) == 0
