"""A small HNN_HOME whose files are torn one by one: each is named, and hides nothing else."""

import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from hnn_core.__main__ import main
from hnn_core.catalogs.raw import SIDE
from hnn_core.catalogs.store import Catalog, catalogs_home, refresh_tables
from hnn_core.dataset.build import build_dataset
from hnn_core.dataset.card import list_datasets
from hnn_core.exceptions import HnnError
from hnn_core.jobs.data_jobs import broken_data_jobs, list_data_jobs
from hnn_core.jobs.jobs import effective_state
from hnn_core.jobs.process import ahead
from hnn_core.live.holdings import holdings
from hnn_core.live.watch import prediction_log, read_predictions
from hnn_core.network.model_store import list_models, save_model
from hnn_core.regions.base import SkippedFile
from hnn_core.regions.case import Case, list_sets, save_set
from hnn_core.storage import append_line, home, replace_json
from hnn_core.training.config import TrainConfig
from hnn_core.training.run_folder import list_runs
from tests.support.app import run_app
from tests.support.drawn_catalogs import X22, keep, ncei_row, ncei_text
from tests.support.drawn_jobs import DEAD, START, drawn_job, line
from tests.support.drawn_source import small_source
from tests.support.made_runs import draw_predictions, write_run
from tests.support.mutations import how_many
from tests.support.small_models import small_model

CASES = tuple(Case("sim:", f"SIM {n}", f"2011-02-1{n}T05:00", "demo") for n in (1, 2))
WAYS = ("cut", "cut", "cut", "empty", "zeros", "list", "null", "bytes", "folder")
Found = tuple[set[str], list[SkippedFile]]


def runs() -> Found:
    found, skipped = list_runs()
    for run in found:
        _ = effective_state(run), run.read_events(), run.history(), run.log_tail()
        try:
            run.check_results()
            run.predictions()
        except HnnError as error:
            skipped.append(SkippedFile(str(run.path), str(error)))
    return {run.name for run in found}, skipped


def jobs() -> Found:
    found = list_data_jobs()
    assert all(job.state.state for job in found)
    return {job.name for job in found}, broken_data_jobs()


def sets() -> Found:
    found, skipped = list_sets()
    return {one.name for one in found}, skipped


def models() -> Found:
    found, skipped = list_models()
    for one in list(found):
        try:
            one.verify()
        except HnnError as error:
            found.remove(one)
            skipped.append(SkippedFile(str(one.folder), str(error)))
    return {one.name for one in found}, skipped


def data_sets() -> Found:
    found, skipped = list_datasets()
    return {one.name for one in found}, skipped


def log() -> Found:
    try:
        return {str(one["region"]) for one in read_predictions()}, []
    except HnnError as error:
        return set(), [SkippedFile(str(prediction_log()), str(error))]


def catalog() -> Found:
    """Tables are derived again from the replies; what cannot be is a sentence."""
    try:
        return set(Catalog.open().flares["goes_class"]), []
    except HnnError as error:
        return set(), [SkippedFile("catalogs", str(error))]


LISTINGS: dict[str, Callable[[], Found]] = {
    "runs": runs,
    "jobs": jobs,
    "cases": sets,
    "models": models,
    "datasets": data_sets,
    "watch": log,
    "catalogs": catalog,
}


@pytest.fixture
def small_home(hnn_home, monkeypatch) -> Path:
    for module in ("training.run_folder", "network.model_store"):
        monkeypatch.setattr(f"hnn_core.{module}.SHIPPED", hnn_home / "none")
    config = {"kind": "train", **TrainConfig(dataset="drawn").to_dict()}
    for name in ("a", "b"):
        drawn = draw_predictions(models=("hnn",), regions=4, hours=2)
        run = write_run(home() / "runs", name, drawn)
        (run / "config.json").write_text(json.dumps(config))
        (run / "process.json").write_text(json.dumps(DEAD))
        text = START + line("progress", stage="magnetograms", done=1, total=2)
        drawn_job(f"2026010{len(name)}-000000-fetch-{name * 6}", text, process=DEAD)
        save_set(name, CASES)
        save_model(small_model(), home() / "models" / name)
    build_dataset(small_source(), home() / "datasets" / "a", workers=1)
    shutil.copytree(home() / "datasets" / "a", home() / "datasets" / "b")
    replace_json(home() / "queue.json", {"folders": [str(home() / "runs" / "a")]})
    prediction_log().parent.mkdir(parents=True)
    for name in ("a", "b"):
        append_line(prediction_log(), {"region": name, "t_rec": "2011-02-13T05:00"})
    keep(catalogs_home(), "ncei", X22.date(), ncei_text(ncei_row()))
    refresh_tables(catalogs_home())
    return home()


