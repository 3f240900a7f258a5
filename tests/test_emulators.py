"""The emulators behave as the services do: queries, files, exports, tables and faults."""

import csv
import gc
import http.client
import io
import json
import re
import signal
import socket
import struct
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import drms
import numpy as np
import pytest
from astropy.io import fits
from astropy.time import Time

from hnn_core.magnetogram.conventions import parse_t_rec, tai_seconds
from hnn_core.magnetogram.magnetogram import read_fits
from tests.conftest import ROOT, real_data
from tests.emulators import Emulator, emulated, real_world, small_world, times
from tests.emulators.record_set import RecordSetError, select
from tests.support.waiting import until

NOW = datetime(2026, 3, 4, 15, 30, tzinfo=UTC)
SERIES = "hmi.sharp_cea_720s"
FIRST = "2011.02.13_05:00:00_TAI"
WORLD = small_world(12, now=NOW)
LIST = "/cgi-bin/ajax/jsoc_info?op=rs_list&"
DS = f"{SERIES}[377][{FIRST}/2h@1h]{{magnetogram}}"
USER = "observer@example.org"
CSV = "/goes/xrsf-l2-flrpt_science/csv/"


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    """Emulators of one small world, each time with fresh storage, requests and faults."""
    with emulated(WORLD) as running:
        yield running
    WORLD.now = NOW


def get(emulator: Emulator, path: str, timeout: float = 60.0, **query: str) -> bytes:
    url = f"{emulator.url}{path}" + (f"?{urlencode(query)}" if query else "")
    try:
        with urllib.request.urlopen(url, timeout=timeout) as reply:
            return reply.read()
    except urllib.error.HTTPError as refusal:
        refusal.close()  # it holds the connection, which a later test would be blamed for
        raise


def listed(emulator: Emulator, ds: str, **more: str) -> dict[str, object]:
    return json.loads(
        get(emulator, "/cgi-bin/ajax/jsoc_info", op="rs_list", ds=ds, key="T_REC", **more)
    )


def times_of(reply: dict[str, object]) -> list[str]:
    return reply["keywords"][0]["values"]


def client(emulator: Emulator, email: str | None = None) -> drms.Client:
    base = f"{emulator.url}/"
    server = drms.ServerConfig(
        name="emulator",
        cgi_baseurl=f"{base}cgi-bin/ajax/",
        cgi_show_series="show_series",
        cgi_jsoc_info="jsoc_info",
        cgi_jsoc_fetch="jsoc_fetch",
        cgi_check_address="checkAddress.sh",
        cgi_show_series_wrapper="showextseries",
        show_series_wrapper_dbhost="hmidb2",
        http_download_baseurl=base,
    )
    return drms.Client(server=server, email=email)


@pytest.mark.parametrize("text", [FIRST, "2011.07.04_11:36:00_TAI", "2017.01.01_00:00:00_TAI"])
def test_tai_seconds_are_those_of_astropy(text):
    seconds = times.parse_time(text)
    assert seconds == tai_seconds(parse_t_rec(text))
    assert times.t_rec(seconds) == text
    utc = Time(times.utc_time(seconds).replace(tzinfo=None), scale="utc")
    assert tai_seconds(utc) == seconds


@pytest.mark.parametrize(
    ("span", "first", "last", "count"),
    [
        (FIRST, "05:00", "05:00", 1),
        (f"{FIRST}-2011.02.13_08:00:00_TAI@1h", "05:00", "08:00", 4),
        (f"{FIRST}/3h@1h", "05:00", "07:00", 3),
        (f"{FIRST}/1h", "05:00", "05:48", 5),
        (f"{FIRST}/1h@12m", "05:00", "05:48", 5),
        (f"{FIRST},2011.02.13_07:00_TAI-2011.02.13_07:24_TAI", "05:00", "07:24", 4),
        ("2011.02.13_05:11:26_UTC", "05:12", "05:12", 1),
        ("2011-02-13T05:11:26Z", "05:12", "05:12", 1),
        ("2011.02.13_05:17:40", "05:24", "05:24", 1),  # UTC: 05:18:14 TAI is nearer to 05:24
        ("2011.02.13_05:17:40_TAI", "05:12", "05:12", 1),
    ],
)
def test_time_specifications(emulator, span, first, last, count):
    found = times_of(listed(emulator, f"{SERIES}[377][{span}]"))
    assert len(found) == count
    assert (found[0][11:16], found[-1][11:16]) == (first, last)


