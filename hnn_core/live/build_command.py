"""The command line of planned data sets and of checking: ``data build --class|verify``."""

import typer

from hnn_core.live.reporting import counted, reporting

__all__ = ["build_class", "verify_everything"]


def build_class(
    flare_class: str,
    start: str,
    end: str,
    out: str,
    policy: str,
    *,
    hours: int,
    workers: int,
    only_plan: bool,
    again: bool,
    allow_missing: bool,
    as_json: bool,
) -> None:
    """Fetch and build the data set of a class: ``data build --class``."""
    from hnn_core.dataset.build import check_options
    from hnn_core.dataset.catalog import dataset_folder
    from hnn_core.dataset.classes import FLARE_CLASSES
    from hnn_core.dataset.report import report
    from hnn_core.live import building, words
    from hnn_core.live.estimate import estimate
    from hnn_core.live.plan import PlanRequest

    check_options(policy, hours)
    folder = dataset_folder(out)
    request = PlanRequest(flare_class, words.read_day(start), words.read_day(end), hours)
    with reporting("build", as_json=as_json) as reporter:
        plan = building.planned(request, reporter, again=again)
        cost = estimate(plan)
        reporter.plan(
            f"Plan for ≥{flare_class}: {cost.text}.",
            regions=cost.regions,
            flares=cost.flares,
            frames=cost.frames,
            here=cost.here,
            bytes=round(cost.n_bytes),
            seconds=round(cost.seconds),
        )
        for why, count in plan.excluded.items():
            reporter.excluded(counted(count, "flare"), why, count)
        if only_plan:
            reporter.end(f"Only planned: {cost.text}.", plan=True)
            return
        dataset = building.build_planned(
            plan,
            folder,
            reporter,
            policy=policy,
            workers=workers or None,
            allow_missing=allow_missing,
        )
        if flare_class != FLARE_CLASSES[-1]:
            reporter.note(
                f"Only the hours before flares of class ≥{flare_class} were fetched, so that the "
                "rows of weaker classes count what lies there, not all there is."
            )
        if not as_json:
            typer.echo(report(dataset.name, dataset.folder, dataset.card))
        counts = dataset.card["counts"][flare_class]
        reporter.end(
            f"{dataset.name}: {counts['positive']} eruptive and {counts['negative']} confined "
            f"frames of class ≥{flare_class} from {dataset.card['regions']} regions.",
            folder=str(dataset.folder),
            counts=dataset.card["counts"],
            paper_table1=dataset.card["paper_table1"],
            excluded_hours=dataset.card["excluded"],
            sha256=dataset.sha256,
        )


def verify_everything(*, remove_damaged: bool, as_json: bool) -> None:
    """Check every file and row on this machine: ``data verify``."""
    from hnn_core.exceptions import CatalogError
    from hnn_core.live.verifying import verify_all

    with reporting("verify", as_json=as_json) as reporter:
        verdict = verify_all(reporter, remove_damaged=remove_damaged)
        read = (
            f"{verdict.magnetograms} magnetograms, {verdict.replies} replies and "
            f"{verdict.datasets} data sets were read"
        )
        if verdict.damaged:
            what, why = verdict.damaged[0]
            raise CatalogError(
                f"{read}; {len(verdict.damaged)} are damaged, the first: {what}: {why}"
            )
        reporter.end(f"{read}; all are sound.", damaged=0)
