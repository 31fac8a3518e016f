"""What is old is deleted, and the rest can be verified: a signed cut stands for what is gone."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, func, select, update

from ksz_childbenefits.audit import ledger, pruning, writer
from ksz_childbenefits.audit.chain import Head, Item, recorded
from ksz_childbenefits.audit.evidence import EvidenceBox
from ksz_childbenefits.audit.findings import Fault
from ksz_childbenefits.audit.pruning import prune
from ksz_childbenefits.audit.record import Entry, milliseconds
from ksz_childbenefits.audit.writer import Writer
from ksz_childbenefits.registers.audit_schema import (
    audit_chains,
    audit_evidence,
    audit_persons,
    audit_records,
)
from ksz_childbenefits.registers.database import writing
from tests.audit.trails import believed, entries, findings, keys, record, rows
from tests.registers.numbers import NOOR, OTIS
from tests.security.pki import pki

START = datetime(2026, 1, 1, tzinfo=UTC)


class Calendar:
    """The day on which a writer writes."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.day = 0
        calendar = self

        class Moved(datetime):
            @classmethod
            def now(cls, tz: Any = None) -> datetime:  # type: ignore[override]
                return START + timedelta(days=calendar.day)

        monkeypatch.setattr(writer, "datetime", Moved)


@pytest.fixture
def aged(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Engine:
    """One chain of days 0 to 5 that has ended, one of days 3 to 8 that goes on.

    Each day two records, the second about two persons and with evidence, and then a mark.
    """
    monkeypatch.setattr(writer, "CHECKPOINT_RECORDS", 2)
    calendar, box = Calendar(monkeypatch), EvidenceBox(bytes(32))
    first, second = Writer(engine, keys()), Writer(engine, keys())
    for day in range(9):
        calendar.day = day
        at = START + timedelta(days=day)
        for one in [*([first] if day < 6 else []), *([second] if day > 2 else [])]:
            both = record(NOOR, OTIS, at=at)
            one.write([*entries(record(at=at)), Entry(both, both.body(), box.keep(both))])
        if day == 5:
            first.stop()
    assert not findings(engine)
    return engine


def pruned(engine: Engine, days: float) -> int:
    before = START + timedelta(days=days)
    done = prune(engine, before, pki().service.credentials, believed(), lambda _: None)
    assert not done.doubtful
    return done.deleted


def oldest(engine: Engine) -> datetime:
    since = min(row.at for row in rows(engine)) - milliseconds(START)
    return START + timedelta(milliseconds=since)


@pytest.mark.parametrize("days", [-1, 0.5, 1.5, 4.5, 7.5, 30])
def test_nothing_older_stays_but_what_no_mark_has_sealed(aged: Engine, days: float) -> None:
    kept = [
        row for row in rows(aged) if row.at >= (START + timedelta(days=days)).timestamp() * 1000
    ]
    count = len(rows(aged))
    gone = pruned(aged, days)
    assert gone == count - len(rows(aged))
    if days < 9:
        assert rows(aged) == kept
    else:
        # The newest item of the chain that goes on: a mark, of nobody.
        assert [row.caller for row in rows(aged)] == [None]
    assert not findings(aged)


def test_what_belongs_to_a_record_goes_with_it(aged: Engine) -> None:
    pruned(aged, 4.5)
    left = len([row for row in rows(aged) if row.ticket is not None])
    with aged.connect() as connection:
        for table, each in ((audit_persons, 2), (audit_evidence, 1)):
            count = connection.execute(select(func.count()).select_from(table)).scalar_one()
            assert count == left // 2 * each


def test_it_goes_on_from_cut_to_cut(aged: Engine) -> None:
    counts = [pruned(aged, days) for days in (1.5, 1.5, 3.5, 2.5, 30)]
    assert counts[1] == counts[3] == 0
    assert all(counts[n] > 0 for n in (0, 2, 4))
    assert not findings(aged)


def test_a_chain_goes_on_behind_its_cut(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    calendar = Calendar(monkeypatch)
    one = Writer(engine, keys())
    one.write(entries(record(at=START)))
    one._append((), writer.Mark.CHECKPOINT)
    calendar.day = 9
    assert pruned(engine, 30) == 2
    assert not findings(engine)
    one.write(entries(record(at=START + timedelta(days=9))))
    one.stop()
    assert not findings(engine)


def test_killed_in_between_the_next_run_goes_on(
    aged: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The cut comes first: what it stands for counts as gone, though some of it is there."""
    monkeypatch.setattr(pruning, "_BATCH", 2)
    whole = len(rows(aged))

    def stop(_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prune(aged, START + timedelta(days=4.5), pki().service.credentials, believed(), stop)
    assert len(rows(aged)) == whole - 2
    assert not findings(aged)
    pruned(aged, 4.5)
    assert oldest(aged) == START + timedelta(days=5)
    assert not findings(aged)


# Whoever deletes without the service's key is found.


def cuts(engine: Engine) -> Any:
    with engine.connect() as connection:
        return connection.execute(select(audit_chains).order_by(audit_chains.c.writer)).all()


def forge(engine: Engine, name: str, **values: Any) -> None:
    with writing(engine) as connection:
        row = audit_chains.c.writer == name
        connection.execute(update(audit_chains).where(row).values(values))


def test_a_deletion_without_a_cut_is_found(aged: Engine) -> None:
    first = rows(aged)[0]
    with writing(aged) as connection:
        gone = (audit_records.c.writer == first.writer) & (audit_records.c.number <= 4)
        connection.execute(audit_records.delete().where(gone))
    found = [one for one in findings(aged) if one.fault is Fault.MISSING]
    assert [(one.writer, one.first, one.last) for one in found] == [(first.writer, 1, 4)]


@pytest.mark.parametrize("forgery", ["other number", "another chain's", "no text", "unsigned"])
def test_a_cut_that_is_not_signed_is_not_believed(aged: Engine, forgery: str) -> None:
    pruned(aged, 4.5)
    one, other = cuts(aged)
    forged = {
        "other number": {"cut_text": one.cut_text.replace('"number":', '"number":1')},
        "another chain's": {"cut_text": other.cut_text, "cut_signature": other.cut_signature},
        "no text": {"cut_text": "nonsense"},
        "unsigned": {"cut_signature": None},
    }
    forge(aged, one.writer, **forged[forgery])
    found = {one.fault for one in findings(aged) if one.writer == cuts(aged)[0].writer}
    assert {Fault.UNBELIEVED, Fault.MISSING} <= found


def test_a_cut_of_before_does_not_stand_for_more(aged: Engine) -> None:
    pruned(aged, 1.5)
    before = cuts(aged)[0]
    pruned(aged, 4.5)
    forge(aged, before.writer, cut_text=before.cut_text, cut_signature=before.cut_signature)
    found = [one for one in findings(aged) if one.writer == before.writer]
    assert [one.fault for one in found] == [Fault.MISSING]


DOUBTFUL: dict[str, dict[str, Any]] = {
    "made old": {"at": 0},
    "made old in its text too": {"at": 0, "text": ('"at":"2026', '"at":"2020')},
    "another's mark": {"at": 0, "text": ('"number":', '"number":1')},
    "no text": {"at": 0, "text": ('"mark"', "no JSON")},
    "another signature": {"at": 0, "signature": bytes(256)},
}


@pytest.mark.parametrize("forgery", DOUBTFUL)
def test_what_is_made_to_look_old_is_not_deleted(aged: Engine, forgery: str) -> None:
    """Else our own key would vouch for what somebody wanted to be gone."""
    first = cuts(aged)[0].writer
    with writing(aged) as connection:
        for row in [row for row in rows(aged) if row.writer == first]:
            values = dict(DOUBTFUL[forgery])
            if "text" in values:
                values["text"] = row.text.replace(*values["text"])
            item = (audit_records.c.writer == first) & (audit_records.c.number == row.number)
            connection.execute(update(audit_records).where(item).values(values))
    held = rows(aged)
    done = prune(aged, START, pki().service.credentials, believed(), lambda _: None)
    assert (done.deleted, done.doubtful) == (0, (first,))
    assert rows(aged) == held


@pytest.mark.parametrize("forgery", ["number", "nonsense", "unsigned"])
def test_what_a_forged_cut_names_is_not_deleted(aged: Engine, forgery: str) -> None:
    pruned(aged, 1.5)
    one = cuts(aged)[0]
    forged = {
        "number": {"cut_text": one.cut_text.replace('"number":', '"number":1')},
        "nonsense": {"cut_text": "nonsense"},
        "unsigned": {"cut_signature": None},
    }
    forge(aged, one.writer, **forged[forgery])
    held = [row for row in rows(aged) if row.writer == one.writer]
    before = START + timedelta(days=4.5)
    done = prune(aged, before, pki().service.credentials, believed(), lambda _: None)
    assert done.doubtful == (one.writer,)
    assert [row for row in rows(aged) if row.writer == one.writer] == held


def test_a_gap_does_not_keep_from_deleting(aged: Engine) -> None:
    row = rows(aged)[1]
    item = (audit_records.c.writer == row.writer) & (audit_records.c.number == row.number)
    with writing(aged) as connection:
        connection.execute(audit_records.delete().where(item))
    assert pruned(aged, 4.5) > 0


# What stands where a cut says that all is gone.


@pytest.fixture
def broken_off(aged: Engine, monkeypatch: pytest.MonkeyPatch) -> Engine:
    """A deletion that was killed: of the first chain some items stand below its cut."""
    monkeypatch.setattr(pruning, "_BATCH", 2)

    def stop(_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prune(aged, START + timedelta(days=4.5), pki().service.credentials, believed(), stop)
    return aged


def planted(writer: str, number: int) -> Item:
    made = record(at=START)
    return recorded(Head(writer, number - 1, bytes(32)), made, made.body())


def test_what_is_left_of_a_deletion_is_verified_as_before(broken_off: Engine) -> None:
    """``audit search`` and ``report`` still show it."""
    assert not findings(broken_off)
    end = json.loads(cuts(broken_off)[0].cut_text)["number"]
    left = [row for row in rows(broken_off) if row.writer == cuts(broken_off)[0].writer][:end]
    for row in reversed([row for row in left if row.number <= end and row.ticket]):
        text = row.text.replace("PCSA:SOCIAL_INQUIRY", "PCSA:OF_ANOTHER_KIND")
        values = {"text": text, "hash": hashlib.sha256(text.encode()).digest()}
        item = (audit_records.c.writer == row.writer) & (audit_records.c.number == row.number)
        with writing(broken_off) as connection:
            connection.execute(update(audit_records).where(item).values(values))
        found = [one for one in findings(broken_off) if one.writer == row.writer]
        assert any(one.grave and one.first == one.last == row.number for one in found)


@pytest.mark.parametrize("days", [4.5, 30])
@pytest.mark.parametrize("before_end", [0, 1, 5])
def test_what_is_put_where_all_was_deleted_is_found(
    aged: Engine, days: float, before_end: int
) -> None:
    """Else somebody could be made to have asked."""
    pruned(aged, days)
    cut = cuts(aged)[0]
    number = json.loads(cut.cut_text)["number"] - before_end
    with writing(aged) as connection:
        ledger.add(connection, [planted(cut.writer, number)], ())
    (found,) = [one for one in findings(aged) if one.grave]
    assert (found.writer, found.first, found.last) == (cut.writer, number, number)


def test_what_is_put_there_does_not_hide_what_is_missing(aged: Engine) -> None:
    pruned(aged, 4.5)
    cut = cuts(aged)[0]
    end, items = json.loads(cut.cut_text)["number"], audit_records.c
    with writing(aged) as connection:
        ledger.add(connection, [planted(cut.writer, number) for number in (2, 4)], ())
        gone = (items.writer == cut.writer) & (items.number == end + 1)
        connection.execute(audit_records.delete().where(gone))
    assert [(one.fault, one.first, one.last) for one in findings(aged) if one.grave] == [
        (Fault.UNEXPECTED, 2, 2),
        (Fault.UNEXPECTED, 4, 4),
        (Fault.MISSING, end + 1, end + 1),
    ]
