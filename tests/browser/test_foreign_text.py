"""Texts from outside, as hostile as they come: shown as they are, and nothing is fetched for them.

A beacon on loopback must see nothing, and no page may hold an image or a link that leads there.
"""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import urlencode

import pytest

from hnn_core.catalogs.store import refresh_tables
from hnn_core.dataset.card import CARD, FORMAT, seal
from hnn_core.live.watch import prediction_log
from hnn_core.magnetogram.preprocess import PreprocessConfig
from hnn_core.network.model_store import save_model
from hnn_core.regions.case import Case, cases_to_link
from hnn_core.services.endpoints import live_home
from tests.support.drawn_catalogs import (
    X22,
    donki_cme,
    donki_flare,
    keep,
    linking,
    ncei_row,
    ncei_text,
)
from tests.support.drawn_jobs import START, drawn_job, line
from tests.support.drawn_sharp import draw_fits
from tests.support.made_runs import draw_predictions, write_run
from tests.support.moving_boxes import WHOLE, canvas, write_frames
from tests.support.small_models import small_model

browser_side = pytest.importorskip("tests.support.browser", reason="playwright is not installed")

KINDS = (
    "![i](http://{0}/i.png) <img src=http://{0}/h.png> [l](http://{0}/l) http://{0}/a "
    "www.{1}.test/w x@{1}.test <a href=http://{0}/t>t</a> <b>t</b> :material/home: :smile: :+1: "
    ":streamlit: :red[r] :help[h] $x^2$ `c` ~~s~~ **b** _i_ a -> b -- c >= d | a | b | [^1] &amp; "
    "&#47; \\( # h 1. one"
)
"""All that Streamlit's Markdown and plotly read in a text."""
LEADS = """host => [...document.querySelectorAll('*')].filter(one => [...one.attributes].some(its =>
    ['src', 'href', 'xlink:href', 'srcset', 'style', 'poster', 'data', 'action', 'background']
        .includes(its.name) && its.value.split('?')[0].includes(host)
)).map(one => one.outerHTML.slice(0, 200))"""
"""Elements that load something from a host, or lead there; its name behind a ? is only a text."""


SHOWN: dict[str, tuple[str, ...]] = {
    "explore": ("link", "trained_on", "test_set"),
    "no cases": ("link",),
    "unknown": ("link",),
    "population": ("link",),
    "skill": ("scored", "scorepolicy"),
    "training": ("status", "message", "device"),
    "new": ("cardsource", "cardpolicy"),
    "no run": ("link",),
    "here": ("title", "note", "fault", "end", "jobkind", "stage"),
}
NAMED: dict[str, tuple[str, ...]] = {
    "explore": ("folder", "odd", "frame", "torn", "model"),
    "cases": ("model", "noset"),
    "skill": ("run", "broken"),
    "training": ("run", "failed", "broken"),
    "compare": ("run",),
    "here": ("nojob",),
    "sets": ("nodataset", "dataset"),
}
SEEN: list[str] = []


class Beacon(BaseHTTPRequestHandler):
    """Notes each request for an address that only our texts hold."""

    def do_GET(self) -> None:
        SEEN.append(self.path)
        self.send_error(404)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def beacon():
    """Host and port of a server that must see nothing."""
    with HTTPServer(("127.0.0.1", 0), Beacon) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()


def hostile(beacon: str, label: str) -> str:
    return f"{label} {KINDS.format(beacon, 'beacon')}"


def file_name(beacon: str, label: str) -> str:
    """The same for the name of a file or a folder, which holds no slash."""
    return f"{label} ![i](http:&#47;&#47;{beacon}&#47;{label}.png) www.beacon.test x@beacon.test"


@pytest.fixture(scope="module")
def app(browser, beacon, tmp_path_factory):
    """Address of an app whose every file is hostile."""
    home = tmp_path_factory.mktemp("hostile_home")
    log = tmp_path_factory.mktemp("log") / "server.log"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HNN_HOME", str(home))
        write_models(home, beacon)
        write_runs(home, beacon)
        write_jobs(beacon)
        write_set(home, beacon)
        write_dataset(home, beacon)
        write_catalogue(beacon)
        write_folder(home / file_name(beacon, "folder"), beacon)
        with browser_side.serve(home, log) as (address, _):
            yield address, home
    assert "Traceback" not in log.read_text()


def write_models(home, beacon) -> None:
    metadata = {key: hostile(beacon, key) for key in ("trained_on", "test_set", "caution")}
    metadata["test"] = {"tss": 0.5}
    save_model(
        small_model(frames=10), home / "models" / file_name(beacon, "model"), metadata=metadata
    )
    torn = home / "models" / file_name(beacon, "torn")
    torn.mkdir()
    (torn / "model.safetensors").write_bytes(b"")
    (torn / "config.json").write_text(json.dumps({"architecture": hostile(beacon, "architecture")}))


