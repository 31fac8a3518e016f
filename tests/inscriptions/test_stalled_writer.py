"""A writer whose part is locked keeps nobody but writers waiting (SECURITY 4: MSG00001)."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from ksz_childbenefits.client import connect, read_credentials
from ksz_childbenefits.config import load_settings
from ksz_childbenefits.contract.contracts import CONSULTATION, INSCRIPTIONS
from ksz_childbenefits.demo.cluster import Cluster
from ksz_childbenefits.demo.init import create_demo
from ksz_childbenefits.errors import Unavailable
from ksz_childbenefits.registers.database import asking, open_database
from ksz_childbenefits.registers.inscriptions import InscriptionRegister
from ksz_childbenefits.runtime import build_endpoints
from ksz_childbenefits.server.limits import Limits
from tests.inscriptions.messages import CONTENT, signed_call
from tests.registers.databases import address
from tests.registers.numbers import ssin
from tests.server.serving import Response, Site, ask, post, threaded

AVIQ = "operator AVIQ"
CALLS = 30


@contextmanager
def stalled(url: str, writer: str) -> Iterator[None]:
    """Somebody else, on another machine say, is writing as this writer and does not end."""
    engine = open_database(url)
    with InscriptionRegister(engine).writing(writer):
        yield
    engine.dispose()


def write(register: InscriptionRegister) -> str:
    try:
        with register.writing(AVIQ):
            return "written"
    except Unavailable as refused:
        return refused.reason


def test_writers_that_wait_leave_connections_for_consultations(postgresql: Engine) -> None:
    """The pool has 20: as many as wait at most 8 of them are taken."""
    register = InscriptionRegister(postgresql)
    with ThreadPoolExecutor(CALLS) as threads:
        with stalled(address(postgresql), AVIQ):
            calls = [threads.submit(write, register) for _ in range(CALLS)]
            time.sleep(0.5)
            refused = [call.result() for call in calls if call.done()]
            began = time.monotonic()
            with asking(postgresql) as connection:
                connection.execute(select(1))
            took = time.monotonic() - began
        told = Counter(call.result() for call in calls)
    assert took < 0.5
    assert set(refused) == {"too many writers of the repertory at once"}
    assert told == {"written": 8, refused[0]: CALLS - 8}
    assert write(register) == "written"


def test_on_an_error_the_place_is_free_again(engine: Engine) -> None:
    register = InscriptionRegister(engine, writers=1)
    for _ in range(3):
        with pytest.raises(ZeroDivisionError), register.writing(AVIQ):
            raise ZeroDivisionError
    assert write(register) == "written"


@pytest.fixture
def world(tmp_path: Path, cluster: Cluster) -> Path:
    return create_demo(tmp_path / "world", cluster.create("stalled"))


@pytest.mark.once
def test_writers_that_wait_leave_threads_for_consultations(world: Path) -> None:
    settings = load_settings(world)
    assert settings.limits.threads == 4
    folder = world.parent / "credentials"
    person = ssin("950702901", since_2000=False)
    calls = [
        signed_call(folder, "fedris", CONTENT.format(ssin=person), ticket=f"<ticket>t-{n}</ticket>")
        for n in range(12)
    ]
    answers: list[Response | None] = []

    def send(site: Site, call: bytes) -> None:
        answers.append(ask(site, post(call, path=INSCRIPTIONS.path)))

    with threaded(lambda: build_endpoints(settings), Limits(threads=4)) as site:  # type: ignore[arg-type,return-value]
        base = f"http://127.0.0.1:{site.port}"
        consultation = connect(
            f"{base}{CONSULTATION.path}?wsdl", read_credentials(folder / "fedris")
        )
        threads = [threading.Thread(target=send, args=(site, call)) for call in calls]
        with stalled(settings.database.url, "customer fedris"):
            for thread in threads:
                thread.start()
            deadline = time.monotonic() + 3
            while len(answers) < 10 and time.monotonic() < deadline:
                time.sleep(0.01)
            began = time.monotonic()
            assert consultation.consult("12031590217", "2024-01").status.code == "MSG00000"
            assert time.monotonic() - began < 1
            early = list(answers)
        for thread in threads:
            thread.join()
    assert [answer.status for answer in early if answer] == [503] * 10
    assert all(a is not None and a.headers["retry-after"] == "5" for a in early)
    assert all(a is not None and b"MSG00001" in a.body for a in early)
    # The two that waited: one wrote its line, which the others' lines then overlap.
    assert sorted(answer.status for answer in answers if answer) == [200] * 2 + [503] * 10
