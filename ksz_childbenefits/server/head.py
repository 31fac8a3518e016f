"""Whether a request's head can be served (RFC 9112), and the refusals that end a connection."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus

import httptools

from ksz_childbenefits.server.limits import Limits


class Refusal(Exception):
    """Raised through the parser: answer this status, and close the connection."""

    def __init__(self, status: HTTPStatus) -> None:
        """``status``: 400, 413 or 431."""
        super().__init__(status.phrase)
        self.status = status


def judge(
    parser: httptools.HttpRequestParser,
    url: bytes,
    headers: Sequence[tuple[bytes, bytes]],
    limits: Limits,
) -> None:
    """RFC 9112: version, origin-form target, one Host; then the bounds on size. Raises Refusal."""
    version = parser.get_http_version()
    hosts = sum(name == b"host" for name, _ in headers)
    if version not in {"1.0", "1.1"} or url[:1] != b"/" or b"#" in url:
        raise Refusal(HTTPStatus.BAD_REQUEST)
    if parser.get_method() == b"CONNECT":
        # Its target is no path, and the parser takes all after it for another protocol.
        raise Refusal(HTTPStatus.BAD_REQUEST)
    if hosts > 1 or (hosts == 0 and version == "1.1"):
        raise Refusal(HTTPStatus.BAD_REQUEST)
    size = len(url) + sum(len(name) + len(value) + 4 for name, value in headers)
    if size > limits.header_bytes:
        raise Refusal(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
    if int(dict(headers).get(b"content-length", b"0")) > limits.request_bytes:
        raise Refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
