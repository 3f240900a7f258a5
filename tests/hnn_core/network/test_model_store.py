"""Models on disk and on the hub, whole and damaged."""

import hashlib
import json
import pickle
import struct
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx2
import pytest
import torch
from huggingface_hub.errors import LocalEntryNotFoundError, RemoteEntryNotFoundError
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from hnn_core.exceptions import (
    ModelError,
    UnknownModelError,
)
from hnn_core.network import model_store
from hnn_core.network.model import HNN
from hnn_core.network.model_store import (
    find_model,
    list_models,
    load_model,
    read_model_info,
    save_model,
)
from hnn_core.network.predictor import Predictor
from hnn_core.services import hub
from tests.conftest import ROOT
from tests.support.small_models import noise_sequence, small_config, small_model

FRAMES = torch.linspace(-1, 1, 4 * 32 * 32).reshape(1, 4, 1, 32, 32)


@pytest.fixture
def folder(tmp_path):
    save_model(small_model(), tmp_path / "small", metadata={"trained_on": "noise"})
    return tmp_path / "small"


def logit(model):
    with torch.inference_mode():
        return model(FRAMES)


def edit_config(folder, **changes):
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def sha256_of(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def forget_the_checksum(folder):
    """Make it a folder of an earlier version."""
    path = folder / "config.json"
    values = json.loads(path.read_text())
    del values["sha256"]
    path.write_text(json.dumps(values))


def edit_weights(folder, change):
    weights = load_file(folder / "model.safetensors")
    change(weights)
    save_file(weights, folder / "model.safetensors")
    edit_config(folder, sha256=sha256_of(folder / "model.safetensors"))


@pytest.mark.parametrize("temporal", [True, False])
def test_a_model_comes_back_as_it_was(tmp_path, temporal):
    model = small_model(temporal=temporal, flare_class="C", threshold=0.4)
    metadata = {"seeds": [1, 2], "test": {"tss": 0.6, "hss": float("nan")}}
    saved = save_model(model, tmp_path / "a" / "b", metadata=metadata)
    loaded, info = load_model(tmp_path / "a" / "b")
    assert torch.equal(logit(loaded), logit(model))
    assert not loaded.training
    assert loaded.config == info.config == saved.config == model.config
    assert (info.name, info.flare_class) == ("b", "C")
    assert info.metadata == {"seeds": [1, 2], "test": {"tss": 0.6, "hss": None}}


def test_half_precision_is_stored_and_single_comes_back(tmp_path):
    model = small_model()
    save_model(model, tmp_path / "half", dtype=torch.float16)
    stored = load_file(tmp_path / "half" / "model.safetensors")
    assert {tensor.dtype for tensor in stored.values()} == {torch.float16}
    loaded, _ = load_model(tmp_path / "half")
    assert {p.dtype for p in loaded.parameters()} == {torch.float32}
    # Rounding to 11 bits of every weight; the logit is of order one.
    torch.testing.assert_close(logit(loaded), logit(model), atol=2e-2, rtol=0)


def test_a_loaded_model_can_be_trained_and_does_not_hang_on_its_file(folder):
    loaded, _ = load_model(folder)
    expected = logit(loaded)
    (folder / "model.safetensors").write_bytes(b"")
    assert torch.equal(logit(loaded), expected)
    loaded.train()(FRAMES).sum().backward()
    assert all(parameter.grad is not None for parameter in loaded.parameters())


def test_weights_sha256_is_that_of_the_file(folder):
    _, info = load_model(folder)
    content = (folder / "model.safetensors").read_bytes()
    assert info.weights_sha256 == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize(
    "edit",
    [
        {"threshold": 0.3},
        {"flare_class": "C"},
        {"preprocess": {"crop": 448, "size": 32, "clip": 1500.0}},
    ],
)
def test_a_setting_that_was_edited_makes_another_network(folder, edit):
    before = read_model_info(folder)
    edit_config(folder, **edit)
    _, after = load_model(folder)
    assert after.sha256 != before.sha256
    assert not after.is_known_as(before.sha256)
    # What earlier versions stored was the sum of the weights, which are the same.
    assert after.is_known_as(before.weights_sha256)
    assert before.is_known_as(before.sha256)


def test_metadata_and_the_form_of_the_file_name_no_other_network(folder):
    before = read_model_info(folder)
    edit_config(folder, metadata={"kind": "mine"})
    path = folder / "config.json"
    values = json.loads(path.read_text())
    path.write_text(json.dumps(dict(reversed(values.items()))))
    assert read_model_info(folder).sha256 == before.sha256


def test_sha256_of_a_file_that_is_gone(folder):
    info = read_model_info(folder)
    (folder / "model.safetensors").unlink()
    with pytest.raises(ModelError, match=r"model\.safetensors"):
        _ = info.sha256


def test_the_hubs_own_loader_reads_the_same_folder(folder, capsys):
    loaded = HNN.from_pretrained(str(folder))
    assert torch.equal(logit(loaded), logit(load_model(folder)[0]))
    assert loaded.config == small_config()
    assert not loaded.training
    assert capsys.readouterr().out == ""


def test_a_folder_of_the_hubs_own_saver_is_ours_too(tmp_path):
    model = small_model()
    model.save_pretrained(tmp_path / "hub")
    loaded, info = load_model(tmp_path / "hub")
    assert torch.equal(logit(loaded), logit(model))
    assert info.metadata == {}
    assert info.checksum == sha256_of(tmp_path / "hub" / "model.safetensors")


def test_the_hubs_own_loader_never_unpickles_and_minds_missing_weights(folder):
    edit_weights(folder, lambda weights: weights.pop("classifier.bias"))
    with pytest.raises(RuntimeError, match=r"classifier\.bias"):
        HNN.from_pretrained(str(folder))
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(ModelError, match=r"model\.safetensors cannot be read"):
        HNN.from_pretrained(str(folder))


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_a_missing_file_is_named(folder, name):
    (folder / name).unlink()
    with pytest.raises(ModelError, match=name.replace(".", r"\.")) as caught:
        load_model(folder)
    assert str(folder) in str(caught.value)


@pytest.mark.parametrize(
    "text", ["", "{", "\x00\x01", '{"architecture": "hnn"', "[" * 100_000, "\ufeff{}"]
)
def test_a_configuration_that_is_not_json(folder, text):
    (folder / "config.json").write_text(text, encoding="utf-8")
    with pytest.raises(ModelError, match=r"config\.json is broken \(.*\)\. Copy"):
        load_model(folder)


def test_a_configuration_that_is_not_text(folder):
    (folder / "config.json").write_bytes(b"\xff\xfe\x80")
    with pytest.raises(ModelError, match=r"config\.json is broken \(.*\)\. Copy"):
        load_model(folder)


@pytest.mark.parametrize(
    "values",
    [
        {"model_type": "bert", "architectures": ["BertModel"]},
        {"architecture": "vit_base_patch16_224"},
        {},
        [],
        "hnn",
        None,
    ],
)
def test_a_model_of_another_program(folder, values):
    (folder / "config.json").write_text(json.dumps(values))
    with pytest.raises(ModelError, match=r"config\.json .*(another program|no JSON object)"):
        load_model(folder)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"width": 25}, "heads 2 does not divide width 25"),
        ({"width": "24"}, "width is '24'"),
        ({"depth": None}, "depth is None"),
        ({"flare_class": ["M"]}, "flare_class"),
        ({"preprocess": {"clip": "high"}}, "clip|str"),
        ({"frames": 10**12}, "frames is 1000000000000"),
        ({"rotary": True}, "unknown setting 'rotary'"),
        ({"metadata": "none"}, "metadata is not a dictionary"),
        ({"sha256": "0123"}, "sha256 is '0123', not 64 hexadecimal digits"),
        ({"sha256": None}, "sha256 is None, not 64 hexadecimal digits"),
    ],
)
def test_a_configuration_with_an_impossible_value(folder, changes, sentence):
    edit_config(folder, **changes)
    with pytest.raises(ModelError, match=sentence) as caught:
        load_model(folder)
    assert str(folder / "config.json") in str(caught.value)