def write_runs(home, beacon) -> None:
    name = file_name(beacon, "run")
    run = write_run(home / "runs", name, draw_predictions(regions=16))
    scores = json.loads((run / "scores.json").read_text())
    scores |= {"dataset": hostile(beacon, "scored"), "policy": hostile(beacon, "scorepolicy")}
    (run / "scores.json").write_text(json.dumps(scores))
    config = json.loads((run / "config.json").read_text())
    (run / "config.json").write_text(json.dumps(config | {"dataset": hostile(beacon, "runset")}))
    status = {
        "state": "failed",
        "message": hostile(beacon, "status"),
        "time": "2026-03-01T12:00:00Z",
    }
    failed = write_run(home / "runs", file_name(beacon, "failed"), draw_predictions(regions=16))
    (failed / "status.json").write_text(json.dumps(status))
    events = [
        {"event": "start", "time": "2026-03-01T11:00:00Z", "epochs": 1, "steps_per_epoch": 1,
         "device": hostile(beacon, "device")},
        {"event": "message", "time": hostile(beacon, "time"), "level": "warning",
         "text": hostile(beacon, "message")},
    ]  # fmt: skip
    (failed / "metrics.jsonl").write_text("".join(json.dumps(one) + "\n" for one in events))
    broken = home / "runs" / file_name(beacon, "broken")
    broken.mkdir()
    (broken / "config.json").write_text(json.dumps({"kind": hostile(beacon, "runkind")}))


def write_jobs(beacon) -> None:
    step = {"stage": hostile(beacon, "stage"), "done": 1, "total": 3, "what": "x"}
    log = START + line("progress", **step) + line("note", text=hostile(beacon, "note"))
    log += line("excluded", what=hostile(beacon, "what"), why=hostile(beacon, "why"))
    drawn_job("20260101-000000-fetch-aaaaaa", log + hostile(beacon, "fault"),
              title=hostile(beacon, "title"))  # fmt: skip
    end = line("end", text=hostile(beacon, "end"))
    drawn_job("20260102-000000-fetch-bbbbbb", START + end, kind=hostile(beacon, "jobkind"))
    torn = live_home() / "jobs" / file_name(beacon, "nojob")
    torn.mkdir()
    (torn / "request.json").write_text("torn")
    prediction_log().parent.mkdir(exist_ok=True)
    watched = {key: hostile(beacon, key) for key in ("region", "label", "model", "t_rec")}
    prediction_log().write_text(json.dumps(watched) + "\n")


def write_set(home, beacon) -> None:
    case = {"source": "sim:", "region": "SIM 1", "hour": "2011-02-14T00:00",
            "model": hostile(beacon, "setmodel"), "sha256": "", "probability": 0.5}  # fmt: skip
    made = {"format": 1, "name": "set", "cases": [case], "saved": hostile(beacon, "saved"),
            "program": hostile(beacon, "program")}  # fmt: skip
    (home / "cases").mkdir()
    (home / "cases" / f"{file_name(beacon, 'set')}.json").write_text(json.dumps(made))
    (home / "cases" / f"{file_name(beacon, 'noset')}.json").write_text("torn")


def write_dataset(home, beacon) -> None:
    counts = {name: {"positive": 1, "negative": 1} for name in ("M5.0", "M", "C")}
    card = {"format": FORMAT, "source": hostile(beacon, "cardsource"), "hours": 10,
            "policy": hostile(beacon, "cardpolicy"), "preprocess": PreprocessConfig().to_dict(),
            "counts": counts, "simulated": True, "regions": 1, "frames": 1, "sequences": 1,
            "excluded": {hostile(beacon, "excluded"): 1}, "files": {}}  # fmt: skip
    folder = home / "datasets" / file_name(beacon, "dataset")
    folder.mkdir(parents=True)
    (folder / CARD).write_text(json.dumps(seal(card)))
    (home / "datasets" / file_name(beacon, "nodataset")).mkdir()


def write_catalogue(beacon) -> None:
    folder = live_home() / "catalogs"
    foreign = {key: hostile(beacon, key) for key in ("note", "sourceLocation", "catalog")}
    linked = linking(hostile(beacon, "linked"), "2011-02-15T02:24:00-CME-001")
    keep(folder, "ncei", X22.date(), ncei_text(ncei_row()))
    keep(folder, "donki_flr", X22.date(), [donki_flare(linkedEvents=linked, **foreign)])
    keep(folder, "donki_cme", X22.date(), [donki_cme(**foreign)])
    refresh_tables(folder)