def test_harp_numbers_may_be_empty_one_or_many(emulator):
    def harps(inside: str) -> set[str]:
        reply = listed(emulator, f"{SERIES}[{inside}][2011.02.01/100d@1d]", R="1")
        return {row["name"].split("[")[1].rstrip("]") for row in reply["recinfo"]}

    assert harps("377") == {"377"}
    assert harps("377,438") == {"377", "438"}
    assert harps("") > {"377", "438"}


def test_every_value_but_a_record_s_number_is_a_string_and_the_unknown_has_its_sentinel(emulator):
    ds = f"{SERIES}[377][{FIRST}]"
    reply = json.loads(
        get(emulator, f"{LIST}ds={ds}&key=QUALITY,CRVAL1,*recnum*,NOSUCH&seg=magnetogram,NOSUCH")
    )
    values = {item["name"]: item["values"] for item in reply["keywords"] + reply["segments"]}
    assert values["QUALITY"] == ["0x00000000"]
    assert values["NOSUCH"] == ["InvalidSegName"]
    assert reply["keywords"][-1]["values"] == ["Invalid KeyLink"]
    assert re.fullmatch(r"\d+\.\d+", values["CRVAL1"][0])
    assert type(values["*recnum*"][0]) is int
    assert re.fullmatch(r"\d+x\d+", reply["segments"][0]["dims"][0])
    assert (reply["count"], reply["status"]) == (1, 0)


def test_nothing_found_has_no_keywords(emulator):
    reply = listed(emulator, f"{SERIES}[999][{FIRST}]", seg="magnetogram")
    assert reply["count"] == 0
    assert not {"keywords", "segments"} & set(reply)


@pytest.mark.parametrize(
    "ds", ["hmi.nosuch[377]", f"{SERIES}[377][yesterday]", f"{SERIES}[x]", "["]
)
def test_errors_come_with_http_200(emulator, ds):
    reply = listed(emulator, ds)
    assert reply["status"] == 1
    assert reply["error"]


def test_sql_compares_quality_as_signed():
    """QUALITY<65536 keeps the records without data, as the real one does."""
    kept = [r.row["QUALITY"] for r in select(WORLD, f"{SERIES}[377][][? QUALITY<65536 ?]")]
    assert "0x80000000" in kept
    assert "0x00010400" not in kept
    with pytest.raises(RecordSetError):
        select(WORLD, f"{SERIES}[377][][? NOSUCH=1 ?]")


def test_records_are_flagged_absent_or_without_data(emulator):
    rows = [record.row for record in select(WORLD, f"{SERIES}[377,438]")]
    quality = {(row["HARPNUM"], row["T_REC"]): row["QUALITY"] for row in rows}
    assert quality["377", "2011.02.13_06:00:00_TAI"] == "0x00010400"
    assert ("377", "2011.02.13_18:00:00_TAI") not in quality
    assert any(key[1].endswith("18:00:00_TAI") for key in quality if key[0] == "438")
    [(_, bare)] = [k for k, v in quality.items() if v == "0x80000000" and k[0] == "377"]
    reply = listed(emulator, f"{SERIES}[377][{bare}]", seg="magnetogram")
    assert reply["segments"][0]["values"] == ["NoDataDirectory"]
    assert any(row["LON_FWT"] == "nan" for row in rows if row["QUALITY"] == "0x00000000")
    assert any(row["OBS_VR"] == "MISSING" for row in rows)


def test_limit_and_summary(emulator):
    ds = f"{SERIES}[377]"
    everything = times_of(listed(emulator, ds))
    assert times_of(listed(emulator, ds, n="3")) == everything[:3]
    assert times_of(listed(emulator, ds, n="-2")) == everything[-2:]
    summary = json.loads(get(emulator, "/cgi-bin/ajax/jsoc_info", op="rs_summary", ds=ds))
    assert summary["count"] == len(everything)


