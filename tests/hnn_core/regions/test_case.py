"""Cases: what is one, how a link and a file hold them, and what is wrong with a file."""

import json
import os
import stat
import subprocess
import sys
from dataclasses import replace
from datetime import datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hnn_core import __version__
from hnn_core.exceptions import RequestError
from hnn_core.regions.case import (
    MOST_CASES,
    Case,
    CaseSet,
    cases_from_link,
    cases_to_link,
    delete_set,
    list_sets,
    load_set,
    read_set,
    save_set,
)
from tests.conftest import ROOT

HOUR = "2011-02-15T01:00"
CASE = Case("fits:/a b/ä", "377", HOUR, "demo", "ab" * 32, 0.25)
OTHER = Case("sim:", "SIM 1", "2011-02-14T00:00")

ANY_TEXT = st.text(alphabet=st.one_of(st.characters(codec="utf-8"), st.sampled_from("~!%217E5")))
WORDS = ANY_TEXT.filter(str.strip)
HOURS = st.datetimes(datetime(2010, 5, 1)).map(lambda time: time.strftime("%Y-%m-%dT%H:%M"))
CASES = st.lists(
    st.builds(Case, WORDS, WORDS, HOURS, ANY_TEXT), max_size=MOST_CASES, unique_by=lambda c: c.key
).map(tuple)


def names():
    return [one.name for one in list_sets()[0]]


@pytest.fixture
def folder(hnn_home):
    (hnn_home / "cases").mkdir()
    return hnn_home / "cases"


def put(folder, text, name="spoilt"):
    """A file of a set as it might be after an accident."""
    path = folder / f"{name}.json"
    path.write_text(text if isinstance(text, str) else json.dumps(text), encoding="utf-8")
    return path


def stored(*cases, **changes):
    one = {"source": "sim:", "region": "SIM 1", "hour": HOUR}
    return {"format": 1, "name": "n", "cases": list(cases or [one]), **changes}


# A case


@pytest.mark.parametrize(
    "text",
    [
        "2011.02.15_01:00:00_TAI",
        "2011.02.15_01:00:00.000_TAI",
        "2011-02-15T01:00",
        " 2011-02-15 01:00:00 ",
        "2011-02-15T00:59:26Z",
    ],
)
def test_an_hour_is_understood_as_t_rec_or_iso_and_kept_as_iso_minutes_tai(text):
    assert Case("sim:", "SIM 1", text).hour == HOUR
    assert Case("sim:", "SIM 1", text) == Case("sim:", "SIM 1", HOUR)


@pytest.mark.parametrize(
    "text",
    ["", "yesterday", "2011-02-31T01:00", "2011-02-15T25:00", "2011-02-15", "0000-01-01T00:00"],
)
def test_what_is_no_hour_is_refused_with_one_that_is(text):
    with pytest.raises(RequestError, match=r"no hour of SIM 1; write 2011-02-15T01:00 \(TAI\)"):
        Case("sim:", "SIM 1", text)


@pytest.mark.parametrize("value", [-1e-9, 1.0000001, 2, float("nan"), float("inf")])
def test_what_is_no_probability_is_refused(value):
    with pytest.raises(RequestError, match="is no probability of the case SIM 1 2011-02-15T01:00"):
        Case("sim:", "SIM 1", HOUR, probability=value)


def test_the_ends_of_probability_belong_to_it():
    assert [replace(CASE, probability=p).probability for p in (0, 1.0, None)] == [0, 1.0, None]


@pytest.mark.parametrize(
    ("source", "region", "name"), [("", "1", "source"), ("sim:", " ", "region")]
)
def test_a_case_has_a_source_and_a_region(source, region, name):
    with pytest.raises(RequestError, match=f"A case without a {name}"):
        Case(source, region, HOUR)


def test_what_a_model_says_does_not_make_another_case():
    assert replace(CASE, model="other", sha256="", probability=None).key == CASE.key
    assert replace(CASE, hour="2011-02-15T02:00").key != CASE.key


