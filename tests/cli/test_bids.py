"""`lsr bids` takes the arguments of BIDS Apps, and leaves derivatives."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import lsr
from lsr.batch import BatchResult, Kind
from lsr.batch.bids import plan_dataset, write_dataset_files

SAMPLES = Path(__file__).parents[2] / "sample_data"


@pytest.fixture
def dataset(tmp_path):
    """A data set of three participants, one with two sessions."""
    root = tmp_path / "data"
    for place in ("sub-01/emg", "sub-02/ses-a/emg", "sub-02/ses-b/emg", "sub-10/emg"):
        stem = "_".join(part for part in place.split("/") if part != "emg")
        (root / place).mkdir(parents=True)
        shutil.copy(SAMPLES / "clinic_with_lsr.edf", root / place / f"{stem}_task-lsr_emg.edf")
    (root / "dataset_description.json").write_text('{"Name": "A study", "BIDSVersion": "1.11.0"}')
    return root


@pytest.fixture
def planned(monkeypatch):
    """Replace the run; gives the plans."""
    import lsr.batch

    plans = []

    def run_plan(plan, out, engine, **options):
        plans.append(plan)
        return BatchResult(
            n_analysed=len(plan.tasks),
            n_done_before=0,
            n_removed=0,
            refused=plan.refused,
            presences=frozenset({"present"}),
        )

    monkeypatch.setattr(lsr.batch, "run_plan", run_plan)
    return plans


def _names(plan):
    return [task.name.split("/")[-1].removesuffix("_task-lsr_emg.edf") for task in plan.tasks]


def test_every_participant_is_planned_under_its_own_name(call, dataset, planned, tmp_path):
    result = call("bids", dataset, tmp_path / "out", "participant")
    assert (result.exit_code, result.stdout) == (0, f"{tmp_path / 'out'}\n")
    (plan,) = planned
    assert _names(plan) == ["sub-01", "sub-02_ses-a", "sub-02_ses-b", "sub-10"]
    assert [output.path for output in plan.tasks[1].outputs] == [
        "sub-02/ses-a/emg/sub-02_ses-a_task-lsr_desc-lsr_report.json",
        "sub-02/ses-a/emg/sub-02_ses-a_task-lsr_desc-lsr_report.html",
        "sub-02/ses-a/emg/sub-02_ses-a_task-lsr_desc-lsr_pairs.tsv",
    ]


@pytest.mark.parametrize(
    "options",
    [
        ("--participant-label", "01", "sub-10"),
        ("--participant_label", "01", "--participant-label", "10"),
        ("--participant-label", "01", "10", "--jobs", "1"),
    ],
)
def test_participants_are_named_as_bids_apps_take_them(call, dataset, planned, tmp_path, options):
    assert call("bids", dataset, tmp_path / "out", "participant", *options).exit_code == 0
    assert _names(planned[0]) == ["sub-01", "sub-10"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("{data}", "{out}", "group"), "participant"),
        (("{data}", "{out}", "participant", "01"), "participants are named after --participant-label"),
        (("{data}", "{out}", "participant", "--participant-label", "100"), "did you mean '10'?"),
        (("{data}", "{out}", "participant", "--participants", "01"), "--participant"),
        (("{data}", "{data}", "participant"), "is the data set itself"),
        (("{out}", "{out}/x", "participant"), "no dataset_description.json"),
    ],
)
def test_wrong_usage_is_told(call, dataset, planned, tmp_path, arguments, told):
    places = {"data": dataset, "out": tmp_path / "out"}
    result = call("bids", *(argument.format(**places) for argument in arguments))
    assert result.exit_code == 2
    assert told in result.stderr
    assert not planned


def test_a_data_set_without_emg_is_told(call, dataset, planned, tmp_path):
    for folder in dataset.glob("sub-*"):
        shutil.rmtree(folder)
    result = call("bids", dataset, tmp_path / "out", "participant")
    assert result.exit_code == 2
    assert "no recording in sub-*/emg" in result.stderr


def test_an_answer_that_is_named_ends_with_three(call, dataset, planned, tmp_path):
    ends = [
        call("bids", dataset, tmp_path / "out", "participant", "--fail-on", answer).exit_code
        for answer in ("present", "absent")
    ]
    assert ends == [3, 0]


@pytest.mark.parametrize(("text", "told"), [("{", "not valid JSON"), ("[]", "holds no JSON object")])
def test_a_description_that_is_broken_is_told(call, dataset, planned, tmp_path, text, told):
    (dataset / "dataset_description.json").write_text(text)
    result = call("bids", dataset, tmp_path / "out", "participant")
    assert result.exit_code == 2
    assert f"dataset_description.json: {told}" in result.stderr


def test_settings_lie_in_the_folder_code(call, dataset, planned, tmp_path):
    (dataset / "code").mkdir()
    (dataset / "code" / "lsr.toml").write_text("[detection]\nalpha = 0.005\n")
    result = call("bids", dataset, tmp_path / "out", "participant")
    assert {task.settings.detection.alpha for task in planned[0].tasks} == {0.005}
    assert result.stderr.count("are used for its recordings") == 1


def test_a_participant_whose_settings_are_wrong_is_refused_alone(call, dataset, planned, tmp_path):
    (dataset / "sub-01" / "emg" / "lsr.toml").write_text("[detection]\nalhpa = 0.005\n")
    result = call("bids", dataset, tmp_path / "out", "participant")
    assert result.exit_code == 2
    assert _names(planned[0]) == ["sub-02_ses-a", "sub-02_ses-b", "sub-10"]
    (refused,) = planned[0].refused
    assert "sub-01/emg/lsr.toml: unknown setting 'alhpa'" in refused.message
    assert str(dataset) not in refused.message


def test_a_sidecar_that_changes_changes_what_is_read(dataset):
    def settings_of(path):
        return lsr.Settings()

    before = plan_dataset(dataset, settings_of, ["01"]).tasks[0]
    (dataset / "emg.json").write_text("{}")
    after = plan_dataset(dataset, settings_of, ["01"]).tasks[0]
    assert set(after.inputs) - set(before.inputs) == {dataset / "emg.json"}


def test_pages_can_be_left_out(dataset):
    plan = plan_dataset(dataset, lambda path: lsr.Settings(), html=False)
    assert {output.kind for task in plan.tasks for output in task.outputs} == {Kind.JSON, Kind.TSV}


def test_the_derivatives_say_what_they_are(dataset, tmp_path):
    write_dataset_files(dataset, tmp_path / "out")
    description = json.loads((tmp_path / "out" / "dataset_description.json").read_text())
    assert description["DatasetType"] == "derivative"
    assert description["GeneratedBy"][0]["Version"] == lsr.__version__
    assert "A study" in description["Name"]
    assert "qualified neurophysiologist" in (tmp_path / "out" / "README.md").read_text()
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        *(".bidsignore", "README.md", "dataset_description.json", "desc-lsr_pairs.json")
    ]


@pytest.mark.parametrize(
    "others",
    [
        {"README.md": "My study"},
        {"dataset_description.json": '{"Name": "Mine", "BIDSVersion": "1.8.0"}'},
        {"dataset_description.json": '{"Name": "Mine", "GeneratedBy": [{"Name": "fMRIPrep"}]}'},
    ],
)
def test_what_describes_a_folder_of_others_is_not_written_over(dataset, tmp_path, others):
    out = tmp_path / "out"
    out.mkdir()
    for name, text in others.items():
        (out / name).write_text(text)
    with pytest.raises(lsr.BatchError, match="name another folder"):
        write_dataset_files(dataset, out)
    assert {path.name: path.read_text() for path in out.iterdir()} == others


def test_a_folder_of_an_earlier_run_is_described_again(dataset, tmp_path):
    for _ in range(2):
        write_dataset_files(dataset, tmp_path / "out")
    assert "A study" in (tmp_path / "out" / "dataset_description.json").read_text()


def _validated(place):
    command = [Path(sys.executable).with_name("bids-validator-deno"), "--format", "json", place]
    done = subprocess.run(command, capture_output=True, text=True)
    issues = json.loads(done.stdout)["issues"]["issues"]
    return [issue for issue in issues if issue["severity"] == "error"]


@pytest.mark.slow
def test_a_data_set_becomes_derivatives_that_the_validator_accepts(call, dataset, tmp_path):
    for path in dataset.glob("sub-*/**/*_emg.edf"):
        about = {"TaskName": "lsr", "EMGPlacementScheme": "Other", "EMGPlacementSchemeDescription": "by eye"}
        about |= {"EMGReference": "bipolar", "SamplingFrequency": 10000, "PowerLineFrequency": 50}
        about |= {"SoftwareFilters": "n/a", "RecordingType": "continuous", "EMGGround": "n/a"}
        stem = path.name.removesuffix("_emg.edf")
        path.with_name(f"{stem}_emg.json").write_text(json.dumps(about))
        rows = "".join(f"{name}\tEMG\tuV\n" for name in ("R O.Oculi", "R Nasalis", "R Mentalis"))
        path.with_name(f"{stem}_channels.tsv").write_text(f"name\ttype\tunits\n{rows}")
    broken = dataset / "sub-10" / "emg" / "sub-10_task-lsr_emg.edf"
    whole = broken.read_bytes()
    broken.write_bytes(whole[:100])
    out = dataset / "derivatives" / "lsr"
    first = call("bids", dataset, out, "participant", "--jobs", 2)
    assert first.exit_code == 1
    assert "sub-10" in first.stderr
    assert (out / "failures.csv").read_text().count("\n") == 2
    broken.write_bytes(whole)
    again = call("bids", dataset, out, "participant", "--jobs", 2, "--resume", "--log-json", "--verbose")
    assert again.exit_code == 0
    told = [json.loads(line)["message"] for line in again.stderr.splitlines()]
    assert sum("done" in line for line in told) == 4
    read = lsr.load_reports(out)
    assert read["report"].nunique() == 4
    assert len(lsr.read_table(out / "pairs.csv")) == len(read)
    assert _validated(out) == []
    assert _validated(dataset) == []
    (out / ".bidsignore").unlink()
    assert _validated(out) != []  # it is the names that are looked at
