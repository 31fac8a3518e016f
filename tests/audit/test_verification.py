"""Whatever is changed, removed, moved or added is found, and it is said which (issue 4, item 2)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, delete, insert, update

from ksz_childbenefits.audit import writer
from ksz_childbenefits.audit.chain import Head
from ksz_childbenefits.audit.findings import Fault, Finding
from ksz_childbenefits.audit.links import heads_in_log
from ksz_childbenefits.audit.marks import Believed
from ksz_childbenefits.audit.verification import Verification
from ksz_childbenefits.audit.writer import Writer
from ksz_childbenefits.registers.audit_schema import audit_chains, audit_persons, audit_records
from ksz_childbenefits.registers.database import writing
from ksz_childbenefits.security.credentials import ServiceKeys
from tests.audit.trails import entries, findings, keys, marks, record, rows, trail
from tests.registers.numbers import NOOR, OTIS
from tests.security.pki import pki

ITEM = audit_records.c


@pytest.fixture
def whole(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Engine:
    """Two chains side by side, then one more, each with checkpoints among its records."""
    monkeypatch.setattr(writer, "CHECKPOINT_RECORDS", 3)
    trail(engine, 2, 1, 3, 1, writers=2)
    trail(engine, 2, 2, 1)
    assert not findings(engine)
    return engine


def at(row: Any) -> Any:
    return (row.writer == ITEM.writer) & (row.number == ITEM.number)


@contextmanager
def put_back(engine: Engine) -> Iterator[None]:
    """What the test does to the tables is undone behind it."""
    tables = (audit_chains, audit_records, audit_persons)
    with engine.connect() as connection:
        kept = {table: connection.execute(table.select()).all() for table in tables}
    try:
        yield
    finally:
        with writing(engine) as connection:
            for table, held in kept.items():
                connection.execute(delete(table))
                if held:
                    connection.execute(insert(table), [row._asdict() for row in held])


def change(engine: Engine, row: Any, **values: Any) -> None:
    with writing(engine) as connection:
        connection.execute(update(audit_records).where(at(row)).values(values))


def remove(engine: Engine, *items: Any) -> None:
    with writing(engine) as connection:
        for row in items:
            connection.execute(delete(audit_records).where(at(row)))


def names(found: list[Finding], row: Any) -> bool:
    """Whether a grave finding is about this item."""
    return any(
        one.grave and one.writer == row.writer and one.first <= row.number <= one.last
        for one in found
    )


tampering = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
"""The trail is made once per test and put back after each example."""


@pytest.mark.once
@tampering
@given(data=st.data())
def test_a_text_that_was_changed_is_found(whole: Engine, data: st.DataObject) -> None:
    row = data.draw(st.sampled_from(rows(whole)))
    place = data.draw(st.integers(0, len(row.text) - 1))
    other = data.draw(st.characters(codec="ascii", exclude_characters="\0" + row.text[place]))
    with put_back(whole):
        change(whole, row, text=row.text[:place] + other + row.text[place + 1 :])
        found = findings(whole)
    assert names(found, row)
    assert len([one for one in found if one.grave]) == 1


COLUMNS: dict[str, st.SearchStrategy[Any]] = {
    "at": st.integers(0, 2**50),
    "ticket": st.none() | st.text("0123456789abcdef-", max_size=36),
    "caller": st.none() | st.text("abc", max_size=64),
    "customer_ticket": st.none() | st.text("abc", max_size=36),
    "ssin": st.none() | st.text("0123456789", min_size=11, max_size=11),
    "hash": st.binary(min_size=32, max_size=32),
    "signature": st.none() | st.binary(max_size=300),
}


@pytest.mark.once
@tampering
@given(data=st.data(), column=st.sampled_from(sorted(COLUMNS)))
def test_a_column_that_was_changed_is_found(
    whole: Engine, data: st.DataObject, column: str
) -> None:
    """Else a record could be hidden from who searches for it."""
    row = data.draw(st.sampled_from(rows(whole)))
    value = data.draw(COLUMNS[column].filter(lambda value: value != getattr(row, column)))
    with put_back(whole):
        change(whole, row, **{column: value})
        assert names(findings(whole), row)


@pytest.mark.once
@tampering
@given(data=st.data())
def test_an_item_that_was_removed_is_missed(whole: Engine, data: st.DataObject) -> None:
    row = data.draw(st.sampled_from(rows(whole)))
    with put_back(whole):
        remove(whole, row)
        found = findings(whole)
    assert names(found, row)
    assert any(one.fault is Fault.MISSING for one in found)


@pytest.mark.once
@tampering
@given(data=st.data())
def test_items_that_were_exchanged_are_found(whole: Engine, data: st.DataObject) -> None:
    one, other = data.draw(
        st.lists(st.sampled_from(rows(whole)), min_size=2, max_size=2, unique=True)
    )
    places = {"writer", "number"}
    contents = [
        {name: value for name, value in row._mapping.items() if name not in places}
        for row in (one, other)
    ]
    with put_back(whole):
        change(whole, one, **contents[1])
        change(whole, other, **contents[0])
        found = findings(whole)
    assert names(found, one)
    assert names(found, other)


def fitting(text: str, previous: bytes, **members: Any) -> tuple[str, bytes]:
    """A text that somebody changed and made to fit behind another item."""
    told = json.loads(text) | members | {"previous": previous.hex()}
    changed = json.dumps(told, separators=(",", ":"))
    return changed, hashlib.sha256(changed.encode()).digest()


@pytest.mark.once
@tampering
@given(data=st.data(), with_marks=st.booleans())
def test_a_chain_that_was_made_to_fit_again_does_not_fit_its_marks(
    whole: Engine, data: st.DataObject, with_marks: bool
) -> None:
    """Who can write the table can hash; but not sign."""
    items = rows(whole)
    row = data.draw(st.sampled_from([row for row in items if row.signature is None]))
    chain = [one for one in items if one.writer == row.writer and one.number >= row.number]
    with put_back(whole):
        text, digest = fitting(row.text, items[items.index(row) - 1].hash, caller="another")
        change(whole, row, text=text, hash=digest, caller="another")
        for one in chain[1:]:
            if one.signature is not None and not with_marks:
                break
            text, digest = fitting(one.text, digest)
            change(whole, one, text=text, hash=digest)
        found = findings(whole)
    first_mark = next(one.number for one in chain if one.signature is not None)
    grave = [one for one in found if one.grave and one.writer == row.writer]
    assert any(one.last in (first_mark - 1, first_mark) for one in grave)
    assert all(one.first >= row.number - 4 for one in grave)


def test_a_mark_signed_by_another_key_is_not_believed(whole: Engine) -> None:
    """Also one whose certificate is of the same authority."""
    own = Verification(Believed.of([pki().rsa.certificate]))
    found = list(own.findings(whole, (), lambda *_: None))
    assert {one.fault for one in found} >= {Fault.UNBELIEVED}


def test_marks_of_a_key_before_are_believed_with_its_certificate(engine: Engine) -> None:
    """Rollover: each mark names its certificate, and several are believed."""
    for party in (pki().service, pki().p256):
        made = Writer(engine, ServiceKeys(party.credentials))
        made.write(entries(record()))
        made.stop()
    assert any(one.fault is Fault.UNBELIEVED for one in findings(engine))
    both = Verification(Believed.of([pki().service.certificate, pki().p256.certificate]))
    assert not list(both.findings(engine, (), lambda *_: None))
    assert (both.items, both.chains) == (6, 2)


# Beginnings and ends.


def end(engine: Engine, name: str, *, ended: bool) -> None:
    with writing(engine) as connection:
        row = audit_chains.c.writer == name
        connection.execute(update(audit_chains).where(row).values(ended=ended))


def test_a_chain_that_was_removed_whole_is_missed_by_those_who_saw_it(whole: Engine) -> None:
    chain = [row for row in rows(whole) if row.writer == rows(whole)[0].writer]
    remove(whole, *chain)
    with writing(whole) as connection:
        connection.execute(delete(audit_chains).where(audit_chains.c.writer == chain[0].writer))
    (found,) = findings(whole)
    assert (found.fault, found.writer) == (Fault.MISSING, chain[0].writer)
    assert (found.first, found.last) == (1, chain[-1].number)


def test_the_end_of_a_chain_that_was_removed_is_missed_by_those_who_saw_it(whole: Engine) -> None:
    chain = [row for row in rows(whole) if row.writer == rows(whole)[0].writer]
    remove(whole, *chain[-3:])
    end(whole, chain[0].writer, ended=False)
    assert names(findings(whole), chain[-1])
    assert names(findings(whole), chain[-3])


def test_the_end_of_all_chains_is_missed_by_the_log(
    engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    """Nobody in the database saw the last chain; the log is the one witness of it."""
    caplog.set_level("INFO")
    trail(engine, 2)
    last = rows(engine)[-1]
    log = [json.dumps({"event": one.message} | one.__dict__, default=str) for one in caplog.records]
    witness = list(heads_in_log(['no JSON "audit mark"', '{"event": "answered"}', *log]))
    assert witness[-1] == Head(last.writer, last.number, last.hash)
    assert not findings(engine, witness)
    remove(engine, *rows(engine)[1:])
    end(engine, last.writer, ended=False)
    assert not findings(engine)
    assert names(findings(engine, witness), last)


def test_the_log_knows_another_item(engine: Engine) -> None:
    """As where somebody with the service's key has written the chain anew."""
    trail(engine, 2)
    row = rows(engine)[-1]
    (found,) = findings(engine, [Head(row.writer, row.number, b"x" * 32)])
    assert (found.fault, found.first) == (Fault.CHANGED, row.number)


