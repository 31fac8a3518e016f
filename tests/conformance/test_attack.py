"""``conformance attack``, and how the kit speaks to a service byte by byte."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ksz_childbenefits.cli import conformance
from ksz_childbenefits.cli.app import app
from ksz_childbenefits.conformance.answer import Answer, NoAnswer
from ksz_childbenefits.conformance.attack import attack, health
from ksz_childbenefits.conformance.canary import Canary
from ksz_childbenefits.conformance.case import Case, Expectation, Family, load_case, load_cases
from ksz_childbenefits.conformance.identity import KeyRing
from ksz_childbenefits.conformance.judge import Judge, Verdict
from ksz_childbenefits.conformance.message import HttpMessage
from ksz_childbenefits.conformance.recipe import Piece, SendRecipe, WireRecipe
from ksz_childbenefits.conformance.report import difference
from ksz_childbenefits.conformance.wire import CLOSED, Wire, in_threads
from ksz_childbenefits.errors import DataError
from tests.conformance.conftest import FAULT, SAMPLES, FakeService, answer_to
from tests.conftest import LiveService

HOSTILE = SAMPLES / "hostile"
REPLAY = load_case(HOSTILE / "replay-with-line-breaks")
AT_ONCE = load_case(HOSTILE / "replay-twenty-at-once")
SILENT = load_case(HOSTILE / "slow-nothing-said")
REPLAYED = FAULT.replace(b"soapenv:Client", b"wsse:FailedCheck").replace(b"MSG00008", b"MSG00014")
REPLAYED = REPLAYED.replace(
    b"<soapenv:Fault ", b'<soapenv:Fault xmlns:wsse="http://docs.oasis-open.org/wss/2004/01/'
    b'oasis-200401-wss-wssecurity-secext-1.0.xsd" ',
)  # fmt: skip
REPLAYED = (
    b"".join(REPLAYED.partition(b"</authorCode>")[:2]) + REPLAYED[REPLAYED.rindex(b"</info") :]
)
REPLAYED = REPLAYED.replace(b"</information>", b"")


def came(judge: Judge, case: Case) -> str:
    """The lines that were expected and did not come, and those that came instead."""
    return "\n".join(line for line in difference(judge.judge(case)) if line[0] in "+-")


def taking_each_once(service: FakeService, content: bytes) -> Callable[[HttpMessage], Answer]:
    """A service that serves a message the first time, whatever its spelling, and then never."""
    seen: list[None] = []
    lock = threading.Lock()

    def transport(message: HttpMessage) -> Answer:
        with lock:
            first = not seen
            seen.append(None)
        say = replace(service, content=content, status=200) if first else service
        return say(message)

    return transport


@pytest.fixture
def service(keys: KeyRing) -> FakeService:
    return FakeService(keys.identity("service"), REPLAYED, status=500)


@pytest.mark.parametrize("case", [REPLAY, AT_ONCE], ids=lambda case: case.name)
def test_a_replay_that_is_refused_passes(
    case: Case, service: FakeService, keys: KeyRing, reply_case: Case
) -> None:
    transport = taking_each_once(service, answer_to(reply_case))
    assert Judge(transport, keys, keys.service()).judge(case).passed


def test_a_replay_that_is_served_is_found(
    service: FakeService, keys: KeyRing, reply_case: Case
) -> None:
    serving = replace(service, content=answer_to(reply_case), status=200)
    assert "+HTTP status: 200" in came(serving.judge(keys), REPLAY)
    assert "+served of 20 copies: 20" in came(serving.judge(keys), AT_ONCE)


def test_a_service_that_serves_nobody_is_found(service: FakeService, keys: KeyRing) -> None:
    assert "+before it: HTTP status 500" in came(service.judge(keys), REPLAY)
    assert "+served of 20 copies: 0" in came(service.judge(keys), AT_ONCE)


def test_who_fetches_the_canary_is_found(service: FakeService, keys: KeyRing) -> None:
    case = load_case(HOSTILE / "reference-to-http")
    with Canary() as canary:

        def fetching(message: HttpMessage) -> Answer:
            assert canary.address.encode() in message.body
            port = int(canary.address.split(":")[2].partition("/")[0])
            socket.create_connection(("127.0.0.1", port)).close()
            return service(message)

        judge = Judge(fetching, keys, keys.service(), canary=canary)
        assert "+an address in the message was fetched" in came(judge, case)
        quiet = Judge(service, keys, keys.service(), canary=canary)
        assert "fetched" not in came(quiet, case)


@pytest.mark.parametrize(("seconds", "passed"), [(0.1, True), (11.9, True), (12.1, False)])
def test_a_connection_must_be_closed_in_time(seconds: float, passed: bool, keys: KeyRing) -> None:
    def closing(_: HttpMessage) -> Answer:
        raise NoAnswer(CLOSED, seconds)

    verdict = Judge(closing, keys, keys.service()).judge(SILENT)
    assert verdict.passed is passed


def test_an_answer_where_none_is_expected_is_found(service: FakeService, keys: KeyRing) -> None:
    assert f"-{CLOSED}" in came(service.judge(keys), SILENT)


def test_an_answer_after_the_answer_is_found(service: FakeService, keys: KeyRing) -> None:
    case = load_case(HOSTILE / "framing-a-request-in-the-tail")

    def twice(_: HttpMessage) -> Answer:
        return Answer(404, {"content-type": "text/plain"}, b"no", b"HTTP/1.1 200 OK")

    found = came(Judge(twice, keys, keys.service()), case)
    assert found == "+then on the same connection: 15 bytes"


def test_a_status_instead_of_no_result_is_found(
    service: FakeService, keys: KeyRing, reply_case: Case
) -> None:
    case = load_case(HOSTILE / "edge-check-digits-00")
    serving = replace(service, content=answer_to(reply_case), status=200)
    assert serving.judge(keys).judge(case).passed
    other = answer_to(reply_case).replace(b"MSG00011", b"MSG00005")
    serving = replace(serving, content=other)
    assert "+status: NO_RESULT MSG00005" in came(serving.judge(keys), case)


# Over a socket


@contextmanager
def saying(answer: bytes, wait_for: bytes = b"") -> Iterator[Wire]:
    """A server that waits for some octets, says this, and closes."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    stream, _ = listener.accept()
                except OSError:
                    return
                with stream:
                    got = b""
                    while wait_for not in got and (more := stream.recv(65536)):
                        got += more
                    if got or not wait_for:
                        stream.sendall(answer)

        threading.Thread(target=serve, daemon=True).start()
        yield Wire("127.0.0.1", listener.getsockname()[1], tls=False)


