"""The network: docs/method.md, "Network and training"."""

import json
from dataclasses import asdict

import pytest
import torch
from safetensors.torch import save_file
from timm.layers.pos_embed import resample_abs_pos_embed
from timm.models.beit import Beit
from timm.models.deit import VisionTransformerDistilled
from timm.models.vision_transformer import VisionTransformer, vit_base_patch16_224
from torch.nn.functional import interpolate

from hnn_core.exceptions import ModelError
from hnn_core.network.model import HNN, HNNConfig
from hnn_core.network.pretrained import load_pretrained_vit
from hnn_core.services import hub
from tests.support.small_models import small_config, small_model


def n_parameters(model):
    return sum(parameter.numel() for parameter in model.parameters())


def test_the_default_is_the_papers_network():
    config = HNNConfig()
    assert (config.depth, config.heads, config.width, config.patch) == (12, 12, 768, 16)
    assert (config.image_size, config.grid, config.frames, config.threshold) == (224, 14, 10, 0.5)
    assert config.preprocess == {"crop": 448, "size": 224, "clip": 2000.0}


def test_vit_base_has_the_names_and_shapes_of_timms():
    with torch.device("meta"):
        ours = HNN(HNNConfig())
        timms = vit_base_patch16_224(in_chans=1, num_classes=0)
    ours_vit = {k.removeprefix("vit."): v for k, v in ours.state_dict().items() if "vit." in k}
    assert {k: v.shape for k, v in ours_vit.items()} == {
        k: v.shape for k, v in timms.state_dict().items()
    }
    rest = {name.split(".")[0] for name in ours.state_dict()} - {"vit"}
    assert rest == {"lstm", "classifier"}


def test_compact_fits_the_repository_in_half_precision():
    config = HNNConfig(width=192)
    with torch.device("meta"):
        assert 2 * n_parameters(HNN(config)) < 16e6


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"architecture": "bert"}, "architecture is 'bert'"),
        ({"temporal": 1}, "temporal is 1"),
        ({"flare_class": "X"}, "flare_class is 'X'"),
        ({"frames": 0}, "frames is 0"),
        ({"depth": 2.0}, "depth is 2.0"),
        ({"depth": True}, "depth is True"),
        ({"width": 10**9}, "width is 1000000000"),
        ({"width": "24"}, "width is '24'"),
        ({"patch": 5}, "patch 5 does not divide"),
        ({"heads": 5}, "heads 5 does not divide"),
        ({"mlp_ratio": 0.0}, "mlp_ratio is 0.0"),
        ({"mlp_ratio": None}, "mlp_ratio is None"),
        ({"threshold": 1.0}, "threshold is 1.0"),
        ({"threshold": float("nan")}, "threshold is nan"),
        ({"preprocess": []}, "preprocess is []"),
        ({"preprocess": {"size": 64}}, "frames of 64 pixels"),
        ({"preprocess": {"crop": 50}}, "crop"),
        ({"preprocess": {"clip": -1.0}}, "clip"),
        ({"preprocess": {"mu": 1.0}}, "mu"),
    ],
)
def test_an_impossible_configuration_is_refused_by_name(changes, sentence):
    with pytest.raises(ValueError, match=sentence.replace("[", r"\[")):
        small_config(**changes)


def test_configuration_survives_json():
    config = small_config(flare_class="M5.0", preprocess={"clip": 1500.0})
    values = json.loads(json.dumps(asdict(config)))
    assert HNNConfig.from_dict(values | {"metadata": {"seed": 1}}) == config


def test_configuration_of_a_newer_program_is_refused():
    with pytest.raises(ValueError, match="unknown setting 'mamba'"):
        HNNConfig.from_dict(asdict(small_config()) | {"mamba": True})


@torch.inference_mode()
def test_forward_is_the_head_on_embedded_frames():
    model, frames = small_model(), torch.randn(3, 4, 1, 32, 32)
    embeddings = torch.stack([model.embed(frames[:, t]) for t in range(4)], 1)
    assert embeddings.shape == (3, 4, 24)
    logits = model(frames)
    assert logits.shape == (3,)
    torch.testing.assert_close(model.head(embeddings), logits)


