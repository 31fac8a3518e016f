"""The region of a municipality by its NIS code, with the history of the codes (DOMAIN 3)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta

from ksz_childbenefits.domain.sources import AuthenticSource

MUNICIPALITIES: dict[str, AuthenticSource] = {
    **dict.fromkeys(
        (
            "63001",  # Amel
            "63012",  # Büllingen
            "63013",  # Bütgenbach
            "63023",  # Eupen
            "63040",  # Kelmis
            "63048",  # Lontzen
            "63061",  # Raeren
            "63067",  # Sankt Vith
            "63087",  # Burg-Reuland
        ),
        AuthenticSource.EASTBELGIUM,
    ),
    **{f"210{number:02d}": AuthenticSource.BRUSSELS for number in range(1, 20)},
}
"""The municipalities whose region no prefix tells (DOMAIN 3)."""

PREFIXES: dict[str, AuthenticSource] = {
    **dict.fromkeys(("1", "23", "24", "3", "4", "7"), AuthenticSource.FLANDERS),
    **dict.fromkeys(("25", "5", "6", "8", "9"), AuthenticSource.WALLONIA),
}
"""The region by the first digits of a NIS code, of at most one prefix each (DOMAIN 3)."""


@dataclass(frozen=True, slots=True)
class Change:
    """On ``day`` the municipalities ``before`` became ``after``: a merger, or a new code."""

    day: date
    before: tuple[str, ...]
    after: str


_2019 = date(2019, 1, 1)
_2025 = date(2025, 1, 1)

CHANGES: tuple[Change, ...] = (
    Change(_2019, ("12030", "12034"), "12041"),
    Change(_2019, ("44011", "44049"), "44083"),
    Change(_2019, ("44001", "44029"), "44084"),
    Change(_2019, ("44036", "44072", "44080"), "44085"),
    Change(_2019, ("45017", "45057"), "45068"),
    Change(_2019, ("72040", "71047"), "72042"),
    Change(_2019, ("72025", "72029"), "72043"),
    Change(_2019, ("55010",), "51067"),
    Change(_2019, ("55039",), "51068"),
    Change(_2019, ("55023",), "51069"),
    Change(_2019, ("52063",), "55085"),
    Change(_2019, ("52043",), "55086"),
    Change(_2019, ("54007",), "57096"),
    Change(_2019, ("54010",), "57097"),
    Change(_2019, ("55022",), "58001"),
    Change(_2019, ("56011",), "58002"),
    Change(_2019, ("56085",), "58003"),
    Change(_2019, ("56087",), "58004"),
    Change(_2025, ("11002", "11007"), "11002"),
    Change(_2025, ("23023", "23024", "23032"), "23106"),
    Change(_2025, ("37012", "37018"), "37021"),
    Change(_2025, ("37007", "37015"), "37022"),
    Change(_2025, ("44012", "44048"), "44086"),
    Change(_2025, ("44034", "44073"), "44087"),
    Change(_2025, ("46014", "44045"), "46029"),
    Change(_2025, ("44040", "44043"), "44088"),
    Change(_2025, ("46003", "46013", "11056"), "46030"),
    Change(_2025, ("73006", "73032"), "73110"),
    Change(_2025, ("73009", "73083"), "73111"),
    Change(_2025, ("71069", "71057"), "71071"),
    Change(_2025, ("71022", "73040"), "71072"),
    Change(_2025, ("82003", "82005"), "82039"),
)
"""The codes that changed, none across a region (DOMAIN 3)."""

VALID_FROM: dict[str, date] = {c.after: c.day for c in CHANGES if c.after not in c.before}
"""The first day of the codes that came with a change."""

VALID_UNTIL: dict[str, date] = {
    code: change.day - timedelta(days=1)
    for change in CHANGES
    for code in change.before
    if code != change.after
}
"""The last day of the codes that went with a change."""

_NIS_CODE = re.compile("[0-9]{5}")


class UnknownMunicipality(ValueError):
    """A NIS code of no region, or one that did not exist on its day: an error in the data."""


def region_of(nis: str, on: date) -> AuthenticSource:
    """The region of the municipality ``nis`` for a row that begins on the day ``on`` (DOMAIN 3).

    A row that runs on past a recoding stays valid: only its first day counts. Raises
    UnknownMunicipality; there is no default region.
    """
    region = MUNICIPALITIES.get(nis) or PREFIXES.get(nis[:1]) or PREFIXES.get(nis[:2])
    if region is None or not _NIS_CODE.fullmatch(nis):
        raise UnknownMunicipality(f"NIS code {nis!r} lies in no region")
    if not VALID_FROM.get(nis, date.min) <= on <= VALID_UNTIL.get(nis, date.max):
        raise UnknownMunicipality(f"NIS code {nis} did not exist on {on}")
    return region
