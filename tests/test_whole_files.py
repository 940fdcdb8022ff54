"""A file is there whole or not at all, and stays what it was."""

import os
import stat
import threading

import pytest

from lsr.whole_files import written_whole


def test_nothing_stays_of_what_fails(tmp_path):
    place = tmp_path / "report.html"
    place.write_text("before")

    def write_half():
        with written_whole(place) as partial:
            partial.write_text("half")
            raise OSError("full")

    with pytest.raises(OSError, match="full"):
        write_half()
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
    assert place.read_text() == "before"


def test_who_may_read_a_file_stays_when_it_is_written_again(tmp_path):
    place = tmp_path / "report.html"
    place.write_text("before")
    place.chmod(0o600)
    with written_whole(place) as partial:
        partial.write_text("after")
    assert place.read_text() == "after"
    assert stat.S_IMODE(place.stat().st_mode) == 0o600


def test_a_pipe_stays_a_pipe(tmp_path):
    place, read = tmp_path / "pipe", []
    os.mkfifo(place)
    reader = threading.Thread(target=lambda: read.append(place.read_text()))
    reader.start()
    with written_whole(place) as partial:
        partial.write_text("through")
    reader.join(10)
    assert read == ["through"]
    assert stat.S_ISFIFO(place.stat().st_mode)
