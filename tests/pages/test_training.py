"""The Training page, driven without a browser, on made-up runs and small real processes."""

import json
import shutil
import sys
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from hnn_core.dataset.card import PAPER_TABLE1, seal
from hnn_core.exceptions import RequestError
from hnn_core.jobs import jobs
from hnn_core.jobs.data_jobs import list_data_jobs
from hnn_core.jobs.process import end
from hnn_core.network.model_store import find_model, load_model, save_model
from hnn_core.training.config import FIELD_HELP, TrainConfig
from hnn_core.training.evaluate import adopt_model
from hnn_core.training.progress import EventLog
from hnn_core.training.run_folder import RunFolder, begin, create_run, find_run, resume, runs_home
from pages._training import runs
from tests.conftest import ROOT
from tests.support.app import as_read, run_app
from tests.support.drawn_jobs import DEAD, drawn_job
from tests.support.small_models import small_model
from tests.support.waiting import until

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("named_pages")]

COUNTS = {"positive": 812, "negative": 1403, "eruptive_flares": 17, "confined_flares": 29}
CHILD = """
import pathlib, sys, time
from hnn_core.training.run_folder import RunFolder
if sys.argv[1] == "data":
    print('{"event": "region", "done": 3, "total": 40}', flush=True)
    time.sleep(600)
run = RunFolder(pathlib.Path(sys.argv[-1]))
run.write_status("running")
time.sleep(600)
"""


@pytest.fixture(autouse=True)
def fresh(hnn_home, monkeypatch):
    st.cache_data.clear()
    st.cache_resource.clear()
    monkeypatch.setattr("hnn_core.training.run_folder.SHIPPED", hnn_home / "none")


@pytest.fixture
def operator(monkeypatch):
    """A test's session has no browser that could say where it is."""
    monkeypatch.setenv("HNN_ALLOW_WRITES", "1")


@pytest.fixture
def stranger(monkeypatch):
    monkeypatch.delenv("HNN_ALLOW_WRITES", raising=False)


@pytest.fixture
def forger(stranger, monkeypatch):
    """A session that presses buttons which are off: to the page they seem to be on."""
    monkeypatch.setattr("pages._shared.access.writes_refused", lambda: "")


@pytest.fixture(autouse=True)
def child(monkeypatch, tmp_path, hnn_home):
    """Whatever the page starts is a child that runs until it is stopped."""
    script = tmp_path / "child.py"
    script.write_text(CHILD)
    monkeypatch.setattr(jobs, "COMMAND", (sys.executable, str(script)))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    yield
    for file in [*hnn_home.glob("runs/*/process.json"), *hnn_home.glob("live/jobs/*/process.json")]:
        end(file.parent, 0)
    _ = jobs.Job(tmp_path).alive  # lets go of dead children


@pytest.fixture
def dataset(hnn_home):
    """The card of a data set; nothing here opens its frames."""
    folder = hnn_home / "datasets" / "drawn"
    folder.mkdir(parents=True)
    card = {
        "format": 1,
        "source": "sim:1:40",
        "policy": "paper",
        "preprocess": {},
        "hours": 18,
        "counts": {name: {**COUNTS, "unknown_flares": 3} for name in ("M5.0", "M", "C")},
        "paper_table1": PAPER_TABLE1,
        "simulated": True,
        "regions": 40,
        "frames": 3810,
        "sequences": 3068,
        "excluded": {},
        "files": {},
    }
    (folder / "card.json").write_text(json.dumps(seal(card)))
    return "drawn"


def made_run(name: str, state: str, *, done: int = 3, kind: str = "train", **changes) -> RunFolder:
    """A run of ten epochs, so many of them done."""
    run = create_run(kind, TrainConfig(dataset="drawn", epochs=10, **changes), name)
    if kind == "train":
        happened(EventLog(run.path / "metrics.jsonl"), done)
    run.write_status(state)
    (run.path / "log.txt").write_text("the last words of the log\n")
    return run