def test_an_item_after_the_end_is_not_expected(whole: Engine) -> None:
    last = rows(whole)[-1]
    text, digest = fitting(last.text, last.hash, number=last.number + 1)
    added = last._asdict() | {"number": last.number + 1, "text": text, "hash": digest}
    with writing(whole) as connection:
        connection.execute(insert(audit_records).values(added))
    assert {one.fault for one in findings(whole)} == {Fault.UNBELIEVED, Fault.UNEXPECTED}


def test_a_chain_without_its_first_mark_is_not_expected(engine: Engine) -> None:
    """Anybody who can write the table could begin a chain of records."""
    row = record()
    text, digest = fitting(row.body(), bytes(32), writer="w", number=1)
    item = {"writer": "w", "number": 1, "at": 0, "text": text, "hash": digest}
    searched = {"ticket": row.ticket, "caller": row.caller, "ssin": NOOR}
    with writing(engine) as connection:
        connection.execute(insert(audit_chains).values(writer="w", seen=0, ended=False))
        connection.execute(insert(audit_records).values(item | searched))
    assert Fault.UNEXPECTED in {one.fault for one in findings(engine)}


@pytest.mark.parametrize("entered", [True, False])
def test_a_chain_and_its_entry_go_together(whole: Engine, entered: bool) -> None:
    name = rows(whole)[0].writer
    with writing(whole) as connection:
        if entered:
            connection.execute(delete(audit_records).where(ITEM.writer == name))
        else:
            connection.execute(delete(audit_chains).where(audit_chains.c.writer == name))
    assert (Fault.MISSING, name) in {(one.fault, one.writer) for one in findings(whole)}