def test_drms_converts_and_knows_the_series(emulator):
    jsoc = client(emulator)
    assert jsoc.pkeys(SERIES) == ["HARPNUM", "T_REC"]
    assert f"{SERIES}_nrt" in jsoc.series("sharp")
    keys, files = jsoc.query(
        f"{SERIES}[377][{FIRST}/2h]",
        key="HARPNUM,T_REC,QUALITY,LON_FWT,ORIGIN",
        seg="magnetogram",
        skip_conversion=["QUALITY"],
        rec_index=True,
    )
    assert keys.HARPNUM.dtype.kind == "i"
    assert keys.LON_FWT.dtype.kind == "f"
    assert int(keys.QUALITY.iloc[5], 16) == 0x10400
    assert set(keys.ORIGIN) == {"SIMULATED"}
    assert keys.index[0] == f"{SERIES}[377][{FIRST}]"
    assert files.magnetogram.str.fullmatch(r"/SUM\d+/D\d+/S00000/magnetogram\.fits").all()
    with pytest.raises(drms.DrmsQueryError, match="unknown series"):
        jsoc.query("hmi.nosuch[1]", key="T_REC")


def test_nrt_grows_with_the_clock_and_changes_size(emulator):
    ds = f"{SERIES}_nrt[]"
    before = listed(emulator, ds, seg="magnetogram")
    assert max(times_of(before)) == "2026.03.04_14:36:00_TAI"  # 48 minutes before NOW, in slots
    assert len(set(before["segments"][0]["dims"])) > 4
    emulator.world.now = NOW + timedelta(minutes=24)
    assert listed(emulator, ds)["count"] == before["count"] + 4  # two regions, two slots
    newest = listed(emulator, f"{SERIES}_nrt[][$]")
    assert times_of(newest) == ["2026.03.04_15:00:00_TAI"] * 2


def path_of(emulator: Emulator, when: str = FIRST, harp: int = 377) -> str:
    reply = listed(emulator, f"{SERIES}[{harp}][{when}]", seg="magnetogram")
    return reply["segments"][0]["values"][0]


def test_as_is_files_hold_pixels_only(emulator):
    record = select(WORLD, f"{SERIES}[377][{FIRST}]")[0]
    raw = get(emulator, path_of(emulator))
    with fits.open(io.BytesIO(raw), do_not_scale_image_data=True) as hdus:
        assert hdus[0].data is None
        header, tenths = hdus[1].header, hdus[1].data
        structure = {"XTENSION", "BITPIX", "NAXIS", "PCOUNT", "GCOUNT", "BLANK", "BSCALE"}
        assert set(header) - {"NAXIS1", "NAXIS2"} == structure
        assert tenths.dtype.kind == "i"
        np.testing.assert_array_equal(tenths, record.region.tenths(record.slot))
    assert b"RICE_1" in raw


def test_records_share_the_pixels_of_the_nearest_hour(emulator):
    bodies = {
        minute: get(emulator, path_of(emulator, f"2011.02.13_{minute}:00_TAI"))
        for minute in ("07:36", "08:00", "08:24", "08:36")
    }
    assert bodies["07:36"] == bodies["08:00"] == bodies["08:24"]
    assert bodies["08:36"] != bodies["08:24"]


def test_paths_expire_and_a_new_query_finds_the_new_one(emulator):
    old = path_of(emulator)
    assert path_of(emulator) == old
    emulator.storage.expire()
    with pytest.raises(urllib.error.HTTPError, match="404"):
        get(emulator, old)
    new = path_of(emulator)
    assert new != old
    assert get(emulator, new)
    emulator.storage.lifetime_s = 0.01
    time.sleep(0.02)
    with pytest.raises(urllib.error.HTTPError, match="404"):
        get(emulator, new)


def test_offline_records_have_no_path_but_their_dims_and_no_export(emulator):
    def segment() -> dict[str, list[str]]:
        return listed(emulator, f"{SERIES}[377][{FIRST}]", seg="magnetogram")["segments"][0]

    before = segment()
    emulator.jsoc.offline.add(f"{SERIES}[377][{FIRST}]")
    assert segment() == before | {"values": ["NoDataDirectory"]}
    assert re.fullmatch(r"\d+x\d+", before["dims"][0])
    bad = listed(emulator, f"{SERIES}[377][{FIRST}]", seg="none_such")["segments"][0]
    assert (bad["values"], bad["dims"]) == (["InvalidSegName"], ["NA"])
    request = client(emulator, USER).export(DS, method="url", protocol="fits")
    assert (request.status, request.id) == (25, "VOID")  # one of them refuses it all
    raw = get(emulator, "/cgi-bin/ajax/jsoc_fetch", op="exp_request", ds=DS, notify=USER)
    assert "jsoc@sun.stanford.edu" in json.loads(raw)["error"]
    assert not emulator.export.jobs


