"""The cadastres of all operators, of which those that a request needs are asked at once."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from functools import partial

from ksz_childbenefits.cadastres.background import BackgroundLoop
from ksz_childbenefits.cadastres.base import Cadastre, CadastreCall, Holdings
from ksz_childbenefits.cadastres.remote import RemoteCadastre
from ksz_childbenefits.domain.facets import UnusableFile, check_file
from ksz_childbenefits.domain.sources import Operator
from ksz_childbenefits.errors import CadastreFailure
from ksz_childbenefits.metrics import source_called

Outcome = Holdings | CadastreFailure


class Network:
    """Who answers for each operator.

    Calls to remote ones all run on ``loop``, however many there are; the others keep a thread of
    ``threads`` busy, unless there is but one.
    """

    def __init__(
        self, cadastres: Mapping[Operator, Cadastre], threads: Executor, loop: BackgroundLoop
    ) -> None:
        """Both are shut down by ``close``."""
        self._cadastres = cadastres
        self._threads = threads
        self._loop = loop

    def ask(self, calls: Sequence[tuple[Operator, CadastreCall]]) -> list[Outcome]:
        """What each call gave, in their order; all run in parallel (DOMAIN 1).

        Files that cannot be passed on count as a failure of the one who gave them (MSG00002).
        """
        begun, alone = time.monotonic(), len(calls) == 1
        pending = [self._begin(operator, call, begun, alone) for operator, call in calls]
        return [outcome() for outcome in pending]

    def close(self) -> None:
        """Break off the calls that are under way; no thread or socket is left."""
        self._loop.close()
        self._threads.shutdown(cancel_futures=True)

    def _begin(
        self, operator: Operator, call: CadastreCall, begun: float, alone: bool
    ) -> Callable[[], Outcome]:
        """Start a call without waiting for it, unless it is the only one and needs this thread."""
        cadastre, watch = self._cadastres[operator], _Stopwatch(begun)
        if isinstance(cadastre, RemoteCadastre):
            result = cadastre.start(call, begun + cadastre.line.limits.seconds, watch.stop)
        else:
            result = partial(watch.time, partial(cadastre.files, call))
            if not alone:
                result = self._threads.submit(result).result
        return partial(_outcome, operator, call, result, watch)


class _Stopwatch:
    """How long a call took, however late its answer is looked at."""

    def __init__(self, begun: float) -> None:
        self._begun = begun
        self.seconds = 0.0

    def stop(self, *_: object) -> None:
        self.seconds = time.monotonic() - self._begun

    def time(self, call: Callable[[], Holdings]) -> Holdings:
        try:
            return call()
        finally:
            self.stop()


def _outcome(
    operator: Operator, call: CadastreCall, result: Callable[[], Holdings], watch: _Stopwatch
) -> Outcome:
    outcome = _judged(call, result)
    word = "answered" if isinstance(outcome, Holdings) else "failed"
    source_called(operator, call.source, word, watch.seconds)
    return outcome


def _judged(call: CadastreCall, result: Callable[[], Holdings]) -> Outcome:
    try:
        holdings = result()
        for file in holdings.files:
            check_file(file, call.source)
    except CadastreFailure as failure:
        return failure
    except UnusableFile as error:
        return CadastreFailure(str(error))
    return holdings