def happened(events: EventLog, done: int) -> None:
    events.write(
        "start",
        epochs=10,
        steps_per_epoch=2,
        device="CPU, 2 threads",
        sequences={"train": 64, "validation": 8, "test": 16},
    )
    events.message("Fell back to checkpoint step000000002-epoch00001.ckpt.", "warning")
    for epoch in range(done):
        values = {"sequences_per_s": 12.5, "data_fraction": 0.25, "memory_mb": 700.0}
        for batch in (1, 2):
            events.write(
                "step",
                epoch=epoch,
                step=2 * epoch + batch,
                batch=batch,
                batches=2,
                loss=0.2 / (epoch + 1),
                seconds_left=3725.0,
                **values,
            )
        events.write(
            "epoch",
            epoch=epoch + 1,
            step=2 * epoch + 2,
            train_loss=0.2,
            validation={"loss": 0.2, "tss": 0.1 * epoch, "hss": 0.1},
            best_epoch=epoch + 1,
            seconds_left=3725.0,
        )


def opened(**view: str) -> AppTest:
    """The Training page as a link opens it."""
    app = run_app("training", **view)
    assert not app.exception, app.exception
    return app


def words(app: AppTest) -> str:
    elements = [*app.error, *app.warning, *app.info, *app.markdown, *app.caption]
    return "\n".join(str(element.value) for element in elements)


def charts(app: AppTest) -> set[str]:
    return {chart.proto.id.rpartition("-")[2] for chart in app.get("plotly_chart")}


def buttons(app: AppTest) -> dict[str, bool]:
    """Keys of the page's buttons but those of figures, and whether they can be pressed."""
    keyed = [one for one in app.button if one.key and not one.key.startswith("figure_")]
    return {button.key: not button.disabled for button in keyed}


def confirm_delete(app: AppTest) -> None:
    """Press the dialog's button; both, because a test runs the page and not the dialog alone."""
    app.button(key="run_delete").click()
    app.button(key="run_delete_sure").click().run()


def metric(app: AppTest, label: str) -> str:
    return {as_read(one.label): as_read(one.value) for one in app.metric}[label]


def test_without_runs_and_data_the_page_offers_to_build_some(operator):
    app = opened()
    assert "There is no data set to train on yet" in words(app)
    assert buttons(app) == {"build_small": True}
    app.button(key="build_small").click().run()
    [job] = list_data_jobs()
    assert job.alive
    assert job.arguments == ["--source", "sim:1:40", "--out", "sim-40"]
    until(job.events, "the build's first event")
    app.run()
    assert buttons(app) == {f"stop_{job.name}": True}
    app.button(key=f"stop_{job.name}").click().run()
    assert not job.alive
    assert buttons(app)["build_small"]


def test_a_build_that_died_is_shown_and_can_be_resumed(operator):
    job = drawn_job(log="no space left on the device\n", kind="build", process=DEAD)
    app = opened()
    assert "no space left" in words(app)
    assert buttons(app)["build_small"]
    assert buttons(app)[f"again_{job.name}"]


def test_the_form_has_the_papers_values_and_explains_every_field(operator, dataset):
    app = opened(view="new")
    paper = TrainConfig(dataset="drawn")
    asked = [*app.number_input, *app.toggle, *app.selectbox]
    found = {widget.key.removeprefix("train_"): widget for widget in asked}
    for name, value in paper.to_dict().items():
        if name not in ("dataset", "flare_class", "temporal", "fold"):
            assert found[name].value == value, name
            assert found[name].help == FIELD_HELP[name]
    assert "As in the paper" in words(app)
    [counts] = [frame.value for frame in app.dataframe]
    assert counts["eruptive frames"].tolist() == [812, 6703]
    assert counts["flares not judged"].tolist()[0] == 3


def test_a_preset_sets_every_field_and_the_changes_are_named(operator, dataset):
    app = opened(view="new")
    app.button(key="preset_laptop").click().run()
    assert app.number_input(key="train_depth").value == 2
    assert app.selectbox(key="train_pretrained").value == "none"
    assert "depth 2" in words(app)
    app.button(key="preset_paper").click().run()
    assert app.number_input(key="train_depth").value == 12
    assert "As in the paper" in words(app)


def test_an_impossible_value_is_one_sentence_and_cannot_be_started(operator, dataset):
    app = opened(view="new")
    app.number_input(key="train_patch").set_value(15).run()
    assert [warning.value for warning in app.warning] == [
        "patch 15 does not divide the image's 224 pixels."
    ]
    assert not buttons(app)["train_start"]
    app.number_input(key="train_patch").set_value(16).run()
    assert buttons(app)["train_start"]


