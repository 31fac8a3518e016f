"""What the audit trail tells, in words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from ksz_childbenefits.audit.findings import Finding
from ksz_childbenefits.audit.pruning import Pruned
from ksz_childbenefits.contract import wording
from ksz_childbenefits.domain.consultation import Code

_BRUSSELS: Final = ZoneInfo("Europe/Brussels")

_DONE: Final = {
    "consultFilesBySsin": "asked for the child-benefit files",
    "consultFiles": "asked this operator for the child-benefit files",
    "registerInscriptions": "registered in the person repertory that it knows the person",
    "closeInscriptions": "closed in the person repertory that it knows the person",
    "listInscriptions": "asked for its own entries in the person repertory",
}
"""What each operation is to the person that it is about."""


def finding(found: Finding) -> str:
    """A finding as one line: what, where, why."""
    which = f"items {found.first} to {found.last}"
    if found.first == found.last:
        which = f"item {found.first}" if found.first else "the chain"
    ticket = f" (ticket {found.ticket})" if found.ticket else ""
    return f"{found.writer}: {which}{ticket}: {found.fault}: {found.reason}"


def pruned(done: Pruned) -> Iterator[str]:
    """What was cut, to be kept as a witness, and what was left alone."""
    for head in done.cuts:
        yield f"{head.writer}: deleted up to item {head.number}, hash {head.hash.hex()}"
    for writer in done.doubtful:
        yield f"{writer}: left alone: its marks are not signed by a key that is believed"


def line(record: Mapping[str, Any]) -> str:
    """A record as one line of a list."""
    persons = record.get("persons", [])
    who = persons[0] if len(persons) == 1 else f"{len(persons)} persons"
    cells = (
        record["replied"],
        f"{record['caller']:<16}",
        f"{record['operation']:<20}",
        f"{record['status']:<8}",
        f"{who:<11}",
        record["ticket"],
        record.get("legalContext", "-"),
    )
    return _printable("  ".join(cells).rstrip())


def heading(ssin: str, now: datetime) -> str:
    """The beginning of what a citizen is told."""
    return (
        f"Who asked the child-benefit exchange about the person {ssin}\n"
        f"as recorded up to {_local(now)} (times of Belgium)\n"
    )


def told(record: Mapping[str, Any], titles: Mapping[str, str]) -> str:
    """A record as a citizen is told: who, when, what, on what ground, and what was answered."""
    caller = record["caller"]
    operation = record["operation"]
    rows = {
        "Who": titles.get(caller, caller),
        "What": _DONE.get(operation, operation),
        "About": record["persons"][0] if len(record["persons"]) == 1 else "several persons",
        "Months": _period(record),
        "Ground": _ground(record),
        "Sources": ", ".join(record.get("consulted", [])) or "none was consulted",
        "Withheld": _withheld(record.get("withheld", {})),
        "Answer": _answer(record),
        "Reference": record["ticket"],
    }
    lines = [f"  {name:<10} {_printable(text)}" for name, text in rows.items() if text]
    return "\n".join([_local(datetime.fromisoformat(record["replied"])), *lines, ""])


def _printable(text: str) -> str:
    """Escape what could pass for another line, or turn this one round: customers choose it."""
    return "".join(
        one if one.isprintable() else one.encode("unicode_escape").decode() for one in text
    )


def _local(moment: datetime) -> str:
    return f"{moment.astimezone(_BRUSSELS):%d-%m-%Y %H:%M:%S}"


def _period(record: Mapping[str, Any]) -> str:
    if "begin" not in record:
        return ""
    return f"{record['begin']} to {record.get('end', 'the month of the consultation')}"


def _ground(record: Mapping[str, Any]) -> str:
    """The purpose that the customer gave, and what allowed it."""
    parts = [f"legal context {record['legalContext']}"] if "legalContext" in record else []
    numbers: Iterable[str] = record.get("deliberations", [])
    parts += [f"deliberation {number}" for number in numbers]
    return "; ".join(parts) or "none"


def _withheld(withheld: Mapping[str, Iterable[str]]) -> str:
    return "; ".join(f"{source}: {', '.join(blocks)}" for source, blocks in withheld.items())


def _answer(record: Mapping[str, Any]) -> str:
    status = record["status"]
    if "fault" in record:
        return f"refused or failed: no data were given ({status})"
    text = wording.STATUS.get(Code(status), "")
    sources = ", ".join(f"{s} {c}" for s, c in record.get("statuses", {}).items())
    return f"{text} ({status}{'; ' + sources if sources else ''})"
