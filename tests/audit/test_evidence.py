"""The messages themselves: nothing of them can be read, or exchanged, without the key."""

from __future__ import annotations

import secrets

import pytest
from sqlalchemy import Engine, select, update

from ksz_childbenefits.audit.evidence import EvidenceBox
from ksz_childbenefits.audit.reading import Evidence, Trail
from ksz_childbenefits.audit.record import Record
from ksz_childbenefits.audit.trail import AuditTrail
from ksz_childbenefits.errors import ConfigurationError, DataError
from ksz_childbenefits.registers.audit_schema import audit_evidence, audit_records
from ksz_childbenefits.registers.database import writing
from tests.audit.trails import findings, keys, record

KEY = bytes(range(32))


def with_messages(request: bytes = b"<request/>" * 50, reply: bytes = b"<reply/>" * 50) -> Record:
    made = record()
    made.request, made.reply = request, reply
    return made


@pytest.fixture
def box() -> EvidenceBox:
    return EvidenceBox(KEY)


def test_what_is_kept_comes_back(box: EvidenceBox) -> None:
    made = with_messages()
    kept = box.keep(made)
    assert EvidenceBox(KEY).give(made.ticket, *kept) == (made.request, made.reply)
    assert all(len(part) < len(made.request) for part in kept)  # packed
    assert not any(word in part for part in kept for word in (b"request", b"reply"))


def test_the_same_message_is_never_kept_as_the_same_bytes(box: EvidenceBox) -> None:
    made = with_messages(b"same", b"same")
    assert len({*box.keep(made), *box.keep(made)}) == 4


@pytest.mark.parametrize("part", [0, 1])
@pytest.mark.parametrize("place", [0, 15, -1])
def test_a_changed_byte_is_found(box: EvidenceBox, part: int, place: int) -> None:
    made = with_messages()
    kept = [bytearray(one) for one in box.keep(made)]
    kept[part][place] ^= 1
    with pytest.raises(DataError):
        box.give(made.ticket, bytes(kept[0]), bytes(kept[1]))


def test_evidence_is_bound_to_its_ticket_its_part_and_its_key(box: EvidenceBox) -> None:
    made = with_messages()
    request, reply = box.keep(made)
    for ticket, one, other, by in (
        ("another", request, reply, box),
        (made.ticket, reply, request, box),
        (made.ticket, request, request, box),
        (made.ticket, request, reply, EvidenceBox(secrets.token_bytes(32))),
        (made.ticket, b"", reply, box),
    ):
        with pytest.raises(DataError):
            by.give(ticket, one, other)


@pytest.mark.parametrize("size", [0, 16, 31, 33])
def test_a_key_has_32_bytes(size: int) -> None:
    with pytest.raises(ConfigurationError, match="32"):
        EvidenceBox(bytes(size))


@pytest.fixture
def stored(engine: Engine, box: EvidenceBox) -> Record:
    trail = AuditTrail(engine, keys(), box)
    made = with_messages()
    trail.store(made)
    trail.store(with_messages(b"another's", b"another's"))
    trail.close()
    return made


def test_the_trail_keeps_the_messages_beside_the_record(
    engine: Engine, stored: Record, box: EvidenceBox
) -> None:
    found = list(Trail(engine).evidence(stored.ticket.upper(), box))
    assert found == [Evidence(stored.request, stored.reply)]
    assert not list(Trail(engine).evidence("none", box))
    assert not findings(engine)


def test_evidence_that_is_not_what_the_record_names_is_refused(
    engine: Engine, stored: Record, box: EvidenceBox
) -> None:
    """As where somebody with the key has put other messages in their place."""
    forged = box.keep(Record(**{**fields(stored), "reply": b"other"}))
    with writing(engine) as connection:
        connection.execute(update(audit_evidence).values(request=forged[0], reply=forged[1]))
    with pytest.raises(DataError, match="not what the record names"):
        list(Trail(engine).evidence(stored.ticket, box))


def fields(made: Record) -> dict[str, object]:
    return {name: getattr(made, name) for name in Record.__slots__}


def test_without_a_key_nothing_is_kept(engine: Engine) -> None:
    trail = AuditTrail(engine, keys())
    trail.store(with_messages())
    trail.close()
    with engine.connect() as connection:
        assert not connection.execute(select(audit_evidence)).all()


def test_at_an_operator_one_ticket_has_several_exchanges(engine: Engine, box: EvidenceBox) -> None:
    """KSZ asks AVIQ for two sources under one ticketCBSS."""
    trail = AuditTrail(engine, keys(), box)
    one, two = with_messages(b"FEDERAL"), with_messages(b"WALLONIA")
    two.ticket = one.ticket
    for each in (one, two):
        trail.store(each)
    trail.close()
    found = Trail(engine).evidence(one.ticket, box)
    assert [each.request for each in found] == [b"FEDERAL", b"WALLONIA"]


def test_evidence_rows_belong_to_records(engine: Engine, stored: Record) -> None:
    with engine.connect() as connection:
        kept = connection.execute(select(audit_evidence.c.writer, audit_evidence.c.number)).all()
        items = connection.execute(
            select(audit_records.c.writer, audit_records.c.number).where(
                audit_records.c.ticket.is_not(None)
            )
        ).all()
    assert sorted(kept) == sorted(items)
