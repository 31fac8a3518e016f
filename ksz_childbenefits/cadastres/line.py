"""The line to one operator: HTTP that is bounded in time, in size and in number.

A call ends at its deadline whatever the operator does: sends nothing, or a byte a second. A breaker
keeps calls away from an operator that failed several times in a row, and a bulkhead keeps one that
is slow from holding more than its share of the gateway's threads.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import httpx
from pybreaker import (
    STATE_CLOSED,
    STATE_OPEN,
    CircuitBreaker,
    CircuitBreakerError,
    CircuitBreakerListener,
    CircuitBreakerState,
    CircuitMemoryStorage,
)

from ksz_childbenefits.cadastres.background import BackgroundLoop
from ksz_childbenefits.contract.media_type import charset_of
from ksz_childbenefits.domain.sources import Operator
from ksz_childbenefits.errors import CadastreFailure
from ksz_childbenefits.metrics import BreakerState, breaker_is

_HEADERS: Final = {"Content-Type": "text/xml; charset=utf-8", "Accept-Encoding": "identity"}
_IDLE_SECONDS: Final = 10
"""An idle connection is dropped before the operator would (ours does after 30 s)."""

_STATES: Final = {STATE_CLOSED: BreakerState.CLOSED, STATE_OPEN: BreakerState.OPEN}


@dataclass(frozen=True, slots=True)
class LineLimits:
    """Bounds of the calls to one operator, in each process.

    ``seconds``: from the start of a request to the last byte of every reply. ``parallel_calls``:
    how many may be under way. After ``failures`` in a row the operator is left alone for
    ``pause_seconds``; the next call then tries it.
    """

    seconds: float = 2.0
    parallel_calls: int = 32
    failures: int = 5
    pause_seconds: float = 2.0
    reply_bytes: int = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class HttpReply:
    """What an operator sent back as XML, unjudged; ``status`` is 200 or 500."""

    status: int
    body: bytes
    charset: str | None


class OperatorLine:
    """Sends messages to one operator; every failure is a CadastreFailure."""

    def __init__(  # noqa: PLR0913 - what a line is made of
        self,
        operator: Operator,
        url: str,
        soap_action: str,
        loop: BackgroundLoop,
        limits: LineLimits,
        *,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """Nothing is opened before the first message; ``tls`` is for an ``url`` of https."""
        self.limits = limits
        self._url = url
        self._headers = _HEADERS | {"SOAPAction": f'"{soap_action}"'}
        self._loop = loop
        self._under_way = 0
        self._tried = False
        self._breaker = CircuitBreaker(
            fail_max=limits.failures,
            reset_timeout=limits.pause_seconds,
            throw_new_error_on_trip=False,
            listeners=[_Watch(operator)],
            state_storage=_Steady(STATE_CLOSED),
        )
        self._client = _client(tls, limits.parallel_calls)
        loop.at_end(self._client.aclose)

    @property
    def is_open(self) -> bool:
        """Whether calls are let through to the operator, as far as is known."""
        return str(self._breaker.current_state) != STATE_OPEN

    def send(self, body: bytes, deadline: float) -> Future[HttpReply]:
        """Send a message, from any thread; ``deadline`` as time.monotonic() tells it.

        The future raises CadastreFailure, this call nothing.
        """
        try:
            return self._loop.submit(self._exchange(body, deadline))
        except RuntimeError:
            refused: Future[HttpReply] = Future()
            refused.set_exception(CadastreFailure("the gateway is shutting down"))
            return refused

    async def _exchange(self, body: bytes, deadline: float) -> HttpReply:
        if self._under_way >= self.limits.parallel_calls:
            raise CadastreFailure("too many calls to this operator are under way")
        self._under_way += 1
        try:
            with self._let_through():
                async with asyncio.timeout_at(deadline):
                    return await self._post(body)
        except CircuitBreakerError:
            raise CadastreFailure("left alone for a while after several failures") from None
        except TimeoutError:
            raise CadastreFailure("no whole reply in time") from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise CadastreFailure(f"no reply ({type(error).__name__})") from None
        finally:
            self._under_way -= 1

    @contextmanager
    def _let_through(self) -> Iterator[None]:
        """Refuse the call where the breaker is open, or another call already tries the operator.

        pybreaker lets every call through once the pause is over, until one of them has its result.
        """
        tries = self._breaker.current_state != STATE_CLOSED
        if tries and self._tried:
            raise CadastreFailure("left alone until it is known whether it answers again")
        self._tried = self._tried or tries
        try:
            with self._breaker.calling():
                yield
        finally:
            if tries:
                self._tried = False

    async def _post(self, body: bytes) -> HttpReply:
        request = self._client.stream("POST", self._url, content=body, headers=self._headers)
        async with request as response:
            _check_head(response)
            content = bytearray()
            async for chunk in response.aiter_raw():
                content += chunk
                if len(content) > self.limits.reply_bytes:
                    raise CadastreFailure("the reply is too long")
            charset = charset_of(response.headers["content-type"])
            return HttpReply(response.status_code, bytes(content), charset)


def _client(tls: ssl.SSLContext | None, connections: int) -> httpx.AsyncClient:
    """A client that retries once, and only where no connection came about: nothing was sent."""
    transport = httpx.AsyncHTTPTransport(
        # A context that believes nobody, where none is needed: reading the system's takes its time.
        verify=tls or ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
        retries=1,
        limits=httpx.Limits(
            max_connections=connections,
            max_keepalive_connections=connections,
            keepalive_expiry=_IDLE_SECONDS,
        ),
    )
    # The deadline is the call's, and no proxy of the environment comes between.
    return httpx.AsyncClient(transport=transport, timeout=None, trust_env=False)  # noqa: S113


def _check_head(response: httpx.Response) -> None:
    """Only what may be a SOAP reply or fault is read on."""
    media_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    coding = response.headers.get("content-encoding", "identity").strip().lower()
    if response.status_code not in (httpx.codes.OK, httpx.codes.INTERNAL_SERVER_ERROR):
        raise CadastreFailure(f"HTTP {response.status_code}")
    if media_type != "text/xml" or coding != "identity":
        raise CadastreFailure("the reply is no plain XML")


class _Watch(CircuitBreakerListener):
    """Tells the metrics what state a breaker is in."""

    def __init__(self, operator: Operator) -> None:
        self._operator = operator
        breaker_is(operator, BreakerState.CLOSED)

    def state_change(
        self,
        cb: CircuitBreaker,
        old_state: CircuitBreakerState | None,
        new_state: CircuitBreakerState,
    ) -> None:
        breaker_is(self._operator, _STATES.get(str(new_state.name), BreakerState.TRYING))


class _Steady(CircuitMemoryStorage):
    """When the breaker opened, by a clock that nobody sets.

    pybreaker holds that moment against the time of day: one that is set back by an hour would have
    an operator left alone for an hour longer.
    """

    _since = 0.0

    @property
    def opened_at(self) -> datetime:
        """The time of day as long ago as the breaker opened."""
        return datetime.now(UTC) - timedelta(seconds=time.monotonic() - self._since)

    @opened_at.setter
    def opened_at(self, _: datetime) -> None:
        self._since = time.monotonic()
