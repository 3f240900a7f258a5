"""Maps of the tokens: networks with a known answer, definitions written out, invariances."""

import pytest
import torch
from torch import nn

from hnn_core.exceptions import AttentionCaptureError, RequestError
from hnn_core.explanation.hours import gradient_map, pixel_gradient
from hnn_core.explanation.inputs import fill_for, token_field
from hnn_core.explanation.occlusion import occlusion, occlusion_blocks
from hnn_core.explanation.relevance import relevance
from hnn_core.explanation.rollout import class_attention, high_norm, rollout_maps, token_norms
from hnn_core.network.attention import capture_attention, rollout
from tests.support.explanation_models import (
    GRID,
    HOUR,
    HOURS,
    PATCH,
    SIDE,
    TOKEN,
    count_frames,
    deaf_model,
    mean_field,
    noise_images,
    one_token_logit,
    one_token_model,
    with_field,
)
from tests.support.small_models import small_model

PLACE = (HOUR, *TOKEN)


def only(value, place=PLACE):
    """A map that is `value` in one token and 0 elsewhere."""
    maps = torch.zeros(HOURS, GRID, GRID)
    maps[place] = value
    return maps


def slope(field, step=1e-5):
    return (one_token_logit(field + step) - one_token_logit(field - step)) / (2.0 * step)


@pytest.fixture(scope="module")
def one_token():
    return one_token_model()


@pytest.fixture(scope="module")
def small():
    return small_model()


# A logit that reads one token of one hour


def test_the_drawn_network_is_what_it_is_taken_for(one_token):
    images = noise_images()
    logit = one_token(images[None]).item()
    assert logit == pytest.approx(one_token_logit(mean_field(images)), abs=1e-5)


@pytest.mark.parametrize("field", [0.4, -0.4])
def test_signed_relevance_is_field_times_slope_in_the_token_that_is_read(one_token, field):
    found = relevance(one_token, with_field(field, noise_images()), signed=True)
    # The attention is 1 there and its gradient is the token's value times the head's slope;
    # elsewhere it is exp(-30).
    torch.testing.assert_close(found.values, only(field * slope(field)), atol=1e-6, rtol=1e-4)
    assert found.logit == pytest.approx(one_token_logit(field), abs=1e-5)


def test_positive_relevance_is_for_the_class_asked_for(one_token):
    images = with_field(-0.4, noise_images())
    speaks = only(0.4 * slope(-0.4))
    confined = relevance(one_token, images, target="confined").values
    torch.testing.assert_close(confined, speaks, atol=1e-6, rtol=1e-4)
    torch.testing.assert_close(relevance(one_token, images).values, only(0.0), atol=1e-6, rtol=0)


@pytest.mark.parametrize("target", ["eruptive", "confined"])
def test_occlusion_is_the_change_of_the_logit_in_the_token_that_is_read(one_token, target):
    images = noise_images()
    change = one_token_logit(mean_field(images))
    sign = 1 if target == "eruptive" else -1
    found = occlusion(one_token, images, block=1, target=target)
    torch.testing.assert_close(found.values, only(sign * change), atol=2e-5, rtol=1e-5)


def test_occlusion_of_a_block_gives_all_its_tokens_one_score(one_token):
    images = noise_images()
    found = occlusion(one_token, images, block=2).values
    expected = torch.zeros_like(found)
    expected[HOUR, 0:2, 2:4] = one_token_logit(mean_field(images))
    torch.testing.assert_close(found, expected, atol=2e-5, rtol=1e-5)


def test_occlusion_with_a_blurred_field_leaves_the_smooth_part(one_token):
    images = noise_images()
    smooth = mean_field(fill_for(images, "blurred", PATCH))
    change = one_token_logit(mean_field(images)) - one_token_logit(smooth)
    found = occlusion(one_token, images, block=1, fill="blurred")
    torch.testing.assert_close(found.values, only(change), atol=2e-5, rtol=1e-4)


def test_gradient_is_the_slope_shared_out_over_the_pixels(one_token):
    images = with_field(0.3, noise_images())
    found = gradient_map(one_token, images)
    torch.testing.assert_close(found, only(slope(0.3) / PATCH**2), atol=1e-6, rtol=1e-4)