def test_start_makes_a_run_with_its_process_and_opens_it(operator, dataset):
    app = opened(view="new")
    app.button(key="preset_laptop").click().run()
    app.button_group(key="train_class").set_value("C").run()
    app.button_group(key="train_network").set_value(False).run()
    app.text_input(key="train_name").set_value("my first").run()
    app.button(key="train_start").click().run()
    run = find_run("my first")
    assert run.kind == "train"
    config = TrainConfig.from_dict(run.config)
    assert (config.flare_class, config.temporal, config.dataset) == ("C", False, "drawn")
    assert (config.depth, config.pretrained) == (2, "none")
    assert run.alive
    assert app.query_params["run"] == "my first"
    assert "## my first" in words(app)
    assert buttons(app) == {"run_stop": True}


def test_a_cross_validation_is_started_as_one(operator, dataset):
    app = opened(view="new")
    app.button_group(key="train_kind").set_value("crossval").run()
    app.button(key="train_start").click().run()
    [folder] = runs_home().iterdir()
    assert RunFolder(folder).kind == "crossval"
    assert RunFolder(folder).alive


@pytest.mark.parametrize(("name", "why"), [("taken", "already"), ("a/b", "cannot name a run")])
def test_a_name_that_cannot_be_had_is_told_and_starts_nothing(operator, dataset, name, why):
    made_run("taken", "finished")
    app = opened(view="new")
    app.text_input(key="train_name").set_value(name).run()
    app.button(key="train_start").click().run()
    assert [why in error.value for error in app.error] == [True]
    assert len(list(runs_home().iterdir())) == 1


def test_a_run_shows_progress_curves_messages_and_log(operator):
    run = made_run("a", "running")
    begin(run)
    until(lambda: run.status.state == "running", "running")
    app = opened(run="a")
    assert "Epoch 3 of 10 done" in app.get("progress")[0].proto.text
    assert metric(app, "Time left") == "1 h 2 min"
    assert metric(app, "Throughput") == "12.5 sequences/s"
    assert metric(app, "Waiting for data") == "25%"
    assert metric(app, "Memory") == "700 MB"
    assert metric(app, "Best epoch: lowest validation loss") == "3"
    assert metric(app, "Its validation TSS") == "0.200"
    assert "CPU, 2 threads. Sequences: 64 train, 8 validation, 16 test." in words(app)
    assert "Fell back to checkpoint" in words(app)
    assert "the last words of the log" in app.code[0].value
    assert charts(app) == {"run_loss", "run_skill"}


def test_stop_and_resume(operator):
    run = made_run("a", "stopped")
    app = opened(run="a")
    assert buttons(app) == {"run_resume": True, "run_delete": True}
    app.button(key="run_resume").click().run()
    until(lambda: run.status.state == "running", "running")
    app.run()
    app.button(key="run_stop").click().run()
    # The child ends at SIGTERM without a word; whoever stopped it writes the state.
    until(lambda: run.status.state == "stopped", "stopped")
    app.run()
    assert buttons(app)["run_resume"]


def test_a_finished_run_is_watched_until_its_process_has_ended(operator):
    run = made_run("a", "running")
    begin(run)
    until(lambda: run.status.state == "running", "running")
    run.write_status("finished")
    app = opened(run="a")
    assert "finished" in app.radio[0].proto.captions[0]
    assert buttons(app) == {}
    end(run.path, 0)
    # What a running page asks itself every few seconds.
    assert runs._states() != app.session_state["run_states"]
    app.run()
    assert buttons(app) == {"run_delete": True}


def test_an_interrupted_run_says_so(operator):
    made_run("a", "running")
    app = opened(run="a")
    assert "killed, the machine restarted" in words(app)
    assert buttons(app)["run_resume"]


def test_delete_asks_first(operator):
    run = made_run("a", "finished")
    app = opened(run="a")
    app.button(key="run_delete").click().run()
    assert run.path.is_dir()
    assert "cannot be undone" in words(app)
    confirm_delete(app)
    assert not run.path.exists()
    assert not app.error


def test_use_in_explore_copies_the_model_and_opens_explore(operator, hnn_home):
    run = made_run("Mine", "finished")
    save_model(small_model(), run.model_folder)
    app = opened(run="Mine")
    app.session_state["source"] = "sim"
    app.button(key="run_adopt").click().run()
    assert load_model("mine")[1].folder == hnn_home / "models" / "mine"
    assert app.session_state["model"] == "mine"
    assert app.selectbox(key="model").value == "mine"


