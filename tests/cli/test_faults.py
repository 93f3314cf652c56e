"""What can go wrong around a batch of pictures: with their files, their names, and where results go."""

import json
import os
import stat
from pathlib import Path

import pytest
from PIL import Image

from argan_hf.cli import main

IS_ROOT = os.geteuid() == 0


def _restore(checkpoint: Path, *arguments: object) -> int:
    return main(["restore", "--model", str(checkpoint), "--device", "cpu", *map(str, arguments)])


def _is_picture(path: Path) -> bool:
    with Image.open(path) as image:
        return image.size == (207, 153)


# ---- files that are none, names that are too long, folders that are closed ----------------------------------------


def test_what_is_no_file_gets_a_sentence_and_the_rest_is_restored(
    checkpoint: Path, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    os.mkfifo(folder / "a.jpg")
    (folder / "gone.jpg").symlink_to(folder / "nowhere")
    devices = 0
    if IS_ROOT:
        try:
            os.mknod(folder / "c.jpg", stat.S_IFCHR | 0o666, os.makedev(1, 5))  # as /dev/zero
            devices = 1
        except PermissionError:  # Some containers allow no nodes.
            pass
    out = tmp_path / "out"
    assert _restore(checkpoint, folder, "-o", out) == 1
    captured = capsys.readouterr()
    errors = captured.err.splitlines()
    assert len(errors) == 2 + devices
    assert f"argan: {folder / 'a.jpg'} is a pipe, expected a file" in errors[0]
    assert f"argan: {folder / 'gone.jpg'} cannot be read: No such file" in errors[-1]
    assert not devices or "c.jpg is a device" in errors[1]
    assert [path.name for path in out.iterdir()] == ["b.png"]
    assert f"{3 + devices} pictures: {2 + devices} failed, 1 restored" in captured.out
    assert _restore(checkpoint, folder / "a.jpg", "-o", tmp_path / "x.png") == 2
    assert "is a pipe" in capsys.readouterr().err


@pytest.mark.parametrize("length", [249, 251, 300])
def test_a_long_name_is_cut_or_refused_in_a_sentence(
    checkpoint: Path, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], length: int
) -> None:
    long = folder / ("n" * length + ".jpg")
    if length < 252:
        long.write_bytes((folder / "b.jpg").read_bytes())
    # The long name comes first, alone, and as the name of a result.
    assert _restore(checkpoint, long) == (0 if length < 252 else 2)
    assert _restore(checkpoint, long, folder / "b.jpg", "-o", tmp_path / "out") == (0 if length < 252 else 1)
    assert _is_picture(tmp_path / "out" / "b.png")
    results = [path for path in folder.iterdir() if path.stem.endswith("-restored")]
    assert len(results) == (length < 252)
    assert all(map(_is_picture, results))
    capsys.readouterr()
    assert _restore(checkpoint, folder / "b.jpg", "-o", tmp_path / ("n" * length + ".png")) == (
        0 if length < 252 else 2
    )
    assert capsys.readouterr().err.count("\n") == (length > 252)


def test_a_picture_that_vanishes_gets_a_sentence(
    checkpoint: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "a.jpg").write_bytes((folder / "b.jpg").read_bytes())
    from argan_hf.cli import restore

    real = restore.plan_jobs

    def planned_and_gone(*arguments: object, **options: object) -> object:
        plan = real(*arguments, **options)
        (folder / "a.jpg").unlink()
        return plan

    monkeypatch.setattr(restore, "plan_jobs", planned_and_gone)
    assert _restore(checkpoint, folder, "-o", tmp_path / "out") == 1
    captured = capsys.readouterr()
    assert captured.err == f"argan: {folder / 'a.jpg'} cannot be read: No such file or directory\n"
    assert "2 pictures: 1 failed, 1 restored" in captured.out


