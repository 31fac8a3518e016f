"""The servers that the tests of this room share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.server.serving import Site, ask, post, spawned, threaded


@pytest.fixture(scope="package", params=[1, 4], ids=["1 worker", "4 workers"])
def running(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    if request.param == 1:
        with threaded() as site:
            yield site
    else:
        with spawned(request.param, tmp_path_factory.mktemp("server") / "stderr") as site:
            yield site


@pytest.fixture
def site(running: Site) -> Iterator[Site]:
    """A running server, which after whatever the test did answers, and has logged no failure."""
    yield running
    for _ in range(running.workers):
        answer = ask(running, post())
        assert answer is not None
        assert answer.status == 200
    assert "Traceback" not in running.log()
    assert "Exception in" not in running.log()
