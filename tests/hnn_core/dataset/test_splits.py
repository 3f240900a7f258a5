import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import StratifiedGroupKFold

from hnn_core.dataset.splits import folds, region_groups, train_test
from hnn_core.exceptions import OneClassError, TooFewGroupsError
from tests.conftest import real_data


def sequences(n_groups: int = 20, each: int = 12) -> tuple[np.ndarray, np.ndarray]:
    """Labels and groups: of two successive groups one is eruptive."""
    groups = np.repeat(np.arange(n_groups), each)
    return groups % 2, groups


# Groups


@pytest.mark.parametrize(
    ("harps", "noaas", "groups"),
    [
        ([], [], []),
        ([1, 2], [(), ()], [0, 1]),
        ([1, 2], [(11158,), (11158,)], [0, 0]),
        # 1 and 3 share no number; region 2 has both.
        ([1, 4, 2, 3], [(11158,), (), (11158, 11160), (11160,)], [0, 1, 0, 0]),
        ([7, 8, 7], [(), (11158,), (11159,)], [0, 1, 0]),
        # A HARP and a NOAA number that happen to be equal are different things.
        ([11158, 2], [(), (11158,)], [0, 1]),
        (["377", "NRT-377", "5"], [(11158,), (11158,), ()], [0, 0, 1]),
    ],
)
def test_groups_are_connected_components(harps, noaas, groups):
    assert region_groups(harps, noaas).tolist() == groups


REGIONS = st.lists(
    st.tuples(st.integers(1, 30), st.lists(st.integers(11000, 11040), max_size=3), st.booleans()),
    min_size=8,
    max_size=60,
)


@settings(max_examples=60, derandomize=True)
@given(regions=REGIONS, n=st.integers(2, 5), seed=st.integers(0, 5))
def test_no_region_harp_or_noaa_number_is_on_both_sides(regions, n, seed):
    harps = [harp for harp, _, _ in regions]
    noaas = [noaa for _, noaa, _ in regions]
    groups = region_groups(harps, noaas)
    labels = np.array([eruptive for _, _, eruptive in regions], int)
    try:
        parts = folds(labels, groups, n=n, seed=seed)
    except OneClassError:
        assert len(set(labels.tolist())) == 1
        return
    except TooFewGroupsError:
        # Refused only where no split into n parts has both classes in each.
        in_groups = [len(set(groups[labels == label])) for label in (0, 1)]
        assert len(set(groups)) < n or min(in_groups) < n
        return
    assert sorted(np.concatenate([test for _, test in parts])) == list(range(len(labels)))
    for train, test in parts:
        assert sorted([*train, *test]) == list(range(len(labels)))
        assert not set(groups[train]) & set(groups[test])
        assert not {harps[i] for i in train} & {harps[i] for i in test}
        numbers = [{number for i in part for number in noaas[i]} for part in (train, test)]
        assert not numbers[0] & numbers[1]
        assert set(labels[train]) == set(labels[test]) == {0, 1}


# Parts


def test_one_fifth_of_the_groups_of_each_class_is_for_the_test():
    labels, groups = sequences()
    train, test = train_test(labels, groups)
    assert (len(train), len(test)) == (192, 48)
    assert labels[test].mean() == labels[train].mean() == 0.5
    assert (np.diff(train) > 0).all()
    assert (np.diff(test) > 0).all()


def test_test_part_is_the_first_of_the_folds():
    labels, groups = sequences()
    first = folds(labels, groups, seed=3)[0]
    for mine, theirs in zip(train_test(labels, groups, seed=3), first, strict=True):
        assert np.array_equal(mine, theirs)


# Three groups of twelve hold all that is eruptive: the first of five folds often gets none of them.
FEW_SIZES = [5, 5, 7, 8, 2, 3, 7, 8, 3, 4, 8, 4]
FEW_GROUPS = np.repeat(np.arange(12), FEW_SIZES)
FEW_LABELS = np.isin(FEW_GROUPS, [2, 3, 9]).astype(int)


