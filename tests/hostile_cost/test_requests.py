"""The worst requests that we could think of, before and after authentication, each at most 0.5 s.

The contract says CPU and memory, not time, so that a busy machine changes nothing.
"""

from __future__ import annotations

import base64
import itertools
import secrets
import string
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.hostile_cost.certificates import costly
from tests.hostile_cost.measuring import CPU_SECONDS, MEGABYTES, costs
from tests.hostile_cost.messages import EMPTY, PREFIXES, SIZE, Sender, declared, times

pytestmark = pytest.mark.once

ROOM = SIZE - 8 * 1024
"""What an envelope with its signature leaves of a request."""

ELEMENTS = 4_900
"""As many as a request may hold, with those of the envelope."""


@pytest.fixture(scope="module")
def sender(demo: Path) -> Sender:
    return Sender(demo.parent / "credentials" / "fedris")


@pytest.fixture
def hold(demo: Path, sender: Sender, tmp_path: Path) -> object:
    """Hold messages to the bounds; the code that each must come to says how far it got."""

    def check(messages: Mapping[str, bytes], code: str, kind: str = "consultation") -> None:
        ordinary = sender.message(sender.question())
        if kind == "inscriptions":
            ordinary = sender.message(sender.inscriptions(line("01.01.01-001"), "ordinary"))
        found = costs(kind, demo, ordinary, messages, tmp_path)
        for name, cost in found.items():
            print(f"{name:50} {cost.cpu_seconds:6.3f} s {cost.megabytes:6.1f} MB  {cost.code}")
        assert {name: cost.code for name, cost in found.items()} == dict.fromkeys(found, code)
        assert not {name: cost for name, cost in found.items() if not cost.within()}

    return check


def attributes(count: int) -> str:
    """So many attributes, with the shortest names there are."""
    letters = string.ascii_letters
    pairs = ("".join(pair) for pair in itertools.product(letters, repeat=2))
    names = itertools.islice(itertools.chain(letters, pairs), count)
    return " ".join(f'{name}=""' for name in names)


def line(ssin: str, codes: str = 'sector="1" quality="1"', begin: str = "2020-01-01") -> str:
    return f"<inscription {codes}><ssin>{ssin}</ssin><beginDate>{begin}</beginDate></inscription>"


def numbers(count: int) -> list[str]:
    """Valid numbers: days of 1980 on, the serials of each up to 997, check digits as DOMAIN 4."""
    nines = (
        f"{80 + day // 336:02}{1 + day // 28 % 12:02}{1 + day % 28:02}{serial:03}"
        for day in itertools.count()
        for serial in range(1, 998)
    )
    return [f"{nine}{97 - int(nine) % 97:02}" for nine in itertools.islice(nines, count)]


def test_what_spends_too_much_is_found(demo: Path, tmp_path: Path) -> None:
    spent = costs(
        "spender",
        demo,
        b"cpu 0",
        {"time": b"cpu 0.6", "room": b"memory 60", "little": b"memory 5"},
        tmp_path,
    )
    assert 0.6 <= spent["time"].cpu_seconds < 0.9
    assert 59 < spent["room"].megabytes < 62
    assert [cost.within() for cost in spent.values()] == [False, False, True]
    assert (CPU_SECONDS, MEGABYTES) == (0.5, 50)