def pieces(*pieces: Piece, **more: object) -> WireRecipe:
    return WireRecipe.model_validate({"piece": pieces, **more})


ONE = pieces(Piece(text="GET {path}"))
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def test_pieces_are_filled_in_and_repeated() -> None:
    with saying(OK, wait_for=b"GET /x abab") as wire:
        sent = pieces(Piece(text="GET {path} "), Piece(text="ab", times=2))
        answer = wire.send(sent, {"path": "/x"})
    assert (answer.status, answer.body, answer.rest) == (200, b"ok", b"")
    assert answer.headers == {"content-length": "2"}


def test_a_drip_takes_its_time() -> None:
    with saying(OK, wait_for=b"xxxx") as wire:
        began = time.monotonic()
        wire.send(pieces(Piece(text="x", times=4, every=0.05)), {})
    assert time.monotonic() - began > 0.15


def test_what_follows_is_kept_and_100_is_passed_over() -> None:
    with saying(b"HTTP/1.1 100 Continue\r\n\r\n" + OK + b"HTTP/1.1 ", wait_for=b"GET") as wire:
        answer = wire.send(ONE, {})
    assert (answer.status, answer.rest) == (200, b"HTTP/1.1 ")


def test_no_answer_tells_after_how_long() -> None:
    with saying(b"") as wire, pytest.raises(NoAnswer, match=CLOSED) as closed:
        wire.send(pieces(Piece(text=""), connections=3), {})
    assert closed.value.seconds is not None
    assert 0 <= closed.value.seconds < 5


def test_who_does_not_read_waits_for_the_end() -> None:
    with saying(OK, wait_for=b"GET") as wire, pytest.raises(NoAnswer, match=CLOSED):
        wire.send(ONE.model_copy(update={"reads": False}), {})


def test_nobody_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(NoAnswer, match="no connection"):
        Wire("127.0.0.1", port, tls=False).send(ONE, {})


def test_an_error_in_a_thread_is_not_lost() -> None:
    def failing() -> None:
        raise DataError("a case that cannot be used")

    with pytest.raises(DataError, match="cannot be used"):
        in_threads([failing])


