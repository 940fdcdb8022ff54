"""A run leaves a report each, tables over all, and the same bytes whoever did the work."""

import csv
import json
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

import lsr
from lsr.batch import given_engine, local_engine, plan_recordings, run_batch, run_plan
from lsr.batch.folder import OutputFolder
from lsr.errors import BatchError
from lsr.settings import Settings

NAMES = ["2019/case.edf", "2020/study", "case.edf"]


def run(folder, out, **options):
    """Run in this process, without pages: they take a second each."""
    with ThreadPoolExecutor(1) as threads:
        return run_batch([folder], out, html=False, executor=threads, **options)


@pytest.fixture(scope="module")
def out(recordings, tmp_path_factory):
    """What a run over all recordings left."""
    out = tmp_path_factory.mktemp("out") / "results"
    result = run(recordings, out)
    assert (result.n_analysed, result.n_done_before, len(result.refused)) == (3, 0, 1)
    assert result.presences == {"present"}
    return out


def test_every_recording_has_a_report_of_its_own(out, recordings, tree):
    reports = {path for path in tree(out) if path.startswith("reports/")}
    assert reports == {f"reports/{name}.json" for name in NAMES}
    for name in NAMES:
        report = json.loads((out / f"reports/{name}.json").read_text())
        assert report == lsr.analyze(recordings / name).to_dict()


def test_a_bad_file_is_a_typed_entry(out):
    with (out / "failures.csv").open() as file:
        (failure,) = csv.DictReader(file)
    assert failure["recording"] == "2020/cut.edf"
    assert failure["kind"] == "MalformedRecording"
    assert failure["message"].startswith("2020/cut.edf: ")


def test_tables_are_read_back_as_the_reports(out):
    import pandas as pd

    frame = lsr.load_reports(out)
    assert list(frame["report"].unique()) == [f"reports/{name}.json" for name in NAMES]
    assert list(frame.columns)[1:] == list(lsr.read_table(out / "pairs.csv").columns)[1:]
    pd.testing.assert_frame_equal(frame, pd.read_parquet(out / "pairs.parquet"))
    pd.testing.assert_frame_equal(frame, lsr.read_table(out / "pairs.csv"))


def test_no_output_names_the_patient_or_the_machine(out, tree, patient, recordings):
    for path, content in tree(out).items():
        for private in (patient, patient.split()[-1], str(recordings), str(recordings.parent), str(out)):
            assert private.encode() not in content, path


def test_the_manifest_names_everything(out, tree):
    manifest = json.loads((out / "manifest.json").read_text())
    assert [one["name"] for one in manifest["recordings"]] == NAMES
    named = {path for one in manifest["recordings"] for path in one["outputs"]} | set(manifest["tables"])
    assert named | {"manifest.json"} == set(tree(out))


@pytest.mark.slow
def test_two_processes_leave_the_same_bytes(out, recordings, tmp_path, tree):
    plan = plan_recordings([recordings], tmp_path / "two", lambda path: Settings(), html=False)
    run_plan(plan, tmp_path / "two", local_engine(2))
    assert tree(tmp_path / "two") == tree(out)


def test_resuming_keeps_what_has_not_changed(out, recordings, tmp_path, tree, write_recording):
    again, folder = tmp_path / "again", tmp_path / "recordings"
    shutil.copytree(out, again)
    shutil.copytree(recordings, folder)
    seen = {path: (again / path).stat().st_mtime_ns for path in tree(again)}
    write_recording(folder / "case.edf", seed=9)
    (folder / "2020" / "study").unlink()
    result = run(folder, again, resume=True)
    assert (result.n_analysed, result.n_done_before, result.n_removed) == (2, 1, 1)
    kept = "reports/2019/case.edf.json"
    assert (again / kept).stat().st_mtime_ns == seen[kept]
    run(folder, tmp_path / "anew")
    assert tree(again) == tree(tmp_path / "anew")


@pytest.mark.slow
def test_resuming_with_other_settings_analyses_again(out, recordings, tmp_path):
    again = tmp_path / "again"
    shutil.copytree(out, again)
    settings = Settings.from_dict({"detection": {"alpha": 0.02}})
    assert run(recordings, again, settings=settings, resume=True).n_done_before == 0
    assert run(recordings, again, settings=settings, resume=True).n_done_before == 3


