"""An invented population: families with valid numbers, and where they live (DOMAIN 1, 3, 4).

Everything follows from a seed. Serials 1 to 899 only: from 900 on they are those of the stories.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from ksz_childbenefits.domain.persons import ConnectingFactor
from ksz_childbenefits.domain.sources import AuthenticSource
from ksz_childbenefits.domain.ssin import check_digits
from ksz_childbenefits.errors import UsageError

LAST_SERIAL = 899
"""The highest serial that is given out; odd male, even female (DOMAIN 4)."""

MUNICIPALITIES: dict[AuthenticSource, tuple[str, ...]] = {
    AuthenticSource.FLANDERS: (
        *("12025", "13040", "24062", "31005", "34022", "35013", "41002", "44021", "46021", "71016"),
    ),
    AuthenticSource.WALLONIA: (
        *("25072", "52011", "53053", "57081", "62063", "63079", "81001", "91034", "92094"),
    ),
    AuthenticSource.BRUSSELS: tuple(f"210{number:02d}" for number in range(1, 20)),
    AuthenticSource.EASTBELGIUM: ("63001", "63012", "63023", "63040", "63061", "63067"),
}
"""Municipalities whose code has never changed (DOMAIN 3)."""

_INHABITANTS = (57, 31, 11, 1)
"""Roughly how many of a hundred live in each of these regions."""

MOVES = tuple(date(year, month, 1) for year in range(2017, 2025) for month in (1, 6))
"""The days on which families move, after which they stay."""

_MOVING = 0.25
"""The share of families that move."""

_FIRST_BORN = (date(1996, 1, 1).toordinal(), date(2021, 12, 31).toordinal())
_LAST_BORN = date(2025, 6, 30).toordinal()
_PARENTS_AGE = (20 * 365, 36 * 365)
_BETWEEN_SIBLINGS = (500, 1300)
_CHILDREN = (1, 1, 2, 2, 2, 3)


@dataclass(frozen=True, slots=True)
class Relative:
    """A member of a family: number and day of birth."""

    ssin: str
    birth_date: date


@dataclass(frozen=True, slots=True)
class Home:
    """Where a family lives: ``nis``, and from ``moved`` on ``later_nis``."""

    nis: str
    region: AuthenticSource
    moved: date | None = None
    later_nis: str | None = None
    later_region: AuthenticSource | None = None

    def factors(self, birth_date: date) -> tuple[ConnectingFactor, ...]:
        """The legal domiciles of a person born on this day (factor 1)."""
        if self.moved is None or self.later_nis is None:
            return (ConnectingFactor(1, self.nis, birth_date, None),)
        if birth_date >= self.moved:
            return (ConnectingFactor(1, self.later_nis, birth_date, None),)
        return (
            ConnectingFactor(1, self.nis, birth_date, self.moved - timedelta(days=1)),
            ConnectingFactor(1, self.later_nis, self.moved, None),
        )


@dataclass(frozen=True, slots=True)
class Family:
    """Two parents and one to three children, the eldest first, who live together."""

    mother: Relative
    father: Relative
    children: tuple[Relative, ...]
    home: Home

    @property
    def members(self) -> tuple[Relative, ...]:
        """All of them."""
        return (self.mother, self.father, *self.children)


class Numbers:
    """Gives out each valid number at most once, in memory that does not grow with their count."""

    def __init__(self) -> None:
        """Nothing given out yet."""
        self._last: dict[tuple[int, bool], int] = {}

    def born(self, day: int, male: bool) -> Relative:
        """A new number of a birth on this day (an ordinal), or the next day that has one left."""
        for ordinal in range(day, date.max.toordinal()):
            serial = self._last.get((ordinal, male), -1 if male else 0) + 2
            if serial <= LAST_SERIAL:
                self._last[ordinal, male] = serial
                birth_date = date.fromordinal(ordinal)
                digits = f"{birth_date:%y%m%d}{serial:03d}"
                number = digits + check_digits(digits, birth_date.year >= 2000)
                return Relative(number, birth_date)
        raise UsageError("there are no numbers left")


def families(seed: int) -> Iterator[Family]:
    """Families without end, always the same for the same seed."""
    chance, numbers = Random(seed), Numbers()  # noqa: S311 - invented persons, no secrets
    while True:
        births = [chance.randint(*_FIRST_BORN)]
        for _ in range(chance.choice(_CHILDREN) - 1):
            births.append(min(births[-1] + chance.randint(*_BETWEEN_SIBLINGS), _LAST_BORN))
        first = births[0]
        yield Family(
            mother=numbers.born(first - chance.randint(*_PARENTS_AGE), male=False),
            father=numbers.born(first - chance.randint(*_PARENTS_AGE), male=True),
            children=tuple(numbers.born(day, chance.random() < 0.5) for day in births),
            home=_home(chance),
        )


def _home(chance: Random) -> Home:
    region, later = chance.choices(tuple(MUNICIPALITIES), _INHABITANTS, k=2)
    nis = chance.choice(MUNICIPALITIES[region])
    if chance.random() >= _MOVING:
        return Home(nis, region)
    moved = chance.choice(MOVES)
    return Home(nis, region, moved, chance.choice(MUNICIPALITIES[later]), later)