def test_export_waits_and_gives_files_with_keywords(emulator, tmp_path):
    request = client(emulator, USER).export(DS, method="url", protocol="fits")
    states = [request.status]
    for _ in range(3):
        request.has_finished()
        states.append(request.status)
    assert states == [2, 2, 1, 0]
    raw = json.loads(
        get(emulator, "/cgi-bin/ajax/jsoc_fetch", op="exp_status", requestid=request.id)
    )
    assert all(isinstance(value, str) for key, value in raw.items() if key != "data")
    request.download(tmp_path)
    paths = sorted(tmp_path.iterdir())
    assert [p.name[23:38] for p in paths] == ["20110213_050000", "20110213_060000"]
    magnetogram = read_fits(paths[0])
    row = select(WORLD, f"{SERIES}[377][{FIRST}]")[0].row
    assert (magnetogram.harp, magnetogram.noaa) == (377, (11158,))
    assert magnetogram.longitude.value == float(row["LON_FWT"])
    assert magnetogram.simulated
    assert magnetogram.wcs.wcs.crval[0] == pytest.approx(float(row["CRVAL1"]))
    content = paths[0].read_bytes()
    assert b"GWILL   = nan" in content
    assert b"CUNIT1  = 'degree  '" in content
    assert b".000_TAI" in content


def test_export_knows_the_same_request_and_allows_one_at_a_time(emulator):
    jsoc = client(emulator, USER)
    first = jsoc.export(DS, method="url", protocol="fits")
    assert jsoc.export(DS, method="url", protocol="fits").id == first.id
    other = jsoc.export(DS.replace("377", "438"), method="url", protocol="fits")
    assert (other.status, other.id) == (7, "VOID")


@pytest.mark.parametrize("status", [3, 4, 5, 7, 25])
def test_export_can_be_made_to_fail(emulator, status):
    emulator.export.status, emulator.export.polls = status, 1
    request = client(emulator, USER).export(DS, method="url", protocol="fits")
    assert request.has_failed()
    assert request.status == status


def test_export_refuses_unknown_addresses_long_words_and_blocked_accounts(emulator):
    jsoc = client(emulator)
    assert jsoc.check_email(USER)
    assert not jsoc.check_email("somebody@example.org")
    assert not jsoc.check_email("no address")
    assert jsoc.export(DS, method="url", protocol="fits", email="no@example.org").status == 4
    long = f"{SERIES}[{','.join(['377'] * 1100)}][{FIRST}]"
    assert jsoc.export(long, method="url", protocol="fits", email=USER).status == 4
    emulator.jsoc.blocked = True
    assert "blocked" in listed(emulator, f"{SERIES}[377]")["error"]
    assert jsoc.export(DS, method="url", protocol="fits", email=USER).status == 4


def test_export_of_nothing_has_one_row_that_is_a_warning(emulator):
    emulator.export.polls = 1
    ds = f"{SERIES}[999][{FIRST}]{{magnetogram}}"
    request = client(emulator, USER).export(ds, method="url", protocol="fits")
    assert request.has_succeeded()
    assert request.data.record[0].startswith("warning=")


def test_quick_export_is_there_at_once(emulator):
    request = client(emulator, USER).export(DS)
    assert request.has_succeeded(skip_update=True)
    assert get(emulator, request.urls.url[0].removeprefix(emulator.url))[:6] == b"SIMPLE"


def donki(emulator: Emulator, kind: str, start: str, end: str) -> list[dict[str, object]]:
    return json.loads(get(emulator, f"/donki/{kind}", startDate=start, endDate=end))


def test_donki_records_have_the_shape_of_the_real_ones(emulator):
    for kind, sample in (
        ("FLR", "FLR_2026.json"),
        ("CME", "CME_2017.json"),
        ("CMEAnalysis", "CMEAnalysis.json"),
    ):
        real = json.loads(real_data("donki", sample).read_text())
        ours = donki(emulator, kind, "2011-01-01", "2012-01-01")
        assert set().union(*ours) == set(real[0])
        for key, value in real[0].items():
            kinds = {type(record.get(key)) for record in ours} | {int, float, type(None)}
            assert type(value) in kinds


