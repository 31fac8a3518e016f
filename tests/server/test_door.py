"""The rows of SECURITY 1 on paths, methods, media types and sizes."""

from __future__ import annotations

import time

import pytest
from lxml import etree

from ksz_childbenefits.server.limits import Limits
from tests.server.serving import (
    BROKEN,
    CHUNKED_HEAD,
    PATH,
    SECRET,
    SLOW,
    Response,
    Site,
    ask,
    chunked,
    connect,
    get,
    post,
    receive,
    threaded,
    unready,
)

XSD = "/ChildBenefitsService/v1/xsd/"


def answered(site: Site, request: bytes, method: str = "POST") -> Response:
    answer = ask(site, request, method)
    assert answer is not None
    return answer


def seen(answer: Response) -> list[str]:
    assert answer.status == 200, answer
    return answer.body.decode().split("|")


def test_a_post_reaches_the_gateway_whole(site: Site) -> None:
    answer = answered(site, post(b"x" * 5000, 'SOAPAction: "urn:a"'))
    assert seen(answer)[:3] == ["5000", "None", '"urn:a"']
    assert answer.headers["content-type"] == "text/xml; charset=utf-8"
    assert "server" not in answer.headers


def test_a_fault_keeps_its_status(site: Site) -> None:
    assert answered(site, post(b"<fault/>")).status == 500


def test_a_gateway_that_raises_is_a_500_without_words(site: Site) -> None:
    answer = answered(site, post(BROKEN))
    assert (answer.status, answer.body) == (500, b"")
    deadline = time.monotonic() + 5
    while "ValueError" not in site.log():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert SECRET not in site.log()


@pytest.mark.parametrize(
    ("content_type", "charset"),
    [
        ("text/xml", "None"),
        ("TEXT/XML;charset=utf-8", "utf-8"),
        ('text/xml; charset="UTF-16"', "UTF-16"),
        ("text/xml ; CharSet = utf-8 ; action=x", "utf-8"),
        ("text/xml; charset=klingon", "klingon"),
        ('text/xml; action="a;charset=b"', "None"),
        ("text/xml; charset=utf-8; charset=utf-16", "utf-8, utf-16"),
        ('text/xml; charset="', ""),
        ("text/xml;", "None"),
    ],
)
def test_the_charset_is_passed_on_unjudged(site: Site, content_type: str, charset: str) -> None:
    assert seen(answered(site, post(b"<a/>", f"Content-Type: {content_type}")))[1] == charset


@pytest.mark.parametrize(
    ("headers", "action"),
    [
        ([], "None"),
        (["SOAPAction:"], ""),
        (['SOAPAction: ""'], '""'),
        (["soapaction: urn:a"], "urn:a"),
        (["SOAPAction: a", "SOAPAction: b"], "a, b"),
        (["Authorization: Basic c2VjcmV0", "SOAPAction: x"], "x"),
    ],
)
def test_the_soap_action_is_passed_on_unjudged(site: Site, headers: list[str], action: str) -> None:
    assert seen(answered(site, post(b"<a/>", *headers)))[2] == action
    assert "c2VjcmV0" not in site.log()


@pytest.mark.parametrize(
    "headers",
    [
        ["Content-Type: application/soap+xml"],
        ["Content-Type: multipart/related; type=text/xml"],
        ["Content-Type:"],
        ["Content-Type: text/xml, text/xml"],
        ["Content-Type: text/xml", "Content-Type: text/xml"],
        ["Content-Type: text/xmlx"],
        ["Content-Encoding: gzip"],
        ["Content-Encoding: identity, deflate"],
        ["Content-Encoding: identity", "Content-Encoding: br"],
    ],
)
def test_other_media_types_and_codings_are_415(site: Site, headers: list[str]) -> None:
    assert answered(site, post(b"<a/>", *headers)).status == 415


def test_no_content_type_is_415(site: Site) -> None:
    request = post().replace(b"Content-Type: text/xml\r\n", b"")
    assert answered(site, request).status == 415


def test_a_coding_under_the_chunks_is_415(site: Site) -> None:
    head = CHUNKED_HEAD.replace(b": chunked", b": gzip, chunked")
    assert answered(site, head + chunked(b"<a/>")).status == 415


def test_identity_is_no_coding(site: Site) -> None:
    assert answered(site, post(b"<a/>", "Content-Encoding: Identity")).status == 200


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("GET", PATH, "POST"),
        ("HEAD", PATH, "POST"),
        ("PUT", PATH, "POST"),
        ("DELETE", PATH, "POST"),
        ("OPTIONS", PATH, "POST"),
        ("PROPFIND", PATH, "POST"),
        ("POST", f"{PATH}?wsdl", "GET"),
        ("HEAD", f"{PATH}?wsdl", "GET"),
        ("POST", f"{XSD}CommonV3.xsd", "GET"),
        ("POST", "/health/live", "GET"),
        ("HEAD", "/health/ready", "GET"),
    ],
)
def test_other_methods_are_405_with_allow(site: Site, method: str, path: str, allow: str) -> None:
    answer = answered(site, post(path=path, method=method), method)
    assert (answer.status, answer.headers["allow"]) == (405, allow)
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"


