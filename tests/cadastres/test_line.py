"""The line to an operator: retry, breaker, bulkhead; and the network that asks several at once."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta, tzinfo
from typing import Any

import anyio
import pybreaker
import pytest

from ksz_childbenefits.cadastres import line
from ksz_childbenefits.cadastres.background import BackgroundLoop
from ksz_childbenefits.cadastres.base import CadastreCall, Holdings
from ksz_childbenefits.cadastres.embedded import FailingCadastre
from ksz_childbenefits.cadastres.network import Network
from ksz_childbenefits.domain.sources import AuthenticSource, Operator
from ksz_childbenefits.errors import CadastreFailure
from tests.cadastres.operators import (
    CALL,
    DEADLINE,
    FILE,
    GOOD,
    LIMITS,
    answering,
    background,
    http,
    nobody,
    other,
    payload_of,
    remote,
    sending,
    signed,
    site,
)
from tests.registers.numbers import PARENT

REFUSING = sending(http(b"<a/>", "503 Service Unavailable"))
HELD = Holdings((FILE,))


@pytest.fixture
def loop() -> Iterator[BackgroundLoop]:
    with background() as loop:
        yield loop


@pytest.fixture
def connecting(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many connections fail before one comes about, and how many were tried."""
    state = [0, 0]
    connect = anyio.connect_tcp

    async def failing(*arguments: Any, **options: Any) -> Any:
        state[1] += 1
        if state[1] <= state[0]:
            raise OSError
        return await connect(*arguments, **options)

    monkeypatch.setattr(anyio, "connect_tcp", failing)
    return state


@pytest.mark.parametrize(("failures", "tried"), [(0, 1), (1, 2), (2, 2)])
def test_one_retry_where_no_connection_came_about(
    loop: BackgroundLoop, connecting: list[int], failures: int, tried: int
) -> None:
    connecting[0] = failures
    with site(GOOD) as operator:
        cadastre = remote(operator.url, loop)
        if failures < 2:
            assert cadastre.files(CALL) == HELD
        else:
            with pytest.raises(CadastreFailure, match="ConnectError"):
                cadastre.files(CALL)
        loop.close()
    assert connecting[1] == tried


def test_a_connection_is_used_again(loop: BackgroundLoop, connecting: list[int]) -> None:
    with site(GOOD) as operator:
        cadastre = remote(operator.url, loop)
        for _ in range(3):
            assert cadastre.files(CALL) == HELD
        loop.close()
    assert connecting[1] == 1


@pytest.mark.parametrize(
    "charset",
    [
        "charset*0*=x; charset*=y",
        "charset*=bogus''utf-8",
        'charset="UTF-8"',
        "CHARSET=utf-8; charset=utf-8",
    ],
)
def test_a_charset_is_read_as_that_of_a_request(loop: BackgroundLoop, charset: str) -> None:
    """RFC 2231's parts of parameters are no charset of SECURITY 1: not read, and no error."""

    def odd(stream: socket.socket, body: bytes, _: threading.Event) -> None:
        whole = http(signed(payload_of(body)))
        stream.sendall(whole.replace(b"charset=utf-8", charset.encode(), 1))

    with site(odd) as operator:
        assert remote(operator.url, loop).files(CALL) == HELD
        loop.close()


def test_the_breaker_opens_after_failures_in_a_row_and_recovers(loop: BackgroundLoop) -> None:
    limits = replace(LIMITS, seconds=5, failures=2, pause_seconds=0.1)
    with site(REFUSING) as operator:
        cadastre = remote(operator.url, loop, limits)
        for _ in range(2):
            with pytest.raises(CadastreFailure, match="HTTP 503"):
                cadastre.files(CALL)
        assert not cadastre.line.is_open
        with pytest.raises(CadastreFailure, match="left alone"):
            cadastre.files(CALL)
        assert operator.requests == 2  # the third was not sent
        operator.behaviour = GOOD
        time.sleep(0.12)
        assert cadastre.files(CALL) == HELD
        assert cadastre.line.is_open
        loop.close()