def test_rollout_sees_the_token_in_every_hour_whatever_it_says(one_token):
    maps = rollout_maps(one_token, noise_images())
    for hour in range(HOURS):
        torch.testing.assert_close(
            maps[hour], only(0.5)[HOUR], atol=1e-6, rtol=0
        )  # the other half stays on the class token


def test_the_last_hour_alone_is_occluded_when_asked_for(one_token):
    assert not occlusion(one_token, noise_images(), block=1, hours="last").values.any()
    last = one_token_model(hour=HOURS - 1)
    maps = occlusion(last, noise_images(), block=1, hours="last").values
    assert maps[HOURS - 1][TOKEN].abs() > 0.01


# A logit that reads nothing


def test_all_maps_of_a_network_that_ignores_its_input_are_flat():
    model, images = deaf_model(), noise_images()
    for maps in (
        relevance(model, images, signed=True).values,
        occlusion(model, images).values,
        gradient_map(model, images),
    ):
        assert torch.equal(maps, torch.zeros(HOURS, GRID, GRID))
    # Rollout is a map all the same: it knows nothing of the prediction.
    assert rollout_maps(model, images).std() > 0


# Definitions written out


def explicit_relevance(model, images, *, signed=False, sign=1, layers=slice(None), head=None):
    """Product of (I + Ā) over the layers, with autograd's gradients of whole matrices."""
    seen = []
    handles = [
        block.attn.attn_drop.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
        for block in model.vit.blocks
    ]
    for block in model.vit.blocks:
        block.attn.fused_attn = False
    gradients = torch.autograd.grad(sign * model(images[None]).sum(), seen)
    for handle in handles:
        handle.remove()
    product = torch.eye(seen[0].shape[-1], dtype=images.dtype).expand(len(images), -1, -1)
    for attention, gradient in list(zip(seen, gradients, strict=True))[layers]:
        weighted = (attention * gradient).detach()
        weighted = weighted if signed else weighted.clamp(min=0)
        mean = weighted.mean(1) if head is None else weighted[:, head]
        product = product + mean @ product
    return product[:, 0, 1:].reshape(-1, GRID, GRID)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"signed": True},
        {"target": "confined"},
        {"layers": (1, None)},
        {"layers": (0, 1)},
        {"head": 1, "signed": True},
        {"batch": 3},
        {"batch": 1, "layers": (1, 2)},
    ],
    ids=str,
)
def test_relevance_is_the_product_of_matrices(options):
    model, images = small_model().double(), noise_images().double()
    found = relevance(model, images, **options).values
    start, stop = options.get("layers", (0, None))
    expected = explicit_relevance(
        model,
        images,
        signed=options.get("signed", False),
        sign=-1 if options.get("target") == "confined" else 1,
        layers=slice(start, stop),
        head=options.get("head"),
    )
    assert expected.abs().max() > 1e-6
    torch.testing.assert_close(found, expected, atol=1e-14, rtol=1e-9)


def test_relevance_rests_on_the_gradient_that_finite_differences_give():
    """One encoder, signed: the map is the head mean of A dlogit/dA, row of the class token."""
    model = small_model(depth=1, image_size=16, frames=2).double()
    images = noise_images(n_hours=2, side=16).double()
    block = model.vit.blocks[0]
    block.attn.fused_attn = False

    def logit(nudge=None):
        """Logit, with one entry of one frame's attention nudged by its own hundred-thousandth."""
        handle = None
        if nudge is not None:
            place, step = nudge

            def add(_, inputs):
                attention = inputs[0].clone()
                attention[place] *= 1.0 + step
                return (attention,)

            handle = block.attn.attn_drop.register_forward_pre_hook(add)
        with torch.no_grad():
            value = model(images[None]).item()
        if handle is not None:
            handle.remove()
        return value

    expected = torch.zeros(2, 2, 4, dtype=torch.float64)  # (T, heads, patch tokens)
    for hour in range(2):
        for head in range(2):
            for token in range(4):
                place, step = (hour, head, 0, 1 + token), 1e-4
                rise = logit((place, step)) - logit((place, -step))
                expected[hour, head, token] = rise / (2.0 * step)
    found = relevance(model, images, signed=True).values
    block.attn.fused_attn = True
    # Differences of a step h err by h squared.
    torch.testing.assert_close(found.flatten(1), expected.mean(1), atol=1e-9, rtol=1e-5)