@torch.inference_mode()
def test_embedding_is_the_class_token_after_the_final_norm():
    model, frames = small_model(), torch.randn(2, 1, 32, 32)
    tokens = model.vit.forward_features(frames)  # (B, N, D), normalised
    assert torch.equal(model.embed(frames), tokens[:, 0])


@torch.inference_mode()
def test_every_hour_and_their_order_matter_to_the_hnn():
    model, frames = small_model(), torch.randn(1, 4, 1, 32, 32)
    logit = model(frames)
    for hour in range(4):
        changed = frames.clone()
        changed[:, hour] = torch.randn(1, 32, 32)
        assert not torch.isclose(model(changed), logit, rtol=1e-6, atol=0).any()
    assert not torch.isclose(model(frames.flip(1)), logit, rtol=1e-6, atol=0).any()


@torch.inference_mode()
def test_the_baseline_sees_the_last_hour_only():
    model, frames = small_model(temporal=False), torch.randn(2, 4, 1, 32, 32)
    assert model.lstm is None
    logits = model(frames)
    expected = model.classifier(model.embed(frames[:, -1]))[:, 0]
    torch.testing.assert_close(logits, expected)
    frames[:, :-1] = torch.nan
    torch.testing.assert_close(model(frames), expected)
    torch.testing.assert_close(model.head(model.embed(frames[:, -1])[:, None]), expected)


def test_all_weights_learn():
    model = small_model().train()
    model(torch.randn(2, 4, 1, 32, 32)).sum().backward()
    still = [n for n, p in model.named_parameters() if p.grad is None or not p.grad.any()]
    assert still == []


def imagenet(path, **changes):
    """Save a small colour ViT with a classifier, as timm would."""
    torch.manual_seed(1)
    sizes = {"img_size": 32, "patch_size": 8, "embed_dim": 24, "depth": 3, "num_heads": 2}
    vit = VisionTransformer(**{**sizes, "num_classes": 7, **changes}).eval()
    save_file(vit.state_dict(), path)
    return vit


@torch.inference_mode()
def test_a_grey_frame_is_seen_as_the_same_grey_in_colour(tmp_path):
    vit = imagenet(tmp_path / "vit.safetensors")
    model = small_model(depth=3)
    load_pretrained_vit(model, tmp_path / "vit.safetensors")
    frames = torch.randn(2, 1, 32, 32)
    expected = vit.forward_head(vit.forward_features(frames.expand(2, 3, 32, 32)), pre_logits=True)
    # The three colours are summed before instead of after the multiplication.
    torch.testing.assert_close(model.embed(frames), expected, atol=1e-5, rtol=1e-5)


def test_pretrained_weights_leave_lstm_and_classifier_alone(tmp_path):
    imagenet(tmp_path / "vit.safetensors")
    model = small_model()
    before = {k: v.clone() for k, v in model.state_dict().items() if not k.startswith("vit.")}
    load_pretrained_vit(model, str(tmp_path / "vit.safetensors"))
    assert all(torch.equal(model.state_dict()[k], v) for k, v in before.items())


@pytest.mark.parametrize("depth", [2, 5])
def test_another_depth_takes_the_encoders_there_are(tmp_path, depth):
    vit = imagenet(tmp_path / "vit.safetensors")
    model = small_model(depth=depth)
    last = model.vit.blocks[-1].mlp.fc1.weight.detach().clone()
    load_pretrained_vit(model, tmp_path / "vit.safetensors")
    for ours, timms in zip(model.vit.blocks, vit.blocks, strict=False):
        assert torch.equal(ours.mlp.fc1.weight, timms.mlp.fc1.weight)
    assert torch.equal(model.vit.blocks[-1].mlp.fc1.weight, last) == (depth == 5)


