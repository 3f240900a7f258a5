"""Where maps lie over many windows, and the words and tables that tell of it."""

import threading
from concurrent.futures import CancelledError

import numpy as np
import pandas as pd
import pytest

from analysis.cases.explained import norms_sentence, overlap_rows
from analysis.cases.overlap import Overlap
from analysis.surveys.compare import (
    compare_columns,
    comparison_sentence,
    comparison_table,
    overlap_table,
)
from analysis.surveys.maps import class_overlaps, map_survey
from hnn_core.exceptions import RequestError, UnknownRegionError
from hnn_core.explanation.service import Explanation
from hnn_core.sources import open_source
from tests.support.small_models import small_predictor

pytestmark = pytest.mark.slow


def drawn(share: float, draws: np.ndarray, area: float = 0.1) -> Overlap:
    return Overlap(share, area, float(draws.mean()), draws, share)


def row(region: str, overlap: Overlap, said: str = "eruptive") -> dict[str, object]:
    return {
        "region": region,
        "said": said,
        "outcome": "confined",
        "method": "rollout",
        "part": "ropi",
        "overlap": overlap,
    }


@pytest.fixture(scope="module")
def survey(tmp_path_factory):
    source = open_source("sim:5:2")
    small = small_predictor(tmp_path_factory.mktemp("models"), frames=10)
    told: list[tuple[int, int]] = []
    found = map_survey(
        source, small, step=16, draws=50, progress=lambda *numbers: told.append(numbers)
    )
    return source, small, found, told


def test_each_window_has_a_row_for_each_method_and_part(survey):
    source, small, found, told = survey
    assert told == [(1, 2), (2, 2)]
    windows = found[["region", "t_rec_tai"]].drop_duplicates()
    assert len(found) == len(windows) * 2 * 3
    assert set(found["method"]) == {"rollout", "relevance"}
    for region, own in windows.groupby("region"):
        gaps = own["t_rec_tai"].sort_values().diff().dropna()
        assert (gaps == pd.Timedelta(hours=16)).all()
        # Counted from the last hour, which is the one nearest to the flares to come.
        last = pd.Timestamp(str(source.times(region)[-1].isot))
        assert own["t_rec_tai"].max() == last
    assert ((found["probability"] >= 0.5) == (found["said"] == "eruptive")).all()
    assert all(one.draws.size == 50 and one.n_frames == small.frames for one in found["overlap"])


def test_classes_are_told_apart_by_what_was_said_and_by_what_happened(survey):
    *_, found, _ = survey
    for by in ("said", "outcome"):
        table = class_overlaps(found, by)
        assert set(table[by]) == set(found[by])
        assert table["windows"].sum() == len(found)
        shown = overlap_table(table)
        assert list(shown["predicted" if by == "said" else by]) == list(table[by])
        assert set(shown["part"]) == {"RoPI", "convex hull", "10 Mm of the PIL"}


def test_a_region_counts_once_however_many_windows_it_has():
    draws = np.linspace(0.0, 0.2, 100)
    often = [row("A", drawn(0.5, draws))] * 9 + [row("B", drawn(0.1, draws))]
    found = class_overlaps(pd.DataFrame(often)).iloc[0]
    assert found["share"] == pytest.approx((0.5 + 0.1) / 2)
    assert (found["windows"], found["regions"]) == (10, 2)


def test_p_of_a_class_is_that_of_the_mean_draws():
    # Two regions whose draws are perfectly opposed: their mean is always 0.1.
    up, down = np.linspace(0.0, 0.2, 99), np.linspace(0.2, 0.0, 99)
    rows = pd.DataFrame([row("A", drawn(0.15, up)), row("B", drawn(0.15, down))])
    assert class_overlaps(rows).iloc[0]["p"] == pytest.approx(1 / 100)


def test_windows_without_a_line_do_not_count_as_regions():
    nothing = drawn(0.0, np.zeros(10), area=0.0)
    rows = pd.DataFrame([row("A", nothing), row("B", drawn(0.5, np.linspace(0, 0.2, 10)))])
    found = class_overlaps(rows).iloc[0]
    assert (found["regions"], found["windows"]) == (1, 2)
    assert found["share"] == 0.5


def test_bad_questions_are_refused(survey):
    source, small, *_ = survey
    with pytest.raises(UnknownRegionError, match="SIM 99"):
        map_survey(source, small, ["SIM 99"])
    with pytest.raises(RequestError, match="integrated-gradients draws no map"):
        map_survey(source, small, ["SIM 1"], methods=["integrated-gradients"], step=100)


def test_it_can_be_cancelled_within_a_region(survey):
    source, small, *_ = survey
    flag = threading.Event()
    flag.set()
    with pytest.raises(CancelledError):
        map_survey(source, small, cancel=flag)


def test_overlaps_as_rows():
    found = {
        "ropi": drawn(0.25, np.linspace(0.0, 0.2, 99)),
        "hull": drawn(0.0, np.zeros(99), area=0.0),
        "near": drawn(np.nan, np.full(99, np.nan)),
    }
    rows = overlap_rows(found)
    assert rows.loc[0].tolist() == ["RoPI", "10.0", "25.0", "10.0", "2.50", "0.01", 99]
    assert rows["p"].to_list()[1:] == ["no PIL", "no mass of the map"]
    assert rows.loc[1, "share (%)"] == "–"


def norms(flagged: np.ndarray) -> Explanation:
    return Explanation(
        method="token-norms",
        title="",
        signed=False,
        maps=np.ones(flagged.shape, np.float32),
        hours=None,
        target=None,
        parameters={"ratio": 3.0},
        model="m",
        sha256="",
        region="377",
        t_rec=(),
        flagged=flagged,
    )


def test_artefact_tokens_in_words():
    flagged = np.zeros((2, 2, 2), dtype=bool)
    maps = np.ones((2, 2, 2))
    assert norms_sentence(norms(flagged), maps).startswith("No token stands out: none of 8")
    flagged[1, 0, 1] = True
    maps[1, 0, 1] = -3.0
    said = norms_sentence(norms(flagged), maps)
    assert said.startswith("1 of 8 tokens stand out, and 30.0 % of the map's magnitude")


def survey_table(eruptive, confined) -> pd.DataFrame:
    column = "moving_unsigned_slope_percent_per_h"
    return pd.DataFrame(
        [
            {"region": f"{kind}{i}", "outcome": kind, column: value}
            for kind, values in (("eruptive", eruptive), ("confined", confined))
            for i, value in enumerate(values)
        ]
    )


@pytest.mark.parametrize(
    ("shift", "words"), [(5.0, "differs between the classes"), (0.0, "shows no difference between")]
)
def test_a_comparison_is_told_no_stronger_than_it_is(shift, words):
    values = np.arange(10) / 10
    table = survey_table(values - shift, values)
    compared = compare_columns(table, ["moving_unsigned_slope_percent_per_h"], draws=500)
    said = comparison_sentence(compared.iloc[0])
    assert words in said
    assert f"median {values.mean() - shift:+.2f}".replace("-", "−") in said
    assert "10 eruptive regions" in said
    shown = comparison_table(compared).iloc[0]
    assert shown["quantity"] == "PIL flux slope, moving RoPI (%/h)"
    assert shown["regions"] == "10 + 10"
