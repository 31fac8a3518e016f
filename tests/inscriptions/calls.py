"""Calls to the maintenance service as values, by whom, and what they write."""

from __future__ import annotations

from datetime import date

from ksz_childbenefits.domain.consultation import Identification
from ksz_childbenefits.domain.customers import Customer
from ksz_childbenefits.domain.files import FileType
from ksz_childbenefits.domain.inscriptions import (
    Draft,
    Listing,
    Maintainer,
    Maintenance,
    Operation,
    Sender,
    Writer,
)
from ksz_childbenefits.domain.sources import AuthenticSource, Operator
from tests.registers.numbers import NOOR

BEFORE, SINCE = date(2023, 12, 31), date(2024, 1, 1)
"""The last day of ORINT, and the first of Iriscare and AVIQ (DOMAIN 1)."""

NUMBER = "0900020141"
AVIQ, IRISCARE, ORINT, OPGROEIEN = (
    Maintainer(operator, frozenset({NUMBER}))
    for operator in (Operator.AVIQ, Operator.IRISCARE, Operator.ORINT, Operator.OPGROEIEN)
)
FEDRIS = Customer("fedris", "0206734318", None, None)
NAMUR = Customer("ocmw-namur", "0207656610", 17, 1)
ME = Identification(cbe_number=NUMBER)


def of_source(begin: str = "2024-02-01", end: str | None = None, **other: object) -> Draft:
    """A child's line of a source, in sector 7."""
    usual = {"ssin": NOOR, "sector": 7, "quality": 104, "phase": 0, "archive": None}
    values = usual | {"file_type": FileType.CHILD_BENEFIT, "begin": begin, "end": end} | other
    return Draft(**values)  # type: ignore[arg-type]


def inscription(begin: str = "2024-02-01", end: str | None = None, **other: object) -> Draft:
    """A customer's inscription."""
    return of_source(begin, end, **({"sector": 17, "quality": 1, "file_type": None} | other))


def sender(writer: Writer, ticket: str | None = "t-1") -> Sender:
    number = writer.cbe_number if isinstance(writer, Customer) else NUMBER
    return Sender(Identification(cbe_number=number), ticket, None, "ANY:PURPOSE")


def call(
    writer: Writer,
    *drafts: Draft,
    source: AuthenticSource | None = None,
    ticket: str | None = "t-1",
    operation: Operation = Operation.REGISTER,
) -> Maintenance:
    return Maintenance(operation, sender(writer, ticket), source, drafts)


def listing(
    writer: Writer,
    source: AuthenticSource | None = None,
    ssin: str = NOOR,
    begin: str | None = None,
    end: str | None = None,
) -> Listing:
    return Listing(sender(writer), source, ssin, begin, end)
