"""Batches: every sequence once, hours together, no frame embedded twice, all of it repeatable."""

from itertools import combinations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from hnn_core.training import loaders
from hnn_core.training.assemble import Material, make_network
from hnn_core.training.config import TrainConfig
from hnn_core.training.data import (
    N_SYMMETRIES,
    BatchPlan,
    BatchSampler,
    Parts,
    SequenceBatches,
    apply_symmetry,
    share_frames,
)
from hnn_core.training.loaders import ResumableLoader, embed_once, evaluation_plans
from hnn_core.training.module import TrainingModule
from tests.support.made_datasets import MadeDataset, small_training
from tests.support.small_models import small_model


def sampler(sizes, **options):
    """A sampler over regions of these numbers of sequences; sequences are numbered from 100."""
    groups = np.repeat(np.arange(len(sizes)), sizes)
    settings = {"batch": 8, "run_hours": 4, "seed": 1, **options}
    return BatchSampler(100 + np.arange(groups.size), groups, **settings)


@given(
    st.lists(st.integers(1, 30), min_size=1, max_size=8),
    st.integers(1, 40),
    st.integers(1, 12),
    st.integers(0, 3),
)
def test_an_epoch_is_every_sequence_once(sizes, batch, run_hours, epoch):
    plans = sampler(sizes, batch=batch, run_hours=run_hours)
    plans.set_epoch(epoch)
    batches = [plan.sequences for plan in plans]
    assert len(batches) == len(plans)
    assert all(len(one) == batch for one in batches[:-1])
    assert sorted(np.concatenate(batches)) == list(range(100, 100 + sum(sizes)))


@given(st.integers(1, 5), st.integers(1, 20), st.integers(0, 5))
def test_processes_share_a_batch_and_their_mean_is_the_batchs(world, batch, epoch):
    whole = list(sampler([9, 4, 7], batch=batch))
    values = np.random.default_rng(0).random(200)
    shares = [list(sampler([9, 4, 7], batch=batch, rank=r, world=world)) for r in range(world)]
    for number, plan in enumerate(whole):
        parts = [share[number] for share in shares]
        mine = np.concatenate([p.sequences[p.weights > 0] for p in parts])
        assert sorted(mine) == sorted(plan.sequences)
        mean = np.mean([(values[p.sequences] * p.weights).sum() for p in parts])
        assert mean == pytest.approx(values[plan.sequences].mean(), rel=1e-6)


def test_hours_of_a_region_stay_together_and_the_cuts_move():
    plans = sampler([24] * 10, batch=32, run_hours=8)
    neighbours = []
    for epoch in range(3):
        plans.set_epoch(epoch)
        order = np.concatenate([plan.sequences for plan in plans])
        neighbours.append(frozenset(order[1:][np.diff(order) == 1]))
    # Runs of eight leave seven of eight pairs together, less those cut at a region's ends.
    assert min(map(len, neighbours)) > 0.75 * 230
    assert neighbours[0] != neighbours[1]


def test_batches_follow_from_seed_and_epoch_alone():
    first, again, other = sampler([20] * 4), sampler([20] * 4), sampler([20] * 4, seed=2)
    same = [np.array_equal(a.sequences, b.sequences) for a, b in zip(first, again, strict=True)]
    assert all(same)
    assert any(
        not np.array_equal(a.sequences, b.sequences) for a, b in zip(first, other, strict=True)
    )


def test_a_pass_that_starts_in_the_middle_sees_what_is_left():
    plans = sampler([20] * 4)
    whole = [plan.sequences.tolist() for plan in plans]
    plans.first = 3
    assert [plan.sequences.tolist() for plan in plans] == whole[3:]
    assert [plan.sequences.tolist() for plan in plans] == whole


@given(st.integers(0, N_SYMMETRIES - 1))
def test_symmetries_undo_themselves_and_differ(symmetry):
    frame = np.arange(16.0).reshape(4, 4) + 1.0
    assert np.array_equal(apply_symmetry(apply_symmetry(frame, symmetry), symmetry), frame)
    images = {apply_symmetry(frame, k).tobytes() for k in range(N_SYMMETRIES)}
    assert len(images) == N_SYMMETRIES