def test_pixel_gradient_is_what_finite_differences_give():
    model, images = small_model().double(), noise_images().double()
    found = pixel_gradient(model, images, batch=8)
    for place in [(0, 0, 3, 4), (2, 0, 17, 30), (3, 0, 31, 0)]:
        up, down = images.clone(), images.clone()
        up[place] += 1e-5
        down[place] -= 1e-5
        with torch.no_grad():
            expected = (model(up[None]) - model(down[None])).item() / 2e-5
        assert found[place].item() == pytest.approx(expected, rel=1e-4, abs=1e-9)


def test_occlusion_is_that_of_whole_sequences_run_one_by_one(small):
    images = noise_images()
    found = occlusion(small, images, block=3).values  # blocks of 3 and of 1 on a grid of 4
    with torch.no_grad():
        for hour, rows, cols in [(0, (0, 3), (0, 3)), (1, (3, 4), (0, 3)), (3, (3, 4), (3, 4))]:
            hidden = images.clone()
            hidden[
                hour, :, PATCH * rows[0] : PATCH * rows[1], PATCH * cols[0] : PATCH * cols[1]
            ] = 0
            expected = (small(images[None]) - small(hidden[None])).item()
            block = found[hour, slice(*rows), slice(*cols)]
            torch.testing.assert_close(
                block, torch.full_like(block, expected), atol=2e-6, rtol=1e-4
            )


@pytest.mark.parametrize(("layers", "head"), [((0, None), None), ((1, 2), 0), ((0, 1), 1)])
def test_rollout_over_chosen_layers_and_heads(small, layers, head):
    images = noise_images()
    with torch.no_grad(), capture_attention(small.vit, keep_heads=True) as captured:
        small.embed(images)
    chosen = captured[slice(*layers)]
    expected = rollout([layer if head is None else layer[:, head] for layer in chosen])
    found = rollout_maps(small, images, layers=layers, head=head, batch=3)
    torch.testing.assert_close(found.flatten(1), expected, atol=1e-6, rtol=1e-5)


def test_class_attention_is_the_first_row_of_every_head(small):
    images = noise_images()
    with torch.no_grad(), capture_attention(small.vit, keep_heads=True) as captured:
        small.embed(images)
    found = class_attention(small, images, batch=3)
    assert found.shape == (2, 2, HOURS, GRID, GRID)
    expected = captured[1][2, 1, 0, 1:].reshape(GRID, GRID)
    torch.testing.assert_close(found[1, 1, 2], expected)


# Invariances and edges


@pytest.mark.parametrize("method", [relevance, occlusion])
def test_maps_are_the_same_for_every_batch_size(small, method):
    images = noise_images()
    whole = method(small, images)
    for batch in (1, 3, 64):
        some = method(small, images, batch=batch)
        # Matrix products of other shapes round differently.
        torch.testing.assert_close(some.values, whole.values, atol=1e-5, rtol=1e-3)
        assert some.logit == pytest.approx(whole.logit, abs=1e-5)


