"""ImageNet weights for a model's vision transformer."""

import math
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file
from timm.layers.patch_embed import resample_patch_embed
from timm.layers.pos_embed import resample_abs_pos_embed
from torch import Tensor

from hnn_core.exceptions import HubError, ModelError
from hnn_core.network.model import HNN, HNNConfig
from hnn_core.services.hub import hub_file
from hnn_core.storage import typed_path

__all__ = ["load_pretrained_vit"]

PRETRAINED = {
    8: "timm/vit_base_patch8_224.augreg2_in21k_ft_in1k",
    16: "timm/vit_base_patch16_224.augreg2_in21k_ft_in1k",
}
"""ViT-B weights on the Hugging Face hub, by patch size."""

_FAMILIES: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "a CLIP or SigLIP model, whose image part normalises its tokens before the encoders or "
        "pools them otherwise",
        ("vision_model.", "visual.", "text_model.", "logit_scale", "norm_pre.", "attn_pool."),
    ),
    (
        "a distilled DeiT, which has a distillation token next to its class token",
        ("dist_token", "distillation_token", "head_dist."),
    ),
    ("a ViT with register tokens, as DINOv2 has", ("reg_token", "register_tokens")),
    (
        "a ViT with LayerScale, as DINOv2, DeiT III and BEiT have",
        (".ls1.", ".ls2.", ".gamma_1", ".gamma_2", "layer_scale", ".lambda_1"),
    ),
    ("a ViT with relative positions, as BEiT and SAM have", ("relative_position", ".rel_pos_")),
    ("a ViT that normalises queries and keys", (".q_norm.", ".k_norm.")),
    ("a ViT with a gated MLP (SwiGLU)", (".w12.", ".fc1_g.", ".weights_in.")),
    ("a ViT that averages its tokens instead of reading the class token", ("fc_norm.",)),
    (
        "a ViT under the names of Hugging Face's transformers; give it timm's names first",
        ("embeddings.cls_token", "embeddings.patch_embeddings.", "encoder.layer."),
    ),
)
"""Kinds of transformers that are not this one, and parts of the names of their tensors."""
_HELP = (
    "Take a plain ViT of timm, such as vit_base_patch16_224.augreg2_in21k_ft_in1k, or train from "
    "random weights (pretrained: none)."
)


def load_pretrained_vit(model: HNN, source: str | Path = "hub") -> None:
    """Load ImageNet weights into a model's vision transformer, in place.

    The three colour kernels are summed into the one channel, position embeddings and patch
    kernels are resampled when grid or patch differ (as timm does), the ImageNet classifier is
    dropped. A shallower model takes the first encoders; a deeper one keeps its random weights
    in those the file has not. LSTM and classifier are left alone.

    A DeiT without distillation and a DINO of the first version are plain ViTs and are read. CLIP,
    distilled DeiT, DINOv2 and others have parts that this network has not and are refused by name.

    Parameters
    ----------
    model : HNN
        Width must be that of the weights (768 for ViT-B).
    source : str or Path
        ``"hub"`` downloads ViT-B (ImageNet-21k, then 1k) from the Hugging Face hub or takes it
        from its cache; otherwise the path of a ``.safetensors`` file with timm's names.

    Raises
    ------
    ModelError
        If the weights cannot be had or do not fit; the sentence names the option that helps.

    Notes
    -----
    Weights of A. Dosovitskiy et al. (2021), as the paper's section 3.2 does.
    """
    path = _download_vit(model.config) if str(source) == "hub" else typed_path(source)
    if path.suffix != ".safetensors":
        raise ModelError(f"{path}: pretrained weights are read from a .safetensors file only.")
    try:
        weights = load_file(path)
    except (OSError, SafetensorError) as error:
        raise ModelError(
            f"{path}: the pretrained weights cannot be read ({error}); give the path of a "
            "timm ViT .safetensors file as the pretrained option."
        ) from error
    weights = _fit_vit(weights, model, path)
    expected = model.vit.state_dict()
    for name, tensor in weights.items():
        if name not in expected:
            raise ModelError(
                f"{path} holds {name}, which a plain ViT has not, so it is another network. {_HELP}"
            )
        if tensor.shape != expected[name].shape:
            raise ModelError(
                f"{path}: {name} {tuple(tensor.shape)} does not fit a vision transformer of "
                f"width {model.config.width}, whose own is {tuple(expected[name].shape)}; choose "
                "weights of that width or train from random weights."
            )
    # Encoders that the file has not at all keep their random weights; none is half of each.
    begun = {_block(name) for name in weights}
    missing = [name for name in expected if name not in weights and _block(name) in begun]
    if missing:
        raise ModelError(f"{path}: {missing[0]} is missing, so this is not a timm ViT. {_HELP}")
    model.vit.load_state_dict(weights, strict=False)


def _fit_vit(weights: dict[str, Tensor], model: HNN, path: Path) -> dict[str, Tensor]:
    """Adapt kernels, positions and depth of a timm ViT's weights to the model's."""
    config = model.config
    for family, parts in _FAMILIES:
        if any(part in name for part in parts for name in weights):
            raise ModelError(f"{path} holds {family}: this network has no such part. {_HELP}")
    fitted = {name: tensor.float() for name, tensor in weights.items()}
    fitted = {name: fitted[name] for name in fitted if not name.startswith("head.")}
    try:
        kernel = fitted["patch_embed.proj.weight"]  # (D, channels, patch, patch)
        positions = fitted["pos_embed"]  # (1, N, D)
        if math.isqrt(positions.shape[1] - 1) ** 2 != positions.shape[1] - 1:
            raise ModelError(
                f"{path}: {positions.shape[1]} positions are not a class token and a square of "
                f"patches, so this is not a plain ViT. {_HELP}"
            )
        kernel = kernel.sum(1, keepdim=True)
        if kernel.shape[-1] != config.patch:
            kernel = resample_patch_embed(kernel, [config.patch, config.patch])
        positions = resample_abs_pos_embed(positions, [config.grid, config.grid])
    except (KeyError, IndexError, RuntimeError) as error:
        raise ModelError(f"{path}: the weights are not those of a timm ViT ({error}).") from error
    fitted |= {"patch_embed.proj.weight": kernel, "pos_embed": positions}
    kept = {"", *(f"blocks.{index}" for index in range(config.depth))}
    return {
        name: tensor
        for name, tensor in fitted.items()
        if _block(name) in kept or not _block(name)[7:].isdecimal()
    }


def _block(name: str) -> str:
    """``blocks.11`` of a tensor of an encoder; empty for others."""
    return ".".join(name.split(".")[:2]) if name.startswith("blocks.") else ""


def _download_vit(config: HNNConfig) -> Path:
    """Path of ViT-B's weights in the hub's cache, downloaded when absent."""
    if config.width != 768:
        raise ModelError(
            f"The hub's ViT-B weights have width 768, the model has {config.width}; give a "
            "timm ViT .safetensors file of that width as the pretrained option, or none."
        )
    repository = PRETRAINED.get(config.patch, PRETRAINED[16])
    try:
        return hub_file(repository, "model.safetensors")
    except ModelError as error:
        raise HubError(
            f"{error} Give the path of a timm ViT .safetensors file as the pretrained option, "
            "or train from random weights."
        ) from error