def test_symmetries_are_those_named():
    frame = np.array([[1.0, 2.0], [3.0, 4.0]])
    assert apply_symmetry(frame, 1).tolist() == [[3.0, 4.0], [1.0, 2.0]]
    assert apply_symmetry(frame, 2).tolist() == [[2.0, 1.0], [4.0, 3.0]]
    assert apply_symmetry(frame, 4).tolist() == [[-1.0, -2.0], [-3.0, -4.0]]


def test_thirty_two_sequences_of_ten_hours_hold_sixty_eight_frames():
    """Four runs of eight hours: 4 x (8 + 9) distinct frames instead of 320."""
    rows = np.concatenate(
        [region * 33 + np.arange(10) + np.arange(8)[:, None] for region in range(4)]
    )
    frames, symmetry, gather = share_frames(rows, np.zeros(32, int))
    assert len(frames) == 68
    assert np.array_equal(frames[gather], rows)
    # The same hours in two symmetries are different images.
    both = share_frames(np.concatenate([rows, rows]), np.repeat([0, 5], 32))
    assert len(both[0]) == 136
    assert symmetry.tolist() == [0] * 68


@pytest.fixture(scope="module")
def made():
    dataset = MadeDataset(8)
    config = TrainConfig(**small_training())
    return dataset, config, Parts.of(dataset, config)


def test_no_region_is_in_two_parts(made):
    _, _, parts = made
    groups = parts.table["group"].to_numpy()
    sides = [set(groups[part]) for part in (parts.train, parts.validation, parts.test)]
    assert all(a.isdisjoint(b) for a, b in combinations(sides, 2))
    assert sum(map(len, (parts.train, parts.validation, parts.test))) == len(parts.table)


@pytest.mark.parametrize("fold", [0, 3])
def test_sequences_of_any_length_are_split_alike(made, fold):
    """Ablations over m compare networks on the same test regions."""
    dataset, config, _ = made
    sides = []
    for frames in (2, 12):
        settings = config.changed(frames=frames, fold=fold, folds=4, validation_fraction=0.2)
        parts = Parts.of(dataset, settings)
        groups = parts.table["group"].to_numpy()
        sides.append([set(groups[side]) for side in (parts.train, parts.validation, parts.test)])
    assert sides[0] == sides[1]


@pytest.mark.parametrize("symmetries", [False, True])
def test_loss_and_gradient_equal_the_naive_computation(made, symmetries, monkeypatch):
    """The same sums in another order: equal to rounding, in double precision."""
    dataset, config, parts = made
    network = make_network(config, None).double()
    found = []

    def every_frame(rows, symmetries):
        gather = np.arange(rows.size).reshape(rows.shape)
        return rows.ravel(), np.repeat(symmetries, rows.shape[1]), gather

    for sharing in (share_frames, every_frame):
        monkeypatch.setattr("hnn_core.training.data.share_frames", sharing)
        batches = SequenceBatches(parts, dataset.frames)
        module = TrainingModule(network, config).double()
        plan = next(
            iter(
                BatchSampler(
                    parts.train,
                    parts.table["group"].to_numpy()[parts.train],
                    batch=24,
                    run_hours=6,
                    symmetries=symmetries,
                )
            )
        )
        batch = batches[plan]
        batch["frames"] = batch["frames"].double()
        network.zero_grad()
        embeddings = network.embed(batch["frames"])
        logits = network.head(embeddings[batch["gather"]])
        loss = module_loss(module, logits, batch)
        loss.backward()
        gradients = {n: p.grad.clone() for n, p in network.named_parameters()}
        found.append((len(batch["frames"]), loss.item(), gradients))
    shared, naive = found
    assert shared[0] < naive[0] / 2
    assert shared[1] == pytest.approx(naive[1], rel=1e-12)
    for name, gradient in naive[2].items():
        torch.testing.assert_close(shared[2][name], gradient, rtol=1e-7, atol=1e-12)