def test_donki_links_are_told_in_three_ways_and_mixed(emulator):
    flares = donki(emulator, "FLR", "2011-01-01", "2011-12-31")
    cmes = donki(emulator, "CME", "2011-01-01", "2011-12-31")

    def links(record: dict[str, object], kind: str) -> set[str]:
        found = [link["activityID"] for link in record["linkedEvents"] or []]
        return {name for name in found if kind in name}

    of_flares = {(r["flrID"], c) for r in flares for c in links(r, "-CME-")}
    of_cmes = {(f, r["activityID"]) for r in cmes for f in links(r, "-FLR-")}
    assert of_flares - of_cmes
    assert of_cmes - of_flares
    assert of_flares & of_cmes
    assert any(links(r, "-SEP-") and not links(r, "-CME-") for r in flares)
    assert any(cme < flare for flare, cme in of_flares | of_cmes)
    assert any(r["linkedEvents"] is None for r in flares)


def test_donki_has_the_flaws_of_the_real_one(emulator):
    flares = donki(emulator, "FLR", "2011-01-01", "2011-12-31")
    ids = [r["flrID"] for r in flares]
    assert any(ids.count(name) == 2 for name in ids)
    for key in ("peakTime", "endTime", "activeRegionNum"):
        assert any(r[key] is None for r in flares)
    assert any(r["endTime"] and r["endTime"][:4] == "2013" for r in flares)
    assert any("catalog" not in r for r in flares)
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\dZ", r["beginTime"]) for r in flares)
    bodies = [get(emulator, "/donki/FLR?startDate=1999-01-01&endDate=1999-01-05") for _ in "abc"]
    assert sorted(bodies) == [b"", b"[]", b"null"]


def test_goes_report_is_science_scale_behind_an_index(emulator):
    index = get(emulator, CSV).decode()
    names = re.findall(r'href="(sci_[^"]+)"', index)
    assert "sci_xrsf-l2-flrpt_geo_y2011_v1-0-1.csv" in names
    assert sum("_s1995" in name for name in names) == 2
    text = get(emulator, f"{CSV}sci_xrsf-l2-flrpt_geo_y2011_v1-0-1.csv").decode()
    rows = list(csv.DictReader(io.StringIO(text)))
    x22 = [row for row in rows if row["time"] == "2011-02-15 01:56:00"]
    assert [row["start_time"] for row in x22] == ["2011-02-15 01:44:00", ""]
    assert x22[0]["flare_class"] == "X3.1"  # X2.2 over 0.7
    assert float(x22[0]["xrsb_irrad"]) == pytest.approx(2.2e-4 / 0.7, rel=1e-3)
    assert x22[0]["active_region"] == "1158.0"
    strong = [row for row in rows if float(row["xrsb_irrad"]) > 1.4e-5]
    without = [row for row in strong if not row["active_region"]]
    assert 0.2 < len(without) / len(strong) < 0.5
    with pytest.raises(urllib.error.HTTPError, match="404"):
        get(emulator, f"{CSV}sci_xrsf-l2-flrpt_geo_y1994_v1-0-1.csv")


def hek(emulator: Emulator, start: str, end: str, **more: str) -> str:
    query = {"cosec": "2", "cmd": "search", "type": "column", "event_type": "FL", "page": "1"}
    query |= {"event_starttime": start, "event_endtime": end, **more}
    return get(emulator, "/hek/her", **query).decode("latin-1")


def test_hek_repeats_flares_unless_one_method_is_asked_for(emulator):
    month = ("2011-02-01T00:00:00", "2011-03-01T00:00:00")
    everything = json.loads(hek(emulator, *month))["result"]
    peaks = [r["event_peaktime"] for r in everything if r["ar_noaanum"] == 11158]
    assert len(peaks) > len(set(peaks))
    swpc = {"param0": "OBS_Observatory", "op0": "=", "value0": "GOES"}
    swpc |= {"param1": "FRM_Name", "op1": "=", "value1": "SWPC"}
    chosen = json.loads(hek(emulator, *month, **swpc))["result"]
    assert {r["fl_goescls"] for r in chosen} == {"C3.4", "C6.1", "X2.2"}
    assert {r["frm_name"] for r in chosen} == {"SWPC"}