def test_positions_are_resampled_to_another_grid(tmp_path):
    vit = imagenet(tmp_path / "vit.safetensors", img_size=48)  # 6 x 6 tokens to 4 x 4
    model = small_model()
    load_pretrained_vit(model, tmp_path / "vit.safetensors")
    expected = resample_abs_pos_embed(vit.pos_embed, [4, 4])
    assert torch.equal(model.vit.pos_embed, expected)
    assert torch.equal(model.vit.pos_embed[:, 0], vit.pos_embed[:, 0])


@torch.inference_mode()
def test_kernels_are_resampled_to_another_patch(tmp_path):
    vit = imagenet(tmp_path / "vit.safetensors")  # patches of 8 to patches of 16
    model = small_model(image_size=64, patch=16)
    load_pretrained_vit(model, tmp_path / "vit.safetensors")
    # Seen at twice the resolution, a patch must give the same token (FlexiViT's criterion).
    patch = torch.randn(1, 1, 8, 8)
    twice = interpolate(patch, size=(16, 16), mode="bicubic", antialias=True)
    timms = vit.patch_embed.proj(patch.expand(1, 3, 8, 8))
    ours = model.vit.patch_embed.proj(twice)
    torch.testing.assert_close(ours, timms, atol=1e-3, rtol=1e-3)  # a pseudo-inverse in float32


def test_weights_of_another_width_are_refused(tmp_path):
    imagenet(tmp_path / "vit.safetensors", embed_dim=48)
    with pytest.raises(ModelError, match=r"does not fit a vision transformer of width 24"):
        load_pretrained_vit(small_model(), tmp_path / "vit.safetensors")


def test_weights_of_another_network_are_refused(tmp_path):
    save_file({"conv1.weight": torch.zeros(3)}, tmp_path / "resnet.safetensors")
    with pytest.raises(ModelError, match="not those of a timm ViT"):
        load_pretrained_vit(small_model(), tmp_path / "resnet.safetensors")


def test_a_vit_without_final_norm_is_refused(tmp_path):
    weights = imagenet(tmp_path / "whole.safetensors").state_dict()
    del weights["norm.weight"]
    save_file(weights, tmp_path / "vit.safetensors")
    with pytest.raises(ModelError, match=r"norm\.weight is missing"):
        load_pretrained_vit(small_model(), tmp_path / "vit.safetensors")


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("vit.pth", b"", "only"),
        ("absent.safetensors", None, "cannot be read"),
        ("vit.safetensors", b"\x80\x04garbage", "cannot be read"),
    ],
)
def test_a_file_that_is_no_safetensors_is_refused(tmp_path, name, content, sentence):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(ModelError, match=sentence) as caught:
        load_pretrained_vit(small_model(), tmp_path / name)
    assert name in str(caught.value)


def test_the_hub_has_no_weights_of_that_width():
    with pytest.raises(ModelError, match="width 768, the model has 24"):
        load_pretrained_vit(small_model(), "hub")


def test_without_network_the_option_is_named(monkeypatch):
    def no_network(*_, **__):
        raise ConnectionError("no network")

    monkeypatch.setattr(hub, "get_hf_file_metadata", no_network)
    with torch.device("meta"):
        model = HNN(HNNConfig())
    with pytest.raises(ModelError, match="pretrained option") as caught:
        load_pretrained_vit(model)
    assert "timm/vit_base_patch16_224" in str(caught.value)
    assert str(caught.value).count("\n") == 0


def test_the_hubs_file_is_loaded_like_a_local_one(tmp_path, monkeypatch):
    imagenet(tmp_path / "model.safetensors", embed_dim=768, depth=1, num_heads=12)
    monkeypatch.setattr(hub, "get_hf_file_metadata", lambda *_, **__: None)
    asked = []

    def download(repo_id, filename, local_files_only):
        asked.append((repo_id, local_files_only))
        return str(tmp_path / filename)

    monkeypatch.setattr(hub, "hf_hub_download", download)
    model = HNN(small_config(width=768, heads=12, depth=1))
    load_pretrained_vit(model, "hub")
    assert asked == [("timm/vit_base_patch8_224.augreg2_in21k_ft_in1k", False)]
    load_pretrained_vit(HNN(small_config(width=768, heads=12, depth=1, patch=32)), "hub")
    assert asked[1][0] == "timm/vit_base_patch16_224.augreg2_in21k_ft_in1k"