def tear(path: Path, way: str, rng: random.Random) -> None:
    content = path.read_bytes()
    path.unlink()
    if way == "folder":
        path.mkdir()
        return
    made = {
        "cut": content[: rng.randrange(len(content))] if content else b"",
        "empty": b"",
        "zeros": bytes(len(content)),
        "list": b"[1]",
        "null": b"null",
        "bytes": bytes(range(256)),
    }
    path.write_bytes(made[way])


def mend(path: Path, content: bytes) -> None:
    if path.is_dir():
        path.rmdir()
    path.write_bytes(content)


def files(folder: Path) -> list[Path]:
    frames = {".0.0"}
    return sorted(
        path
        for path in folder.rglob("*")
        if path.is_file() and path.stat().st_size and path.name[-4:] not in frames
    )


@pytest.mark.slow
def test_one_torn_file_hides_nothing_else(small_home, capsys):
    whole = {name: listing() for name, listing in LISTINGS.items()}
    assert all(names and not skipped for names, skipped in whole.values()), whole
    for path in files(small_home):
        content, place = path.read_bytes(), path.relative_to(small_home)
        shelf = next((part for part in place.parts if part in LISTINGS), "")
        for number in range(how_many(2)):
            rng = random.Random(f"{place} {number}")
            way = rng.choice(WAYS)
            tear(path, way, rng)
            for name, listing in LISTINGS.items():
                names, skipped = listing()
                lost = whole[name][0] - names
                assert name == shelf or not (lost or skipped), (place, way, name, lost, skipped)
                if name not in ("watch", "catalogs"):
                    assert len(lost) <= 1, (place, way, lost)
                    if lost and place.suffix != ".jsonl":
                        assert skipped, (place, way)
            assert holdings() == []
            assert ahead(small_home / "runs" / "b") == []
            mend(path, content)
    assert {name: listing() for name, listing in LISTINGS.items()} == whole


@pytest.mark.parametrize("way", sorted({*WAYS}))
def test_with_every_file_torn_the_commands_still_list(small_home, capsys, way):
    rng = random.Random(way)
    for path in files(small_home):
        if path.parts[-2] != "raw" and not path.name.endswith(SIDE):
            tear(path, way, rng)
    assert main(["runs"]) == 0
    listed = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in sorted(listed)] == [["a", "broken"], ["b", "broken"]]
    assert main(["runs", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert {one["name"]: one["state"] for one in answer} == {"a": "broken", "b": "broken"}
    for listing in LISTINGS.values():
        listing()
    assert {one.name for one in list_data_jobs()} == set()
    assert len(broken_data_jobs()) == 2
    assert len(list_sets()[1]) == len(list_models()[1]) == len(list_datasets()[1]) == 2


@pytest.mark.slow
@pytest.mark.parametrize("way", ["cut", "list", "folder"])
@pytest.mark.parametrize(
    ("page", "query", "whole", "broken"),
    [
        ("training", {"view": "watch"}, "a", "runs/b"),
        ("skill", {}, "a", "runs/b"),
        ("case_studies", {}, "a", "b.json"),
        ("data", {"show": "here"}, "interrupted", "bbbbbb"),
        ("data", {"show": "fetch"}, "interrupted", "predictions.jsonl"),
        ("data", {"show": "sets"}, "a", "b/card.json"),
    ],
)
def test_pages_show_what_is_whole_and_name_what_is_torn(
    small_home, named_pages, page, query, whole, broken, way
):
    torn = {f"runs/b/{name}" for name in ("status.json", "scores.json", "metrics.jsonl")}
    torn |= {"models/b/config.json", "datasets/b/card.json", "cases/b.json"}
    for path in files(small_home):
        place = str(path.relative_to(small_home))
        if place in torn or "bbbbbb/request" in place or path.name == "predictions.jsonl":
            tear(path, way, random.Random(place))
    app = run_app(page, **query)
    assert not app.exception
    assert not [one for one in app.error if "should not" in one.value]
    words = [
        str(one.value) for kind in (app.markdown, app.caption, app.error, app.info) for one in kind
    ]
    words += [str(one) for box in (*app.radio, *app.selectbox) for one in box.options]
    words += [str(table.value) for table in app.dataframe]
    text = "\n".join(words)
    assert whole in text
    if way == "folder" or broken != "predictions.jsonl":  # of a torn line nothing is left
        assert broken in text, text