def test_hek_has_pages_and_takes_a_month_at_most(emulator):
    emulator.hek.page = 2
    month = ("2011-02-01T00:00:00", "2011-03-01T00:00:00")
    pages = [json.loads(hek(emulator, *month, page=str(n))) for n in (1, 2, 3)]
    assert [p["overmax"] for p in pages] == [True, True, False]
    assert [len(p["result"]) for p in pages] == [2, 2, 1]
    assert hek(emulator, "2011-02-01T00:00:00", "2011-04-01T00:00:00").startswith("<!DOCTYPE")


def test_hek_s_names_are_no_utf_8(emulator):
    query = {"event_starttime": "2011-02-01T00:00:00", "event_endtime": "2011-03-01T00:00:00"}
    with pytest.raises(UnicodeDecodeError):
        get(emulator, "/hek/her", **query).decode()
    assert '"frm_contact": "José Peña"' in hek(emulator, *query.values())


def test_harp_noaa_table_is_many_to_many(emulator):
    lines = get(emulator, "/harp_noaa.txt").decode().splitlines()
    assert lines[0] == "HARPNUM NOAA_ARS"
    rows = [line.split(" ") for line in lines[1:]]
    assert ["377", "11158"] in rows
    numbers = [number for _, ars in rows for number in ars.split(",")]
    assert any("," in ars for _, ars in rows)
    assert len(numbers) > len(set(numbers))


def test_each_flare_of_class_m_lies_in_its_region_and_day():
    for region in WORLD.by_series(SERIES):
        [main] = [f for f in WORLD.flares if f.noaa in region.noaa and f.flux >= 1e-5]
        seconds = times.tai_seconds(main.peak)
        assert 24 < (seconds - region.first) / 3600 < 48
        row = region.row(region.slots()[0])
        half = (float(row["LONDTMAX"]) - float(row["LONDTMIN"])) / 2
        assert abs(main.longitude - region.longitude(seconds)) < half
        assert float(row["LATDTMIN"]) < main.latitude < float(row["LATDTMAX"])
    eruptive = sum(f.cme is not None for f in WORLD.flares if f.flux >= 1e-5)
    assert 4 <= eruptive <= 8


def test_worlds_are_the_same_for_a_seed():
    again = small_world(12, now=NOW)
    assert (again.flares, again.harp_noaa) == (WORLD.flares, WORLD.harp_noaa)
    assert again.regions == WORLD.regions
    assert small_world(12, seed=1, now=NOW).flares != WORLD.flares


def test_real_world_serves_the_real_files():
    world = real_world(real_data("harp377"))
    with emulated(world) as emulator:
        reply = json.loads(get(emulator, f"{LIST}ds={SERIES}[377]&key=CRVAL1,ORIGIN,QUALITY"))
        assert reply["count"] == 50
        values = {item["name"]: item["values"] for item in reply["keywords"]}
        assert float(values["CRVAL1"][0]) == 34.557007
        assert values["QUALITY"][1] == "0x00010400"
        assert values["ORIGIN"][0] == "SDO/JSOC-SDP"
        raw = get(emulator, path_of(emulator))
        real = next(real_data("harp377").glob("*0213_050000_TAI*"))
        with fits.open(io.BytesIO(raw)) as ours, fits.open(real) as theirs:
            np.testing.assert_array_equal(ours[1].data, theirs[1].data)


def test_one_client_that_keeps_its_connection_is_seen_as_one(emulator):
    port = int(emulator.url.rsplit(":", 1)[1])
    connection = http.client.HTTPConnection("127.0.0.1", port)
    for _ in range(3):
        connection.request("GET", "/harp_noaa.txt")
        connection.getresponse().read()
    assert (emulator.connections.total, emulator.connections.most) == (1, 1)
    other = http.client.HTTPConnection("127.0.0.1", port)
    other.request("GET", path_of(emulator))
    other.getresponse().read()
    assert emulator.connections.most >= 2
    assert emulator.connections.most_by_service["harp_noaa"] == 1
    connection.close()
    other.close()
    assert [r.path for r in emulator.asked("harp_noaa")] == ["/harp_noaa.txt"] * 3