def test_a_set_has_one_to_twelve_cases_each_once():
    many = tuple(replace(OTHER, hour=f"2011-02-14T{i:02}:00") for i in range(MOST_CASES + 1))
    assert len(CaseSet("s", many[:-1]).cases) == MOST_CASES
    with pytest.raises(RequestError, match="13 cases make no set; choose from 1 to 12"):
        CaseSet("s", many)
    with pytest.raises(RequestError, match="0 cases make no set"):
        CaseSet("s", ())
    with pytest.raises(RequestError, match="'s' has a case twice"):
        CaseSet("s", (CASE, replace(CASE, model="other")))


# A link


@given(cases=CASES)
def test_a_link_gives_back_what_was_written_whatever_the_words(cases):
    assert cases_from_link(cases_to_link(cases)) == cases


def test_a_link_is_read_by_people_and_leaves_answers_out():
    text = cases_to_link((OTHER, CASE))
    assert text == f"sim:!SIM 1!2011-02-14T00:00!~fits:/a b/ä!377!{HOUR}!demo"
    assert cases_from_link(text) == (OTHER, replace(CASE, sha256="", probability=None))


def test_marks_in_words_are_no_marks():
    case = Case("fits:/~me/100%/a!b%21%7E%25", "1~2!3", HOUR, "~!%")
    text = cases_to_link((case, OTHER))
    assert (text.count("~"), text.count("!")) == (1, 6)
    assert cases_from_link(text) == (case, OTHER)


def test_an_empty_link_holds_no_case():
    assert cases_from_link("") == ()
    assert cases_to_link(()) == ""


@pytest.mark.parametrize(
    "text",
    [
        "x",
        "sim:!SIM 1",
        f"sim:!SIM 1!{HOUR}",
        f"sim:!SIM 1!{HOUR}!demo!more",
        "~",
        f"sim:!1!{HOUR}!~",
    ],
)
def test_a_broken_link_is_refused_with_the_piece(text):
    with pytest.raises(
        RequestError, match=r"The link holds no case in “.*”; copy the whole address"
    ):
        cases_from_link(text)


def test_a_long_piece_of_a_link_is_cut_in_the_message():
    with pytest.raises(RequestError) as refused:
        cases_from_link("x" * 100_000)
    assert len(str(refused.value)) < 150


@pytest.mark.parametrize("text", ["sim:!SIM 1!noon!", f"!SIM 1!{HOUR}!", f"sim:!!{HOUR}!"])
def test_a_link_with_a_case_that_is_none_is_refused(text):
    with pytest.raises(RequestError):
        cases_from_link(text)


def test_a_case_that_is_in_a_link_twice_counts_once():
    text = cases_to_link((CASE, OTHER, CASE))
    assert [one.key for one in cases_from_link(text)] == [CASE.key, OTHER.key]


def test_a_link_of_more_than_twelve_is_refused_but_not_for_one_that_is_there_twice():
    many = tuple(replace(OTHER, hour=f"2011-02-14T{i:02}:00") for i in range(MOST_CASES + 1))
    with pytest.raises(RequestError, match="holds 13 cases; up to 12 fit"):
        cases_from_link(cases_to_link(many))
    assert cases_from_link(cases_to_link((*many[:-1], many[0]))) == many[:-1]


# Saving and opening


def test_a_set_comes_back_as_it_was_saved():
    made = save_set("Valentine's", (CASE, OTHER))
    assert load_set("Valentine's") == made
    assert (made.cases, made.program) == ((CASE, OTHER), __version__)
    assert made.saved.endswith("Z")
    assert list_sets() == ([made], [])