@pytest.mark.parametrize(
    "path",
    [
        "/",
        f"{PATH}/",
        f"{PATH}?x=1",
        f"/{PATH}",
        PATH.lower(),
        PATH.replace("consult", "%63onsult"),
        PATH.replace("/v1", "/v1/../v1"),
        f"{PATH}%00",
        f"{PATH}?%77sdl",
        f"{XSD}../wsdl/ChildBenefitsV1.wsdl",
        f"{XSD}..%2f..%2fetc%2fpasswd",
        f"{XSD}Unknown.xsd",
        XSD,
        f"{XSD}CommonV3.xsd?x",
        "/health",
        "/metrics",
    ],
)
def test_other_paths_are_404(site: Site, path: str) -> None:
    for request in (get(path), post(path=path)):
        answer = answered(site, request)
        assert answer.status == 404
        assert len(answer.body) < 50


@pytest.mark.parametrize("query", ["wsdl", "WSDL", "Wsdl"])
def test_the_wsdl_is_served_with_the_address_of_the_request(site: Site, query: str) -> None:
    answer = answered(site, get(f"{PATH}?{query}", "Host: ksz.example:8443"))
    assert (answer.status, answer.headers["content-type"]) == (200, "text/xml; charset=utf-8")
    assert b'location="http://ksz.example:8443/ChildBenefitsService/v1/consult"' in answer.body
    etree.fromstring(answer.body)


@pytest.mark.parametrize("host", ['a"b', "a/b", "a b", "a:b", "", "a:1:2", "a,b", "<a>", "é"])
def test_a_host_that_is_none_is_400(site: Site, host: str) -> None:
    assert answered(site, get(f"{PATH}?wsdl", f"Host: {host}")).status == 400


@pytest.mark.parametrize(
    "name", ["ChildBenefitsV1.xsd", "ChildBenefitsCommonV1.xsd", "CommonV3.xsd"]
)
def test_the_schemas_are_served(site: Site, name: str) -> None:
    answer = answered(site, get(f"{XSD}{name}"))
    assert (answer.status, answer.headers["content-type"]) == (200, "text/xml; charset=utf-8")
    assert etree.fromstring(answer.body).tag == "{http://www.w3.org/2001/XMLSchema}schema"


def test_health(site: Site) -> None:
    assert answered(site, get("/health/live")).status == 200
    assert answered(site, get("/health/ready")).status == 200


def test_256_kib_pass_and_one_byte_more_is_413(site: Site) -> None:
    limit = 256 * 1024
    assert seen(answered(site, post(b"x" * limit)))[0] == str(limit)
    answer = answered(site, post(b"x" * (limit + 1)))
    assert (answer.status, answer.headers["connection"]) == (413, "close")


def test_chunks_are_counted_too(site: Site) -> None:
    limit = 256 * 1024
    whole = CHUNKED_HEAD + chunked(*[b"x" * 4096] * (limit // 4096))
    assert seen(answered(site, whole))[0] == str(limit)
    more = CHUNKED_HEAD + chunked(*[b"x" * 4096] * (limit // 4096), b"x")
    assert answered(site, more).status == 413


def test_413_is_said_before_the_body_is_sent(site: Site) -> None:
    with connect(site) as stream:
        stream.sendall(post(b"", "Content-Length: 99999999999", "Expect: 100-continue"))
        answer = receive(stream)
        assert answer is not None
        assert answer.status == 413
        assert receive(stream) is None


def test_nothing_is_read_after_413(site: Site) -> None:
    sent = 0
    with connect(site) as stream:
        stream.sendall(CHUNKED_HEAD)
        try:
            while sent < 2**30:
                stream.sendall(chunked(b"x" * 65536, end=b""))
                sent += 65536
        except ConnectionError:
            pass
    assert sent < 2**25  # what fits into the buffers of the two kernels


@pytest.fixture(scope="module")
def narrow() -> object:
    limits = Limits(parallel_requests=2, threads=1)
    with threaded(unready, limits, public_url="https://b2b.example/SOA4520") as site:
        yield site


def test_overload_is_the_gateway_s_503_with_retry_after(narrow: Site) -> None:
    with connect(narrow) as first, connect(narrow) as second:
        first.sendall(post(SLOW))
        second.sendall(post(SLOW))
        for _ in range(5):  # until the two are in
            answer = answered(narrow, post())
            if answer.status == 503:
                break
        assert answer.headers["retry-after"] == "5"
        assert answer.headers["content-type"] == "text/xml; charset=utf-8"
        assert answer.body == b"<MSG00001/>"
        for stream in (first, second):
            late = receive(stream)
            assert late is not None
            assert late.status == 200
    assert answered(narrow, post()).status == 200


def test_not_ready_is_503_and_alive(narrow: Site) -> None:
    assert answered(narrow, get("/health/ready")).status == 503
    assert answered(narrow, get("/health/live")).status == 200


def test_the_public_address_goes_before_the_host(narrow: Site) -> None:
    answer = answered(narrow, get(f"{PATH}?wsdl", "Host: evil.example"))
    assert b'location="https://b2b.example/SOA4520/ChildBenefitsService/v1/consult"' in answer.body
    assert b"evil" not in answer.body
