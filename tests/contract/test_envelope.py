"""The structure of a message (SECURITY 2), and that nothing wrapped elsewhere is seen."""

from __future__ import annotations

import pytest
from lxml import etree

from ksz_childbenefits.contract.envelope import (
    open_envelope,
    write_body,
    write_envelope,
    write_fault,
)
from ksz_childbenefits.contract.namespaces import (
    INTF,
    REQUEST,
    SOAP_ACTOR_NEXT,
    SOAP_ENV,
    WSSE,
)
from ksz_childbenefits.contract.xmlio import parse
from ksz_childbenefits.errors import NotReadable, NotUnderstood, VersionMismatch
from tests.contract.canonical import canonical
from tests.contract.messages import envelope_xml, request_xml

SOAP_12 = "http://www.w3.org/2003/05/soap-envelope"
PAYLOAD = request_xml()
BODY = f"<soapenv:Body>{PAYLOAD}</soapenv:Body>"


def header(*blocks: str) -> str:
    return f"<soapenv:Header>{''.join(blocks)}</soapenv:Header>"


def raw(content: str) -> str:
    return f'<soapenv:Envelope xmlns:soapenv="{SOAP_ENV}">{content}</soapenv:Envelope>'


def block(*attributes: str, name: str = "x:Block") -> str:
    return f'<{name} xmlns:x="urn:x" xmlns:wsse="{WSSE}" {" ".join(attributes)}/>'


MUST = 'soapenv:mustUnderstand="1"'
NEXT = f'soapenv:actor="{SOAP_ACTOR_NEXT}"'
OTHER = 'soapenv:actor="urn:someone-else"'

OPENED = {
    "no header": envelope_xml(PAYLOAD),
    "empty header": envelope_xml(PAYLOAD, header()),
    "indented": raw(f"\n  {header()}\n\t<soapenv:Body>\r\n {PAYLOAD}\n </soapenv:Body> \n"),
    "comments": raw(f"<!-- a -->{header('<!-- b -->')}<!-- c -->{BODY}<!-- d -->"),
    "unknown header": envelope_xml(PAYLOAD, header(block())),
    "unknown header without namespace": envelope_xml(PAYLOAD, header("<Block/>")),
    "not to be understood": envelope_xml(PAYLOAD, header(block('soapenv:mustUnderstand="0"'))),
    "false": envelope_xml(PAYLOAD, header(block('soapenv:mustUnderstand="false"'))),
    "for someone else": envelope_xml(PAYLOAD, header(block(MUST, OTHER))),
    "for someone else, odd": envelope_xml(
        PAYLOAD, header(block('soapenv:mustUnderstand="x"', OTHER))
    ),
    "mustUnderstand of no namespace": envelope_xml(PAYLOAD, header(block('mustUnderstand="1"'))),
    "Security": envelope_xml(PAYLOAD, header(block(MUST, name="wsse:Security"))),
    "Security for next": envelope_xml(PAYLOAD, header(block(MUST, NEXT, name="wsse:Security"))),
    "headers deeper down": envelope_xml(
        PAYLOAD, header(f"<x:a xmlns:x='urn:x'>{block(MUST)}</x:a>")
    ),
    "attributes on the envelope": envelope_xml(PAYLOAD).replace(
        "<soapenv:Body>", '<soapenv:Body Id="Body" xmlns:wsu="urn:w" wsu:Id="B">'
    ),
    "another prefix": envelope_xml(PAYLOAD).replace("soapenv", "S"),
    "xmlns empty": envelope_xml(PAYLOAD).replace("<criteria>", '<criteria xmlns="">'),
}

REFUSED = {
    "no envelope": PAYLOAD,
    "no envelope, same name inside": f"<x>{envelope_xml(PAYLOAD)}</x>",
    "empty envelope": raw(""),
    "header only": raw(header()),
    "empty body": envelope_xml(""),
    "body with text": envelope_xml("text"),
    "text before the payload": envelope_xml("text" + PAYLOAD),
    "text after the payload": envelope_xml(PAYLOAD + "text"),
    "no-break space in the body": envelope_xml("\u00a0" + PAYLOAD),
    "text in the envelope": raw("text" + BODY),
    "text after the body": raw(BODY + "text"),
    "text in the header": envelope_xml(PAYLOAD, header("text")),
    "text between header blocks": envelope_xml(PAYLOAD, header(block(), "text")),
    "two payloads": envelope_xml(PAYLOAD * 2),
    "a stranger before the payload": envelope_xml("<x/>" + PAYLOAD),
    "a stranger after the payload": envelope_xml(PAYLOAD + "<x/>"),
    "payload wrapped": envelope_xml(f"<x>{PAYLOAD}</x>"),
    "payload of no namespace": envelope_xml("<consultFilesBySsinRequest/>"),
    "payload of cb": envelope_xml(PAYLOAD.replace(INTF, "http://kszbcss.fgov.be/types/x")),
    "the response": envelope_xml(PAYLOAD.replace("SsinRequest", "SsinResponse")),
    "a fault": envelope_xml("<soapenv:Fault/>"),
    "payload named in other capitals": envelope_xml(PAYLOAD.replace("consultF", "ConsultF")),
    "two bodies": raw(BODY * 2),
    "two headers": raw(header() * 2 + BODY),
    "header after the body": raw(BODY + header()),
    "a stranger before the body": raw("<x/>" + BODY),
    "a stranger after the body": raw(BODY + "<x/>"),
    "a stranger between": raw(header() + "<x/>" + BODY),
    "body of no namespace": raw(f"<Body>{PAYLOAD}</Body>"),
    "body of SOAP 1.2": raw(f'<b:Body xmlns:b="{SOAP_12}">{PAYLOAD}</b:Body>'),
    "body in a wrapper": raw(f"<x>{BODY}</x>"),
    "envelope in the body": envelope_xml(envelope_xml(PAYLOAD)),
    "mustUnderstand neither 0 nor 1": envelope_xml(
        PAYLOAD, header(block('soapenv:mustUnderstand="yes"'))
    ),
    "mustUnderstand empty": envelope_xml(PAYLOAD, header(block('soapenv:mustUnderstand=""'))),
}