def test_a_client_that_goes_away_leaves_no_socket_to_the_garbage_collector():
    gone = struct.pack("ii", 1, 0)  # SO_LINGER: what is left is dropped, the server meets a reset
    gc.disable()
    try:
        with emulated(WORLD) as emulator:
            path, address = path_of(emulator), ("127.0.0.1", urlsplit(emulator.url).port)
            emulator.bytes_per_s = 100_000.0
            with socket.create_connection(address) as client:
                client.sendall(f"GET {path} HTTP/1.1\r\nHost: here\r\n\r\n".encode())
                assert client.recv(12) == b"HTTP/1.1 200"
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, gone)
            until(lambda: emulator.connections.now == 0, "the end of the connection")
        sockets = [one for one in gc.get_objects() if type(one) is socket.socket]
        held = [one for one in sockets if one.fileno() >= 0 and one.getsockname() == address]
        assert held == []
    finally:
        gc.enable()


def test_faults_strike_as_often_as_ordered(emulator):
    fault = emulator.faults.add(r"^/harp_noaa", "429", times=2, retry_after=3)
    for _ in range(2):
        with pytest.raises(urllib.error.HTTPError) as caught:
            get(emulator, "/harp_noaa.txt")
        assert (caught.value.code, caught.value.headers["Retry-After"]) == (429, "3")
    assert get(emulator, "/harp_noaa.txt").startswith(b"HARPNUM")
    assert fault.hits == 2
    with pytest.raises(ValueError, match="no kind of fault"):
        emulator.faults.add(".", "earthquake")


def test_faults_of_the_body(emulator):
    path = path_of(emulator)
    whole = get(emulator, path)
    for kind in ("html", "empty", "null", "truncated", "garbage"):
        emulator.faults.add("magnetogram.fits", kind)
    assert get(emulator, path).startswith(b"<!DOCTYPE")
    assert get(emulator, path) == b""
    assert get(emulator, path) == b"null"
    assert get(emulator, path) == whole[: len(whole) // 2]
    garbage = get(emulator, path)
    assert len(garbage) == len(whole)
    assert garbage[:100] != whole[:100]
    emulator.faults.add("magnetogram.fits", "cut")
    emulator.faults.add("magnetogram.fits", "wrong_length")
    for _ in range(2):
        with pytest.raises(http.client.IncompleteRead):
            get(emulator, path)
    assert get(emulator, path) == whole


def test_faults_of_time(emulator):
    emulator.faults.add("harp", "hang")
    with pytest.raises((TimeoutError, socket.timeout)):
        get(emulator, "/harp_noaa.txt", timeout=0.1)
    emulator.faults.add("harp", "drop")
    with pytest.raises(http.client.RemoteDisconnected):
        get(emulator, "/harp_noaa.txt")
    emulator.bytes_per_s = 1000.0
    begun = time.monotonic()
    body = get(emulator, "/harp_noaa.txt")
    assert time.monotonic() - begun > 0.8 * len(body) / 1000.0


def test_environment_leads_the_program_here(emulator, monkeypatch):
    from hnn_core.services import endpoints

    for name, value in emulator.environment.items():
        monkeypatch.setenv(name, value)
    assert endpoints.service_url("JSOC") == f"{emulator.url}/"
    assert endpoints.service_url("DONKI") == f"{emulator.url}/donki/"
    assert (
        Path(endpoints.live_home()).name
        == f"live-{emulator.url.removeprefix('http://').replace(':', '-')}"
    )


@pytest.mark.slow
def test_by_hand_it_tells_its_addresses_and_ends_with_an_interrupt():
    command = [sys.executable, "-m", "tests.emulators", "--port", "0", "--regions", "2"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as running:
        lines = [running.stdout.readline() for _ in range(3)]
        address = re.search(r"export HNN_JSOC_URL=(\S+)", lines[-1])[1]
        with urllib.request.urlopen(f"{address}harp_noaa.txt", timeout=60) as reply:
            assert b"377 11158" in reply.read()
        running.send_signal(signal.SIGINT)
        rest = running.stdout.read()
    assert running.returncode == 0
    assert "make run" in rest