def test_padding_costs_no_pass_and_scores_exactly_zero(small, monkeypatch):
    images = noise_images()
    images[:, :, : SIDE // 2] = 0
    sizes = count_frames(monkeypatch)
    maps = occlusion(small, images, block=1).values
    assert sum(sizes) == HOURS + HOURS * GRID * GRID // 2
    assert not maps[:, : GRID // 2].any()
    assert (maps[:, GRID // 2 :] != 0).all()


@pytest.mark.parametrize("method", [relevance, occlusion])
def test_the_baseline_network_has_a_map_of_the_last_hour_only(method):
    maps = method(small_model(temporal=False), noise_images()).values
    assert not maps[:-1].any()
    assert maps[-1].any()


@pytest.mark.parametrize(("grid", "block", "tiles"), [(14, 1, 196), (14, 4, 16), (4, 4, 1)])
def test_blocks_tile_the_grid(grid, block, tiles):
    blocks = occlusion_blocks(grid, block)
    assert blocks.shape == (tiles, grid, grid)
    assert torch.equal(blocks.sum(0), torch.ones(grid, grid, dtype=torch.long))


def test_mean_field_of_tokens_and_the_blurred_field():
    images = torch.zeros(1, 1, SIDE, SIDE)
    images[..., :PATCH, :PATCH] = -0.5
    assert torch.equal(token_field(images, GRID)[0, 0], torch.tensor([0.5, 0.0, 0.0, 0.0]))
    checkers = torch.ones(1, 1, SIDE, SIDE)
    checkers[..., ::2] = -1.0
    # Stripes of opposite polarity finer than a token cancel, away from the edges.
    assert fill_for(checkers, "blurred", PATCH)[..., 12:20, 12:20].abs().max() < 0.05


@pytest.mark.parametrize(
    ("method", "options"),
    [
        (relevance, {"target": "quiet"}),
        (relevance, {"layers": (2, None)}),
        (relevance, {"layers": (1, 1)}),
        (relevance, {"layers": 3}),
        (relevance, {"head": 2}),
        (rollout_maps, {"head": -1}),
        (rollout_maps, {"layers": (0, 3)}),
        (occlusion, {"block": 0}),
        (occlusion, {"block": 5}),
        (occlusion, {"block": True}),
        (occlusion, {"fill": "white"}),
        (occlusion, {"hours": "first"}),
    ],
)
def test_impossible_choices_are_refused_with_their_value(small, method, options):
    value = next(iter(options.values()))
    offending = value if not isinstance(value, tuple) else value[1 if value != (2, None) else 0]
    with pytest.raises(RequestError, match=repr(offending)):
        method(small, noise_images(), **options)


def test_frames_of_another_shape_are_refused(small):
    with pytest.raises(ValueError, match=r"\(T, 1, 32, 32\)"):
        relevance(small, noise_images()[:, 0])


# Attention that cannot be seen


class FusedAlways(nn.Module):
    """Looks like timm's attention, and never calls its softmax."""

    def __init__(self, inner):
        super().__init__()
        self.inner = inner
        self.fused_attn = True
        self.attn_drop = nn.Dropout(0.0)

    def forward(self, tokens, **_):
        return self.inner(tokens)


@pytest.mark.parametrize("layer", [0, 1])
@pytest.mark.parametrize("method", [relevance, rollout_maps])
def test_fused_attention_raises_and_returns_no_map(method, layer):
    model = small_model()
    model.vit.blocks[layer].attn = FusedAlways(model.vit.blocks[layer].attn)
    with pytest.raises(AttentionCaptureError):
        method(model, noise_images())


@pytest.mark.parametrize("method", [relevance, rollout_maps, class_attention])
def test_attention_of_another_kind_is_refused(method):
    model = small_model()
    model.vit.blocks[1].attn = nn.Identity()
    with pytest.raises(AttentionCaptureError, match="Encoder 1 has attention of type Identity"):
        method(model, noise_images())


# Norms


def test_token_norms_are_those_of_the_encoders_outputs(small):
    images = noise_images()
    found = token_norms(small, images, batch=3)
    assert found.shape == (2, HOURS, GRID, GRID)
    with torch.no_grad():
        tokens = small.vit._pos_embed(small.vit.patch_embed(images))
        for layer, block in enumerate(small.vit.blocks):
            tokens = block(tokens)
            expected = tokens[:, 1:].norm(dim=-1).reshape(HOURS, GRID, GRID)
            torch.testing.assert_close(found[layer], expected, atol=1e-4, rtol=1e-4)


def test_a_token_that_stands_out_is_flagged():
    norms = torch.full((2, HOURS, GRID, GRID), 5.0)
    norms[1, 2, 3, 0] = 50.0
    flagged = high_norm(norms)
    assert flagged.nonzero().tolist() == [[1, 2, 3, 0]]


def test_a_network_with_an_artefact_token_is_found_out(one_token):
    """A position that is written large makes a token of large norm whatever the field."""
    model = one_token_model()
    with torch.no_grad():
        model.vit.pos_embed[0, 1 + 3 * GRID, 3] = 40.0
    flagged = high_norm(token_norms(model, noise_images()))
    assert flagged[0, :, 3, 0].all()


@pytest.mark.parametrize("ratio", [1.0, float("nan"), "3"])
def test_a_ratio_that_flags_everything_is_refused(ratio):
    with pytest.raises(RequestError, match="ratio"):
        high_norm(torch.ones(1, 1, 2, 2), ratio=ratio)
