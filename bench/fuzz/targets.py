"""What is fuzzed: parser, envelope, verifier, decoding; and what must hold whatever comes in.

A target takes any octets. It raises ``Finding`` for an acceptance that an oracle refuses; every
other exception that is not one of errors.py is a finding by itself. ``checked`` adds the bounds on
time and memory.
"""

from __future__ import annotations

import resource
import sys
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Final

from lxml import etree

from ksz_childbenefits.conformance.identity import Identity
from ksz_childbenefits.conformance.recipe import SigningRecipe
from ksz_childbenefits.conformance.signer import Signer
from ksz_childbenefits.contract import xmlio
from ksz_childbenefits.contract.codec import CbssInformation, decode_question, encode_outcome
from ksz_childbenefits.contract.contracts import CONSULTATION
from ksz_childbenefits.contract.envelope import open_envelope
from ksz_childbenefits.contract.namespaces import DS, REQUEST, SOAP_ENV, WSSE
from ksz_childbenefits.contract.schemas import prove_reply, validate_request
from ksz_childbenefits.domain.consultation import Code, NoResult, Outcome, Status, StatusValue
from ksz_childbenefits.domain.question import check_consistency, check_ssin
from ksz_childbenefits.errors import Fault

ROOT: Final = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))  # the oracles and keys are the tests'

from tests.contract.oracle import oracle_accepts  # noqa: E402
from tests.security.checks import check  # noqa: E402
from tests.security.differential import ORACLES, wrong  # noqa: E402
from tests.security.pki import NOW, Party, pki  # noqa: E402

CPU_SECONDS: Final = 0.5
MEMORY_BYTES: Final = 50 * 1024 * 1024
"""What a hostile request may cost (issue 4, bounds)."""

PATCHES: Final = b"\x1e"
"""Ends the layout of a message: what follows changes octets of what was sealed.

No XML holds this octet. Each patch is a place (2 octets), how many octets go (1), what comes.
"""

CERTIFICATE: Final = "CERTIFICATE"
"""Stands in the token of a layout, for the keys are made anew in every run."""

_CHARSETS: Final = (None, "utf-8", "utf-16", "x")
_PAGE: Final = resource.getpagesize()


class Finding(Exception):
    """Something that must not be."""


def parser(data: bytes) -> None:
    """The parser: what it reads, expat reads alike, and it can be written and read again.

    The first octet says the charset of HTTP.
    """
    charset = _CHARSETS[data[0] % len(_CHARSETS)] if data else None
    try:
        root = xmlio.parse(data[1:], charset)
    except Fault:
        return
    count = sum(1 for _ in root.iter(etree.Element))
    if count > xmlio.DEFAULT_LIMITS.elements:
        raise Finding(f"{count} elements")
    if next(root.iter(etree.Comment, etree.PI, etree.Entity), None) is not None:
        raise Finding("more than elements and text")
    written = xmlio.serialise(root)
    again = xmlio.parse(written, "utf-8")
    if not _written_by_expat(written) == _written_by_lxml(root) == _written_by_lxml(again):
        raise Finding("two parsers read two documents")


def envelope(data: bytes) -> None:
    """The envelope: what is opened has the shape of SOAP 1.1 in the eyes of another parser."""
    try:
        opened = open_envelope(xmlio.parse(data, None))
    except Fault:
        return
    root = ET.fromstring(xmlio.serialise(opened.root))
    names = [child.tag for child in root]
    header, body = f"{{{SOAP_ENV}}}Header", f"{{{SOAP_ENV}}}Body"
    if root.tag != f"{{{SOAP_ENV}}}Envelope" or names not in ([header, body], [body]):
        raise Finding("no envelope of SOAP 1.1")
    if [child.tag for child in root[-1]] != [REQUEST]:
        raise Finding("not exactly the request in Body")
    for block in root[0] if len(names) == 2 else ():
        actor = block.get(f"{{{SOAP_ENV}}}actor", "").strip()
        must = block.get(f"{{{SOAP_ENV}}}mustUnderstand", "0").strip() in {"1", "true"}
        ours = actor in {"", "http://schemas.xmlsoap.org/soap/actor/next"}
        if must and ours and block.tag != f"{{{WSSE}}}Security":
            raise Finding("a header that must be understood was not")