@given(st.integers(0, 10**9))
def test_a_flipped_bit_is_refused(number):
    with TemporaryDirectory() as name:
        folder = Path(name) / "small"
        saved = save_model(small_model(), folder)
        assert saved.checksum == sha256_of(folder / "model.safetensors")
        path = folder / "model.safetensors"
        content = bytearray(path.read_bytes())
        content[number // 8 % len(content)] ^= 1 << number % 8
        path.write_bytes(content)
        with pytest.raises(ModelError, match=r"model\.safetensors is damaged or another model's"):
            load_model(folder)
        with pytest.raises(ModelError, match=r"model\.safetensors is damaged"):
            HNN.from_pretrained(name + "/small")


def test_a_folder_without_a_checksum_loads_with_a_note(folder):
    assert load_model(folder)[1].note == ""
    forget_the_checksum(folder)
    model, info = load_model(folder)
    assert torch.equal(logit(model), logit(small_model()))
    assert "small carries no checksum" in info.note


def test_the_note_stands_with_the_warnings_of_every_prediction(folder):
    sequence = noise_sequence(5)
    assert Predictor.load(folder, "cpu").predict(sequence).warnings == ()
    forget_the_checksum(folder)
    [warning] = Predictor.load(folder, "cpu").predict(sequence).warnings
    assert "damage to its weights would not be noticed" in warning


def cut_in_half(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def cut_the_last_byte(path):
    path.write_bytes(path.read_bytes()[:-1])


def empty(path):
    path.write_bytes(b"")


def a_pickle(path):
    path.write_bytes(pickle.dumps({"vit.cls_token": 1}))


def a_huge_header(path):
    path.write_bytes(struct.pack("<Q", 2**60) + b"{}")


@pytest.mark.parametrize(
    "damage",
    [cut_in_half, cut_the_last_byte, empty, a_pickle, a_huge_header],
    ids=lambda f: f.__name__,
)
def test_weights_that_are_not_a_whole_safetensors_file(folder, damage):
    damage(folder / "model.safetensors")
    with pytest.raises(ModelError, match=r"damaged .* SHA-256"):
        load_model(folder)
    forget_the_checksum(folder)
    with pytest.raises(ModelError, match="not a whole safetensors file") as caught:
        load_model(folder)
    assert str(folder / "model.safetensors") in str(caught.value)
    assert "\n" not in str(caught.value)


def drop_a_tensor(weights):
    del weights["lstm.bias_hh_l0"]


def add_a_tensor(weights):
    weights["vit.head.weight"] = torch.zeros(3)


def change_a_shape(weights):
    weights["vit.pos_embed"] = torch.zeros(1, 50, 24)


def put_a_nan(weights):
    weights["vit.blocks.1.mlp.fc1.weight"][3, 5] = torch.nan


def put_an_infinity(weights):
    weights["classifier.bias"][0] = torch.inf


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (drop_a_tensor, r"misses tensor lstm\.bias_hh_l0"),
        (add_a_tensor, r"unexpected tensor vit\.head\.weight"),
        (change_a_shape, r"vit\.pos_embed has shape \(1, 50, 24\).* \(1, 17, 24\)"),
        (put_a_nan, r"vit\.blocks\.1\.mlp\.fc1\.weight holds values that are not finite"),
        (put_an_infinity, r"classifier\.bias holds values that are not finite"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_weights_that_do_not_fit(folder, damage, sentence):
    edit_weights(folder, damage)
    with pytest.raises(ModelError, match=sentence) as caught:
        load_model(folder)
    assert str(folder / "model.safetensors") in str(caught.value)


def test_the_weights_of_the_baseline_do_not_fit_the_hnn(folder):
    edit_config(folder, temporal=False)
    with pytest.raises(ModelError, match="unexpected tensor lstm"):
        load_model(folder)


def test_a_model_that_is_not_finite_is_not_saved(tmp_path):
    model = small_model()
    with torch.no_grad():
        model.classifier.weight[0, 0] = 1e6
    with pytest.raises(ModelError, match=r"classifier\.weight is not finite as torch\.float16"):
        save_model(model, tmp_path / "half", dtype=torch.float16)
    assert list(tmp_path.iterdir()) == []


def test_saving_replaces_a_model_and_leaves_nothing_else(folder):
    other = small_model(seed=5)
    info = save_model(other, folder, card="# Noise")
    assert torch.equal(logit(load_model(folder)[0]), logit(other))
    assert info.metadata == {}
    assert {path.name for path in folder.iterdir()} == {
        "README.md",
        "config.json",
        "model.safetensors",
    }
    assert [path.name for path in folder.parent.iterdir()] == ["small"]
    modes = {path.stat().st_mode & 0o777 for path in folder.iterdir()}
    assert len(modes) == 1


def test_saving_that_fails_keeps_the_old_model(folder, monkeypatch):
    before = logit(load_model(folder)[0])

    def full(*_, **__):
        raise OSError("No space left on device")

    monkeypatch.setattr("safetensors.torch.save_file", full)
    with pytest.raises(OSError, match="No space left"):
        save_model(small_model(seed=5), folder)
    assert torch.equal(logit(load_model(folder)[0]), before)
    assert [path.name for path in folder.parent.iterdir()] == ["small"]


def test_replacing_that_fails_puts_the_old_model_back(folder, monkeypatch):
    before = logit(load_model(folder)[0])
    rename = Path.rename

    def only_drafts_fail(self, target):
        if self.name.startswith(".small") and not self.name.endswith("-old"):
            raise OSError("busy")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", only_drafts_fail)
    with pytest.raises(OSError, match="busy"):
        save_model(small_model(seed=5), folder)
    assert torch.equal(logit(load_model(folder)[0]), before)


@pytest.fixture
def shelf(tmp_path, hnn_home, monkeypatch):
    """Two shipped models, two of the user's of which one is hidden, and odds and ends."""
    monkeypatch.setattr(model_store, "SHIPPED", tmp_path / "assets")
    save_model(small_model(), tmp_path / "assets" / "demo", metadata={"from": "shipped"})
    save_model(small_model(temporal=False), tmp_path / "assets" / "demo_vit")
    save_model(small_model(seed=2), hnn_home / "models" / "mine")
    save_model(small_model(seed=3), hnn_home / "models" / "demo", metadata={"from": "user"})
    (tmp_path / "assets" / "README.md").write_text("Models that ship.")
    (hnn_home / "models" / ".draft").mkdir()
    return hnn_home / "models"


def test_models_are_listed_shipped_ones_first(shelf):
    models = list_models()[0]
    assert [info.name for info in models] == ["demo", "demo_vit", "mine"]
    assert models[0].metadata == {"from": "shipped"}
    assert models[2].folder == shelf / "mine"


def test_a_broken_model_does_not_hide_the_others(shelf):
    (shelf / "broken").mkdir()
    models, skipped = list_models()
    assert [info.name for info in models] == ["demo", "demo_vit", "mine"]
    assert [Path(item.path).name for item in skipped] == ["broken"]
    assert "config.json" in skipped[0].reason


def test_no_model_anywhere(tmp_path, monkeypatch):
    monkeypatch.setattr(model_store, "SHIPPED", tmp_path / "absent")
    assert list_models() == ([], [])


def test_the_shipped_models_lie_beside_the_package():
    root = ROOT
    assert root / "assets" / "models" == model_store.SHIPPED


def test_a_name_is_looked_up_before_a_folder_of_the_working_directory(shelf, monkeypatch):
    monkeypatch.chdir(shelf)
    assert find_model("demo").parent.name == "assets"
    assert find_model("mine") == shelf / "mine"
    assert find_model("./demo").resolve() == shelf / "demo"
    assert find_model(Path("demo")).resolve() == shelf / "demo"


@pytest.mark.parametrize("where", ["nothing", "", "/nowhere/at/all", "./a/b", Path("nothing/x")])
def test_an_unknown_model_names_those_there_are(shelf, where):
    with pytest.raises(UnknownModelError, match=r"models here: demo, demo_vit, mine\."):
        find_model(where)


@pytest.fixture
def online(monkeypatch):
    monkeypatch.setattr(hub, "get_hf_file_metadata", lambda *_, **__: None)


def test_a_hub_id_without_network_is_unknown_at_once(monkeypatch):
    asked = []

    def no_network(*_, **__):
        raise httpx2.ConnectError("Name or service not known")

    def not_cached(local_files_only, **_):
        asked.append(local_files_only)
        raise LocalEntryNotFoundError("not cached")

    monkeypatch.setattr(hub, "get_hf_file_metadata", no_network)
    monkeypatch.setattr(hub, "hf_hub_download", not_cached)
    with pytest.raises(UnknownModelError, match=r"no folder 'sun/hnn'.* cannot be reached"):
        load_model("sun/hnn")
    assert asked == [True]  # the cache alone: no retries of the hub's client


def hub_error(status):
    request = httpx2.Request("GET", "https://hub.invalid/sun/hnn")
    return RemoteEntryNotFoundError("absent", response=httpx2.Response(status, request=request))


@pytest.mark.usefixtures("online")
def test_a_hub_repository_without_weights(monkeypatch):
    def absent(**_):
        raise hub_error(404)

    monkeypatch.setattr(hub, "hf_hub_download", absent)
    with pytest.raises(ModelError, match=r"sun/hnn has no config\.json"):
        load_model("sun/hnn")


def test_a_name_that_the_hub_would_not_accept():
    with pytest.raises(UnknownModelError, match="no folder 'a b/c--d'"):
        load_model("a b/c--d")


@pytest.mark.usefixtures("online")
def test_a_model_from_the_hub_has_its_hub_id_as_name(tmp_path, monkeypatch):
    snapshot = tmp_path / "models--sun--hnn" / "snapshots" / "0123abcd"
    model = small_model()
    save_model(model, snapshot)
    monkeypatch.setattr(hub, "hf_hub_download", lambda filename, **_: str(snapshot / filename))
    loaded, info = load_model("sun/hnn")
    assert torch.equal(logit(loaded), logit(model))
    assert info.name == "sun/hnn"


def test_a_model_that_is_replaced_while_it_is_read_is_read_again(hnn_home, monkeypatch):
    folder = hnn_home / "models" / "mine"
    save_model(small_model(1), folder)
    read = model_store.read_model_info

    def replaced_in_between(path):
        info = read(path)
        monkeypatch.setattr(model_store, "read_model_info", read)
        save_model(small_model(2), folder)
        return info

    monkeypatch.setattr(model_store, "read_model_info", replaced_in_between)
    model, info = load_model("mine")
    expected = small_model(2).state_dict()
    assert all(torch.equal(value, expected[name]) for name, value in model.state_dict().items())
    assert info.checksum == read(folder).checksum
