"""Customers that ask without a pause, and what they were told held against the audit trail."""

from __future__ import annotations

import hashlib
import http.client
import re
import subprocess
import sys
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from lxml import etree
from sqlalchemy import Engine

from ksz_childbenefits.client import Signature, read_credentials
from ksz_childbenefits.config import load_settings
from ksz_childbenefits.contract.namespaces import INTF, SOAP_ENV
from ksz_childbenefits.registers.database import open_database
from tests.audit.trails import texts
from tests.live.services import CHILD, PATH, until

DATA, REPLAYED, UNAVAILABLE = "200 DATA_FOUND", "500 wsse:FailedCheck", "503 MSG00001"
STALE, SILENT = "500 wsse:MessageExpired", "nothing in 30 s"
"""What a reply can say: HTTP status with global status, faultcode or, of a 503, the reason."""

CUSTOMERS = ("fedris", "sfpd", "orint", "ocmw-gent", "opgroeien", "spw-tlpe")
"""Customers of the demo that find data about ``CHILD``, with RSA and EC keys."""

_TICKET = re.compile(rb"<ticketCBSS>([0-9a-f-]{36})</ticketCBSS>")


def _now() -> datetime:
    return datetime.now(UTC)


class Customer:
    """Signs questions about ``CHILD``, each a message of its own."""

    def __init__(self, folder: Path, clock: Callable[[], datetime] = _now):
        """By the credentials in this folder; ``clock`` is what its messages say the time is."""
        me = read_credentials(folder)
        self.name = folder.name
        self._signature = Signature(me.key, me.certificate, me.service_certificates, clock=clock)
        self._envelope = (
            f'<s:Envelope xmlns:s="{SOAP_ENV}"><s:Body>'
            f'<i:consultFilesBySsinRequest xmlns:i="{INTF}"><informationCustomer>'
            f"<customerIdentification><cbeNumber>{me.cbe_number}</cbeNumber>"
            f"</customerIdentification></informationCustomer><legalContext>{me.legal_context}"
            f"</legalContext><criteria><ssin>{CHILD}</ssin><period><beginMonth>2018-01</beginMonth>"
            "</period></criteria></i:consultFilesBySsinRequest></s:Body></s:Envelope>"
        )

    def message(self) -> bytes:
        envelope, _ = self._signature.apply(etree.fromstring(self._envelope), {})
        return etree.tostring(envelope)


def customers(config: Path) -> list[Customer]:
    """Those of the demo with this configuration."""
    return [Customer(config.parent / "credentials" / name) for name in CUSTOMERS]


@dataclass(frozen=True, slots=True)
class Exchange:
    """A message, and what came back: ``reply`` as far as it came, whole or not."""

    caller: str
    request: bytes
    reply: bytes
    said: str | None

    @property
    def ticket(self) -> str | None:
        """Its ticketCBSS, as far as the reply came."""
        found = _TICKET.search(self.reply)
        return found.group(1).decode() if found else None

    @property
    def whole(self) -> bool:
        return self.said is not None