def test_a_picture_that_comes_as_the_run_begins_is_not_called_done(
    checkpoint: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from argan_hf.cli import restore

    # No network is loaded, because there seemed to be nothing to restore.
    monkeypatch.setattr(restore, "_is_work", lambda job, overwrite: False)
    assert _restore(checkpoint, folder / "b.jpg", "-o", tmp_path / "b.png") == 2
    words = f"argan: {folder / 'b.jpg'} or its result changed as the run began; run the command again\n"
    assert capsys.readouterr().err == words


@pytest.mark.skipif(IS_ROOT, reason="root may do everything; tests/test_night.py runs this as another user")
def test_folders_that_are_closed_get_a_sentence_each(
    checkpoint: Path, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report, closed, out = tmp_path / "r.json", tmp_path / "closed", tmp_path / "out"
    (folder / "locked").mkdir(mode=0)
    closed.mkdir(mode=0)
    try:
        assert _restore(checkpoint, folder, "-r", "-o", out, "--json", report) == 1
        captured = capsys.readouterr()
        assert captured.err == f"argan: the folder {folder / 'locked'} cannot be read: Permission denied\n"
        assert captured.out.endswith("1 pictures: 1 restored; folders that cannot be read: 1\n")
        assert [record["status"] for record in json.loads(report.read_text())] == ["restored", "failed"]
        # An output folder that cannot be searched, and inputs in one.
        assert _restore(checkpoint, folder, "-o", closed) == 2
        assert f"{closed / 'b.png'} cannot be written: Permission denied" in capsys.readouterr().err
        assert _restore(checkpoint, closed / "x.jpg", folder / "b.jpg", "-o", tmp_path / "out2") == 1
        assert _is_picture(tmp_path / "out2" / "b.png")
        # An output folder that can be searched, but not written.
        closed.chmod(0o500)
        assert _restore(checkpoint, folder, "-o", closed) == 2
        assert "cannot be written" in capsys.readouterr().err
        assert _restore(checkpoint, folder / "locked") == 2
        assert "cannot be read: Permission denied" in capsys.readouterr().err
    finally:
        closed.chmod(0o700)
        (folder / "locked").chmod(0o700)


# ---- names ---------------------------------------------------------------------------------------------------------


def test_pictures_of_one_name_are_all_restored_and_gone_on_with(
    checkpoint: Path, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Image.open(folder / "b.jpg") as image:
        image.save(folder / "b.png")
        image.save(folder / "B.tif")
    out = tmp_path / "out"
    assert _restore(checkpoint, folder, "-o", out) == 0
    assert sorted(path.name for path in out.iterdir()) == ["B.tif.png", "b.jpg.png", "b.png.png"]
    assert _restore(checkpoint, folder, "-o", out, "--skip-existing") == 0
    assert "3 pictures: 3 skipped" in capsys.readouterr().out


def test_results_beside_their_sources_are_gone_on_with(
    checkpoint: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(2):
        assert _restore(checkpoint, folder, "-o", folder, "--skip-existing") == 0
        assert sorted(path.name for path in folder.iterdir()) == ["b-restored.png", "b.jpg"]
    assert "1 pictures: 1 skipped; 1 ignored (earlier result: 1)" in capsys.readouterr().out


def test_control_characters_of_names_do_not_reach_the_terminal(
    checkpoint: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    evil = folder / "\x1b[2J\x9b31m\u202egpj.jpg"
    evil.write_bytes((folder / "b.jpg").read_bytes())
    evil.with_name("\x07bad\n\r.jpg").write_bytes(b"no picture")
    evil.with_name("a\x1b.txt").touch()
    assert _restore(checkpoint, folder, "--verbose") == 1
    assert main(["inspect", str(folder)]) == 1
    captured = capsys.readouterr()
    for text in (captured.out, captured.err):
        assert not {"\x1b", "\x9b", "\u202e", "\x07", "\r"} & set(text)
    assert r"\x1b[2J\x9b31m\u202egpj.jpg -> " in captured.out
    assert r"ignored: " in captured.out
    assert captured.err.count("\n") == 2


def test_what_is_left_out_is_counted_and_listed(
    checkpoint: Path, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "notes.txt").touch()
    (folder / "link").symlink_to(tmp_path)
    report = tmp_path / "r.json"
    assert _restore(checkpoint, folder, "-r", "-o", tmp_path / "out", "--json", report, "--verbose") == 0
    lines = capsys.readouterr().out.splitlines()
    assert set(lines[:2]) == {
        f"ignored: {folder / 'link'} (link to a folder)",
        f"ignored: {folder / 'notes.txt'} (another suffix)",
    }
    assert lines[-1].startswith("1 pictures: 1 restored; 2 ignored (")
    records = json.loads(report.read_text())
    assert [record["status"] for record in records] == ["restored", "ignored", "ignored"]
    assert {record.get("reason") for record in records[1:]} == {"link to a folder", "another suffix"}


def test_no_picture_of_a_run_is_replaced(
    checkpoint: Path, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    second, out = tmp_path / "second", tmp_path / "out"
    second.mkdir()
    out.mkdir()
    with Image.open(folder / "b.jpg") as image:
        image.save(second / "b.png")
    (out / "b.png").symlink_to(folder / "b.jpg")
    before = {path: path.read_bytes() for path in (folder / "b.jpg", second / "b.png")}
    # A report with the name of a picture, a result that is a link to its picture.
    assert _restore(checkpoint, folder / "b.jpg", "-o", out, "--overwrite") == 2
    assert "b.jpg, which is a picture to restore; choose another folder" in capsys.readouterr().err
    assert _restore(checkpoint, folder, "-o", tmp_path / "new", "--json", folder / "b.jpg") == 2
    assert "b.jpg has the name of a picture; the report needs a name of its own" in capsys.readouterr().err
    (tmp_path / "notes.txt").write_text("mine")
    before[tmp_path / "notes.txt"] = b"mine"
    for wrong, words in ((tmp_path / "notes.txt", "holds no JSON"), (tmp_path, "is a folder")):
        for command in (["restore", "--model", str(checkpoint), str(folder)], ["evaluate", "--data", str(folder)]):
            assert main([*command, "--json", str(wrong)]) == 2
            assert words in capsys.readouterr().err
    assert all(path.read_bytes() == data for path, data in before.items())
    # Who names a picture as its own result means it.
    assert _restore(checkpoint, second / "b.png", "-o", second / "b.png", "--overwrite") == 0
    assert (second / "b.png").read_bytes() != before[second / "b.png"]


def test_results_of_the_first_time_are_no_pictures_the_second_time(
    checkpoint: Path, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`argan restore * -o out --skip-existing`: a shell names the folder of results, too."""
    out = folder / "out"
    for _ in range(2):
        assert _restore(checkpoint, *sorted(folder.iterdir()), "-o", out, "--skip-existing") == 0
        assert [path.name for path in out.iterdir()] == ["b.png"]
    assert "1 pictures: 1 skipped; 1 ignored (folder of results: 1)" in capsys.readouterr().out
    # A folder with the name of a result is none.
    (tmp_path / "two" / "b.png").mkdir(parents=True)
    assert _restore(checkpoint, folder / "b.jpg", "-o", tmp_path / "two", "--skip-existing") == 2
    assert "b.png cannot be written: a folder has this name" in capsys.readouterr().err


def test_an_empty_name_is_no_folder(checkpoint: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An unset variable of a shell must not mean everything here."""
    for arguments in ([""], ["x.jpg", "-o", ""], ["x.jpg", "--json", ""]):
        with pytest.raises(SystemExit, match="2"):
            _restore(checkpoint, *arguments)
        assert "the name is empty" in capsys.readouterr().err


# ---- where results go ------------------------------------------------------------------------------------------------


def test_links_and_devices_are_written_through(checkpoint: Path, folder: Path, tmp_path: Path) -> None:
    real, link, dangling = tmp_path / "real.png", tmp_path / "link.png", tmp_path / "dangling.png"
    real.write_bytes(b"old")
    link.symlink_to(real)
    dangling.symlink_to("new.png")
    assert _restore(checkpoint, folder / "b.jpg", "-o", link) == 2
    for target in (link, dangling):
        assert _restore(checkpoint, folder / "b.jpg", "-o", target, "--overwrite") == 0
        assert target.is_symlink()
    assert _is_picture(real)
    assert _is_picture(tmp_path / "new.png")
    report, to_report = tmp_path / "r.json", tmp_path / "to-r.json"
    to_report.symlink_to(report)
    assert _restore(checkpoint, folder / "b.jpg", "-o", tmp_path / "a.png", "--json", to_report) == 0
    assert to_report.is_symlink()
    assert json.loads(report.read_text())[0]["status"] == "restored"


def test_devices_stay_devices(
    checkpoint: Path, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if not IS_ROOT:
        pytest.skip("only root may make devices")
    null, full = tmp_path / "null", tmp_path / "full"
    try:
        os.mknod(null, stat.S_IFCHR | 0o666, os.makedev(1, 3))
        os.mknod(full, stat.S_IFCHR | 0o666, os.makedev(1, 7))
        null.write_bytes(b"x")
    except PermissionError:
        pytest.skip("no right to make devices here")
    picture = folder / "b.jpg"
    assert _restore(checkpoint, picture, "-o", null, "--json", null) == 0
    assert _restore(checkpoint, picture, "-o", tmp_path / "a.png", "--json", full) == 1
    assert f"{full} cannot be written: No space left" in capsys.readouterr().err
    assert _restore(checkpoint, picture, "-o", full) == 2
    assert all(stat.S_ISCHR(node.stat().st_mode) for node in (null, full))


def test_a_pipe_may_take_the_result(checkpoint: Path, folder: Path, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    assert _restore(checkpoint, folder / "b.jpg", "-o", tmp_path / "a.png", "--json", pipe) == 0
    assert json.loads(os.read(reader, 65536))[0]["status"] == "restored"
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    os.close(reader)


def test_standard_output_has_several_names(
    checkpoint: Path, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _restore(checkpoint, folder / "b.jpg", "-o", tmp_path / "a.png", "--json", "/dev/stdout") == 0
    captured = capsys.readouterr()
    assert json.loads(captured.out)[0]["status"] == "restored"
    assert "b.jpg -> " in captured.err
