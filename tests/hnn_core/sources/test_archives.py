import bz2
import gzip
import io
import os
import stat
import tarfile
import zipfile
from pathlib import Path

import pytest

from hnn_core.exceptions import ArchiveError
from hnn_core.sources import archives
from hnn_core.sources.archives import printable, unpack, unpacked

FILES = {"a/one.fits": b"SIMPLE one", "two.fits": os.urandom(3000), "keys.csv": b"T_REC\n"}


def pack_tar(path: Path, members: dict[str, bytes | tarfile.TarInfo], mode: str = "w") -> Path:
    with tarfile.open(path, mode) as made:
        for name, content in members.items():
            if isinstance(content, tarfile.TarInfo):
                made.addfile(content)
            else:
                info = tarfile.TarInfo(name)
                info.size = len(content)
                made.addfile(info, io.BytesIO(content))
    return path


def pack_zip(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in members.items():
            made.writestr(name, content)
    return path


def special(name: str, kind: bytes, target: str = "/etc/passwd") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def content(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize("name", ["x.tar", "x.tar.gz", "x.tgz", "x.tar.bz2", "x.zip"])
def test_files_come_out_as_they_went_in(tmp_path, name):
    mode = {"z": "w:gz", "2": "w:bz2"}.get(name[-1], "w")
    pack = pack_zip if name.endswith("zip") else pack_tar
    archive = pack(tmp_path / name, FILES, **({} if pack is pack_zip else {"mode": mode}))
    assert unpack(archive, tmp_path / "out") == []
    assert content(tmp_path / "out") == FILES
    assert stat.S_IMODE((tmp_path / "out").stat().st_mode) == 0o700
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", name]


@pytest.mark.parametrize(
    "name", ["../out.fits", "/tmp/out.fits", "a/../../out.fits", "C:/out.fits", "a\\..\\out.fits"]
)
@pytest.mark.parametrize("pack", [pack_tar, pack_zip])
def test_nothing_is_written_outside(tmp_path, name, pack):
    archive = pack(tmp_path / "x.any", {name: b"bad", "good.fits": b"good"})
    (skipped,) = unpack(archive, tmp_path / "deep" / "out")
    assert skipped.path == name
    assert "outside the folder" in skipped.reason
    assert content(tmp_path / "deep") == {"out/good.fits": b"good"}


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE]
)
def test_links_and_devices_are_left_out(tmp_path, kind):
    members = {"link.fits": special("link.fits", kind), "link.fits/": b"", "good.fits": b"good"}
    del members["link.fits/"]
    archive = pack_tar(tmp_path / "x.tar", members)
    (skipped,) = unpack(archive, tmp_path / "out")
    assert skipped.reason == "link.fits is a link or a device, not a file."
    assert content(tmp_path / "out") == {"good.fits": b"good"}


def test_a_link_of_a_zip_is_left_out(tmp_path):
    info = zipfile.ZipInfo("link.fits")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as made:
        made.writestr(info, "/etc/passwd")
    (skipped,) = unpack(tmp_path / "x.zip", tmp_path / "out")
    assert "a link" in skipped.reason
    assert content(tmp_path / "out") == {}


def test_names_that_are_not_utf8_or_twice_are_listed(tmp_path):
    members = {"b\udcff.fits": b"odd", "c.fits": b"first", "./c.fits": b"second", "n\n.fits": b""}
    skipped = unpack(pack_tar(tmp_path / "x.tar", members), tmp_path / "out")
    reasons = {one.path: one.reason for one in skipped}
    assert "not UTF-8" in reasons["b\\xff.fits"]
    assert "twice" in reasons["./c.fits"]
    assert "control characters" in reasons["n\\n.fits"]
    assert content(tmp_path / "out") == {"c.fits": b"first"}
    assert printable("é\udcff") == "é\\xff"