def exchange(caller: str, url: str, message: bytes) -> Exchange:
    """Send a message over a connection of its own; OSError where none comes about."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)
    connection.connect()
    reply, said = b"", None
    try:
        connection.request("POST", PATH, message, {"Content-Type": "text/xml"})
        response = connection.getresponse()
        reply = response.read()
        said = _said(response.status, reply)
    except http.client.IncompleteRead as cut:
        reply = cut.partial
    except TimeoutError:
        said = SILENT
    except (OSError, http.client.HTTPException):
        pass
    finally:
        connection.close()
    return Exchange(caller, message, reply, said)


def _said(status: int, reply: bytes) -> str:
    root = etree.fromstring(reply)
    if status == 503:
        return f"503 {root.findtext('.//reasonCode')}"
    value = root.findtext(f"{{{SOAP_ENV}}}Body/*/status/value") or root.findtext(".//faultcode")
    return f"{status} {value}"


@dataclass
class Crowd:
    """Customers that each ask at ``url`` in a thread until all is over; what they ``got``."""

    url: str
    customers: list[Customer]
    got: list[Exchange] = field(default_factory=list)

    def __enter__(self) -> Crowd:
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(one,)) for one in self.customers]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _run(self, customer: Customer) -> None:
        while not self._over.is_set():
            message = customer.message()
            try:
                self.got.append(exchange(customer.name, self.url, message))
            except OSError:
                self._over.wait(0.05)  # nobody listens

    def more(self, count: int = 20, said: str = DATA) -> None:
        """Wait for so many more that say this."""
        enough = self.count(said) + count
        until(lambda: self.count(said) >= enough, self.counts, 60)

    def count(self, said: str) -> int:
        return self.counts()[said]

    def counts(self) -> Counter[str | None]:
        return Counter(one.said for one in list(self.got))


def wrong(engine: Engine, exchanges: Iterable[Exchange]) -> list[str]:
    """What is wrong with the records of these exchanges: nothing, if it is as SECURITY 5 says.

    For each reply exactly one record, of this caller, with the SHA-256 of request and reply; but
    MSG00001, which has no data, may have none, and a message that is not believed for its time has
    none. No ticket twice, no message served twice.
    """
    exchanges = list(exchanges)
    records: dict[str, list[dict[str, Any]]] = defaultdict(list)
    served: Counter[str] = Counter()
    for told in texts(engine):
        if "mark" not in told:
            records[told["ticket"]].append(told)
            served[told["request"]] += "fault" not in told
    found = [f"{len(of)} records of {ticket}" for ticket, of in records.items() if len(of) != 1]
    found += [f"served {count} times: {digest}" for digest, count in served.items() if count > 1]
    answered = Counter(one.request for one in exchanges if one.said == DATA)
    found += [f"told {count} times" for count in answered.values() if count > 1]
    for one in exchanges:
        found += _unrecorded(one, records.get(one.ticket or "", []))
    return found


def _unrecorded(one: Exchange, records: list[dict[str, Any]]) -> Iterator[str]:
    if one.said == SILENT or (one.whole and one.ticket is None):
        yield f"{one.caller} was told {one.said}, without ticket"
    if one.said == UNAVAILABLE and b"results" in one.reply:
        yield f"{one.ticket}: unavailable, with data"
    usual = range(1) if one.ticket is None else range(1, 2)
    if len(records) not in {UNAVAILABLE: range(2), STALE: range(1)}.get(one.said or "", usual):
        yield f"{one.ticket}: {len(records)} records of what was told ({one.said})"
    expected = {"caller": one.caller, "request": digest(one.request)}
    if one.whole and one.said != UNAVAILABLE:
        # Of what was stored too late to be told the record names the reply that did not leave.
        expected["reply"] = digest(one.reply)
    if any(expected.items() - record.items() for record in map(_hashable, records)):
        yield f"{one.ticket}: the record is of something else"


def _hashable(record: dict[str, Any]) -> dict[str, str]:
    return {name: str(value) for name, value in record.items()}


def digest(message: bytes) -> str:
    return hashlib.sha256(message).hexdigest()


@dataclass(frozen=True, slots=True)
class Verdict:
    """What ``audit verify`` says: its exit code, how many items, chains, faults, and all of it."""

    code: int
    items: int
    chains: int
    faults: int
    text: str


def verify(config: Path, *logs: Path) -> Verdict:
    """``audit verify``, as an operator runs it, with these logs as witnesses."""
    witnesses = [argument for log in logs for argument in ("--log", str(log))]
    command = [sys.executable, "-m", "ksz_childbenefits.cli", "audit", "verify"]
    command += ["--config", str(config), *witnesses]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    said = re.search(r"Verified ([\d,]+) items of ([\d,]+) chains: ([\d,]+) faults", done.stdout)
    if said is None:
        raise AssertionError(done.stdout + done.stderr)
    items, chains, faults = (int(number.replace(",", "")) for number in said.groups())
    return Verdict(done.returncode, items, chains, faults, done.stdout)


@contextmanager
def database(config: Path) -> Iterator[Engine]:
    engine = open_database(load_settings(config).database.url)
    yield engine
    engine.dispose()


def recorded_as_told(config: Path, log: Path, told: Iterable[Exchange]) -> None:
    """SECURITY 5 holds for all that customers were told, and the chains are whole, by the log."""
    with database(config) as engine:
        assert not wrong(engine, told)
    verdict = verify(config, log)
    assert (verdict.code, verdict.faults) == (0, 0), verdict.text
