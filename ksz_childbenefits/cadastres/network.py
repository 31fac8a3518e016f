"""The cadastres of all operators, of which those that a request needs are asked at once.

Whatever goes wrong with one of them, foreseen or not, is a failure of that one: the exchange with
an operator is a fault boundary, the second beside the endpoint's (docs/decisions/0008).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from functools import partial
from typing import TypeVar

from ksz_childbenefits.cadastres.background import BackgroundLoop
from ksz_childbenefits.cadastres.base import Cadastre, CadastreCall, Holdings
from ksz_childbenefits.cadastres.remote import RemoteCadastre
from ksz_childbenefits.domain.facets import UnusableFile, check_file
from ksz_childbenefits.domain.sources import Operator
from ksz_childbenefits.errors import CadastreFailure
from ksz_childbenefits.logs import place_of
from ksz_childbenefits.metrics import source_called

_log = logging.getLogger(__name__)

Outcome = Holdings | CadastreFailure
_Result = TypeVar("_Result")


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

        Files that cannot be passed on count as a failure of the one who gave them (MSG00002), and
        so does what nobody has thought of.
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
        watch = _Stopwatch(begun)
        started = _bounded(operator, call, partial(self._start, operator, call, watch, alone))
        return partial(_outcome, operator, call, started, watch)

    def _start(
        self, operator: Operator, call: CadastreCall, watch: _Stopwatch, alone: bool
    ) -> Callable[[], Holdings]:
        """What waits for the answer, or asks only then."""
        cadastre = self._cadastres[operator]
        if isinstance(cadastre, RemoteCadastre):
            return cadastre.start(call, watch.begun + cadastre.line.limits.seconds, watch.stop)
        files = partial(watch.time, partial(cadastre.files, call))
        return files if alone else self._threads.submit(files).result


class _Stopwatch:
    """How long a call took, however late its answer is looked at."""

    def __init__(self, begun: float) -> None:
        self.begun = begun
        self.seconds = 0.0

    def stop(self, *_: object) -> None:
        self.seconds = time.monotonic() - self.begun

    def time(self, call: Callable[[], Holdings]) -> Holdings:
        try:
            return call()
        finally:
            self.stop()


def _outcome(
    operator: Operator,
    call: CadastreCall,
    started: Callable[[], Holdings] | CadastreFailure,
    watch: _Stopwatch,
) -> Outcome:
    outcome: Outcome
    if isinstance(started, CadastreFailure):
        outcome = started
    else:
        outcome = _bounded(operator, call, partial(_passed_on, call, started))
    word = "answered" if isinstance(outcome, Holdings) else "failed"
    source_called(operator, call.source, word, watch.seconds)
    return outcome


def _passed_on(call: CadastreCall, result: Callable[[], Holdings]) -> Holdings:
    """What is withheld is gone before anything is judged, so it cannot even make a call fail."""
    holdings = result().without(call.withheld)
    for file in holdings.files:
        check_file(file, call.source)
    return holdings


def _bounded(
    operator: Operator, call: CadastreCall, act: Callable[[], _Result]
) -> _Result | CadastreFailure:
    """What ``act`` gives, or the failure of this operator, and of no other, in which it ends."""
    try:
        return act()
    except CadastreFailure as failure:
        return failure
    except UnusableFile as error:
        return CadastreFailure(str(error))
    except Exception as error:  # noqa: BLE001 - the fault boundary of one operator's exchange
        where = {"ticket": call.ticket, "operator": operator.value, "source": call.source.value}
        _log.error("unforeseen at a source", extra={**where, "reason": place_of(error)})
        return CadastreFailure(f"unforeseen ({type(error).__name__})")