def test_what_is_not_well_formed_or_over_a_limit(hold: object) -> None:
    assert callable(hold)
    hold(
        {
            "a declaration of blanks": b'<?xml version="1.0"' + b" " * ROOM,
            "blanks between its parts": b'<?xml version="1.0" encoding="utf-8"'
            + b" " * (ROOM // 2)
            + b'standalone="yes"'
            + b" " * (ROOM // 2),
            "elements": b"<a>" + b"<a/>" * (ROOM // 4) + b"</a>",
            "levels": b"<a>" * (ROOM // 3),
            "attributes of one element": f"<a {times('a=1 ', ROOM)}/>".encode(),
            "attributes of all elements": b"<a>"
            + times(f"<a {attributes(64)}/>", ROOM).encode()
            + b"</a>",
            "distinct attributes": b"<a "
            + b" ".join(b'a%d=""' % n for n in range(ROOM // 10))
            + b"/>",
            "a long name": b"<" + b"a" * ROOM + b"/>",
            "a long namespace": b'<a xmlns="' + b"u" * ROOM + b'"/>',
            "text of comments": b"<a>" + b"a<!---->" * (ROOM // 8) + b"</a>",
            "text of sections": b"<a>" + b"<![CDATA[a]]>" * (ROOM // 13) + b"</a>",
            "text of references": b"<a>" + b"&#65;&lt;" * (ROOM // 9) + b"</a>",
            "entities": b'<!DOCTYPE a [<!ENTITY b "b">]><a>' + b"&b;" * (ROOM // 3) + b"</a>",
            "UTF-16": ("<a>" + "\u20ac" * (ROOM // 2 - 20) + "</b>").encode("utf-16"),
            "blanks": b" " * ROOM,
        },
        "soapenv:Client unsigned",
    )


def test_what_anybody_can_sign_in_vain(hold: object, sender: Sender) -> None:
    """With a certificate of ours, which is public, and a signature that is none."""
    assert callable(hold)

    def message(content: str = "", **given: object) -> bytes:
        payload = sender.question(content or None)
        return sender.message(payload, signed=False, **given)  # type: ignore[arg-type]

    many = declared(PREFIXES, 256)
    hold(
        {
            "elements": message("<a/>" * ELEMENTS),
            "attributes": message(times(f"<a {attributes(64)}/>", ROOM, 155)),
            "identifiers": message("".join(f'<a Id="{n}"/>' for n in range(ELEMENTS))),
            "distinct names": message("".join(f"<n{n:038}/>" for n in range(ELEMENTS))),
            "one text": message("x" * ROOM),
            "text of comments": message(times("a<!---->", ROOM)),
            "SignedInfo with many namespaces": message(
                root=many, prefixes=PREFIXES[:64], headers=["<h wsu:Id='H0'/>"]
            ),
            "SignedInfo with many attributes": message(
                root=many, signed_info=" ".join(f'{prefix}:a=""' for prefix in PREFIXES[:64])
            ),
            "header blocks": message(headers=['<h wsu:Id="H0">' + "<a/>" * 4_800 + "</h>"]),
        },
        "wsse:FailedCheck",
    )


def test_what_anybody_can_send_as_a_certificate(hold: object, sender: Sender, demo: Path) -> None:
    assert callable(hold)
    messages = {}
    for name, token in costly(demo.parent / "keys").items():
        value = base64.b64encode(b"\1" + secrets.token_bytes(2047)).decode()
        message = sender.message(sender.question(), signed=False, token=token)
        wanted = f"SignatureValue>{EMPTY}".encode()
        messages[name] = message.replace(wanted, f"SignatureValue>{value}".encode())
    forged = {name: body for name, body in messages.items() if name.startswith("forged")}
    hold(forged, "wsse:FailedAuthentication")
    hold({n: body for n, body in messages.items() if n not in forged}, "wsse:FailedCheck")
    zeros = sender.message(sender.question(), signed=False, token=bytes(ROOM * 3 // 4 - 2000))
    hold({"zeros": zeros}, "wsse:InvalidSecurity")


def test_what_a_customer_can_have_canonicalised(hold: object, sender: Sender) -> None:
    """Signed well by a registered customer, and refused by the XSD, after all of it was hashed."""
    assert callable(hold)
    short, long = declared(PREFIXES, 16), declared(PREFIXES, 256)

    def message(content: str, root: str = "", listed: int = 0, **given: object) -> bytes:
        payload = sender.question(content)
        prefixes = PREFIXES[:listed]
        return sender.message(payload, root=root, prefixes=prefixes, **given)  # type: ignore[arg-type]

    room = ROOM - len(long) - 4_000
    deep = "<p0:a>" * 58 + "</p0:a>" * 58
    qualified = " ".join(f'{prefix}:a=""' for prefix in PREFIXES[:60])
    hold(
        {
            "elements": message("<a/>" * ELEMENTS),
            "elements with a long namespace": message("<p0:a/>" * ELEMENTS, long),
            "elements, prefixes listed": message("<a/>" * ELEMENTS, short, 64),
            "deep elements, prefixes listed": message(deep * (ELEMENTS // 58), short, 64),
            "attributes with long namespaces": message(
                times(f"<a {qualified}/>", room, 160), long, 64
            ),
            "attributes on many elements": message(
                times(f"<p0:a {' '.join(qualified.split()[:8])}/>", room, 1_200), long, 64
            ),
            "namespaces declared anew": message(
                times('<q:a xmlns:q="urn:q" xmlns="urn:z"/>', room, 4_800), short, 64
            ),
            "attributes to be sorted": message(times(f"<a {attributes(64)}/>", room, 155)),
            "seven parts": message(
                "<p0:a/>" * 800,
                long,
                64,
                headers=[f'<p0:h wsu:Id="H{n}">' + "<p0:a/>" * 680 + "</p0:h>" for n in range(6)],
            ),
        },
        "soapenv:Client",
    )


def test_what_a_customer_can_have_validated(hold: object, sender: Sender) -> None:
    assert callable(hold)
    digits = "1" * (ROOM - 2000)
    hold(
        {
            "a year of many digits": sender.message(sender.question(begin=f"{digits}-01")),
            "a long number": sender.message(sender.question(ssin=digits)),
            "a long legal context": sender.message(sender.question(context=digits)),
            "a sector of many digits": sender.message(
                sender.question(
                    identification=f"<sector>{digits}</sector><institution>1</institution>"
                )
            ),
            "sources": sender.message(
                sender.question().replace(
                    "</criteria>",
                    "<authenticSources>"
                    + times("<authenticSource>X</authenticSource>", ROOM, ELEMENTS)
                    + "</authenticSources></criteria>",
                )
            ),
            "attributes that are none": sender.message(
                sender.question().replace(
                    "</criteria>", times(f"<a {attributes(64)}/>", ROOM - 2000, 155) + "</criteria>"
                )
            ),
        },
        "soapenv:Client",
    )


def test_what_is_valid_and_long(hold: object, sender: Sender) -> None:
    """XSD limits the value of a number, not its leading zeros, nor the fraction of a second."""
    assert callable(hold)
    zeros = "0" * (ROOM - 2000)
    sector = f"<sector>{zeros}17</sector><institution>1</institution>"
    sent = f"<timestampSent>2026-01-01T00:00:00.{zeros}Z</timestampSent>"
    hold({"zeros": sender.message(sender.question(identification=sector))}, "MSG00014")
    hold({"a fraction": sender.message(sender.question(sent=sent))}, "MSG00000")


def test_inscriptions_that_do_not_fit(hold: object, sender: Sender) -> None:
    """Violations are reported by their path, and what is in front of an element is counted."""
    assert callable(hold)
    odd = 'sector="9999" quality="x" phase="y" fileType="z" archive="q"'
    contents = {
        "values": "".join(line("q", odd, "x") for _ in range(1_000)),
        "attributes": times(f"<inscription {attributes(62)}/>", ROOM - 2000, 160),
        "attributes on a thousand": times(f"<inscription {attributes(9)}/>", ROOM - 2000, 1_000),
        "elements": "<x/>" * ELEMENTS,
        "empty ones": "<inscription/>" * ELEMENTS,
        "incomplete ones": "<inscription><ssin>a</ssin></inscription>" * (ELEMENTS // 2),
        "impossible days": "".join(line(n, begin="9999-99-99") for n in numbers(1_000)),
    }
    messages = {n: sender.message(sender.inscriptions(c, "t")) for n, c in contents.items()}
    hold(messages, "soapenv:Client", "inscriptions")


def test_inscriptions_that_break_a_rule_or_none(hold: object, sender: Sender) -> None:
    assert callable(hold)
    (one, *_), thousand = numbers(1), numbers(1_000)
    refused = {
        "overlaps": "".join(
            line(one, begin=f"{2000 + n % 20}-01-{1 + n % 28:02}") for n in range(1_000)
        ),
        "leading zeros": "".join(
            line(one, f'sector="{"0" * 120}1" quality="1"') for _ in range(1_000)
        ),
    }
    messages = {n: sender.message(sender.inscriptions(c, "t")) for n, c in refused.items()}
    hold(messages, "MSG00008", "inscriptions")
    served = "".join(line(number) for number in thousand)
    hold(
        {"a thousand": sender.message(sender.inscriptions(served, "full"))},
        "MSG00000",
        "inscriptions",
    )