def test_a_name_that_is_taken_is_kept_unless_it_is_to_be_replaced():
    save_set("one", (CASE,))
    with pytest.raises(RequestError, match="a set “one” already"):
        save_set(" one ", (OTHER,))
    assert load_set("one").cases == (CASE,)
    save_set("one", (OTHER,), replace=True, seen=load_set("one"))
    assert load_set("one").cases == (OTHER,)
    assert names() == ["one"]
    save_set("new", (CASE,), replace=True)
    assert names() == ["new", "one"]


def test_a_set_that_somebody_saved_meanwhile_is_kept():
    """Two look at one set, and both replace it."""
    seen = save_set("one", (CASE,))
    third = replace(OTHER, hour="2011-02-15T02:00")
    save_set("one", (OTHER,), replace=True, seen=seen)
    for known in (seen, None):
        with pytest.raises(RequestError, match="“one” was saved by somebody else meanwhile"):
            save_set("one", (third,), replace=True, seen=known)
    assert load_set("one").cases == (OTHER,)
    save_set("one", (third,), replace=True, seen=load_set("one"))
    assert load_set("one").cases == (third,)
    delete_set("one")
    save_set("one", (CASE,), replace=True, seen=seen)
    assert load_set("one").cases == (CASE,)


SAVER = """
import sys, time
from pathlib import Path
from hnn_core.exceptions import RequestError
from hnn_core.regions.case import Case, list_sets, save_set
number, over = int(sys.argv[1]), sys.argv[2] == "over"
seen = list_sets()[0][0] if over else None
cases = tuple(Case("sim:", f"SIM {number}", f"2011-02-{day:02}T00:00") for day in range(1, 12))
print("ready", flush=True)
sys.stdin.readline()
try:
    save_set("one", cases, replace=over, seen=seen)
except RequestError as error:
    print(error)
else:
    print("saved")
"""


@pytest.mark.slow
@pytest.mark.parametrize("over", ["new", "over"])
def test_of_processes_that_save_one_set_at_once_exactly_one_succeeds(over):
    if over == "over":
        save_set("one", (CASE,))
    savers = [
        subprocess.Popen(
            [sys.executable, "-c", SAVER, str(number), over],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(4)
    ]
    assert [saver.stdout.readline() for saver in savers] == ["ready\n"] * 4
    for saver in savers:
        saver.stdin.write("go\n")
        saver.stdin.flush()
    words = [saver.communicate(timeout=300)[0].strip() for saver in savers]
    assert words.count("saved") == 1
    why = "saved by somebody else meanwhile" if over == "over" else "There is a set “one” already"
    assert sum(why in one for one in words) == 3
    assert load_set("one").cases[0].region == f"SIM {words.index('saved')}"


@pytest.mark.parametrize("name", ["a\0b", "a" * 5000, "~nobody-of-that-name/x", "é" * 200])
def test_a_name_that_no_file_can_have_is_no_set(name):
    for act in (load_set, delete_set):
        with pytest.raises(RequestError) as caught:
            act(name)
        assert len(str(caught.value)) < 400


def test_sets_are_listed_by_name_whatever_the_case_and_deleted_one_by_one():
    for name in ("b", "A", "ä", "c"):
        save_set(name, (OTHER,))
    assert names() == ["A", "b", "c", "ä"]
    delete_set("b")
    assert names() == ["A", "c", "ä"]
    for leave in (delete_set, load_set):
        with pytest.raises(RequestError, match="There is no set “b”"):
            leave("b")


def test_nothing_is_listed_or_made_before_the_first_set(hnn_home):
    assert list_sets() == ([], [])
    assert not list(hnn_home.iterdir())
    with pytest.raises(RequestError, match="There is no set “x”"):
        load_set("x")


ODD_NAMES = [
    "a/b", "/etc/passwd", "..", ".", "../../up", ".hidden", "a.b.json", "100 %", "%2F", "%25",
    "%zz", "C:\\x", 'q"u?o*t<e>|', "AR 11158 ~ “X2.2” · ☉", "日" * 60, "\U0001f31e" * 60,
    "/" * 60, "é", "con", "a%20b", "trailing.", "x" * 60,
]  # fmt: skip


@pytest.mark.parametrize("name", ODD_NAMES)
def test_any_name_on_a_line_is_a_name(hnn_home, name):
    made = save_set(name, (CASE,))
    assert made.name == name
    assert load_set(name) == made
    assert names() == [name]
    (path,) = (hnn_home / "cases").iterdir()  # one file, in the folder, with no draft left
    assert path.name[0] != "."
    assert len(path.name.encode()) <= 255
    with pytest.raises(RequestError, match="already"):
        save_set(name, (CASE,))
    delete_set(name)
    assert list_sets() == ([], [])


def test_odd_names_are_told_apart():
    for name in ODD_NAMES:
        save_set(name, (OTHER,))
    assert set(names()) == set(ODD_NAMES)
    assert [load_set(name).name for name in ODD_NAMES] == ODD_NAMES


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.text(alphabet=st.characters(codec="utf-8"), min_size=1, max_size=60))
def test_a_name_is_refused_or_finds_its_set(name):
    before = next((one for one in list_sets()[0] if one.name == " ".join(name.split())), None)
    try:
        made = save_set(name, (OTHER,), replace=True, seen=before)
    except RequestError:
        assert not " ".join(name.split()).isprintable() or not name.strip()
        return
    assert load_set(name) == load_set(made.name) == made
    assert made.name in names()