def test_a_model_is_adopted_whole_or_not_at_all(hnn_home, monkeypatch):
    run = made_run("mine", "finished")
    save_model(small_model(0), run.model_folder)
    adopt_model(run)
    before = (find_model("mine") / "model.safetensors").read_bytes()
    save_model(small_model(1), run.model_folder)

    def torn(source, target):
        Path(target).write_text("{")
        raise OSError("no space left on the device")

    with monkeypatch.context() as patched:
        patched.setattr(shutil, "copyfile", torn)
        with pytest.raises(Exception, match="no space left"):
            adopt_model(run)
    assert (find_model("mine") / "model.safetensors").read_bytes() == before
    assert [path.name for path in (hnn_home / "models").iterdir()] == ["mine"]
    adopt_model(run)
    assert (find_model("mine") / "model.safetensors").read_bytes() != before


def test_a_shipped_name_is_not_hidden_behind(operator):
    run = made_run("demo", "finished")
    save_model(small_model(), run.model_folder)
    app = opened(run="demo")
    app.button(key="run_adopt").click().run()
    assert "came with the program" in app.error[0].value


def test_members_of_a_cross_validation_are_shown(operator):
    run = made_run("cv", "stopped", kind="crossval")
    for name, done in (("hnn-fold1", 10), ("hnn-fold2", 5)):
        (run.path / name).mkdir()
        values = {"kind": "train", **TrainConfig(dataset="drawn").to_dict()}
        (run.path / name / "config.json").write_text(json.dumps(values))
        echo = EventLog(run.path / "metrics.jsonl")
        happened(EventLog(run.path / name / "metrics.jsonl", echo=echo, member=name), done)
    app = opened(run="cv")
    table = app.dataframe[0].value
    assert table["training"].tolist() == ["hnn-fold1", "hnn-fold2"]
    assert table["done"].tolist() == [1.0, 0.5]
    assert "2 of 10 trainings begun" in app.get("progress")[0].proto.text
    assert charts(app) == {"run_members"}


def test_runs_are_compared_on_one_chart(operator):
    made_run("a", "finished")
    made_run("b", "finished", done=5, temporal=False)
    app = opened(view="compare")
    assert charts(app) == {"comparison"}
    [chart] = app.get("plotly_chart")
    assert {trace["name"] for trace in json.loads(chart.proto.spec)["data"]} == {"a", "b"}
    [table] = [frame.value for frame in app.dataframe]
    assert table["learning rate"].tolist() == [1e-4, 1e-4]  # numbers, which sort
    assert table["seed"].tolist() == [0, 0]
    app.multiselect(key="compared").set_value(["b"]).run()
    [chart] = app.get("plotly_chart")
    assert [trace["name"] for trace in json.loads(chart.proto.spec)["data"]] == ["b"]


def test_a_link_to_a_run_that_is_gone_falls_back_and_says_so(operator):
    made_run("a", "finished")
    app = opened(run="gone")
    assert "There is no run “gone”" in words(app)
    assert "## a" in words(app)


def test_strangers_look_on_and_are_told_why(stranger, dataset):
    made_run("a", "stopped")
    app = opened(run="a")
    assert "server's token" in app.info[0].value
    assert buttons(app) == {"run_resume": False, "run_delete": False}
    assert charts(app) == {"run_loss", "run_skill"}
    assert not buttons(opened(view="new"))["train_start"]


def test_a_button_that_is_off_does_nothing_when_pressed_all_the_same(stranger):
    run = made_run("a", "stopped")
    app = opened(run="a")
    button = app.button(key="run_resume")
    button.proto.disabled = False
    button.click().run()
    assert not run.alive


@pytest.mark.parametrize("key", ["run_resume", "run_delete", "run_adopt"])
def test_a_forged_button_is_refused(forger, key):
    run = made_run("a", "stopped")
    save_model(small_model(), run.model_folder)
    app = opened(run="a")
    app.button(key=key).click().run()
    assert ["server's token" in error.value for error in app.error] == [True]
    assert run.path.is_dir()
    assert not run.alive
    assert "run_delete_sure" not in buttons(app)


