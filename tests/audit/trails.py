"""Records, and trails of them as several writers leave them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count
from typing import Any
from uuid import UUID

from sqlalchemy import Engine, select

from ksz_childbenefits.audit.chain import Head
from ksz_childbenefits.audit.findings import Finding
from ksz_childbenefits.audit.marks import Believed
from ksz_childbenefits.audit.record import Entry, Particulars, Record
from ksz_childbenefits.audit.verification import Verification
from ksz_childbenefits.audit.writer import Writer
from ksz_childbenefits.registers.audit_schema import audit_records
from ksz_childbenefits.registers.database import reading
from ksz_childbenefits.security.credentials import ServiceKeys
from tests.registers.numbers import NOOR
from tests.security.pki import pki

_numbers = count(1)


def keys() -> ServiceKeys:
    return ServiceKeys(pki().service.credentials)


def believed() -> Believed:
    return Believed.of([pki().service.certificate])


def record(
    *persons: str, caller: str = "fedris", at: datetime | None = None, **told: Any
) -> Record:
    """A consultation that went well, under a ticket of its own; now, unless said otherwise."""
    at = at or datetime.now(UTC)
    particulars = Particulars(
        ticket="customers-own-ticket",
        legal_context="PCSA:SOCIAL_INQUIRY",
        deliberations=("24/123",),
        persons=persons or (NOOR,),
        begin="2019-01",
        end="2024-12",
        asked=("FEDERAL", "WALLONIA"),
        consulted=("WALLONIA",),
        statuses={"FEDERAL": "MSG00021", "WALLONIA": "MSG00000"},
        withheld={"WALLONIA": ("bonuses",)},
    )
    return Record(
        ticket=str(UUID(int=next(_numbers))),
        service="ChildBenefitsService",
        operation="consultFilesBySsin",
        caller=caller,
        certificate="c0" * 32,
        particulars=replace(particulars, **told),
        status="MSG00000",
        fault=None,
        received=at,
        replied=at,
        request=b"the request",
        reply=b"the reply",
    )


def entries(*records: Record) -> list[Entry]:
    return [Entry(one, one.body()) for one in records]


def trail(engine: Engine, *groups: int, writers: int = 1) -> None:
    """Orderly chains, side by side: each writer stores groups of so many records, then stops."""
    made = [Writer(engine, keys()) for _ in range(writers)]
    for size in groups:
        for writer in made:
            writer.write(entries(*(record() for _ in range(size))))
    for writer in made:
        writer.stop()


def findings(engine: Engine, witness: Iterable[Head] = ()) -> list[Finding]:
    return list(Verification(believed()).findings(engine, witness, lambda *_: None))


def rows(engine: Engine) -> Sequence[Any]:
    """All items, chain by chain."""
    query = select(audit_records).order_by(audit_records.c.writer, audit_records.c.number)
    with reading(engine) as connection:
        return connection.execute(query).all()


def texts(engine: Engine) -> list[dict[str, Any]]:
    return [json.loads(row.text) for row in rows(engine)]


def marks(engine: Engine) -> list[str]:
    """The kinds of all items, chain by chain: a mark's name, or "record"."""
    return [members.get("mark", "record") for members in texts(engine)]
