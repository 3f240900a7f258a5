"""The paper's ablations: one training for each point of a grid of settings."""

from typing import Any

from sklearn.model_selection import ParameterGrid

from hnn_core.dataset import StoredDataset, find_dataset
from hnn_core.exceptions import TrainingError
from hnn_core.training.assemble import Material, read_material
from hnn_core.training.config import TrainConfig
from hnn_core.training.crossval import check_single, member_run
from hnn_core.training.data import Parts
from hnn_core.training.evaluation import score_row
from hnn_core.training.events import EventLog
from hnn_core.training.outcome import write_scores
from hnn_core.training.run_folder import RunFolder

__all__ = ["PAPER_GRIDS", "grid_points", "sweep"]

PAPER_GRIDS: dict[str, list[Any]] = {
    "frames": [6, 8, 10, 14, 18],
    "patch": [8, 16, 32],
    "depth": [6, 9, 12, 15],
    "width": [192, 384, 768],
    "learning_rate": [1e-5, 1e-4, 1e-3],
}
"""Values for each setting that the paper varied; it names those of frames and patch. ``--grid
frames`` takes them."""


def grid_points(config: TrainConfig, grid: dict[str, list[Any]]) -> dict[str, TrainConfig]:
    """Return the configuration of every point of a grid, by a name made of what varies.

    Raises
    ------
    TrainingError
        If a setting is unknown or cannot vary, or a value is impossible.
    """
    unknown = sorted(set(grid) - set(config.to_dict()))
    if unknown or not grid:
        raise TrainingError(
            f"The grid varies {unknown[0]!r}, which is no setting."
            if unknown
            else "The grid is empty: name a setting and its values, as frames=6,8,10."
        )
    for name in set(grid) & {"dataset", "flare_class"}:
        raise TrainingError(f"{name} cannot vary in a sweep, whose points share a test set.")
    points = {}
    for point in ParameterGrid(grid):
        name = "_".join(f"{key}-{value}" for key, value in sorted(point.items()))
        points[name.replace("/", "-")] = config.changed(**point)
    return points


def sweep(run: RunFolder) -> None:
    """Train every point of the grid; those that are finished are not trained again.

    Parameters
    ----------
    run : RunFolder
        Of kind ``sweep``, its grid in the configuration under ``grid``. Receives the scores of
        all points, each on the same test regions.

    Raises
    ------
    StopRequestedError, HnnError
        As `hnn_core.training.fit.train_run`.
    """
    config = TrainConfig.from_dict(run.config)
    check_single(config, "sweep")
    events = EventLog(run.path / "metrics.jsonl")
    points = grid_points(config, dict(run.config.get("grid", {})))
    dataset = StoredDataset.open(find_dataset(config.dataset))
    for member in points.values():
        Parts.of(dataset, member)  # what the last point lacks is told before the first is trained
    material: Material | None = None
    rows = []
    for name, member in points.items():
        if material is None or not material.serves(member):
            material = read_material(member, events)
        table = member_run(run, name, member, material)
        rows.append({**score_row(table, 0.5), "member": name})
    write_scores(run, config, dataset, rows)
