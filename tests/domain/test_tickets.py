"""Our own references: RFC 9562, 5.7, by Python's reading of it."""

from __future__ import annotations

import time
import uuid

from ksz_childbenefits.domain.tickets import new_ticket


def test_a_ticket_tells_its_millisecond_and_its_version() -> None:
    before = time.time_ns() // 1_000_000
    ticket = new_ticket()
    after = time.time_ns() // 1_000_000
    read = uuid.UUID(ticket)
    assert (str(read), read.version, read.variant) == (ticket, 7, uuid.RFC_4122)
    assert before <= read.int >> 80 <= after


def test_tickets_differ_in_one_millisecond_and_ascend_from_one_to_the_next() -> None:
    at_once = [new_ticket() for _ in range(10_000)]
    time.sleep(0.002)
    assert len(set(at_once)) == len(at_once)
    assert new_ticket() > max(at_once)


def test_all_bits_but_those_of_time_version_and_variant_are_chance() -> None:
    """Of 400 tickets no such bit is always the same, but once in 2**390 runs."""
    tickets = [uuid.UUID(new_ticket()).int for _ in range(400)]
    ones, zeros = 0, 0
    for ticket in tickets:
        ones, zeros = ones | ticket, zeros | ~ticket
    chance = ((1 << 12) - 1) << 64 | ((1 << 62) - 1)
    assert ones & zeros & chance == chance