@pytest.mark.parametrize("key", ["run_stop", "run_kill"])
def test_a_forged_stop_is_refused(forger, key):
    run = made_run("a", "running")
    begin(run)
    if key == "run_kill":
        values = json.loads((run.path / "process.json").read_text())
        (run.path / "process.json").write_text(json.dumps({**values, "stop_asked": True}))
    app = opened(run="a")
    app.button(key=key).click().run()
    assert ["server's token" in error.value for error in app.error] == [True]
    assert run.alive


def test_a_confirmation_is_refused_to_whom_has_lost_the_right(operator, monkeypatch):
    run = made_run("a", "finished")
    app = opened(run="a")
    app.button(key="run_delete").click().run()
    allowed = iter([None, RequestError("the server's token")])

    def lost() -> None:
        if error := next(allowed):
            raise error

    monkeypatch.setattr("pages._shared.access.require_writes", lost)
    confirm_delete(app)
    assert run.path.is_dir()
    assert "server's token" in app.error[0].value


def test_a_forged_start_makes_no_run(forger, dataset):
    app = opened(view="new")
    app.button(key="train_start").click().run()
    assert ["server's token" in error.value for error in app.error] == [True]
    assert not runs_home().exists()


def test_a_forged_build_starts_nothing(forger):
    app = opened()
    app.button(key="build_small").click().run()
    assert ["server's token" in error.value for error in app.error] == [True]
    assert list_data_jobs() == []


def test_idle_pages_do_not_run_by_themselves(operator, monkeypatch):
    asked = []
    kept = st.fragment

    def noting(function=None, *, run_every=None, **more):
        asked.append(run_every)
        return kept(function, run_every=run_every, **more)

    monkeypatch.setattr(st, "fragment", noting)
    run = made_run("a", "finished")
    opened(run="a")
    assert asked
    assert set(asked) == {None}
    asked.clear()
    run.write_status("stopped")
    resume(run)
    opened(run="a")
    assert None not in asked


def test_the_best_epoch_has_its_own_score_and_its_criterion(operator):
    run = made_run("a", "finished", done=2)
    events = EventLog(run.path / "metrics.jsonl")
    events.write("epoch", epoch=3, step=6, validation={"loss": 0.9, "tss": -0.5}, best_epoch=2)
    app = opened(run="a")
    assert metric(app, "Best epoch: lowest validation loss") == "2"
    assert metric(app, "Its validation loss") == "0.2000"
    assert metric(app, "Its validation TSS") == "0.100"
    assert metric(app, "TSS after epoch 3") == "−0.500"
    made_run("b", "finished", done=0)
    log = EventLog(find_run("b").path / "metrics.jsonl")
    log.write("epoch", epoch=1, step=2, validation=None, best_epoch=1)
    assert metric(opened(run="b"), "Kept: the last epoch (no validation set)") == "1"


@pytest.mark.parametrize("file", ["status.json", "config.json"])
def test_a_torn_run_is_listed_as_broken_and_takes_nothing_down(operator, file):
    made_run("a", "finished")
    torn = made_run("torn", "finished").path / file
    torn.write_text(torn.read_text()[:25])
    for view in ("watch", "compare", "new"):
        app = opened(view=view)
        assert not app.error
        if view == "watch":
            [expander] = [one for one in app.expander if one.label == "1 run broken"]
            assert f"torn/{file}" in expander.caption[0].value
            assert "## a" in words(app)


def test_a_run_with_torn_scores_is_shown_all_the_same(operator):
    (made_run("a", "finished").path / "scores.json").write_text('{"simul')
    app = opened(run="a")
    assert not app.error
    assert charts(app) == {"run_loss", "run_skill"}
    assert not opened(view="compare").error


def test_damaged_events_are_left_out_and_said_so(operator):
    run = made_run("a", "finished")
    with (run.path / "metrics.jsonl").open("a") as stream:
        stream.write('{"event": "epoch", "epoch": []}\n{"event": "st')
    app = opened(run="a")
    assert "Left out: 2 lines of metrics.jsonl, torn or damaged" in words(app)
    assert charts(app) == {"run_loss", "run_skill"}


def test_a_broken_job_is_listed_with_the_reason(operator):
    job = drawn_job("20260101-000000-build-abcdef", kind="build")
    (job.path / "request.json").write_text('{"kind": "bui')
    app = opened(view="new")
    [expander] = [one for one in app.expander if one.label == "1 job broken"]
    assert "request.json is broken" in expander.caption[0].value
