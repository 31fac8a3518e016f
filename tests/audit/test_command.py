"""``audit``: what an auditor, an operator and a citizen get to read."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, Row, select, update

from ksz_childbenefits.audit import reading
from ksz_childbenefits.audit.writer import Writer
from ksz_childbenefits.config import load_settings
from ksz_childbenefits.endpoint import Endpoint
from ksz_childbenefits.identity import identity_of
from ksz_childbenefits.registers.audit_schema import audit_records
from ksz_childbenefits.registers.database import open_database, writing
from ksz_childbenefits.runtime import build_endpoint
from ksz_childbenefits.security.credentials import load_certificate
from ksz_childbenefits.security.detached import is_signed
from tests.audit.test_pruning import START, Calendar
from tests.audit.trails import entries, record, rows
from tests.cli.conftest import Command, command
from tests.consultations import consultation
from tests.inscriptions.conftest import own_demo

__all__ = ["command", "own_demo"]

CHILD = "12031590217"


@pytest.fixture
def config(own_demo: Path) -> Path:
    """A demo that keeps its messages, and everything for a day."""
    key = own_demo.with_name("evidence.key")
    key.touch(mode=0o600)
    key.write_bytes(bytes(range(32)))
    with own_demo.open("a") as stream:
        stream.write('\n[audit]\nevidence = true\nevidence_key = "evidence.key"\nkeep_days = 1\n')
    return own_demo


@pytest.fixture
def engine(config: Path) -> Iterator[Engine]:
    made = open_database(load_settings(config).database.url)
    yield made
    made.dispose()


@pytest.fixture
def asked(config: Path) -> dict[str, Any]:
    """Fedris asked about the child and was answered, and an OCMW was refused; by hand of a worker.

    Gives the messages and replies by ticketCBSS.
    """
    endpoint: Endpoint[Any] = build_endpoint(load_settings(config))
    exchanged = {}
    for customer, begin in (("fedris", "2017-01"), ("ocmw-namur", "1950-01")):
        folder = config.parent / "credentials" / customer
        message = consultation(folder, CHILD, begin, "2024-12")
        reply = endpoint.handle(message)
        ticket = re.search("<ticketCBSS>(.*?)<", reply.body.decode())
        assert ticket
        exchanged[ticket[1]] = (message.body, reply.body)
    endpoint.close()
    return exchanged


def test_a_trail_that_is_whole(command: Command, config: Path, asked: dict[str, Any]) -> None:
    result = command("audit", "verify", "--config", config)
    assert (result.exit_code, result.stdout.strip()) == (
        0,
        "Verified 4 items of 1 chains: 0 faults.",
    )


def test_a_trail_that_is_not(
    command: Command, config: Path, asked: dict[str, Any], engine: Engine
) -> None:
    """It is said which record: by writer, number and ticket."""
    row = next(row for row in rows(engine) if row.ticket)
    with writing(engine) as connection:
        changed = update(audit_records).where(audit_records.c.ticket == row.ticket)
        connection.execute(changed.values(text=row.text.replace("fedris", "vmsw..")))
    result = command("audit", "verify", "--config", config)
    assert result.exit_code == 1
    line = f"{row.writer}: item 2 (ticket {row.ticket}): changed: its text does not have its hash"
    assert line in result.stdout.splitlines()


def test_the_log_is_a_witness(
    command: Command, config: Path, asked: dict[str, Any], engine: Engine, tmp_path: Path
) -> None:
    end = rows(engine)[-1]
    told = {"event": "audit mark", "writer": end.writer, "hash": end.hash.hex()}
    log = tmp_path / "log"
    log.write_text(f"no JSON\n{json.dumps(told | {'number': 4})}\n")
    verify = ("audit", "verify", "--config", config, "--log", log)
    assert command(*verify).exit_code == 0
    log.write_text(f"{json.dumps(told | {'number': 6})}\n")
    result = command(*verify)
    assert result.exit_code == 1
    assert f"{end.writer}: items 5 to 6: missing: the log saw the chain up to 6" in result.stdout
    assert command("audit", "verify", "--config", config, "--log", tmp_path / "none").exit_code == 2


def test_marks_of_a_key_before_need_its_certificate(
    command: Command, config: Path, engine: Engine
) -> None:
    other = config.parent / "credentials" / "fedris"
    settings = load_settings(config)
    security = settings.security.model_copy(
        update={
            "service_key": other / "key.pem",
            "service_certificate": other / "certificate.pem",
        }
    )
    before = Writer(engine, identity_of(settings.model_copy(update={"security": security})).keys)
    before.write(entries(record()))
    before.stop()
    assert command("audit", "verify", "--config", config).exit_code == 1
    with config.open("a") as stream:
        stream.write('certificates = ["credentials/fedris/certificate.pem"]\n')
    assert command("audit", "verify", "--config", config).exit_code == 0


@pytest.mark.parametrize(
    ("question", "found"),
    [
        (("--ssin", CHILD), 2),
        (("--customer", "fedris"), 1),
        (("--customer", "swl"), 0),
        (("--ticket", "first"), 1),
        (("--ticket", "unknown"), 0),
    ],
)
def test_searching(
    command: Command, config: Path, asked: dict[str, Any], question: tuple[str, str], found: int
) -> None:
    option, value = question
    value = next(iter(asked)) if value == "first" else value
    result = command("audit", "search", option, value, "--config", config)
    *lines, total = result.stdout.splitlines()
    assert (result.exit_code, len(lines), total) == (int(not found), found, f"{found} records.")
    for line in lines:
        assert CHILD in line
        assert any(ticket in line for ticket in asked)


@pytest.mark.parametrize(
    "question",
    [
        ("search", "--ssin", CHILD[:-1]),
        ("search", "--ssin", f"{CHILD[:6]}-{CHILD[6:]}"),
        ("search", "--ssin", f" {CHILD}"),
        ("search", "--customer", "Fedris"),
        ("report", "--ssin", CHILD[:-1]),
        ("report", "--ssin", f"{CHILD[:-2]}{(int(CHILD[-2:]) + 1) % 97:02}"),
    ],
)
def test_a_slip_is_not_answered_with_nobody(
    command: Command, config: Path, asked: dict[str, Any], question: tuple[str, ...]
) -> None:
    """An auditor, or a citizen, would believe it."""
    result = command("audit", *question, "--config", config)
    assert (result.exit_code, result.stdout) == (2, "")
    assert question[2] not in result.stderr or question[1] == "--customer"


def test_operators_and_ksz_can_be_searched_for(command: Command, config: Path) -> None:
    for name in ("AVIQ", "KSZ"):
        result = command("audit", "search", "--customer", name, "--config", config)
        assert (result.exit_code, result.stdout) == (1, "0 records.\n")


def test_a_number_whose_check_fails_can_be_searched_for(
    command: Command, config: Path, engine: Engine
) -> None:
    """Somebody may have asked about it, and got MSG00011."""
    number = f"{CHILD[:-2]}{(int(CHILD[-2:]) + 1) % 97:02}"
    one = Writer(engine, identity_of(load_settings(config)).keys)
    one.write(entries(record(number)))
    one.stop()
    result = command("audit", "search", "--ssin", number, "--config", config)
    assert (result.exit_code, result.stdout.splitlines()[-1]) == (0, "1 records.")


@pytest.mark.parametrize("options", [(), ("--ssin", CHILD, "--customer", "fedris")])
def test_searching_needs_one_question(
    command: Command, config: Path, options: tuple[str, ...]
) -> None:
    result = command("audit", "search", *options, "--config", config)
    assert result.exit_code == 2
    assert "one of" in result.stderr


def test_what_a_citizen_is_told(command: Command, config: Path, asked: dict[str, Any]) -> None:
    result = command("audit", "report", "--ssin", CHILD, "--config", config)
    assert result.exit_code == 0
    text = result.stdout
    granted, refused = (block for block in text.split("\n\n") if "  Who" in block)
    for words in (
        "Who        Fedris, federal agency for occupational risks",
        "What       asked for the child-benefit files",
        "Months     2017-01 to 2024-12",
        "Ground     legal context FEDRIS:COMPENSATION_FILE; deliberation DEMO-18/001",
        "Sources    FEDERAL, WALLONIA",
        "Answer     The request was treated successfully. (MSG00000; FEDERAL MSG00000",
    ):
        assert words in granted
    assert "Sources    none was consulted" in refused
    assert "Answer     The customer may not consult the requested data. (MSG00027)" in refused
    assert all(ticket in text for ticket in asked)


def test_nobody_asked(command: Command, config: Path) -> None:
    result = command("audit", "report", "--ssin", CHILD, "--config", config)
    assert (result.exit_code, result.stdout.splitlines()[-1]) == (1, "0 records.")


@pytest.mark.parametrize("text", ["no JSON", "[1]", '{"ticket":"x"}', b"\xff\xfe", b"{}"])
def test_a_record_that_cannot_be_read_hides_no_other(
    command: Command, config: Path, asked: dict[str, Any], engine: Engine, text: Any
) -> None:
    """Whoever can write to the database puts one beside those that nobody is to see."""
    broken, other = list(asked)
    with writing(engine) as connection:
        changed = "UPDATE audit_records SET text = ? WHERE ticket = ?"
        connection.exec_driver_sql(changed, (text, broken))
        blob = "UPDATE audit_records SET text = CAST(text AS TEXT) WHERE ticket = ?"
        connection.exec_driver_sql(blob, (broken,))
    for question in ("search", "report"):
        result = command("audit", question, "--ssin", CHILD, "--config", config)
        assert result.exit_code == 1
        assert "a record that cannot be read" in result.stdout
        assert other in result.stdout
        assert result.stdout.endswith("2 records.\n")
    folder = ("--folder", config.parent, "--config", config)
    result = command("audit", "evidence", broken, *folder)
    assert (result.exit_code, "not what the record names" in result.stderr) == (2, True)


@pytest.mark.parametrize("name", ["trail.jsonl", "trail.jsonl.gz"])
def test_an_export_can_be_verified_by_anybody(
    command: Command, config: Path, asked: dict[str, Any], tmp_path: Path, name: str
) -> None:
    """docs/formats.md: by hash and signature over the bytes of each item, with any tool."""
    file = tmp_path / name
    assert command("audit", "export", file, "--config", config).exit_code == 0
    text = (gzip.decompress if name.endswith(".gz") else bytes)(file.read_bytes()).decode()
    certificate = load_certificate(config.parent / "credentials" / "service.pem")
    previous, tickets = "00" * 32, []
    for line in text.splitlines():
        told = json.loads(line)
        item = line.removeprefix('{"item":').partition(',"hash":')[0].encode()
        assert told["item"]["previous"] == previous
        previous = hashlib.sha256(item).hexdigest()
        assert told["hash"] == previous
        if "signature" in told:
            assert is_signed(certificate, base64.b64decode(told["signature"]), item)
        else:
            tickets.append(told["item"]["ticket"])
    assert tickets == [*asked]


BROKEN = [b'{"no":"\xff\xfe"}', b"no JSON", b"[1]", b'{"a":1}\n{"b":2}', b'{"a":NaN}', b'{},"x":{}']
"""What somebody has put in place of a text."""


@pytest.mark.parametrize("kept_as", ["TEXT", "BLOB"])
@pytest.mark.parametrize("octets", BROKEN)
def test_an_export_goes_on_past_what_is_no_item(
    command: Command,
    config: Path,
    asked: dict[str, Any],
    engine: Engine,
    *,
    octets: bytes,
    kept_as: str,
) -> None:
    """docs/formats.md: its octets as they are, one line as all others."""
    broken, other = list(asked)
    with writing(engine) as connection:
        connection.exec_driver_sql(
            f"UPDATE audit_records SET text = CAST(? AS {kept_as}) WHERE ticket = ?",
            (octets, broken),
        )
        connection.exec_driver_sql(
            f"UPDATE audit_chains SET cut_text = CAST(? AS {kept_as}), cut_signature = ?",
            (octets, "no octets"),
        )
    (held,) = [row for row in rows_but_text(engine) if row.ticket == broken]
    file = config.with_name("trail.jsonl")
    assert command("audit", "export", file, "--config", config).exit_code == 0
    cut, *items = [json.loads(line, parse_constant=pytest.fail) for line in file.open()]
    encoded = base64.b64encode(octets).decode()
    assert cut == {"cutOctets": encoded, "writer": held.writer, "signature": ""}
    (told,) = [item for item in items if "item" not in item]
    place = {"writer": held.writer, "number": held.number}
    assert told == {"itemOctets": encoded, **place, "hash": held.hash.hex()}
    assert other in [one["item"].get("ticket") for one in items if "item" in one]


def rows_but_text(engine: Engine) -> Sequence[Row[Any]]:
    """The items, without what cannot be read."""
    columns = audit_records.c
    query = select(columns.writer, columns.number, columns.ticket, columns.hash)
    with engine.connect() as connection:
        return connection.execute(query).all()


def test_the_messages_for_who_has_the_key(
    command: Command, config: Path, asked: dict[str, Any], tmp_path: Path
) -> None:
    ticket, (request, reply) = next(iter(asked.items()))
    folder = ("--folder", tmp_path, "--config", config)
    result = command("audit", "evidence", ticket, *folder)
    assert result.exit_code == 0
    files = [tmp_path / f"{ticket}.{part}.xml" for part in ("request", "reply")]
    assert [file.read_bytes() for file in files] == [request, reply]
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    other = tmp_path / "other.key"
    other.touch(mode=0o600)
    other.write_bytes(bytes(32))
    refused = command("audit", "evidence", ticket, *folder, "--key", other)
    assert refused.exit_code == 2
    assert "key is another" in refused.stderr
    assert command("audit", "evidence", "none", *folder).exit_code == 1


def test_what_is_old_is_deleted(
    command: Command,
    config: Path,
    asked: dict[str, Any],
    engine: Engine,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with monkeypatch.context() as long_ago:
        Calendar(long_ago)
        old = Writer(engine, identity_of(load_settings(config)).keys)
        old.write(entries(record(at=START)))
        old.stop()
    result = command("audit", "prune", "--config", config)
    assert (result.exit_code, "Deleted 3 items" in result.stdout) == (0, True)
    assert ": deleted up to item 3, hash " in result.stdout
    assert {row.ticket for row in rows(engine)} == {None, *asked}
    assert command("audit", "verify", "--config", config).exit_code == 0


def test_what_nobody_vouches_for_is_left_alone(
    command: Command, config: Path, asked: dict[str, Any], engine: Engine
) -> None:
    """Somebody has made yesterday's records look old: they stay, and it is said."""
    with writing(engine) as connection:
        connection.execute(update(audit_records).values(at=0))
    held = rows(engine)
    result = command("audit", "prune", "--config", config)
    assert result.exit_code == 1
    assert f"{held[0].writer}: left alone" in result.stdout
    assert rows(engine) == held


def test_without_keep_days_nothing_is_deleted(command: Command, own_demo: Path) -> None:
    result = command("audit", "prune", "--config", own_demo)
    assert result.exit_code == 2
    assert "keep_days" in result.stderr


@pytest.mark.parametrize("what", [("verify",), ("search", "--ssin", CHILD)])
def test_it_can_be_stopped(
    command: Command,
    config: Path,
    asked: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    what: tuple[str, ...],
) -> None:
    def stop(*_: object, **__: object) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(reading, "snapshot", stop)
    monkeypatch.setattr("ksz_childbenefits.audit.verification.snapshot", stop)
    result = command("audit", *what, "--config", config)
    assert (result.exit_code, result.stdout.strip()) == (130, "Stopped.")