def verifier(data: bytes) -> None:
    """The verifier: what it accepts, xmlsec or signxml verifies, and what is served was signed."""
    party, message = sealed(data)
    try:
        verified = check(message)
    except Fault:
        return
    signed = {
        name: found
        for name, oracle in ORACLES.items()
        if (found := oracle(message, party.certificate)) is not None
    }
    if (what := wrong(verified, signed)) is not None:
        raise Finding(what)


def decode(data: bytes) -> None:
    """From a payload to the question and back: what is valid for us is so for xmlschema.

    Whatever is asked, the reply that echoes it is valid too.
    """
    try:
        payload = xmlio.parse(data, None)
        validate_request(CONSULTATION, payload)
    except Fault:
        return
    if payload.tag != REQUEST:
        return
    try:
        second = oracle_accepts(payload)
    except OverflowError:  # its own, on years of twelve digits (SECURITY 4)
        second = True
    if not second:
        raise Finding("valid for us, not for xmlschema")
    question = decode_question(payload)
    outcome = Outcome(Status(StatusValue.NO_RESULT, Code.SSIN_UNKNOWN))
    try:
        check_ssin(question)
        check_consistency(question, date(2026, 3, 10))
    except NoResult as refusal:
        outcome = Outcome(refusal.status, notice=refusal.notice)
    now = datetime(2026, 3, 10, tzinfo=UTC)
    cbss = CbssInformation("0b0e1f0e-52f1-4b39-8d0b-0f9a2a7c9f11", now, now)
    prove_reply(CONSULTATION, encode_outcome(question, outcome, cbss))


TARGETS: Final[dict[str, Callable[[bytes], None]]] = {
    one.__name__: one for one in (parser, envelope, verifier, decode)
}


def checked(target: str, data: bytes) -> None:
    """Run a target within the bounds; Finding, or what it raises, for what must not be."""
    resident, peak = _resident(), _peak()
    began = time.process_time()
    TARGETS[target](data)
    took, grown = time.process_time() - began, _peak()
    if took > CPU_SECONDS:
        raise Finding(f"{took:.2f} s of CPU")
    # The peak is that of the whole life: it tells of this run only where it has risen.
    if grown > peak and grown - resident > MEMORY_BYTES:
        raise Finding(f"{(grown - resident) // 2**20} MB of memory")


def sealed(data: bytes) -> tuple[Party, bytes]:
    """A message signed with a good key as it is laid out, then patched.

    What is no XML, or has no room for a signature, is left as it is.
    """
    layout, *patches = data.split(PATCHES)
    party = pki().rsa if b"rsa-" in layout else pki().p256
    message = _filled_in(layout, party)
    for patch in patches:
        if len(patch) >= 3 and message:
            place = int.from_bytes(patch[:2], "big") % len(message)
            message = message[:place] + patch[3:] + message[place + patch[2] :]
    return party, message


def _filled_in(layout: bytes, party: Party) -> bytes:
    try:
        root = etree.fromstring(layout, _plain_parser())
    except etree.XMLSyntaxError:
        return layout
    der = certificate(party)
    for token in root.iter(f"{{{WSSE}}}BinarySecurityToken"):
        if token.text == CERTIFICATE:
            token.text = der
    signer = Signer(SigningRecipe(), _identity(party), NOW)
    try:
        for signature in root.iter(f"{{{DS}}}Signature"):
            signer.seal(signature)
    except (etree.C14NError, ValueError):
        return layout
    return etree.tostring(root)


@cache
def _plain_parser() -> etree.XMLParser:
    return etree.XMLParser(resolve_entities=False, no_network=True, collect_ids=False)


@cache
def _identity_of(name: str) -> Identity:
    party: Party = getattr(pki(), name)
    return Identity(party.key, party.certificate)  # type: ignore[arg-type]


def _identity(party: Party) -> Identity:
    return _identity_of("rsa" if party is pki().rsa else "p256")


def certificate(party: Party) -> str:
    """The certificate of somebody as a token holds it."""
    return "".join(party.certificate_pem.decode().splitlines()[1:-1])


def _written_by_expat(data: bytes) -> str:
    return ET.canonicalize(data.decode())


def _written_by_lxml(root: etree._Element) -> str:
    return etree.canonicalize(etree.ElementTree(root))


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
