"""The demo world as it is written: TOML files, one per story, read into checked rows.

``funds.toml`` holds ``[[fund]]``, ``customers.toml`` ``[[customer]]`` and ``[[deliberation]]``;
every other file is a story: ``[[person]]``, ``[[file]]``, ``[[line]]`` (docs/demo-world.md).
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from datetime import date
from importlib.resources.abc import Traversable
from typing import Annotated, TypeVar

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    PlainValidator,
    ValidationError,
)

from ksz_childbenefits.domain import ssin
from ksz_childbenefits.domain.customers import Deliberation, Revocation
from ksz_childbenefits.domain.files import FileType
from ksz_childbenefits.domain.months import YearMonth
from ksz_childbenefits.domain.persons import SsinStatus
from ksz_childbenefits.domain.sources import AuthenticSource, Operator
from ksz_childbenefits.errors import DataError

FUNDS = "funds.toml"
CUSTOMERS = "customers.toml"


def _valid_ssin(text: str) -> str:
    if not ssin.is_valid(text):
        raise ValueError("not a valid SSIN (DOMAIN 4)")
    return text


def _month(text: object) -> YearMonth:
    return YearMonth.parse(str(text))


Ssin = Annotated[str, AfterValidator(_valid_ssin)]
Month = Annotated[YearMonth, PlainValidator(_month)]


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class FactorRow(_Row):
    """A connecting factor of a person (DOMAIN 1)."""

    factor: int
    nis: str
    begin: date = Field(alias="from")
    end: date | None = Field(None, alias="to")


class PersonRow(_Row):
    """A number of the register; ``name`` is a handle for readers and is never stored."""

    ssin: Ssin
    name: str
    birth_date: date | None = None
    status: SsinStatus = SsinStatus.EXISTING
    replaced_by: Ssin | None = None
    not_inscribed_for: tuple[str, ...] = ()
    factors: tuple[FactorRow, ...] = ()


class BonusRow(_Row):
    """A single payment; ``beneficiaries`` on a child in FLANDERS only."""

    payment_date: date = Field(alias="date")
    category: str
    beneficiaries: tuple[Ssin, ...] = ()


class PeriodRow(_Row):
    """Monthly payments; ``beneficiaries`` on a child in FLANDERS only."""

    begin: Month = Field(alias="from")
    end: Month | None = Field(None, alias="to")
    category: str
    beneficiaries: tuple[Ssin, ...] = ()


class MemberRow(_Row):
    """A child or a beneficiary of a file."""

    ssin: Ssin
    bonuses: tuple[BonusRow, ...] = ()
    periods: tuple[PeriodRow, ...] = ()


class FileRow(_Row):
    """A file at an operator; ``known`` false: neither repertory knows its persons by it."""

    operator: Operator
    source: AuthenticSource
    type: FileType = FileType.CHILD_BENEFIT
    begin: date = Field(alias="from")
    end: date | None = Field(None, alias="to")
    fund: str
    number: str | None = None
    entitled: Ssin | None = None
    known: bool = True
    children: tuple[MemberRow, ...]
    beneficiaries: tuple[MemberRow, ...] = ()


class LineRow(_Row):
    """A line of the person repertory beside those derived from files."""

    holder: AuthenticSource | None = None
    customer: str | None = None
    ssin: Ssin
    sector: int
    quality: int
    phase: int = 0
    type: FileType | None = None
    begin: date = Field(alias="from")
    end: date | None = Field(None, alias="to")


class Story(_Row):
    """One story file: what it shows, by which rule, and its rows."""

    story: str
    cites: str
    persons: tuple[PersonRow, ...] = Field((), alias="person")
    files: tuple[FileRow, ...] = Field((), alias="file")
    lines: tuple[LineRow, ...] = Field((), alias="line")


class CustomerRow(_Row):
    """An institution with access (DOMAIN 7)."""

    name: str
    title: str
    cbe: str
    sector: int | None = None
    institution: int | None = None


class RevocationRow(_Row):
    """When a deliberation was revoked, and why."""

    at: AwareDatetime
    reason: str


class DeliberationRow(_Row):
    """What a customer may ask (DOMAIN 7)."""

    number: str
    customer: str
    legal_contexts: frozenset[str]
    sources: frozenset[AuthenticSource]
    months_back: int | None = None
    inscription_required: bool
    valid_from: date
    valid_to: date | None = None
    withheld: frozenset[str] = frozenset()
    revoked: RevocationRow | None = None

    def as_value(self) -> Deliberation:
        """The deliberation of this row; UnknownBlock where it withholds what nobody can."""
        revoked = None if self.revoked is None else Revocation(**dict(self.revoked))
        return Deliberation(**dict(self) | {"revoked": revoked})


class FundRow(_Row):
    """A paying actor and its names (DOMAIN 6)."""

    number: str = Field(pattern="^([0-9]{3}|[01][0-9]{9})$")
    nl: str | None = None
    fr: str | None = None
    de: str | None = None


class _Funds(_Row):
    funds: tuple[FundRow, ...] = Field(alias="fund")


class _Customers(_Row):
    customers: tuple[CustomerRow, ...] = Field(alias="customer")
    deliberations: tuple[DeliberationRow, ...] = Field(alias="deliberation")


class World(BaseModel):
    """All rows of a world; ``stories`` by the name of their file."""

    model_config = ConfigDict(frozen=True)

    funds: tuple[FundRow, ...]
    customers: tuple[CustomerRow, ...]
    deliberations: tuple[DeliberationRow, ...]
    stories: dict[str, Story]


_Form = TypeVar("_Form", bound=_Row)


def read_world(folder: Traversable) -> World:
    """The world in a folder; DataError names the file and the row that cannot be read."""
    customers = _read(folder / CUSTOMERS, _Customers)
    return World(
        funds=_read(folder / FUNDS, _Funds).funds,
        customers=customers.customers,
        deliberations=customers.deliberations,
        stories={path.name: _read(path, Story) for path in _story_files(folder)},
    )


def _story_files(folder: Traversable) -> Iterator[Traversable]:
    for path in sorted(folder.iterdir(), key=lambda path: path.name):
        if path.name.endswith(".toml") and path.name not in (FUNDS, CUSTOMERS):
            yield path


def _read(path: Traversable, form: type[_Form]) -> _Form:
    try:
        return form.model_validate(tomllib.loads(path.read_text("utf-8")))
    except FileNotFoundError:
        raise DataError(f"{path.name} is missing") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DataError(f"{path.name} is no TOML: {error}") from None
    except ValidationError as error:
        # Without their cause: pydantic's own text shows the values, which are personal data.
        first = error.errors(include_input=False)[0]
        raise DataError(f"{path.name}, {_place(first['loc'])}: {first['msg']}") from None


def _place(location: tuple[int | str, ...]) -> str:
    """``person 1, factors 2, nis``: rows are counted from one."""
    text = "".join(f" {part + 1}" if isinstance(part, int) else f", {part}" for part in location)
    return text.removeprefix(", ")