def test_newest_records_that_are_not_sealed_yet_are_no_fault(engine: Engine) -> None:
    alive = Writer(engine, keys())
    alive.write(entries(record(), record()))
    (found,) = findings(engine)
    assert (found.fault, found.grave) == (Fault.OPEN, False)
    assert (found.first, found.last) == (2, 3)
    alive.stop()


def test_records_that_nobody_sealed_though_somebody_lived_are_a_fault(engine: Engine) -> None:
    """As where the marks behind them were removed, and what they sealed was changed."""
    left = Writer(engine, keys())
    left.write(entries(record()))
    old = rows(engine)[-1]
    told = json.loads(old.text) | {"replied": "2020-01-01T00:00:00.000Z"}
    text = json.dumps(told, separators=(",", ":"))
    change(engine, old, text=text, hash=hashlib.sha256(text.encode()).digest(), at=1577836800000)
    trail(engine, 1)
    (found,) = findings(engine)
    assert (found.fault, found.first, found.grave) == (Fault.UNSEALED, 2, True)


@pytest.mark.parametrize("change_to", [[NOOR], [NOOR, OTIS, "12345678901"], []])
def test_the_persons_of_a_record_about_several_are_those_of_its_text(
    engine: Engine, change_to: list[str]
) -> None:
    made = Writer(engine, keys())
    made.write(entries(record(NOOR, OTIS)))
    made.stop()
    assert not findings(engine)
    row = rows(engine)[1]
    with writing(engine) as connection:
        connection.execute(delete(audit_persons))
        for ssin in change_to:
            values = {"writer": row.writer, "number": row.number, "ssin": ssin}
            connection.execute(insert(audit_persons).values(values))
    assert names(findings(engine), row)


def test_a_trail_stripped_of_its_marks_is_not_only_open(engine: Engine) -> None:
    """Who has the database but no key drops the marks and a record, and makes the rest fit."""
    made = Writer(engine, keys())
    for _ in range(3):
        made.write(entries(*(record() for _ in range(400))))
    made.stop()
    first, *others = rows(engine)
    kept = [row for row in others if row.signature is None][1:]
    fitted, previous = [], first.hash
    for number, row in enumerate(kept, 2):
        text, previous = fitting(row.text, previous, number=number)
        fitted.append(row._asdict() | {"number": number, "text": text, "hash": previous})
    remove(engine, *others)
    with writing(engine) as connection:
        connection.execute(insert(audit_records), fitted)
    end(engine, first.writer, ended=False)
    (found,) = findings(engine)
    assert (found.fault, found.grave) == (Fault.UNSEALED, True)
    assert (found.first, found.last) == (2, 1200)


def test_a_person_planted_beside_an_item_is_found(engine: Engine) -> None:
    trail(engine, 1)
    _, row, mark = rows(engine)
    for number in (row.number, mark.number, 77):
        values = {"writer": row.writer, "number": number, "ssin": OTIS}
        with put_back(engine):
            with writing(engine) as connection:
                connection.execute(insert(audit_persons).values(values))
            assert [(one.first, one.grave) for one in findings(engine)] == [(number, True)]


def test_marks_are_among_the_records(whole: Engine) -> None:
    """What the tests above rely on."""
    assert marks(whole)[:6] == ["start", "record", "record", "record", "checkpoint", "record"]