def test_a_name_keeps_its_letters_case():
    save_set("ar", (CASE,))
    assert names() == ["ar"]
    assert load_set("ar").name == "ar"


@pytest.mark.parametrize("name", ["", "   ", "\n", "x" * 61, "a\x00b", "a\x1bb", "a\u202eb"])
def test_what_is_no_name_is_refused_and_writes_nothing(hnn_home, name):
    with pytest.raises(RequestError, match="no name for a set; use 1 to 60 letters"):
        save_set(name, (CASE,))
    assert not list(hnn_home.iterdir())


def test_spaces_and_new_lines_in_a_name_become_one_space():
    assert save_set("  a \n\t b ", (CASE,)).name == "a b"
    assert load_set("a\nb").name == "a b"
    delete_set(" a  b")
    assert names() == []


@pytest.mark.parametrize("cases", [(), (CASE, replace(CASE, model=""))])
def test_cases_that_make_no_set_are_not_saved(hnn_home, cases):
    with pytest.raises(RequestError):
        save_set("s", cases)
    assert not list(hnn_home.iterdir())


def test_a_folder_of_no_known_letters_is_kept():
    odd = replace(CASE, source=os.fsdecode(b"fits:/d/\xe4"))  # Latin-1 on an old disk
    save_set("odd", (odd,))
    assert load_set("odd").cases == (odd,)


# Files that people put there


def test_a_copy_is_a_set_of_its_own_under_its_files_name(folder):
    save_set("one", (CASE,))
    (folder / "one (copy).json").write_bytes((folder / "one.json").read_bytes())
    assert names() == ["one", "one (copy)"]
    save_set("one", (OTHER,), replace=True, seen=load_set("one"))
    assert load_set("one (copy)").cases == (CASE,)
    delete_set("one (copy)")
    assert names() == ["one"]
    assert load_set("one").cases == (OTHER,)


@pytest.mark.parametrize(
    "stem", ["Anna%27s", "a%20%C3%A4", "%2e%2e", "a  b", "%0A", "%", "%FF", "ä\u0308"]
)
def test_a_set_whose_file_is_spelt_otherwise_is_found_replaced_and_deleted(folder, stem):
    put(folder, stored(name="inside"), stem)
    (name,) = names()
    assert load_set(name).name == name
    with pytest.raises(RequestError, match=r"already|no name"):
        save_set(name, (CASE,))
    if name.isprintable():
        save_set(name, (CASE,), replace=True, seen=load_set(name))
        assert names() == [name]
        assert load_set(name).cases == (CASE,)
    delete_set(name)
    assert list_sets() == ([], [])