@pytest.mark.slow
def test_resuming_does_again_what_was_damaged(out, recordings, tmp_path, tree):
    again = tmp_path / "again"
    shutil.copytree(out, again)
    (again / "reports" / "case.edf.json").write_text("{")
    assert run(recordings, again, resume=True).n_done_before == 2
    assert tree(again) == tree(out)


@pytest.mark.parametrize("text", [None, "", "when,text\n0,Baseline\n", "time,text\n0,Baseline\n"])
def test_events_that_cannot_be_read_cost_an_earlier_run_nothing(out, recordings, tmp_path, tree, text):
    again, events = tmp_path / "again", tmp_path / "events.csv"
    shutil.copytree(out, again)
    if text is not None:
        events.write_text(text)
    with pytest.raises(lsr.EventsError, match=r"events\.csv"):
        run(recordings, again, resume=True, events=events)
    assert tree(again) == tree(out)


def test_settings_that_are_wrong_for_one_recording_refuse_that_one(recordings, tmp_path):
    def settings_of(path):
        if path.parent == recordings:
            raise lsr.SettingsError(f"{path.parent / 'lsr.toml'}: unknown setting 'alfa'")
        return Settings()

    result = run(recordings / "case.edf", tmp_path / "out", settings=settings_of)
    assert [(one.name, one.kind) for one in result.refused] == [("case.edf", "SettingsError")]
    assert result.refused[0].message == "case.edf: lsr.toml: unknown setting 'alfa'"


def test_an_unexpected_error_tells_its_place_and_not_its_text(recordings, tmp_path, monkeypatch):
    def crash(*arguments, **options):
        raise ZeroDivisionError("Doe^Jane, born 1950")

    monkeypatch.setattr("lsr.pipeline.analyze", crash)
    (refusal,) = run(recordings / "case.edf", tmp_path / "out").refused
    assert refusal.kind == "Unexpected"
    assert "unexpected ZeroDivisionError at test_run.py:" in refusal.message
    assert "Doe" not in refusal.message


class _Kills:
    """Kills whoever takes it out of its envelope."""

    def __reduce__(self):
        return exec, ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)",)


@pytest.mark.slow
def test_a_recording_that_kills_its_worker_costs_only_itself(recordings, tmp_path):
    plan = plan_recordings([recordings], tmp_path, lambda path: Settings(), html=False)
    tasks = [replace(task, events=_Kills()) if task.name == "case.edf" else task for task in plan.tasks]
    result = run_plan(replace(plan, tasks=tuple(tasks)), tmp_path / "out", local_engine(2))
    assert {one.name: one.kind for one in result.refused} == {
        "2020/cut.edf": "MalformedRecording",
        "case.edf": "WorkerLost",
    }
    assert "SIGKILL" in next(one.message for one in result.refused if one.kind == "WorkerLost")
    assert result.n_analysed == 2


