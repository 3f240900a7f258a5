"""Files that a kill leaves old or new, lines that it may tear."""

import errno
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hnn_core import storage
from hnn_core.exceptions import DiskFullError, RequestError
from hnn_core.storage import (
    append_line,
    fault_words,
    flush_folder,
    is_held,
    read_json,
    read_lines,
    replace_folder,
    replace_json,
    replacing,
    room_on_disk,
    take_lock,
    typed_path,
    unreadable,
    write_atomically,
)
from tests.conftest import ROOT


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


@pytest.mark.parametrize("swaps", [True, False])
def test_a_folder_is_replaced_and_nothing_else_is_left(tmp_path, monkeypatch, swaps):
    if not swaps:
        monkeypatch.setattr(storage, "_swap", lambda *_: False)
    for text in ("one", "two"):
        draft = tmp_path / ".draft"
        draft.mkdir()
        (draft / text).write_text(text)
        flush_folder(draft)
        replace_folder(draft, tmp_path / "model")
        assert [path.name for path in tmp_path.iterdir()] == ["model"]
        assert [path.name for path in (tmp_path / "model").iterdir()] == [text]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux swaps two names")
def test_a_folder_that_several_replace_is_there_whole_at_every_moment(tmp_path):
    folder = tmp_path / "model"

    def replace(who: int) -> None:
        for number in range(40):
            draft = tmp_path / f".{who}-{number}"
            draft.mkdir()
            for name in ("config", "weights"):
                (draft / name).write_text(f"{who} {number}")
            replace_folder(draft, folder)

    replace(0)
    with ThreadPoolExecutor(3) as pool:
        done = [pool.submit(replace, who) for who in (1, 2)]
        while not all(one.done() for one in done):
            os.close(os.open(folder, os.O_RDONLY))  # there is one at this moment
        for one in done:
            one.result()
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_names_are_flushed_to_the_disk_as_well_as_files(tmp_path, monkeypatch):
    flushed, fsync = [], os.fsync

    def noted(opened):
        flushed.append(str(Path(f"/proc/self/fd/{opened}").readlink()))
        fsync(opened)

    monkeypatch.setattr(os, "fsync", noted)
    replace_json(tmp_path / "a.json", {"a": 1})
    assert [Path(path).suffix for path in flushed] == [".part", ""]
    assert flushed[1] == str(tmp_path)
    flushed.clear()
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "c").write_text("c")
    flush_folder(tmp_path)
    assert {Path(path).name for path in flushed} == {"a.json", "b", "c", tmp_path.name}


CONTENTS = {
    "empty": b"", "torn": b'{"a": ', "zeros": b"\0" * 40, "list": b"[1]", "null": b"null",
    "text": b'"a"', "Latin-1": b'{"a": "\xe9"}', "deep": b"[" * 10**5, "long": b"9" * 5000,
    "UTF-16": '{"a": 1}'.encode("utf-16"), "two": b'{"a": 1}{"a": 2}',
}  # fmt: skip


@pytest.mark.parametrize("kind", CONTENTS)
def test_a_file_that_holds_no_object_is_refused_in_plain_words(tmp_path, kind):
    path = tmp_path / "a.json"
    path.write_bytes(CONTENTS[kind])
    with pytest.raises(ValueError, match=r"it is not whole JSON|it holds no JSON object") as caught:
        read_json(path)
    assert unreadable(caught.value) == str(caught.value)


def test_a_file_that_cannot_be_read_has_the_systems_words(tmp_path):
    (tmp_path / "folder").mkdir()
    for name, words in (("folder", "Is a directory"), ("none", "No such file or directory")):
        with pytest.raises(OSError) as caught:  # noqa: PT011 - the words are below
            read_json(tmp_path / name)
        assert unreadable(caught.value) == words


@given(
    values=st.dictionaries(st.text(), st.integers() | st.text() | st.none()), share=st.floats(0, 1)
)
def test_whatever_a_file_is_cut_to_is_refused_or_the_whole(tmp_path_factory, values, share):
    path = tmp_path_factory.getbasetemp() / "cut.json"
    replace_json(path, values)
    content = path.read_bytes()
    kept = content[: int(share * len(content))]
    path.write_bytes(kept)
    if len(kept) >= len(content) - 1:  # all but the last new line
        assert read_json(path) == values
    else:
        with pytest.raises(ValueError, match="not whole JSON"):
            read_json(path)


OWN_WAY = {
    "hnn_core/storage.py",  # the one way
    "hnn_core/network/model_store.py",  # a card in a draft that gets its name as a folder
    "hnn_core/sources/uploads.py",  # a visitor's files as they came
}


def test_every_json_file_is_read_and_every_file_written_through_storage():
    reading = re.compile(r"json\.load\(|json\.loads\([^\n]*\.read_(text|bytes)\(")
    writing = re.compile(r"json\.dump\(|\.write_(text|bytes)\(")
    found = {
        path.relative_to(ROOT).as_posix()
        for room in ("hnn_core", "analysis", "pages")
        for path in (ROOT / room).rglob("*.py")
        if reading.search(text := path.read_text(encoding="utf-8")) or writing.search(text)
    }
    assert found == OWN_WAY


def test_a_lock_is_held_until_its_process_ends(tmp_path):
    path = tmp_path / "lock"
    assert is_held(path) is None
    code = (
        "import sys; from hnn_core.storage import take_lock; stream = open(sys.argv[1], 'ab');"
        "print(take_lock(stream), flush=True); input()"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(path)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert holder.stdout.readline().strip() == b"True"
    assert is_held(path) is True
    with path.open("ab") as stream:
        assert take_lock(stream) is False
    holder.kill()
    holder.communicate()
    assert is_held(path) is False


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


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a\0b", r"cannot be a path \(.*null"),
        ("a" * 5000, "is too long for a name or path"),
        ("~nobody-of-that-name/x", r"cannot be a path \(no such user\)"),
    ],
)
def test_a_text_that_can_be_no_path_is_refused(text, why):
    with pytest.raises(RequestError, match=why):
        typed_path(text)


def test_a_name_of_thousands_of_letters_is_a_sentence_wherever_it_is_met(tmp_path):
    with pytest.raises(OSError, match="too long") as caught:
        (tmp_path / ("a" * 5000)).stat()
    assert fault_words(caught.value).endswith(
        "is too long for a name or path; choose a shorter one."
    )
    assert len(fault_words(caught.value)) < 200


def test_a_path_need_not_be_there(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert typed_path("~/runs") == tmp_path / "runs"
    assert typed_path("relative") == Path("relative")
