"""Files that a visitor uploads: of one session, within bounds, gone with it."""

import gc
import io
import os
import stat
import subprocess
import sys
import zipfile

import pytest

from hnn_core.exceptions import EmptySourceError, HnnError, UnknownSourceError
from hnn_core.sources import open_source, uploads
from hnn_core.sources.uploads import Upload, uploads_home
from hnn_core.storage import is_held
from tests.support.drawn_sharp import draw_fits


@pytest.fixture
def hours(tmp_path) -> dict[str, bytes]:
    """Three magnetograms of HARP 377."""
    files = {}
    for hour in range(3):
        path = draw_fits(tmp_path / f"h{hour}.fits", T_REC=f"2011.02.13_{hour:02}:00:00_TAI")
        files[path.name] = path.read_bytes()
    return files


def zipped(files: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return stream.getvalue()


def test_files_are_a_source_and_more_can_come(hours):
    upload = Upload()
    first, *others = hours.items()
    upload.add([first])
    assert len(open_source(upload.spec).times("377")) == 1
    upload.add(others)
    source = open_source(upload.spec)
    assert len(source.times("377")) == 3
    assert source.spec == upload.spec
    assert upload.n_files == 3
    assert upload.n_bytes == sum(map(len, hours.values()))


def test_the_same_name_takes_the_place_of_the_one_before(hours):
    upload = Upload()
    upload.add([("h0.fits", hours["h0.fits"])])
    upload.add([("h0.fits", hours["h1.fits"])])
    (time,) = open_source(upload.spec).times("377")
    assert time.isot == "2011-02-13T01:00:00.000"


def test_an_archive_is_unpacked_and_not_kept(hours):
    upload = Upload()
    upload.add([("export.zip", zipped({**hours, "../out.fits": b"x"}))])
    assert len(open_source(upload.spec).times("377")) == 3
    assert upload.n_files == 3
    assert [file.path for file in upload.skipped] == ["../out.fits"]
    assert not list(uploads_home().rglob("*.zip"))


def test_what_is_no_archive_is_named(hours):
    upload = Upload()
    upload.add([("export.zip", b"PK no zip"), *hours.items()])
    (left,) = upload.skipped
    assert left.path == "export.zip"
    assert left.reason.startswith("export.zip is no tar or zip archive")
    assert len(open_source(upload.spec).times("377")) == 3


def test_a_table_of_flares_in_an_archive_counts(hours):
    upload = Upload()
    table = b"noaa,goes_class,peak_utc\n11158,M1.5,2011-02-13T04:00\n"
    files = {f"export/{name}": content for name, content in hours.items()}
    upload.add([("export.zip", zipped({**files, "export/Flares.csv": table}))])
    (region,) = open_source(upload.spec).regions()
    assert "M1.5" in [flare.goes_class for flare in region.flares]


def test_messages_have_names_and_not_where_the_server_keeps_files(hours, hnn_home):
    upload = Upload()
    upload.add([("notes.fits", b"no FITS")])
    with pytest.raises(EmptySourceError) as caught:
        open_source(upload.spec)
    assert "notes.fits" in str(caught.value)
    assert str(hnn_home) not in str(caught.value)
    whole = hours["h1.fits"]
    upload.add([("h0.fits", hours["h0.fits"]), ("h1.fits", whole)])
    source = open_source(upload.spec)
    (kept,) = uploads_home().rglob("h1.fits")
    kept.write_bytes(whole[:-3000])
    with pytest.raises(HnnError) as caught:
        source.frame("377", source.times("377")[1])
    assert "h1.fits" in str(caught.value)
    assert str(hnn_home) not in str(caught.value)
    assert all(str(hnn_home) not in file.reason for file in source.skipped())
    assert source.frame("377", source.times("377")[0]).origin == "h0.fits"


def test_names_lead_nowhere(hours):
    upload = Upload()
    content = hours["h0.fits"]
    upload.add([("../../a.fits", content), ("/etc/b.fits", content), (".c.fits", content)])
    (folder,) = uploads_home().iterdir()
    names = sorted(path.name for path in folder.iterdir())
    assert names == [".lock", "a.fits", "b.fits", "c.fits"]


@pytest.mark.parametrize("name", ["a" * 300 + ".fits", "é" * 120 + ".fits", "a" * 300 + ".zip"])
def test_a_name_that_no_file_can_have_is_listed_and_the_others_are_kept(hours, name):
    upload = Upload()
    upload.add([(name, hours["h1.fits"]), ("h1.fits", hours["h1.fits"])])
    assert upload.n_files == 1
    (skipped,) = upload.skipped
    assert "its name is too long" in skipped.reason
    assert len(skipped.reason) < 200


def test_number_and_size_are_bounded(hours, monkeypatch):
    monkeypatch.setattr(uploads, "MAX_FILES", 2)
    upload = Upload()
    upload.add(hours.items())
    assert upload.n_files == 2
    (left,) = upload.skipped
    assert left.path == "h2.fits"
    assert "at most 2 files" in left.reason
    monkeypatch.setattr(uploads, "MAX_FILES", 10)
    monkeypatch.setattr(uploads, "MAX_BYTES", upload.n_bytes + 10)
    upload.add([("big.zip", zipped({"h2.fits": hours["h2.fits"]}))])
    assert upload.n_files == 2
    assert {file.path for file in upload.skipped} == {"h2.fits", "big.zip"}


def test_all_sessions_together_are_bounded(hours, monkeypatch):
    one, other = Upload(), Upload()
    one.add(hours.items())
    monkeypatch.setattr(uploads, "_MAX_BYTES_HERE", one.n_bytes + 10)
    other.add(hours.items())
    assert other.n_files == 0
    assert all("as much as it holds" in file.reason for file in other.skipped)
    packed = zipped(hours)  # smaller than what is in it
    monkeypatch.setattr(uploads, "_MAX_BYTES_HERE", one.n_bytes + len(packed) + 10)
    other.add([("export.zip", packed)])
    assert other.n_files == 0
    assert "export.zip" in {file.path for file in other.skipped}


def test_they_are_gone_with_the_session(hours, hnn_home):
    upload = Upload()
    upload.add(hours.items())
    spec = upload.spec
    open_source(spec)
    assert len(list((hnn_home / "index").iterdir())) == 1
    del upload
    gc.collect()
    assert not list(uploads_home().iterdir())
    assert not list((hnn_home / "index").iterdir())
    with pytest.raises(UnknownSourceError, match="session that has ended"):
        open_source(spec)


def test_what_was_removed_is_no_source(hours):
    upload = Upload()
    upload.add(hours.items())
    upload.clear()
    assert upload.n_files == 0
    with pytest.raises(HnnError):
        open_source(upload.spec)


def test_no_path_leads_to_them(hours, hnn_home, tmp_path):
    upload = Upload()
    upload.add(hours.items())
    (folder,) = uploads_home().iterdir()
    (tmp_path / "link").symlink_to(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for path in (folder, uploads_home(), f"{hnn_home}/x/../.uploads", tmp_path / "link"):
        with pytest.raises(UnknownSourceError, match="what visitors uploaded"):
            open_source(f"fits:{path}")
    with pytest.raises(EmptySourceError):  # nor one above it
        open_source(f"fits:{hnn_home}")


@pytest.mark.parametrize("name", ["", "..", "../..", "1-ff", f"1-{'0' * 32}/..", f"1-{'0' * 32}"])
def test_made_up_names_open_nothing(hours, name):
    upload = Upload()
    upload.add(hours.items())
    with pytest.raises(UnknownSourceError, match="not this one"):
        open_source(f"upload:{name}")


def test_what_a_killed_server_left_is_removed_by_the_next(hours):
    code = (
        "import os, signal; from hnn_core.sources.uploads import Upload; u = Upload();"
        "u.add([('a.fits', b'x')]); os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", code], check=False)
    (left,) = uploads_home().iterdir()
    upload = Upload()
    assert not left.exists()
    upload.add(hours.items())
    Upload()
    (kept,) = uploads_home().iterdir()
    assert kept.name.startswith(f"{os.getpid()}-")


def test_whose_files_are_left_is_not_read_off_numbers_of_processes(hours):
    """A server in another container: its numbers mean nothing here, and come again."""
    code = (
        "import sys; from hnn_core.sources import uploads; uploads.os.getpid = lambda: {};"
        "u = uploads.Upload(); u.add([('a.fits', b'x')]); print(u.spec, flush=True); input()"
    )
    servers = [
        subprocess.Popen(
            [sys.executable, "-c", code.format(number)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        for number in (os.getpid(), 2**22 - 1)
    ]
    folders = [
        uploads_home() / server.stdout.readline().decode().strip().removeprefix("upload:")
        for server in servers
    ]
    Upload()
    assert all(folder.is_dir() for folder in folders)
    for server in servers:
        server.kill()
        server.communicate()
    Upload()
    assert not any(folder.exists() for folder in folders)


def test_files_are_held_again_after_they_were_removed(hours):
    upload = Upload()
    for _ in range(2):
        upload.add(hours.items())
        assert upload.n_files == 3
        (folder,) = uploads_home().iterdir()
        assert is_held(folder / ".lock")
        upload.clear()
        assert upload.n_files == 0
    assert not list(uploads_home().iterdir())
