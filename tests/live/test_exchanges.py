"""What the live tests hold against the audit trail is found where it is wrong."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Engine

from ksz_childbenefits.audit.record import Record
from ksz_childbenefits.audit.writer import Writer
from tests.audit.trails import entries, keys, record
from tests.live.exchanges import DATA, REPLAYED, STALE, UNAVAILABLE, Exchange, wrong
from tests.registers.databases import migrated, sqlite

__all__ = ["migrated", "sqlite"]


def kept(record: Record, said: str | None = DATA) -> Exchange:
    """The exchange that a record is of."""
    ticket = f"<ticketCBSS>{record.ticket}</ticketCBSS>".encode()
    record.request, record.reply = ticket + b" asked", ticket + b"<results/>"
    return Exchange(record.caller, record.request, record.reply, said)


def stored(engine: Engine, *records: Record) -> None:
    writer = Writer(engine, keys())
    writer.write(entries(*records))
    writer.stop()


def test_what_is_recorded_as_told_is_right(sqlite: Engine) -> None:
    one, other, refused = record(), record(), record()
    told = [kept(one), replace(kept(other), reply=b"", said=None), kept(refused, REPLAYED)]
    refused.fault = "wsse:FailedCheck"
    stored(sqlite, one, other, refused)
    cut = replace(told[0], reply=told[0].reply[:-3], said=None)
    expired = Exchange("fedris", b"", b"<ticketCBSS>" + b"0" * 36 + b"</ticketCBSS>", STALE)
    nothing = replace(expired, said=UNAVAILABLE)
    assert wrong(sqlite, [*told, cut, expired, nothing]) == []


@pytest.mark.parametrize(
    "told",
    [
        {"reply": b"<ticketCBSS>" + b"0" * 36 + b"</ticketCBSS>"},
        {"reply": b""},
        {"caller": "sfpd"},
        {"request": b"another"},
        {"said": UNAVAILABLE},
        {"said": STALE},
    ],
    ids=str,
)
def test_what_was_told_otherwise_than_recorded_is_wrong(
    sqlite: Engine, told: dict[str, Any]
) -> None:
    one = record()
    exchange = kept(one)
    stored(sqlite, one)
    assert len(wrong(sqlite, [replace(exchange, **told)])) == 1


def test_what_is_recorded_twice_is_wrong(sqlite: Engine) -> None:
    one = record()
    exchange = kept(one)
    stored(sqlite, one, one)
    assert "2 records" in wrong(sqlite, [exchange])[0]


def test_a_message_that_is_served_twice_is_wrong(sqlite: Engine) -> None:
    one, two = record(), record()
    first, second = kept(one), kept(two)
    two.request = one.request
    stored(sqlite, one, two)
    found = wrong(sqlite, [first, replace(second, request=first.request)])
    assert [text.partition(":")[0] for text in found] == ["served 2 times", "told 2 times"]