def test_of_two_files_for_one_name_the_programs_own_is_the_set(folder):
    put(folder, stored(), "a%26b")
    save_set("x", (CASE,))
    (folder / "x.json").rename(folder / "a&b.json")
    found, skipped = list_sets()
    assert [(one.name, one.cases) for one in found] == [("a&b", (CASE,))]
    assert load_set("a&b") == found[0]
    assert [(one.path, one.reason) for one in skipped] == [
        ("a%26b.json", "Another file holds the set “a&b”; give one of them another name.")
    ]


def test_a_set_sent_by_others_is_read_from_anywhere(tmp_path):
    path = put(tmp_path, stored(name="AR 11158", program="0.1"), "download (3)")
    assert (read_set(path).name, read_set(path).program) == ("AR 11158", "0.1")
    assert read_set(put(tmp_path, stored(name=7), "a%2Fb")).name == "a/b"


def test_a_file_of_an_older_version_and_of_fewer_keys_is_read(folder):
    put(folder, stored(program="0.0.1"), "old")
    found = load_set("old")
    assert found.program == "0.0.1"
    assert found.cases == (Case("sim:", "SIM 1", HOUR),)
    assert (found.saved, found.cases[0].probability) == ("", None)


def test_what_a_later_version_adds_within_the_format_is_left_alone(folder):
    case = {"source": "sim:", "region": "1", "hour": HOUR, "colour": [1]}
    put(folder, stored(case, notes={"a": 1}), "rich")
    assert load_set("rich").cases == (Case("sim:", "1", HOUR),)


def test_a_file_of_a_newer_format_names_the_version_to_get(folder):
    put(folder, {"format": 2, "program": "9.9"}, "new")
    with pytest.raises(
        RequestError, match=rf"newer version .* \(9\.9, this is {__version__}\); update"
    ):
        load_set("new")
    put(folder, {"format": 99}, "nameless")
    with pytest.raises(RequestError, match=r"\(unknown, this is"):
        load_set("nameless")


GOOD = {"source": "sim:", "region": "1", "hour": HOUR}
SPOILT = {
    "empty": ("", "not whole JSON"),
    "cut": ('{"format": 1, "cases": [', "not whole JSON"),
    "deep": ("[" * 200_000, "not whole JSON"),
    "long number": ('{"format": ' + "9" * 5000 + "}", "not whole JSON"),
    "list": ([1, 2], "holds no JSON object"),
    "null": ("null", "holds no JSON object"),
    "no format": ({"cases": [GOOD]}, "does not say which format"),
    "word as format": (stored(format="1"), "does not say which format"),
    "no cases": ({"format": 1}, "incomplete"),
    "cases null": (stored(cases=None), "incomplete"),
    "cases word": (stored(cases="sim:"), "incomplete"),
    "cases dict": (stored(cases={"a": 1}), "incomplete"),
    "cases empty": (stored(cases=[]), "0 cases make no set"),
    "thirteen": (stored(*[{**GOOD, "region": str(i)} for i in range(13)]), "13 cases make no set"),
    "twice": (stored(GOOD, GOOD), "case twice"),
    "case null": (stored(None), "incomplete"),
    "case list": (stored([1]), "incomplete"),
    "no hour": (stored({"source": "sim:", "region": "1"}), "incomplete"),
    "hour null": (stored({**GOOD, "hour": None}), "incomplete"),
    "hour number": (stored({**GOOD, "hour": 5}), "incomplete"),
    "hour odd": (stored({**GOOD, "hour": "noon"}), "is no hour"),
    "source null": (stored({**GOOD, "source": None}), "incomplete"),
    "source empty": (stored({**GOOD, "source": ""}), "without a source"),
    "model null": (stored({**GOOD, "model": None}), "incomplete"),
    "p nan": (stored({**GOOD, "probability": float("nan")}), "nan is no probability"),
    "p two": (stored({**GOOD, "probability": 2}), "2.0 is no probability"),
    "p word": (stored({**GOOD, "probability": "half"}), "incomplete"),
    "p list": (stored({**GOOD, "probability": [0.5]}), "incomplete"),
    "p true": (stored({**GOOD, "probability": True}), "incomplete"),
    "p huge": (stored({**GOOD, "probability": 10**400}), "incomplete"),
}  # fmt: skip