# The command


def command(url: str, credentials: Path) -> tuple[int, str]:
    arguments = ["conformance", "attack", "--url", url, "--credentials", str(credentials)]
    result = CliRunner().invoke(app, arguments, env={"COLUMNS": "200"})
    return result.exit_code, result.output


def only(*names: str) -> Callable[[Path], tuple[Case, ...]]:
    cases = tuple(case for case in load_cases(HOSTILE) if case.name in names)
    assert len(cases) == len(names)
    return lambda _: cases


@pytest.mark.once
def test_the_report(single: LiveService, monkeypatch: pytest.MonkeyPatch) -> None:
    names = "time-two-zones", "certificate-of-two-customers", "replay-after-the-window"
    monkeypatch.setattr(conformance, "load_cases", only(*names))
    code, output = command(single.url, single.credentials)
    assert code == 0, output
    assert "1 passed, 0 failed, 2 skipped" in output
    assert "skipped 1: no credentials of cbe-of-two" in output
    assert "skipped 1: in process: needs another clock" in output
    assert "honest requests after the attack: well; 5 answered" in output
    (row,) = (line for line in output.splitlines() if line.strip().startswith("replay"))
    assert row.split() == ["replay", "0", "0", "1"]


@pytest.mark.once
def test_one_that_gets_through_is_exit_code_1(
    single: LiveService, monkeypatch: pytest.MonkeyPatch
) -> None:
    through = load_case(SAMPLES / "accepted-plain").model_copy(
        update={
            "name": "gets-through",
            "family": Family.TIME,
            "expected": None,
            "expect": Expectation(fault="wsse:MessageExpired", reason="MSG00014"),
        }
    )
    monkeypatch.setattr(conformance, "load_cases", lambda _: (through,))
    code, output = command(single.url, single.credentials)
    assert code == 1
    assert "failed gets-through" in output
    assert "0 passed, 1 failed" in output


@pytest.mark.once
def test_a_service_that_is_slow_afterwards_is_exit_code_1(
    single: LiveService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conformance, "load_cases", only("time-two-zones"))
    monkeypatch.setattr("ksz_childbenefits.conformance.attack.QUICK_SECONDS", 0.0)
    code, output = command(single.url, single.credentials)
    assert code == 1
    assert "after the attack: not well" in output


@pytest.mark.once
def test_ctrl_c_shows_the_counts_so_far(
    single: LiveService, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged = Judge.judge

    def stopped(self: Judge, case: Case) -> Verdict:
        if case.name == "time-two-zones":
            raise KeyboardInterrupt
        return judged(self, case)

    monkeypatch.setattr(conformance, "load_cases", only("time-by-week", "time-two-zones"))
    monkeypatch.setattr(Judge, "judge", stopped)
    code, output = command(single.url, single.credentials)
    assert code == conformance.STOPPED
    assert "stopped; so far:" in output
    assert "1 passed, 0 failed" in output


def test_slow_peers_come_last_and_their_errors_are_told(keys: KeyRing) -> None:
    def closing(_: HttpMessage) -> Answer:
        raise NoAnswer(CLOSED, 1.0)

    quick = load_case(HOSTILE / "time-two-zones")
    judge = Judge(closing, keys, keys.service())
    results = list(attack([SILENT, quick], judge))
    assert [one.case.name for one in results] == [quick.name, SILENT.name]
    unusable = SILENT.model_copy(update={"request": b"<"})
    with pytest.raises(DataError, match="is not XML"):
        list(attack([unusable], judge))


def test_health_counts_what_is_answered(
    service: FakeService, keys: KeyRing, reply_case: Case
) -> None:
    serving = replace(service, content=answer_to(reply_case), status=200)
    assert health(reply_case, serving.judge(keys)).good
    sick = health(reply_case, service.judge(keys))
    assert (sick.answered, sick.good) == (0, False)


@pytest.mark.parametrize(
    ("send", "complaint"),
    [
        ({"repeat": 2, "first": True}, "repeat stands alone"),
        ({"later": 5}, "later is for a copy"),
        ({"splice": [{"find": "\u0100", "put": ""}]}, "stand for octets"),
    ],
)
def test_what_does_not_go_together(send: dict[str, object], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        SendRecipe.model_validate(send)
