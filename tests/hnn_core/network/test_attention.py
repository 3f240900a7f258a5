"""Attention rollout and capture: docs/method.md, "Attention"."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hnn_core.exceptions import AttentionCaptureError
from hnn_core.network.attention import capture_attention, rollout
from tests.support.small_models import small_model


def random_attention(layers: int, batch: int, heads: int, tokens: int, seed: int = 0):
    generator = torch.Generator().manual_seed(seed)
    scores = 3.0 * torch.randn(layers, batch, heads, tokens, tokens, generator=generator)
    return list(scores.softmax(-1))


def explicit_rollout(attentions):
    """Multiply ½(A + I) over the layers, as defined, in double precision."""
    product = None
    for attention in attentions:
        mean = attention.double().mean(1)
        step = 0.5 * (mean + torch.eye(mean.shape[-1], dtype=torch.float64))
        product = step if product is None else step @ product
    return product


def test_vector_chain_equals_the_matrix_product():
    attentions = random_attention(layers=6, batch=3, heads=4, tokens=17)
    product = explicit_rollout(attentions)
    torch.testing.assert_close(product.sum(-1), torch.ones(3, 17, dtype=torch.float64))
    # Float32 against float64: a few rounding errors of numbers below 1.
    torch.testing.assert_close(
        rollout(attentions).double(), product[:, 0, 1:], atol=1e-7, rtol=1e-5
    )


def test_head_averaged_matrices_give_the_same_map():
    attentions = random_attention(layers=3, batch=2, heads=4, tokens=5)
    means = [attention.mean(1) for attention in attentions]
    torch.testing.assert_close(rollout(means), rollout(attentions))


def test_identity_attention_leaves_all_on_the_class_token():
    assert torch.equal(rollout([torch.eye(5)[None]] * 3), torch.zeros(1, 4))


@pytest.mark.parametrize("layers", [1, 2, 5])
def test_uniform_attention_leaves_half_on_the_class_token_in_each_layer(layers):
    uniform = torch.full((1, 2, 5, 5), 0.2)
    expected = torch.full((1, 4), (1 - 0.5**layers) / 5)
    torch.testing.assert_close(rollout([uniform] * layers), expected)


def test_two_layers_are_followed_from_the_last_down():
    # Layer 2: the class token looks at patch 2. Layer 1: patch 2 looks at patch 0.
    first, second = torch.eye(4), torch.eye(4)
    second[0] = torch.tensor([0.0, 0.0, 0.0, 1.0])
    first[3] = torch.tensor([0.0, 1.0, 0.0, 0.0])
    expected = torch.tensor([[0.25, 0.0, 0.25]])
    assert torch.equal(rollout([first[None], second[None]]), expected)
    # The other way round nobody looks at patch 0 through patch 2.
    assert torch.equal(rollout([second[None], first[None]]), torch.tensor([[0.0, 0.0, 0.5]]))


def test_start_layer_leaves_the_lower_layers_out():
    attentions = random_attention(layers=4, batch=1, heads=2, tokens=6)
    torch.testing.assert_close(rollout(attentions, start_layer=3), rollout(attentions[3:]))


def test_half_precision_is_averaged_in_single():
    attentions = random_attention(layers=3, batch=1, heads=12, tokens=6)
    rolled = rollout([attention.half() for attention in attentions])
    assert rolled.dtype == torch.float32
    torch.testing.assert_close(rolled, rollout(attentions), atol=1e-3, rtol=0)  # float16 input


def test_autocast_around_it_does_not_round_the_map():
    attentions = random_attention(layers=6, batch=2, heads=2, tokens=17)
    with torch.autocast("cpu", torch.bfloat16):
        rounded = rollout(attentions)
    assert torch.equal(rounded, rollout(attentions))


@settings(max_examples=30)
@given(
    layers=st.integers(1, 5),
    heads=st.integers(1, 3),
    patches=st.integers(1, 9),
    seed=st.integers(0, 2**31 - 1),
)
def test_rollout_is_a_distribution_and_follows_a_relabelling(layers, heads, patches, seed):
    attentions = random_attention(layers, 2, heads, patches + 1, seed)
    rolled = rollout(attentions)
    assert rolled.shape == (2, patches)
    assert (rolled >= 0).all()
    # By the residual path at least 2**-layers stays on the class token.
    assert (rolled.sum(-1) <= 1 - 0.5**layers + 1e-6).all()
    order = torch.randperm(patches, generator=torch.Generator().manual_seed(seed))
    tokens = torch.cat([torch.zeros(1, dtype=torch.long), order + 1])
    moved = [attention[:, :, tokens][..., tokens] for attention in attentions]
    torch.testing.assert_close(rollout(moved), rolled[:, order], atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("start_layer", [2, 7, -1])
def test_no_layer_left_is_an_error(start_layer):
    with pytest.raises(AttentionCaptureError, match=f"start layer {start_layer}"):
        rollout(random_attention(2, 1, 1, 4), start_layer=start_layer)


def test_no_attention_at_all_is_an_error():
    with pytest.raises(AttentionCaptureError, match="0 layers"):
        rollout([])


@pytest.mark.parametrize("shape", [(4, 4), (1, 4, 5), (1, 2, 4, 5)])
def test_a_layer_that_is_no_stack_of_squares_is_refused(shape):
    with pytest.raises(ValueError, match=r"\(B, heads, N, N\)"):
        rollout([torch.zeros(shape)])


def test_layers_of_different_sizes_are_refused():
    with pytest.raises(ValueError, match="differ in shape"):
        rollout([torch.eye(4)[None], torch.eye(5)[None]])


def recomputed_attention(vit, frames):
    """Softmax attention of every encoder by its definition, head by head."""
    x = vit._pos_embed(vit.patch_embed(frames))
    attentions = []
    for block in vit.blocks:
        tokens = block.norm1(x)
        q, k, _ = block.attn.qkv(tokens).chunk(3, -1)
        size = block.attn.head_dim
        heads = [
            (q[..., i : i + size] @ k[..., i : i + size].mT / size**0.5).softmax(-1)
            for i in range(0, q.shape[-1], size)
        ]
        attentions.append(torch.stack(heads, 1))
        x = block(x)
    return attentions


@torch.inference_mode()
def test_captured_attention_is_the_softmax_of_every_encoder():
    model, frames = small_model(), torch.randn(3, 1, 32, 32)
    with capture_attention(model.vit, keep_heads=True) as captured:
        model.embed(frames)
    expected = recomputed_attention(model.vit, frames)
    assert len(captured) == len(expected) == 2
    for layer, attention in zip(captured, expected, strict=True):
        assert layer.shape == (3, 2, 17, 17)
        torch.testing.assert_close(layer, attention)
    # Attention that is nearly uniform would make the test above say nothing.
    assert captured[0].max() > 0.5
    with capture_attention(model.vit) as averaged:
        model.embed(frames)
    torch.testing.assert_close(averaged[1], captured[1].mean(1))


@torch.inference_mode()
def test_prediction_is_the_same_with_and_without_capture():
    model, frames = small_model(), torch.randn(2, 4, 1, 32, 32)
    plain = model(frames)
    with capture_attention(model.vit):
        watched = model(frames)
    # Fused and plain attention round differently.
    torch.testing.assert_close(watched, plain, atol=1e-5, rtol=1e-5)


@torch.inference_mode()
def test_calls_in_one_capture_follow_each_other_along_the_batch():
    model, frames = small_model(), torch.randn(5, 1, 32, 32)
    with capture_attention(model.vit) as together:
        model.embed(frames)
    with capture_attention(model.vit) as apart:
        model.embed(frames[:2])
        model.embed(frames[2:])
    torch.testing.assert_close(rollout(apart), rollout(together))


def untouched(vit):
    return all(b.attn.fused_attn and not b.attn.attn_drop._forward_pre_hooks for b in vit.blocks)


@torch.inference_mode()
def test_capture_leaves_the_network_as_it_was():
    model = small_model()
    assert untouched(model.vit)
    with capture_attention(model.vit) as captured:
        assert not untouched(model.vit)
        model.embed(torch.randn(1, 1, 32, 32))
    assert untouched(model.vit)
    model.embed(torch.randn(1, 1, 32, 32))
    assert captured[0].shape[0] == 1


def test_capture_leaves_the_network_as_it_was_after_an_exception():
    model = small_model()
    with pytest.raises(RuntimeError, match="on purpose"), capture_attention(model.vit):
        raise RuntimeError("on purpose")
    assert untouched(model.vit)


def test_a_network_switched_to_plain_attention_stays_so():
    model = small_model()
    model.vit.blocks[1].attn.fused_attn = False
    with capture_attention(model.vit):
        model.embed(torch.randn(1, 1, 32, 32))
    assert [block.attn.fused_attn for block in model.vit.blocks] == [True, False]


def test_capture_that_sees_nothing_raises():
    model = small_model()
    with (
        pytest.raises(AttentionCaptureError, match="2 of 2 layers"),
        capture_attention(model.vit),
    ):
        pass
    assert untouched(model.vit)


def test_capture_of_fused_attention_raises_and_returns_no_map():
    model = small_model()

    def somebody_switches_it_back_on():
        with capture_attention(model.vit):
            model.vit.blocks[0].attn.fused_attn = True
            model.embed(torch.randn(1, 1, 32, 32))

    with pytest.raises(AttentionCaptureError, match="1 of 2 layers"):
        somebody_switches_it_back_on()


def test_nothing_is_given_before_all_has_passed():
    model = small_model()
    with capture_attention(model.vit) as captured:
        assert captured == []
        model.embed(torch.randn(1, 1, 32, 32))


def test_attention_of_another_kind_is_refused():
    model = small_model()
    model.vit.blocks[1].attn = torch.nn.Identity()
    with (
        pytest.raises(AttentionCaptureError, match="Encoder 1 has attention of type Identity"),
        capture_attention(model.vit),
    ):
        pass
    assert not model.vit.blocks[0].attn.attn_drop._forward_pre_hooks
