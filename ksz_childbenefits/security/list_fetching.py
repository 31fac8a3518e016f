"""Revocation lists fetched by HTTP into a folder, from where every worker reads them (SECURITY 3).

A list is believed for its issuer's signature alone, so it may come over plain HTTP. What is kept is
only ever replaced by a list that is fit, fresh and not older: whoever stands between us and the
authority can keep a revocation from us for as long as the list that we have is fresh, and no
longer.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography import x509

from ksz_childbenefits.errors import FailedAuthentication
from ksz_childbenefits.security.revocation import CheckedList, check_list

_HEADERS = {"Accept-Encoding": "identity", "User-Agent": "ksz-childbenefits"}


class NotFetched(Exception):
    """Why a list was not fetched; the text is fit for the log."""


@dataclass(frozen=True, slots=True)
class FetchLimits:
    """Bounds of one fetch: the whole of it, however it drips, and the size of a list."""

    seconds: float = 30
    list_bytes: int = 16 * 1024 * 1024


def kept_list(path: Path, issuer: x509.Certificate) -> CheckedList | None:
    """The list of ``issuer`` in a file, fresh or not; None where there is none that is fit."""
    try:
        return check_list(path.read_bytes(), issuer)
    except (OSError, FailedAuthentication):
        return None


async def fetch_list(
    url: str, issuer: x509.Certificate, path: Path, limits: FetchLimits, now: datetime
) -> CheckedList:
    """Fetch the list of ``issuer`` into ``path``, unless that holds the same or a later one.

    Gives the list that is kept then. NotFetched when none came in time, or one that is of no use
    at ``now`` (aware).
    """
    try:
        async with asyncio.timeout(limits.seconds):
            data = await _download(url, limits.list_bytes)
    except TimeoutError:
        raise NotFetched("no whole answer in time") from None
    try:
        fetched = check_list(data, issuer)
    except FailedAuthentication as failure:
        raise NotFetched(failure.reason) from None
    if not fetched.is_fresh(now):
        raise NotFetched("the list is not fresh")
    kept = kept_list(path, issuer)
    if kept is not None and fetched.is_older_than(kept):
        raise NotFetched("the list is older than the one that is kept")
    if fetched != kept:
        _keep(path, data)
    return fetched


async def _download(url: str, limit: int) -> bytes:
    # Only here: most services fetch none, and do without an HTTP client.
    import httpx  # noqa: PLC0415

    # Redirects are not followed, and no proxy of the environment comes between.
    client = httpx.AsyncClient(timeout=None, trust_env=False, headers=_HEADERS)  # noqa: S113 - bounded by the caller
    try:
        async with client, client.stream("GET", url) as response:
            if response.status_code != httpx.codes.OK:
                raise NotFetched(f"HTTP {response.status_code}")
            if response.headers.get("content-encoding", "identity").lower() != "identity":
                raise NotFetched("the answer is compressed")
            content = bytearray()
            async for chunk in response.aiter_raw():
                content += chunk
                if len(content) > limit:
                    raise NotFetched("the list is too long")
            return bytes(content)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise NotFetched(f"no answer ({type(error).__name__})") from None


def _keep(path: Path, data: bytes) -> None:
    """Put a list in place as a whole, so that no reader and no crash ever sees half of it."""
    try:
        descriptor, draft = tempfile.mkstemp(dir=path.parent, prefix=".new-")
        try:
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
            Path(draft).replace(path)
        except OSError:
            with suppress(OSError):
                Path(draft).unlink()
            raise
    except OSError as error:
        raise NotFetched(f"the list cannot be kept: {error.strerror}") from None