NOT_UNDERSTOOD = {
    "1": block(MUST),
    "true": block('soapenv:mustUnderstand="true"'),
    "1 with blanks": block('soapenv:mustUnderstand=" 1 "'),
    "for next": block(MUST, NEXT),
    "for an empty actor": block(MUST, 'soapenv:actor=""'),
    "of no namespace": f"<Block {MUST}/>",
    "Security of no namespace": f"<Security {MUST}/>",
    "another element of WS-Security": block(MUST, name="wsse:Other"),
    "second of two": block(MUST, name="wsse:Security") + block(MUST),
}


@pytest.mark.parametrize("text", OPENED.values(), ids=OPENED)
def test_opened(text: str) -> None:
    root = parse(text.encode(), None)
    opened = open_envelope(root)
    assert opened.root is root
    assert opened.body is root[-1]
    assert opened.header is (root[0] if len(root) == 2 else None)
    assert opened.payload is root[-1][0]


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED)
def test_refused(text: str) -> None:
    with pytest.raises(NotReadable) as refused:
        open_envelope(parse(text.encode(), None))
    assert type(refused.value) is NotReadable


@pytest.mark.parametrize("block_text", NOT_UNDERSTOOD.values(), ids=NOT_UNDERSTOOD)
def test_not_understood(block_text: str) -> None:
    with pytest.raises(NotUnderstood):
        open_envelope(parse(envelope_xml(PAYLOAD, header(block_text)).encode(), None))


@pytest.mark.parametrize("namespace", [SOAP_12, "http://www.w3.org/2001/06/soap-envelope", "urn:x"])
def test_another_version(namespace: str) -> None:
    with pytest.raises(VersionMismatch):
        open_envelope(parse(envelope_xml(PAYLOAD, namespace=namespace).encode(), None))


def test_an_envelope_without_namespace_is_another_version() -> None:
    with pytest.raises(VersionMismatch):
        open_envelope(etree.fromstring("<Envelope><Body/></Envelope>"))


def test_a_body_in_the_header_is_not_seen() -> None:
    forged = PAYLOAD.replace("12031590185", "85073003328")
    text = envelope_xml(forged, header(f"<x:Wrapper xmlns:x='urn:x'>{BODY}</x:Wrapper>"))
    opened = open_envelope(parse(text.encode(), None))
    assert opened.payload.findtext("criteria/ssin") == "85073003328"


def test_another_service_names_its_own_payload() -> None:
    root = parse(envelope_xml("<x:ask xmlns:x='urn:x'/>").encode(), None)
    assert open_envelope(root, ("{urn:x}ask",)).payload.tag == "{urn:x}ask"
    with pytest.raises(NotReadable):
        open_envelope(root, (REQUEST,))


def test_what_is_written_opens_again() -> None:
    written = write_envelope("", write_body(PAYLOAD))
    opened = open_envelope(parse(written, "utf-8"))
    assert opened.header is not None
    assert len(opened.header) == 0
    assert canonical(opened.payload) == canonical(etree.fromstring(PAYLOAD))
    assert b'xmlns=""' not in written


@pytest.mark.parametrize(
    ("faultcode", "namespace"), [("soapenv:Client", SOAP_ENV), ("wsse:FailedCheck", WSSE)]
)
def test_fault(faultcode: str, namespace: str) -> None:
    """SECURITY 6: the faultcode's prefix is declared, and the detail has a prefixed root."""
    detail = f'<intf:consultFilesBySsinFault xmlns:intf="{INTF}"></intf:consultFilesBySsinFault>'
    written = write_fault(faultcode, "No.", detail)
    root = parse(write_envelope("", write_body(written)), None)
    fault = root[1][0]
    assert canonical(root[1]).endswith(f">{written}</soapenv:Body>")
    assert fault.tag == f"{{{SOAP_ENV}}}Fault"
    assert [child.tag for child in fault] == ["faultcode", "faultstring", "detail"]
    assert fault[0].text == faultcode
    assert fault[0].nsmap[faultcode.partition(":")[0]] == namespace
    assert fault[1].text == "No."
    assert fault[2][0].tag == f"{{{INTF}}}consultFilesBySsinFault"
    assert fault[2][0].prefix == "intf"
    assert root[0].tag == f"{{{SOAP_ENV}}}Header"