def plain_folds(labels, groups, n, seed):
    splitter = StratifiedGroupKFold(n, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return list(splitter.split(labels, labels, groups))


def of_both_classes(labels, *sides):
    return all(set(labels[side]) == {0, 1} for side in sides)


def test_a_split_with_both_classes_is_found_where_one_exists():
    mended = 0
    for seed in range(40):
        for left in (1, 2):
            train, test = train_test(FEW_LABELS, FEW_GROUPS, seed=seed, left=left)
            assert sorted([*train, *test]) == list(range(len(FEW_LABELS)))
            assert not set(FEW_GROUPS[train]) & set(FEW_GROUPS[test])
            assert of_both_classes(FEW_LABELS, train, test)
            assert len(set(FEW_GROUPS[train][FEW_LABELS[train] == 1])) >= left
            assert 0.05 < len(test) / len(FEW_LABELS) < 0.4
            again = train_test(FEW_LABELS, FEW_GROUPS, seed=seed, left=left)
            assert np.array_equal(test, again[1])
        mended += not of_both_classes(
            FEW_LABELS, plain_folds(FEW_LABELS, FEW_GROUPS, 5, seed)[0][1]
        )
    assert 0 < mended < 40  # the case is what it stands for


@pytest.mark.slow
def test_the_published_case_of_a_split_without_positives():
    table = pd.read_csv(real_data("cases", "c14_split_without_positives", "labels_groups.csv"))
    labels, groups = table["label"].to_numpy(), table["group"].to_numpy()
    for seed in range(100):
        for fraction in (0.1, 0.2, 0.25, 0.5):
            sides = train_test(labels, groups, test_fraction=fraction, seed=seed)
            assert of_both_classes(labels, *sides)
        assert all(of_both_classes(labels, *part) for part in folds(labels, groups, n=3, seed=seed))
    with pytest.raises(TooFewGroupsError, match="3 of the 12 groups of regions hold eruptive"):
        folds(labels, groups, n=5)


@settings(max_examples=60, derandomize=True)
@given(
    kinds=st.lists(
        st.tuples(st.sampled_from(["eruptive", "confined", "both"]), st.integers(1, 40)),
        min_size=5,
        max_size=20,
    ),
    seed=st.integers(0, 3),
)
def test_what_was_fine_is_kept_and_what_was_not_is_mended(kinds, seed):
    groups = np.repeat(np.arange(len(kinds)), [2 * size for _, size in kinds])
    labels = np.concatenate(
        [{"eruptive": [1] * 2, "confined": [0] * 2, "both": [0, 1]}[k] * size for k, size in kinds]
    )
    held = [len(set(groups[labels == label])) for label in (0, 1)]
    if min(held) < 2:
        with pytest.raises((OneClassError, TooFewGroupsError)):
            train_test(labels, groups, seed=seed)
        return
    train, test = train_test(labels, groups, seed=seed)
    assert of_both_classes(labels, train, test)
    plain = plain_folds(labels, groups, 5, seed)
    if of_both_classes(labels, *plain[0]):
        assert np.array_equal(test, plain[0][1])
    if min(held) < 5:
        with pytest.raises(TooFewGroupsError, match=f"{min(held)} of the {len(kinds)} groups"):
            folds(labels, groups, seed=seed)
        return
    parts = folds(labels, groups, seed=seed)
    assert all(of_both_classes(labels, *part) for part in parts)
    if all(of_both_classes(labels, *part) for part in plain):
        assert all(np.array_equal(a[1], b[1]) for a, b in zip(parts, plain, strict=True))


@pytest.mark.parametrize(("fraction", "groups_in_test"), [(0.5, 10), (0.25, 5), (0.1, 2)])
def test_fraction_is_the_nearest_one_over_n(fraction, groups_in_test):
    labels, groups = sequences()
    _, test = train_test(labels, groups, test_fraction=fraction)
    assert len(set(groups[test])) == groups_in_test


def test_seed_decides_and_repeats():
    labels, groups = sequences()
    first, again, other = (train_test(labels, groups, seed=seed)[1] for seed in (0, 0, 1))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("fraction", [0.0, -0.1, 0.6, 1.0])
def test_fraction_out_of_range_is_refused(fraction):
    with pytest.raises(ValueError, match="test_fraction"):
        train_test(*sequences(), test_fraction=fraction)


@pytest.mark.parametrize(("label", "word"), [(0, "None"), (1, "Every one")])
def test_one_class_alone_is_refused(label, word):
    _, groups = sequences()
    with pytest.raises(OneClassError, match=f"{word} of the 240 sequences is eruptive"):
        train_test(np.full(240, label), groups)


@pytest.mark.parametrize(("n_groups", "n"), [(4, 5), (2, 3), (10, 1)])
def test_fewer_groups_than_parts_are_refused(n_groups, n):
    labels, groups = sequences(n_groups)
    with pytest.raises(TooFewGroupsError, match=f"{n_groups} groups .* {n} parts"):
        folds(labels, groups, n=n)


def test_a_class_in_one_group_only_cannot_be_learnt_from():
    groups = np.repeat(np.arange(10), 10)
    with pytest.raises(TooFewGroupsError, match="10 groups"):
        folds((groups == 0).astype(int), groups)


def test_labels_and_groups_must_be_alike():
    with pytest.raises(ValueError, match="alike"):
        folds(np.zeros(3), np.zeros(4))
