"""An output folder is whole, or says that it is not."""

import errno
import os

import pytest

from lsr.batch.folder import Entry, OutputFolder
from lsr.batch.work import Left
from lsr.errors import BatchError

ENTRY = Entry(name="a.edf", content_sha256="1", settings_sha256="2", lsr_version="3", outputs={"r/a": "4"})


def test_a_second_run_is_refused_while_the_first_goes_on(tmp_path):
    with OutputFolder(tmp_path, resume=False), pytest.raises(BatchError, match=f"process {os.getpid()}"):
        OutputFolder(tmp_path, resume=True)
    with OutputFolder(tmp_path, resume=False):
        pass
    assert list(tmp_path.iterdir()) == []


def test_the_lock_of_a_dead_run_does_not_count(tmp_path):
    (tmp_path / ".lsr").mkdir()
    (tmp_path / ".lsr" / "lock").write_text("process 1\n")
    with OutputFolder(tmp_path, resume=True) as folder:
        assert folder.staging.is_dir()
        assert f"process {os.getpid()}" in (tmp_path / ".lsr" / "lock").read_text()


def test_an_earlier_run_is_not_overwritten(tmp_path):
    with OutputFolder(tmp_path, resume=False) as folder:
        folder.finish(b'{"lsr_version": "3", "recordings": []}')
    with pytest.raises(BatchError, match="--resume"):
        OutputFolder(tmp_path, resume=False)
    assert [one.name for one in tmp_path.iterdir()] == ["manifest.json"]


def test_what_was_put_in_place_is_remembered_and_what_was_not_is_gone(tmp_path):
    with OutputFolder(tmp_path, resume=False) as folder:
        for name in ("done", "begun"):
            (folder.staging / name).write_bytes(b"x")
        folder.commit([(ENTRY, [Left(path="r/a", staged="done", sha256="4")])])
    with (tmp_path / ".lsr" / "journal.jsonl").open("a") as journal:
        journal.write('{"name": "b.edf", "content_sha')  # cut off by a kill
    with OutputFolder(tmp_path, resume=True) as folder:
        assert folder.earlier == {"a.edf": ENTRY}
        assert not list(folder.staging.iterdir())
        assert not (tmp_path / "manifest.json").exists()
    assert (tmp_path / "r" / "a").read_bytes() == b"x"


def test_an_output_that_was_changed_does_not_count(tmp_path):
    with OutputFolder(tmp_path, resume=False) as folder:
        folder.write("a", b"1")
        digest = "6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b"
        assert folder.has({"a": digest})
        folder.write("a", b"2")
        assert not folder.has({"a": digest})
        assert not folder.has({"b": digest})


def test_an_output_that_a_worker_left_elsewhere_is_told(tmp_path):
    with OutputFolder(tmp_path, resume=False) as folder, pytest.raises(BatchError, match="every worker"):
        folder.commit([(ENTRY, [Left(path="r/a", staged="elsewhere", sha256="4")])])


def test_a_folder_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(BatchError, match="cannot be written"):
        OutputFolder(tmp_path / "file" / "out", resume=False)


def test_what_a_full_disk_does_not_take_is_told_and_not_remembered(tmp_path, monkeypatch):
    def full(*places):
        raise OSError(errno.ENOSPC, "No space left on device")

    with OutputFolder(tmp_path, resume=False) as folder:
        (folder.staging / "done").write_bytes(b"x")
        monkeypatch.setattr(os, "replace", full)
        with pytest.raises(BatchError, match=r"cannot be written \(No space left on device\); make room"):
            folder.commit([(ENTRY, [Left(path="r/a", staged="done", sha256="4")])])
        with pytest.raises(BatchError, match="make room there, then go on with --resume"):
            folder.write("pairs.csv", b"x")
    with OutputFolder(tmp_path, resume=True) as folder:
        assert folder.earlier == {}


def test_removing_outputs_removes_folders_that_are_empty_then(tmp_path):
    with OutputFolder(tmp_path, resume=False) as folder:
        folder.write("r/2019/a", b"1")
        folder.write("r/b", b"1")
        folder.remove(["r/2019/a", "r/2020/never"])
    assert sorted(one.name for one in tmp_path.rglob("*")) == ["b", "r"]