def test_a_clock_that_is_set_back_prolongs_no_pause(
    loop: BackgroundLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    class HourAgo(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return datetime.now(tz) - timedelta(hours=1)

    limits = replace(LIMITS, seconds=5, failures=1, pause_seconds=0.1)
    with site(REFUSING) as operator:
        cadastre = remote(operator.url, loop, limits)
        with pytest.raises(CadastreFailure, match="HTTP 503"):
            cadastre.files(CALL)
        operator.behaviour = GOOD
        for module in (pybreaker, line):
            monkeypatch.setattr(module, "datetime", HourAgo)
        with pytest.raises(CadastreFailure, match="left alone"):
            cadastre.files(CALL)
        time.sleep(0.12)
        assert cadastre.files(CALL) == HELD
        loop.close()


def test_a_failed_trial_opens_the_breaker_anew(loop: BackgroundLoop) -> None:
    limits = replace(LIMITS, seconds=5, failures=2, pause_seconds=0.1)
    with site(REFUSING) as operator:
        cadastre = remote(operator.url, loop, limits)
        for wait in (0, 0, 0.12):
            time.sleep(wait)
            with pytest.raises(CadastreFailure, match="HTTP 503"):
                cadastre.files(CALL)
        with pytest.raises(CadastreFailure, match="left alone"):
            cadastre.files(CALL)
        loop.close()


def test_one_call_alone_tries_an_operator_that_may_be_back(loop: BackgroundLoop) -> None:
    """The others are refused at once, and not each held until its deadline."""
    limits, answer = replace(LIMITS, seconds=5, failures=1, pause_seconds=0.1), threading.Event()
    with site(REFUSING) as operator:

        def trying(stream: socket.socket, body: bytes, stop: threading.Event) -> None:
            answer.wait(5)
            GOOD(stream, body, stop)

        cadastre = remote(operator.url, loop, limits)
        with pytest.raises(CadastreFailure, match="HTTP 503"):
            cadastre.files(CALL)
        time.sleep(0.12)
        operator.behaviour = trying
        began = time.monotonic()
        first, *others = [cadastre.start(CALL, began, nobody) for _ in range(20)]
        for wait in others:
            with pytest.raises(CadastreFailure, match="left alone"):
                wait()
        assert time.monotonic() - began < 1
        assert not answer.is_set()
        answer.set()
        assert first() == HELD
        assert operator.requests == 2
        assert cadastre.files(CALL) == HELD  # and now everybody is let through
        loop.close()


def test_after_a_trial_that_failed_there_is_another(loop: BackgroundLoop) -> None:
    limits = replace(LIMITS, seconds=5, failures=1, pause_seconds=0.1)
    with site(REFUSING) as operator:
        cadastre = remote(operator.url, loop, limits)
        for _ in range(3):
            with pytest.raises(CadastreFailure, match="HTTP 503"):
                cadastre.files(CALL)
            time.sleep(0.12)
        operator.behaviour = GOOD
        assert cadastre.files(CALL) == HELD
        assert operator.requests == 4
        loop.close()


def test_what_an_operator_says_does_not_open_the_breaker(loop: BackgroundLoop) -> None:
    """A reply that is of no use for one person must not keep the others from theirs."""
    wrong = answering(lambda r: signed(payload_of(r, call=other(ssin=PARENT))))
    with site(wrong) as operator:
        cadastre = remote(operator.url, loop, replace(LIMITS, seconds=5, failures=1))
        for _ in range(2):
            with pytest.raises(CadastreFailure, match="another person"):
                cadastre.files(CALL)
        assert cadastre.line.is_open
        loop.close()


def test_the_bulkhead_refuses_at_once_and_lets_others_through(loop: BackgroundLoop) -> None:
    held, free = threading.Event(), threading.Event()

    def holding(stream: socket.socket, body: bytes, _: threading.Event) -> None:
        held.set()
        free.wait(5)
        GOOD(stream, body, free)

    limits = replace(LIMITS, seconds=5, parallel_calls=1)
    with site(holding) as slow, site(GOOD) as quick:
        busy = remote(slow.url, loop, limits)
        first = busy.start(CALL, time.monotonic(), nobody)
        assert held.wait(5)
        with pytest.raises(CadastreFailure, match="too many calls"):
            busy.files(CALL)
        beside = remote(quick.url, loop, limits, operator=Operator.IRISCARE)
        assert beside.files(CALL) == HELD
        free.set()
        assert first() == HELD
        assert busy.files(CALL) == HELD
        loop.close()


# The network.


def test_all_calls_of_a_request_are_under_way_at_once(loop: BackgroundLoop) -> None:
    """However few threads there are: each operator answers only once all five calls are there."""
    together = threading.Barrier(5)

    def meeting(stream: socket.socket, body: bytes, stop: threading.Event) -> None:
        together.wait(5)
        GOOD(stream, body, stop)

    limits = replace(LIMITS, seconds=5)
    with site(meeting) as aviq, site(meeting) as iriscare:
        network = Network(
            {
                Operator.AVIQ: remote(aviq.url, loop, limits),
                Operator.IRISCARE: remote(iriscare.url, loop, limits, operator=Operator.IRISCARE),
            },
            loop,
        )
        calls = [(Operator.AVIQ, CALL)] * 3 + [(Operator.IRISCARE, CALL)] * 2
        assert network.ask(calls) == [HELD] * 5
        network.close()


def test_one_that_is_silent_takes_nothing_from_the_others(loop: BackgroundLoop) -> None:
    def silent(_stream: socket.socket, _body: bytes, stop: threading.Event) -> None:
        stop.wait(5)

    with site(silent) as down, site(GOOD) as up:
        network = Network(
            {
                Operator.AVIQ: remote(down.url, loop),
                Operator.IRISCARE: remote(up.url, loop, operator=Operator.IRISCARE),
                Operator.ORINT: FailingCadastre(Operator.ORINT),
            },
            loop,
        )
        begun = time.monotonic()
        outcomes = network.ask([(operator, CALL) for operator in ("AVIQ", "Iriscare", "ORINT")])  # type: ignore[misc]
        took = time.monotonic() - begun
        network.close()
    assert isinstance(outcomes[0], CadastreFailure)
    assert outcomes[1] == HELD
    assert isinstance(outcomes[2], CadastreFailure)
    assert took < DEADLINE + 0.2


def test_one_whose_name_is_not_resolved_takes_nothing_from_the_others(
    loop: BackgroundLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The resolver of the system waits for seconds, whether or not the call still does."""
    resolve, answered = socket.getaddrinfo, threading.Event()

    def slowly(host: str | bytes, *arguments: Any, **options: Any) -> Any:
        if host in ("aviq.invalid", b"aviq.invalid"):
            answered.wait(10)
            raise socket.gaierror
        return resolve(host, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", slowly)
    with site(GOOD) as up:
        lost = remote("http://aviq.invalid/", loop)
        url = up.url.replace("127.0.0.1", "localhost")
        found = remote(url, loop, operator=Operator.IRISCARE)
        try:
            begun = time.monotonic()
            waiting = [lost.start(CALL, begun, nobody) for _ in range(LIMITS.parallel_calls)]
            assert found.files(CALL) == HELD
            for wait in waiting:
                with pytest.raises(CadastreFailure, match="in time"):
                    wait()
        finally:
            answered.set()
        loop.close()


class Meeting:
    """A cadastre beside that answers only once all that are asked are there."""

    def __init__(self, together: threading.Barrier) -> None:
        self._together = together

    def files(self, call: CadastreCall) -> Holdings:
        self._together.wait(5)
        return HELD


def test_those_that_have_to_be_waited_for_are_waited_for_together(loop: BackgroundLoop) -> None:
    """A distant one beside, too, whose reply is not waited for before the others are asked."""
    together = threading.Barrier(4)

    def meeting(stream: socket.socket, body: bytes, stop: threading.Event) -> None:
        together.wait(5)
        GOOD(stream, body, stop)

    beside = Meeting(together)
    with site(meeting) as operator:
        distant = remote(operator.url, loop, replace(LIMITS, seconds=5))
        cadastres = {Operator.AVIQ: distant, Operator.ORINT: beside, Operator.IRISCARE: beside}
        network = Network(cadastres, loop, ThreadPoolExecutor(2))
        calls = [(Operator.AVIQ, CALL), (Operator.ORINT, CALL), *[(Operator.IRISCARE, CALL)] * 2]
        assert network.ask(calls) == [HELD] * 4
        network.close()


class Surprising:
    """A cadastre whose error nobody thought of, and which names the person."""

    def files(self, call: CadastreCall) -> Holdings:
        raise TypeError(call.ssin)


@pytest.mark.parametrize("alone", [True, False])
def test_what_is_unforeseen_is_a_failure_of_that_operator_alone(
    loop: BackgroundLoop, caplog: pytest.LogCaptureFixture, alone: bool
) -> None:
    with site(GOOD) as up:
        good = remote(up.url, loop, operator=Operator.IRISCARE)
        network = Network({Operator.AVIQ: Surprising(), Operator.IRISCARE: good}, loop)
        asked = [Operator.AVIQ] if alone else [Operator.IRISCARE, Operator.AVIQ]
        *rest, outcome = network.ask([(operator, CALL) for operator in asked])
        network.close()
    assert rest == [HELD] * (len(asked) - 1)
    assert isinstance(outcome, CadastreFailure)
    (record,) = [one for one in caplog.records if one.name.endswith("cadastres.network")]
    assert (record.levelname, record.__dict__["operator"]) == ("ERROR", "AVIQ")
    assert record.__dict__["ticket"] == CALL.ticket
    assert record.__dict__["reason"].startswith("TypeError at ")
    assert CALL.ssin not in f"{outcome}{record.__dict__}"


def test_a_call_that_cannot_be_sent_is_a_failure_of_that_operator_alone(
    loop: BackgroundLoop,
) -> None:
    """Before anything is sent too: here nobody is named on whose behalf it is."""
    with site(GOOD) as one, site(GOOD) as two:
        network = Network(
            {
                Operator.AVIQ: remote(one.url, loop),
                Operator.IRISCARE: remote(two.url, loop, operator=Operator.IRISCARE),
            },
            loop,
        )
        nobodys = replace(CALL, customer=None)
        failed, good = network.ask([(Operator.AVIQ, nobodys), (Operator.IRISCARE, CALL)])
        network.close()
    assert isinstance(failed, CadastreFailure)
    assert good == HELD


def test_files_that_cannot_be_passed_on_are_a_failure(loop: BackgroundLoop) -> None:
    """DOMAIN 6: never an entitled person outside FEDERAL, which the XSD lets pass."""
    entitled = FILE._replace(entitled_person=CALL.ssin)
    with site(answering(lambda r: signed(payload_of(r, (entitled,))))) as operator:
        network = Network({Operator.AVIQ: remote(operator.url, loop)}, loop)
        (outcome,) = network.ask([(Operator.AVIQ, CALL)])
        network.close()
    assert isinstance(outcome, CadastreFailure)
    assert AuthenticSource.WALLONIA in str(outcome)