@pytest.mark.parametrize("kind", SPOILT)
def test_a_spoilt_file_is_told_kept_and_hides_no_other(folder, kind):
    text, reason = SPOILT[kind]
    path = put(folder, text)
    before = path.read_bytes()
    made = save_set("whole", (CASE,))
    found, skipped = list_sets()
    assert found == [made]
    assert [one.path for one in skipped] == ["spoilt.json"]
    assert reason in skipped[0].reason
    with pytest.raises(RequestError, match=reason):
        load_set("spoilt")
    assert path.read_bytes() == before


def test_bytes_that_are_no_text_and_a_folder_in_a_files_place_hide_no_other(folder):
    (folder / "noise.json").write_bytes(bytes(range(256)))
    (folder / "room.json").mkdir()
    (folder / "lost.json").symlink_to(folder / "nowhere")
    save_set("whole", (CASE,))
    found, skipped = list_sets()
    assert [one.name for one in found] == ["whole"]
    assert [one.path for one in skipped] == ["lost.json", "noise.json", "room.json"]
    assert "cannot be read (Is a directory)" in skipped[2].reason
    with pytest.raises(RequestError, match="cannot be deleted"):
        delete_set("room")


def test_a_spoilt_set_can_be_replaced_and_deleted(folder):
    put(folder, "{")
    with pytest.raises(RequestError, match="already"):
        save_set("spoilt", (CASE,))
    save_set("spoilt", (CASE,), replace=True)
    assert load_set("spoilt").cases == (CASE,)
    put(folder, "{")
    delete_set("spoilt")
    assert list_sets() == ([], [])


def test_drafts_and_hidden_files_are_not_listed(folder):
    save_set("one", (CASE,))
    whole = (folder / "one.json").read_bytes()
    for name in (".one.json.4711.part", ".4711-3.part", ".x.json", "one.json.part", "one.txt"):
        (folder / name).write_bytes(whole)
    found, skipped = list_sets()
    assert ([one.name for one in found], skipped) == (["one"], [])


def test_a_draft_is_never_seen_and_never_left(folder, monkeypatch):
    made = save_set("one", (CASE,))
    seen = []

    def fail(self, target):
        seen.append(list_sets())
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(type(folder), "replace", fail)
    with pytest.raises(RequestError, match=r"“one” cannot be saved: The disk of .* full; make"):
        save_set("one", (OTHER,), replace=True, seen=made)
    assert seen == [([made], [])]
    assert [path.name for path in folder.iterdir()] == ["one.json"]
    assert load_set("one") == made


def test_a_file_in_the_folders_place_is_told(hnn_home):
    (hnn_home / "cases").write_text("not a folder")
    assert list_sets() == ([], [])
    with pytest.raises(RequestError, match=r"“one” cannot be saved"):
        save_set("one", (CASE,))
    with pytest.raises(RequestError):
        load_set("one")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_told_and_still_read(folder):
    made = save_set("one", (CASE,))
    folder.chmod(stat.S_IRUSR | stat.S_IXUSR)
    try:
        with pytest.raises(RequestError, match="“two” cannot be saved"):
            save_set("two", (CASE,))
        with pytest.raises(RequestError, match="“one” cannot be deleted"):
            delete_set("one")
        assert list_sets() == ([made], [])
    finally:
        folder.chmod(stat.S_IRWXU)