def test_nothing_to_do_is_told(tmp_path):
    (tmp_path / "in").mkdir()
    with pytest.raises(BatchError, match="no recording was found"):
        run_batch([tmp_path / "in"], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_recordings_that_would_share_an_output_are_refused(tmp_path, write_recording):
    write_recording(tmp_path / "x.edf")
    plan = plan_recordings([tmp_path], tmp_path / "out", lambda path: Settings())
    with pytest.raises(BatchError, match=r"would share reports/x\.edf\.json"):
        replace(plan, tasks=(plan.tasks[0], replace(plan.tasks[0], name="y.edf")))


@pytest.mark.slow
def test_a_worker_of_another_version_ends_the_run(recordings, tmp_path, monkeypatch):
    plan = plan_recordings([recordings], tmp_path, lambda path: Settings(), html=False)
    monkeypatch.setattr(lsr, "__version__", "0.0.1")
    with pytest.raises(BatchError, match="install the same version"):
        run_plan(plan, tmp_path / "out", local_engine(1))


def test_a_folder_that_cannot_be_read_is_told(tmp_path, recordings, monkeypatch):
    shutil.copytree(recordings, tmp_path / "in")
    listed = os.listdir

    def list_but_one(place):  # by its mode alone, a folder would still be open to root
        if os.path.basename(place) == "2019":
            raise PermissionError(13, "Permission denied", str(place))
        return listed(place)

    monkeypatch.setattr(os, "listdir", list_but_one)
    result = run(tmp_path / "in", tmp_path / "out")
    assert ("2019", "RecordingNotFound") in {(one.name, one.kind) for one in result.refused}


def test_an_executor_of_somebody_else_is_left_open(recordings, tmp_path):
    with ThreadPoolExecutor(1) as threads:
        plan = plan_recordings([recordings / "2019"], tmp_path, lambda path: Settings(), html=False)
        run_plan(plan, tmp_path / "out", given_engine(threads))
        assert threads.submit(abs, -1).result() == 1


@pytest.mark.slow
def test_no_name_of_a_file_is_too_odd(recordings, tmp_path, tree):
    names = ["=cmd|x.edf", "NA", "new\nline.edf", "<b>x", "caf\udce9.edf", "l" * 253, "ü%41#.edf"]
    (tmp_path / "in").mkdir()
    for name in names:
        shutil.copy(recordings / "case.edf", tmp_path / "in" / name)
    assert run(tmp_path / "in", tmp_path / "out").n_analysed == len(names)
    frame = lsr.load_reports(tmp_path / "out")
    assert set(frame["recording_name"]) == {*names, "caf\\udce9.edf"} - {"caf\udce9.edf"}
    assert set(frame["report"]) == {one for one in tree(tmp_path / "out") if one.startswith("reports/")}
    import pandas as pd

    pd.testing.assert_frame_equal(frame, lsr.read_table(tmp_path / "out" / "pairs.csv"))
    pd.testing.assert_frame_equal(frame, pd.read_parquet(tmp_path / "out" / "pairs.parquet"))


def test_a_path_that_is_not_there_costs_only_itself_and_is_told(recordings, tmp_path):
    told = []
    with ThreadPoolExecutor(1) as threads:
        result = run_batch(
            [recordings / "case.edf", tmp_path / "gone.edf"],
            tmp_path / "out",
            html=False,
            executor=threads,
            watch=lambda tally: told.append((tally.name, tally.refusal and tally.refusal.kind)),
        )
    assert result.n_analysed == 1
    assert [(one.name, one.kind) for one in result.refused] == [("gone.edf", "RecordingNotFound")]
    assert told == [("gone.edf", "RecordingNotFound"), ("case.edf", None), (None, None)]


def test_where_nothing_given_is_there_nothing_is_begun(tmp_path):
    with pytest.raises(lsr.RecordingNotFound, match="check the path"):
        run_batch([tmp_path / "a.edf", tmp_path / "b.edf"], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_outputs_that_cannot_be_put_in_place_end_the_run(recordings, tmp_path, monkeypatch):
    def full(*arguments):
        raise BatchError("the disk is full")

    monkeypatch.setattr(OutputFolder, "commit", full)
    with pytest.raises(BatchError, match="full"):
        run(recordings / "case.edf", tmp_path / "out")


def test_a_report_that_is_none_any_more_is_not_left_out_of_the_tables(recordings, tmp_path):
    out = tmp_path / "out"

    def spoil(tally):
        if tally.step == "writing tables":
            (out / "reports" / "case.edf.json").write_text("{}")

    with pytest.raises(
        BatchError, match=r"reports/case\.edf\.json: is no report any more; go on with --resume"
    ):
        run(recordings / "case.edf", out, watch=spoil)
    assert not (out / "manifest.json").exists()


def test_resuming_with_another_version_analyses_again(recordings, tmp_path, monkeypatch):
    run(recordings / "case.edf", tmp_path / "out")
    monkeypatch.setattr(lsr, "__version__", "0.0.1")
    assert run(recordings / "case.edf", tmp_path / "out", resume=True).n_done_before == 0


def test_resuming_leaves_the_pages_that_an_earlier_run_did_not(recordings, tmp_path):
    run(recordings / "case.edf", tmp_path / "out")
    with ThreadPoolExecutor(1) as threads:
        run_batch([recordings / "case.edf"], tmp_path / "out", executor=threads, resume=True)
    assert (tmp_path / "out" / "reports" / "case.edf.html").exists()