def write_folder(folder, beacon) -> None:
    write_frames(folder, [WHOLE] * 12)
    for number, path in enumerate(sorted(folder.iterdir())):
        path.rename(folder / f"{file_name(beacon, 'frame')} {number:02}.fits")
    short = f"![i](http://{beacon}/i.png)"
    for number, card in enumerate(("TELESCOP", "INSTRUME", "BUNIT", "T_REC", "NOAA_ARS", "CTYPE1")):
        name = f"{file_name(beacon, 'odd')} {number}.fits"
        draw_fits(folder / name, canvas(0), **{card: f"{card.lower()} {short}"})
    rows = "noaa,goes_class,peak_utc,association,id\n11158,M1.0,2011-02-13 18:30,eruptive,{0}\n"
    rows += "11158,{1},2011-02-13 19:30,eruptive,2\n11158,M2.0,2011-02-13 20:30,{2},3\n"
    texts = (f"{name} {short}" for name in ("id", "class", "association"))
    (folder / "flares.csv").write_text(rows.format(*texts))


def look(page, address: str, beacon: str) -> str:
    """Open a page and all that is folded on it; return its text, after the checks of it."""
    page.goto(address)
    page.wait_for_selector(
        "[data-testid=stMain] [data-testid=stElementContainer]", state="attached"
    )
    browser_side.idle(page)
    for summary in page.locator("[data-testid=stExpander] summary").all():
        summary.click()
    browser_side.idle(page)
    texts = [read(page, address, beacon)]
    for press in page.locator("[data-testid=stMain] [data-testid=stPopover] button").all():
        press.click()
        page.locator("[data-testid=stPopoverBody]").wait_for()
        browser_side.idle(page)
        texts.append(read(page, address, beacon))
        page.keyboard.press("Escape")
        page.locator("[data-testid=stPopoverBody]").wait_for(state="detached")
    return " ".join(texts)


def read(page, address: str, beacon: str) -> str:
    """The text that is in sight, where nothing leads elsewhere and nothing broke."""
    for host in (beacon, "beacon.test"):
        assert page.evaluate(LEADS, host) == [], address
    assert page.locator(".stException").count() == 0
    return page.evaluate("document.body.innerText.replaceAll(/\\s+/g, ' ')")


def test_texts_from_outside_are_shown_as_they_are_and_lead_nowhere(app, page, beacon):
    address, home = app
    kinds, folder = hostile(beacon, "link"), str(home / file_name(beacon, "folder"))
    model = file_name(beacon, "model")
    case = cases_to_link((Case(f"fits:{folder}", "377", "2011-02-13T16:00", model),))
    here = {"source": "fits", "folder": folder, "model": model, "region": "377"}
    views: dict[str, tuple[str, dict[str, str]]] = {
        "explore": ("", here | dict.fromkeys(("hour", "map", "clip", "trust"), kinds)),
        "cases": ("case_studies", here | {"cases": case}),
        "no cases": ("case_studies", here | {"cases": kinds, "study": kinds}),
        "unknown": ("case_studies", {"study": "film", "source": kinds, "region": kinds,
                                     "model": kinds}),
        "population": ("case_studies", {"source": "sim", "population": kinds}),
        "no folder": ("case_studies", {"source": "fits", "folder": kinds}),
        "skill": ("skill", {"run": file_name(beacon, "run")}),
        "training": ("training", {"view": "watch", "run": file_name(beacon, "failed")}),
        "compare": ("training", {"view": "compare"}),
        "new": ("training", {"view": "new"}),
        "no run": ("training", {"view": kinds, "run": kinds}),
        "here": ("data", {"show": "here"}),
        "fetch": ("data", {"show": "fetch"}),
        "no flares": ("data", {"show": "catalogue", "of": kinds, "cme": kinds}),
        "flares": ("data", {"show": "catalogue"}),
        "sets": ("data", {"show": "sets"}),
        "origin": ("data", {"show": "origin"}),
    }  # fmt: skip
    texts = {
        name: look(page, f"{address}/{path}?{urlencode(query)}", beacon)
        for name, (path, query) in views.items()
    }
    assert SEEN == []
    for name, labels in SHOWN.items():
        for label in labels:
            assert hostile(beacon, label) in texts[name], (name, label)
    for name, labels in NAMED.items():
        for label in labels:
            assert file_name(beacon, label) in texts[name], (name, label)
    assert kinds.replace("//", "/") in texts["no folder"]  # a path
    for label in ("telescop", "instrume", "bunit", "t_rec"):
        assert f"{label} ![i](http://{beacon}/i.png)" in texts["explore"]
