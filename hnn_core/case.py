"""A case: one region at one hour, with the model that was asked; and sets of a few of them."""

from dataclasses import dataclass

from hnn_core.exceptions import RequestError
from hnn_core.tai import iso_minute, parse_t_rec

__all__ = ["MOST_CASES", "Case", "CaseSet", "cases_from_link", "cases_to_link"]

MOST_CASES = 12
"""Twice as many as the paper's Figures 6 and 7 show; more belong into a survey."""

_BETWEEN_CASES, _BETWEEN_PARTS = "~", "!"
"""Marks that an address keeps as they are and that no region or hour holds."""
_PERCENT = "%"


@dataclass(frozen=True)
class Case:
    """One region at one hour."""

    source: str
    """As `hnn_core.sources.open_source` takes it."""
    region: str
    """`Region.id`."""
    hour: str
    """The reference time t: ISO minutes, TAI."""
    model: str = ""
    """Name of the model that was asked; empty if none was."""
    sha256: str = ""
    """Of the model's weights then; empty if not known."""
    probability: float | None = None
    """What the model said then; None if it said nothing."""

    def __post_init__(self) -> None:
        for name in ("source", "region"):
            if not getattr(self, name).strip():
                raise RequestError(f"A case without a {name} cannot be shown; choose one.")
        try:
            hour = iso_minute(parse_t_rec(self.hour))
            object.__setattr__(self, "hour", hour.zfill(16))  # years before 1000
        except (ValueError, OverflowError) as error:  # the latter: year 0
            raise RequestError(
                f"“{self.hour[:30]}” is no hour of {self.region}; write 2011-02-15T01:00 (TAI)."
            ) from error
        if self.probability is not None and not 0.0 <= self.probability <= 1.0:
            raise RequestError(
                f"{self.probability!r} is no probability of the case {self.region} {self.hour}."
            )

    @property
    def key(self) -> tuple[str, str, str]:
        """What makes it the same case, whatever a model says of it."""
        return (self.source, self.region, self.hour)


@dataclass(frozen=True)
class CaseSet:
    """Cases that are looked at together, under a name."""

    name: str
    cases: tuple[Case, ...]
    saved: str = ""
    """ISO seconds, UTC."""
    program: str = ""
    """Version of the program that saved it."""

    def __post_init__(self) -> None:
        if not 0 < len(self.cases) <= MOST_CASES:
            raise RequestError(
                f"{len(self.cases)} cases make no set; choose from 1 to {MOST_CASES}."
            )
        if len({case.key for case in self.cases}) < len(self.cases):
            raise RequestError(f"The set {self.name!r} has a case twice; take one of the two out.")


def cases_to_link(cases: tuple[Case, ...]) -> str:
    """Write cases as one value of an address, with the models' names but not their answers.

    ``sim:!SIM 1!2011-02-14T00:00!demo~fits:/data!377!2011-02-15T01:00!demo``
    """
    return _BETWEEN_CASES.join(
        _BETWEEN_PARTS.join(
            _escaped(part) for part in (case.source, case.region, case.hour, case.model)
        )
        for case in cases
    )


def cases_from_link(text: str) -> tuple[Case, ...]:
    """Read what `cases_to_link` wrote; a case that is there twice counts once.

    Raises
    ------
    RequestError
        If it is not such a text or holds more cases than a set.
    """
    cases: dict[tuple[str, str, str], Case] = {}
    for one in text.split(_BETWEEN_CASES) if text else ():
        parts = [_plain(part) for part in one.split(_BETWEEN_PARTS)]
        if len(parts) != 4:
            raise RequestError(f"The link holds no case in “{one[:60]}”; copy the whole address.")
        source, region, hour, model = parts
        case = Case(source, region, hour, model)
        cases[case.key] = case
    if len(cases) > MOST_CASES:
        raise RequestError(f"The link holds {len(cases)} cases; up to {MOST_CASES} fit on a page.")
    return tuple(cases.values())


def _escaped(part: str) -> str:
    for mark in (_PERCENT, _BETWEEN_CASES, _BETWEEN_PARTS):
        part = part.replace(mark, f"%{ord(mark):02X}")
    return part


def _plain(part: str) -> str:
    for mark in (_BETWEEN_PARTS, _BETWEEN_CASES, _PERCENT):
        part = part.replace(f"%{ord(mark):02X}", mark)
    return part
