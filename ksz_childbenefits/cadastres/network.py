"""The cadastres of all operators, of which those that a request needs are asked at once.

Whatever goes wrong with one of them, foreseen or not, is a failure of that one: the exchange with
an operator is a fault boundary, the second beside the endpoint's (docs/decisions/0008).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from typing import TypeVar

from ksz_childbenefits.cadastres.background import BackgroundLoop
from ksz_childbenefits.cadastres.base import (
    Cadastre,
    CadastreCall,
    DistantCadastre,
    Holdings,
)
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

    Calls to distant ones all run on ``loop``, however many there are. The others are asked
    meanwhile, each in a thread of ``threads`` but one; without those, all in the request's own: for
    a database in a file there is nothing to wait for, and another thread would begin later than
    this one ends.
    """

    def __init__(
        self,
        cadastres: Mapping[Operator, Cadastre],
        loop: BackgroundLoop,
        threads: Executor | None = None,
    ) -> None:
        """Both are shut down by ``close``."""
        self._cadastres = cadastres
        self._threads = threads
        self._distant = {o: c for o, c in cadastres.items() if isinstance(c, DistantCadastre)}
        self._loop = loop

    def ask(self, calls: Sequence[tuple[Operator, CadastreCall]]) -> list[Outcome]:
        """What each call gave, in their order; whatever waits does so in parallel (DOMAIN 1).

        Files that cannot be passed on count as a failure of the one who gave them (MSG00002), and
        so does what nobody has thought of.
        """
        begun, distant = time.monotonic(), self._distant
        sent = {n: self._send(o, c, begun) for n, (o, c) in enumerate(calls) if o in distant}
        own = iter(self._ask_all([(o, c) for o, c in calls if o not in distant]))
        return [sent[n]() if n in sent else next(own) for n in range(len(calls))]

    def close(self) -> None:
        """Break off the calls that are under way; no thread or socket is left."""
        self._loop.close()
        if self._threads is not None:
            self._threads.shutdown(cancel_futures=True)

    def _send(self, operator: Operator, call: CadastreCall, begun: float) -> Callable[[], Outcome]:
        """Send a call to a distant one, and give what waits for what comes of it."""
        ended: list[float] = []
        started = _bounded(
            operator,
            call,
            lambda: self._distant[operator].start(
                call, begun, lambda _: ended.append(time.monotonic())
            ),
        )

        def outcome() -> Outcome:
            given: Outcome
            if isinstance(started, CadastreFailure):
                given = started
            else:
                given = _bounded(operator, call, lambda: _passed_on(call, started()))
            # However late an answer is looked at.
            return _told(operator, call, given, (ended or [time.monotonic()])[0] - begun)

        return outcome

    def _ask_all(self, calls: Sequence[tuple[Operator, CadastreCall]]) -> list[Outcome]:
        """What those give that are not distant, in their order."""
        if self._threads is None or len(calls) < 2:
            return [self._ask(operator, call) for operator, call in calls]
        *others, last = calls
        pending = [self._threads.submit(self._ask, operator, call) for operator, call in others]
        outcome = self._ask(*last)
        return [*(one.result() for one in pending), outcome]

    def _ask(self, operator: Operator, call: CadastreCall) -> Outcome:
        begun, cadastres = time.monotonic(), self._cadastres
        given = _bounded(operator, call, lambda: _passed_on(call, cadastres[operator].files(call)))
        return _told(operator, call, given, time.monotonic() - begun)


def _told(operator: Operator, call: CadastreCall, given: Outcome, seconds: float) -> Outcome:
    word = "answered" if isinstance(given, Holdings) else "failed"
    source_called(operator, call.source, word, seconds)
    return given


def _passed_on(call: CadastreCall, given: Holdings) -> Holdings:
    """What is withheld is gone before anything is judged, so it cannot even make a call fail."""
    holdings = given.without(call.withheld)
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