def module_loss(module, logits, batch):
    """The module's own step, on logits in double precision."""
    module.logits = lambda _: logits
    return module.training_step(batch, 0)


def test_the_loss_is_the_papers_mean_over_the_batch(made):
    from hnn_core.training.module import focal_loss

    dataset, config, parts = made
    module = TrainingModule(make_network(config, None), config)
    plan = next(iter(BatchSampler(parts.train, np.zeros(len(parts.train)), batch=8, run_hours=4)))
    batch = SequenceBatches(parts, dataset.frames)[plan]
    direct = torch.stack(
        [
            torch.from_numpy(dataset.frames[parts.frames_used[parts.rows[n]]].astype(np.float32))
            for n in plan.sequences
        ]
    )[:, :, None]
    expected = focal_loss(module.model(direct), torch.from_numpy(parts.labels[plan.sequences]))
    assert module.training_step(batch, 0).item() == pytest.approx(expected.item(), rel=1e-5)


def test_the_loader_goes_on_where_it_was(made):
    dataset, _, parts = made
    groups = parts.table["group"].to_numpy()[parts.train]

    def loader():
        plans = BatchSampler(parts.train, groups, batch=8, run_hours=4, symmetries=True)
        return ResumableLoader(SequenceBatches(parts, dataset.frames), plans)

    first = loader()
    seen = []
    for batch in first:
        seen.append(batch["sequences"].tolist())
        if len(seen) == 3:
            state = first.state_dict()
    resumed = loader()
    resumed.load_state_dict(state)
    assert [batch["sequences"].tolist() for batch in resumed] == seen[3:]
    ended = loader()
    ended.load_state_dict(first.state_dict())
    assert (ended.plans.epoch, ended.plans.first) == (1, 0)


@pytest.mark.parametrize(("n", "world"), [(50, 3), (2, 4), (1, 1)])
def test_an_evaluation_covers_every_sequence_and_leaves_no_process_without(n, world):
    shares = [evaluation_plans(np.arange(n), batch=8, rank=r, world=world) for r in range(world)]
    assert all(share and isinstance(share[0], BatchPlan) for share in shares)
    seen = np.concatenate([plan.sequences for share in shares for plan in share])
    assert sorted(set(seen)) == list(range(n))
    assert len(seen) == n or n < world


def test_material_serves_only_the_frames_it_holds(made):
    dataset, config, parts = made
    material = Material(dataset, parts.frames_used, dataset.frames)
    assert material.serves(config)
    assert material.serves(config.changed(fold=2, folds=4))
    assert material.serves(config.changed(frames=6))  # the same hours, more of them in a sequence
    fewer = Material(dataset, parts.frames_used[1:], dataset.frames[1:])
    assert not fewer.serves(config)


class KilledError(Exception):
    """Stands for the end of the process."""


def embedded(frames: np.ndarray) -> np.ndarray:
    kept = embed_once(
        small_model(),
        frames,
        "frames",
        symmetries=False,
        device=torch.device("cpu"),
        precision="32",
        report=lambda *_: None,
    )
    return np.array(kept)


@pytest.mark.parametrize("file", ["embeddings.npy", "done.json"])
@pytest.mark.parametrize("damage", ["absent", "empty", "torn"])
def test_damaged_embeddings_are_computed_anew(hnn_home, monkeypatch, file, damage):
    frames = np.linspace(-1, 1, 3 * 32 * 32, dtype=np.float16).reshape(3, 32, 32)
    right = embedded(frames)
    [path] = (hnn_home / "embeddings").glob(f"*/{file}")
    content = path.read_bytes()
    path.unlink()
    if damage != "absent":
        path.write_bytes(content[: {"empty": 0, "torn": 9}[damage]])

    def killed(*_, **__):
        raise KilledError

    with monkeypatch.context() as patch:  # before the first is written anew
        patch.setattr(loaders, "embed_frames", killed)
        with pytest.raises(KilledError):
            embedded(frames)
    np.testing.assert_array_equal(embedded(frames), right)
