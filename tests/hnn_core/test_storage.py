"""Files that a kill leaves old or new, lines that it may tear."""

import errno
from pathlib import Path

import pytest

from hnn_core.exceptions import DiskFullError, RequestError
from hnn_core.storage import (
    append_line,
    read_lines,
    replace_json,
    replacing,
    room_on_disk,
    typed_path,
    write_atomically,
)


def stopped(draft):
    draft.write_bytes(b"ne")
    raise KeyboardInterrupt


@pytest.mark.parametrize("shared", [False, True])
def test_a_failed_writer_leaves_the_old_file_and_no_draft(tmp_path, shared):
    path = tmp_path / "a.json"
    write_atomically(path, b"old", shared=shared)
    with pytest.raises(KeyboardInterrupt), replacing(path, shared=shared) as draft:
        stopped(draft)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_what_a_killed_writer_left_is_written_over(tmp_path):
    (tmp_path / "a.part").write_bytes(b"longer than what comes")
    write_atomically(tmp_path / "a", b"new")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert (tmp_path / "a").read_bytes() == b"new"


def test_two_may_write_the_same_file_at_once(tmp_path):
    path = tmp_path / "status.json"
    with replacing(path, shared=True) as first:
        first.write_text("first")
        write_atomically(path, b"whole", shared=False)
        assert path.read_bytes() == b"whole"
    assert path.read_text() == "first"


def test_json_that_is_none_is_refused_and_the_old_stays(tmp_path):
    replace_json(tmp_path / "a.json", {"a": 1})
    with pytest.raises(ValueError, match="JSON"):
        replace_json(tmp_path / "a.json", {"a": float("nan")})
    assert (tmp_path / "a.json").read_text() == '{\n  "a": 1\n}\n'


def test_a_torn_line_is_ended_by_the_next_and_not_read(tmp_path):
    path = tmp_path / "log.jsonl"
    assert read_lines(path) == []
    append_line(path, {"a": "≥M"})
    with path.open("ab") as stream:
        stream.write('{"b": "≥'.encode()[:-1])
    append_line(path, {"c": 3})
    assert read_lines(path) == [{"a": "≥M"}, {"c": 3}]
    assert len(path.read_bytes().splitlines()) == 3


def test_a_full_disk_is_named_and_other_errors_stay(tmp_path):
    words = pytest.raises(DiskFullError, match="is full; make room and start again")
    with words, room_on_disk(tmp_path, "start again"):
        raise OSError(errno.ENOSPC, "No space left on device")
    with pytest.raises(PermissionError), room_on_disk(tmp_path, "start again"):
        raise PermissionError


@pytest.mark.parametrize("text", ["a\0b", "a" * 5000, "~nobody-of-that-name/x"])
def test_a_text_that_can_be_no_path_is_refused(text):
    with pytest.raises(RequestError, match=r"cannot be a path|too long"):
        typed_path(text)


def test_a_path_need_not_be_there(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert typed_path("~/runs") == tmp_path / "runs"
    assert typed_path("relative") == Path("relative")