# Other families of vision transformers


def distilled(path):
    torch.manual_seed(1)
    sizes = {"img_size": 32, "patch_size": 8, "embed_dim": 24, "depth": 3, "num_heads": 2}
    save_file(VisionTransformerDistilled(**sizes, num_classes=7).state_dict(), path)


def beit(path):
    sizes = {"img_size": 32, "patch_size": 8, "embed_dim": 24, "depth": 3, "num_heads": 2}
    vit = Beit(**sizes, num_classes=7, init_values=0.1, use_rel_pos_bias=True)
    tensors = {name: one.contiguous() for name, one in vit.state_dict().items()}
    save_file({k: v for k, v in tensors.items() if v.is_floating_point()}, path)


def of_kind(**kind):
    return lambda path: imagenet(path, **kind)


def under_names(**names):
    """A plain ViT whose tensors another program calls otherwise."""

    def make(path):
        found = imagenet(path).state_dict()
        for old, new in names.items():
            old = old.replace("__", ".")
            found = {name.replace(old, new): one for name, one in found.items()}
        save_file({name: one.contiguous() for name, one in found.items()}, path)

    return make


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (of_kind(pre_norm=True), "a CLIP or SigLIP model"),  # timm's own CLIP
        (under_names(cls_token="visual.class_embedding", patch_embed="visual.conv1"), "CLIP"),
        (under_names(cls_token="vision_model.embeddings.class_embedding"), "CLIP"),
        (of_kind(class_token=False, global_pool="map"), "CLIP or SigLIP"),
        (distilled, "a distilled DeiT, which has a distillation token"),
        (of_kind(init_values=1e-5), "LayerScale, as DINOv2"),
        (of_kind(init_values=1e-5, reg_tokens=4), "register tokens, as DINOv2"),
        (of_kind(reg_tokens=4, no_embed_class=True), "register tokens, as DINOv2"),
        (beit, "LayerScale, as DINOv2, DeiT III and BEiT"),
        (of_kind(qk_norm=True), "normalises queries and keys"),
        (of_kind(global_pool="avg"), "averages its tokens"),
        (under_names(cls_token="vit.embeddings.cls_token"), "names of Hugging Face's"),
        (of_kind(qkv_bias=False), r"blocks\.0\.attn\.qkv\.bias is missing"),
        (of_kind(mlp_ratio=2.0), r"fc1\.\w+ \(48\b.* does not fit .* own is \(96\b"),
        (of_kind(no_embed_class=True), "16 positions are not a class token and a square"),
        (under_names(blocks__1__norm1="blocks.1.scale"), r"holds blocks\.1\.scale\.\w+, which"),
    ],
)
def test_weights_of_another_family_are_refused_with_the_true_reason(tmp_path, make, reason):
    path = tmp_path / "vit.safetensors"
    make(path)
    model = small_model(depth=3)
    before = {name: one.clone() for name, one in model.state_dict().items()}
    with pytest.raises(ModelError, match=reason) as caught:
        load_pretrained_vit(model, path)
    assert str(path) in str(caught.value)
    assert all(torch.equal(one, before[name]) for name, one in model.state_dict().items())


def test_a_plain_deit_is_a_plain_vit_and_is_read(tmp_path):
    vit = imagenet(tmp_path / "deit.safetensors")  # DeiT without distillation has timm's ViT names
    model = small_model(depth=3)
    load_pretrained_vit(model, tmp_path / "deit.safetensors")
    assert torch.equal(model.vit.cls_token, vit.cls_token)
    assert torch.equal(model.vit.blocks[2].attn.qkv.weight, vit.blocks[2].attn.qkv.weight)
