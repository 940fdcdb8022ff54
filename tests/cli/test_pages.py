"""`lsr analyze` leaves pages and figures where it is asked to, and never one over another."""

import pytest


def test_a_page_is_left_in_the_file_that_is_named(call, analyzed, tmp_path):
    page = tmp_path / "deep" / "glance.html"
    result = call("analyze", "good.edf", "--html", page)
    assert result.exit_code == 0
    assert "good.edf" in page.read_text(encoding="utf-8")
    assert analyzed[0][2]["with_traces"] is True


def test_pages_are_left_in_the_folder_that_is_named(call, analyzed, tmp_path):
    assert call("analyze", "one.edf", "two.edf", "--html", tmp_path / "pages").exit_code == 0
    assert sorted(path.name for path in (tmp_path / "pages").iterdir()) == ["one.html", "two.html"]


def test_figures_are_made_only_of_what_is_there(call, analyzed, tmp_path):
    assert call("analyze", "good.edf", "--figures", tmp_path / "figures").exit_code == 0
    assert list((tmp_path / "figures").iterdir()) == []


def test_traces_are_kept_only_where_they_are_drawn(call, analyzed):
    call("analyze", "good.edf")
    assert analyzed[0][2]["with_traces"] is False


@pytest.mark.parametrize("option", ["--html", "--figures"])
def test_two_recordings_of_one_name_need_two_folders(call, analyzed, tmp_path, option):
    result = call("analyze", "a/case.edf", "b/case.edf", option, tmp_path)
    assert result.exit_code == 2
    assert "'case'" in result.stderr
    assert not list(tmp_path.iterdir())


def test_one_page_holds_one_recording(call, analyzed, tmp_path):
    result = call("analyze", "one.edf", "two.edf", "--html", tmp_path / "page.html")
    assert result.exit_code == 2
    assert "name a folder" in result.stderr


def test_a_place_that_cannot_be_written_is_told(call, analyzed, tmp_path):
    (tmp_path / "file").write_text("")
    result = call("analyze", "good.edf", "--html", tmp_path / "file" / "page.html")
    assert result.exit_code == 2
    assert "name another place with --html" in result.stderr


@pytest.mark.parametrize("options", [("--html", "{}/pages"), ("--html", "{}/one.html"), ("--out", "{}/out")])
def test_a_full_disk_leaves_no_half_of_a_file(call, analyzed, full_disk, tmp_path, options):
    with full_disk(100):
        result = call("analyze", "good.edf", *(one.format(tmp_path) for one in options))
    assert result.exit_code == 1
    assert "cannot be written (File too large); make room there, or name another place" in result.stderr
    assert not [one for one in tmp_path.rglob("*") if one.is_file()]


def test_a_link_stays_one_and_what_it_leads_to_is_replaced(call, analyzed, tmp_path):
    (tmp_path / "page.html").symlink_to(tmp_path / "real.html")
    (tmp_path / "real.html").write_text("before")
    assert call("analyze", "good.edf", "--html", tmp_path / "page.html").exit_code == 0
    assert (tmp_path / "page.html").is_symlink()
    assert "good.edf" in (tmp_path / "real.html").read_text(encoding="utf-8")