@pytest.mark.parametrize("packed", [gzip.compress, bz2.compress])
def test_a_bomb_is_refused_and_leaves_nothing(tmp_path, packed, monkeypatch):
    monkeypatch.setattr(archives, "_FREE", 2**20)
    plain = pack_tar(tmp_path / "x.tar", {"zeros.fits": bytes(2 * 2**20)})
    bomb = tmp_path / "bomb.tar.gz"
    bomb.write_bytes(packed(plain.read_bytes()))
    plain.unlink()
    assert bomb.stat().st_size < 2**15
    with pytest.raises(ArchiveError, match=r"bomb\.tar\.gz would unpack to more than"):
        unpack(bomb, tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["bomb.tar.gz"]


def test_a_zip_bomb_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "_FREE", 2**20)
    archive = pack_zip(tmp_path / "x.zip", {"zeros.fits": bytes(2 * 2**20)})
    with pytest.raises(ArchiveError, match="100 times its own size"):
        unpack(archive, tmp_path / "out")


def test_a_header_that_requests_gigabytes_is_damage(tmp_path):
    info = tarfile.TarInfo("././@PaxHeader")
    info.type, info.size = tarfile.XHDTYPE, 7 * 2**30
    path = tmp_path / "x.tar"
    path.write_bytes(info.tobuf(tarfile.USTAR_FORMAT) + bytes(10240))
    with pytest.raises(ArchiveError, match="damaged"):
        unpack(path, tmp_path / "out")


@pytest.mark.parametrize("pack", [pack_tar, pack_zip])
def test_limits_of_number_and_size(tmp_path, pack):
    archive = pack(tmp_path / "x.any", {f"{n}.fits": b"12345" for n in range(5)})
    with pytest.raises(ArchiveError, match="more than 4 files"):
        unpack(archive, tmp_path / "out", max_files=4)
    with pytest.raises(ArchiveError, match="would unpack"):
        unpack(archive, tmp_path / "out", max_bytes=24)
    assert unpack(archive, tmp_path / "out", max_files=5, max_bytes=25) == []


@pytest.mark.parametrize("mode", ["w", "w:gz", "zip"])
@pytest.mark.parametrize("keep", [0.0, 0.3, 0.6, 0.9])
def test_a_cut_archive_is_refused_whole(tmp_path, mode, keep):
    members = {f"{n}.fits": os.urandom(20_000) for n in range(5)}
    path = tmp_path / "x.any"
    if mode == "zip":
        pack_zip(path, members)
    else:
        pack_tar(path, members, mode)
    raw = path.read_bytes()
    path.write_bytes(raw[: int(keep * len(raw))])
    with pytest.raises(ArchiveError, match="download it again"):
        unpack(path, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_damaged_header_in_the_middle_is_not_the_end(tmp_path):
    path = pack_tar(tmp_path / "x.tar", FILES)
    raw = bytearray(path.read_bytes())
    raw[1024 + 5] ^= 1  # in the name of the second member, after a header and a block
    path.write_bytes(raw)
    with pytest.raises(ArchiveError, match="damaged"):
        unpack(path, tmp_path / "out")


def test_an_encrypted_member_is_named(tmp_path):
    path = pack_zip(tmp_path / "x.zip", {"secret.fits": b"x"})
    raw = bytearray(path.read_bytes())
    raw[6] |= 1
    raw[raw.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(raw)
    (skipped,) = unpack(path, tmp_path / "out")
    assert "encrypted" in skipped.reason


def test_absent_archive_is_named(tmp_path):
    with pytest.raises(ArchiveError, match=r"no\.tar cannot be opened"):
        unpack(tmp_path / "no.tar", tmp_path / "out")


def test_an_archive_is_unpacked_once_and_anew_when_replaced(tmp_path, hnn_home, monkeypatch):
    archive = pack_tar(tmp_path / "x.tar", {"one.fits": b"1", "../out": b""})
    folder, skipped = unpacked(archive)
    assert content(folder) == {"one.fits": b"1"}
    monkeypatch.setattr(archives, "unpack", None)  # not called again
    assert unpacked(archive) == (folder, skipped)
    monkeypatch.undo()
    monkeypatch.setenv("HNN_HOME", str(hnn_home))
    pack_tar(archive, {"one.fits": b"22"})
    again, skipped = unpacked(archive)
    assert content(again) == {"one.fits": b"22"}
    assert skipped == []
    assert not folder.exists()
