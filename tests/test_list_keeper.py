"""Lists are fetched beside the service, again and again, and the log says when one is in danger."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from ksz_childbenefits import list_keeper
from ksz_childbenefits.list_keeper import KeptList, ListKeeper, Schedule
from ksz_childbenefits.security.list_fetching import FetchLimits
from tests.list_site import ListSite, list_site
from tests.security.pki import Party, pki, revocation_list

OFTEN = Schedule(0.1, limits=FetchLimits(2))
RARELY = Schedule(3600, limits=FetchLimits(2))
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(list_keeper, "_FIRST_PAUSE", 0.05)
    caplog.set_level(logging.INFO, logger="ksz_childbenefits.list_keeper")


@pytest.fixture
def site() -> Iterator[ListSite]:
    with list_site() as found:
        yield found


@pytest.fixture
def keeper() -> Iterator[ListKeeper]:
    """One of which nothing is left afterwards."""
    before = set(threading.enumerate())
    found = ListKeeper()
    yield found
    found.close()
    assert {thread for thread in threading.enumerate() if not thread.daemon} <= before


def fresh(*revoked: Party, made: timedelta = HOUR, left: timedelta = 100 * HOUR) -> bytes:
    now = datetime.now(UTC)
    return revocation_list(pki().root, *revoked, begin=now - made, end=now + left)


def kept(folder: Path, url: str | None, schedule: Schedule = RARELY) -> KeptList:
    return KeptList(pki().root.certificate, folder / "root.crl", url, schedule)


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def told(caplog: pytest.LogCaptureFixture, event: str) -> list[dict[str, Any]]:
    return [record.__dict__ for record in caplog.records if record.getMessage() == event]


def test_a_list_that_is_not_there_is_waited_for(
    keeper: ListKeeper, site: ListSite, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    site.publish(fresh())
    keeper.expect([kept(tmp_path, site.url)])
    assert (tmp_path / "root.crl").exists()
    until(lambda: told(caplog, "revocation list fetched"))
    (line,) = told(caplog, "revocation list fetched")
    assert line["authority"] == "CN=Root,O=Tests\\, Inc.,C=BE"


def test_a_list_that_is_fresh_is_not_waited_for(
    keeper: ListKeeper, site: ListSite, tmp_path: Path
) -> None:
    """A restart without a network goes on with what is kept."""
    site.answer = lambda _: threading.Event().wait(10)
    (tmp_path / "root.crl").write_bytes(fresh())
    started = time.monotonic()
    keeper.expect([kept(tmp_path, site.url)])
    assert time.monotonic() - started < OFTEN.limits.seconds / 2


@pytest.mark.parametrize("left", [None, timedelta(seconds=-1)])
def test_a_site_that_is_down_delays_the_start_no_longer_than_its_deadline(
    left: timedelta | None,
    keeper: ListKeeper,
    site: ListSite,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    if left is not None:
        (tmp_path / "root.crl").write_bytes(fresh(left=left))
    site.answer = lambda _: threading.Event().wait(10)
    started = time.monotonic()
    keeper.expect([kept(tmp_path, site.url)])
    assert OFTEN.limits.seconds <= time.monotonic() - started < OFTEN.limits.seconds + 1
    until(lambda: told(caplog, "revocation list of no use"))
    reason = "missing or unfit" if left is None else "not fresh"
    assert told(caplog, "revocation list of no use")[0]["reason"] == reason
    assert told(caplog, "revocation list of no use")[0]["levelname"] == "ERROR"
    (failed, *_) = told(caplog, "revocation list not fetched")
    assert (failed["levelname"], failed["reason"]) == ("WARNING", "no whole answer in time")
    # It is tried again long before the next hour.
    site.publish(fresh(made=timedelta(0)))
    until(lambda: told(caplog, "revocation list fetched"))


def test_pauses_between_failures_grow(keeper: ListKeeper, site: ListSite, tmp_path: Path) -> None:
    times: list[float] = []
    site.answer = lambda handler: (times.append(time.monotonic()), handler.say(500))[1]
    keeper.expect([kept(tmp_path, site.url)])
    until(lambda: len(times) == 5)
    pauses = [later - sooner for sooner, later in pairwise(times)]
    # 0.05, 0.1, 0.2, 0.4 seconds, of each at least four fifths.
    assert all(pause >= 0.8 * 0.05 * 2**turn for turn, pause in enumerate(pauses))


def test_a_new_list_is_fetched_in_its_turn(
    keeper: ListKeeper, site: ListSite, tmp_path: Path
) -> None:
    site.publish(fresh())
    keeper.expect([kept(tmp_path, site.url, OFTEN)])
    newer = fresh(pki().revoked, made=timedelta(0))
    site.publish(newer)
    until(lambda: (tmp_path / "root.crl").read_bytes() == newer)


def test_a_list_of_short_life_is_fetched_before_it_ends(
    keeper: ListKeeper, site: ListSite, tmp_path: Path
) -> None:
    """Whatever the interval says: after a quarter of what remains."""
    site.publish(fresh(left=timedelta(seconds=4)))
    keeper.expect([kept(tmp_path, site.url, RARELY)])
    started = time.monotonic()
    until(lambda: len(site.requests) > 1)
    assert time.monotonic() - started < 2


def test_lists_of_the_next_configuration_are_kept_beside_those_of_this_one(
    keeper: ListKeeper, site: ListSite, tmp_path: Path
) -> None:
    with list_site() as next_site:
        for one in (site, next_site):
            one.publish(fresh())
        folders = [tmp_path / name for name in ("a", "b")]
        for folder in folders:
            folder.mkdir()
        first, second = kept(folders[0], site.url, OFTEN), kept(folders[1], next_site.url, OFTEN)
        keeper.expect([first])
        keeper.expect([second])
        asked = len(site.requests)
        until(lambda: len(site.requests) > asked + 1)
        keeper.settle()
        time.sleep(0.3)
        asked = len(site.requests)
        before = len(next_site.requests)
        until(lambda: len(next_site.requests) > before + 2)
        assert len(site.requests) == asked


def test_a_list_that_stays_is_not_fetched_anew(
    keeper: ListKeeper, site: ListSite, tmp_path: Path
) -> None:
    site.publish(fresh())
    for _ in range(3):
        keeper.expect([kept(tmp_path, site.url)])
        keeper.settle()
    time.sleep(0.2)
    assert len(site.requests) == 1


@pytest.mark.parametrize(
    ("times", "warned"),
    [
        # A day before its end, or a quarter of its time, whichever is shorter.
        ((100 * HOUR, 23 * HOUR), True),
        ((100 * HOUR, 25 * HOUR), False),
        ((10 * HOUR, 3 * HOUR), True),
        ((8 * HOUR, 3 * HOUR), False),
    ],
)
def test_a_warning_comes_well_before_a_list_is_stale(
    times: tuple[timedelta, timedelta],
    warned: bool,
    keeper: ListKeeper,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Of files that somebody else renews, too."""
    made, left = times
    (tmp_path / "root.crl").write_bytes(fresh(made=made, left=left))
    keeper.expect([kept(tmp_path, None, OFTEN)])
    if warned:
        until(lambda: told(caplog, "revocation list stale soon"))
        assert told(caplog, "revocation list stale soon")[0]["levelname"] == "WARNING"
    else:
        time.sleep(0.3)
        assert not [record for record in caplog.records if record.name.endswith("list_keeper")]


def test_an_error_that_nobody_thought_of_is_told(
    keeper: ListKeeper,
    site: ListSite,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("a text with personal data")

    monkeypatch.setattr(list_keeper, "kept_list", broken)
    keeper.expect([kept(tmp_path, site.url)])
    until(lambda: told(caplog, "revocation lists are not kept"))
    (line,) = told(caplog, "revocation lists are not kept")
    assert line["levelname"] == "CRITICAL"
    assert line["reason"].startswith("ZeroDivisionError at")
    assert "personal" not in line["reason"]
