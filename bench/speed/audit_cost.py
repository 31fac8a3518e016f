"""What the audit trail costs (issue 4): the service against one that drops its records.

Both run at the same time on the same database and get the load by turns, so that whatever else the
machine does hits both alike.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass

from machine import cores
from rounds import Round, Setting, Subject, measure, warm_up
from served import variant

WORKERS, CONNECTIONS = 2, 64
GOAL = 0.10


@dataclass(frozen=True, slots=True)
class Cost:
    """Rounds with records kept and dropped, in pairs."""

    database: str
    kept: tuple[Round, ...]
    dropped: tuple[Round, ...]

    @property
    def cpu(self) -> float:
        """How much more CPU a request takes, of service and database together, as a share."""
        return self._more(lambda one: one.signatures + one.database_signatures)

    @property
    def throughput(self) -> float:
        """Which share of the throughput is lost."""
        return -self._more(lambda one: one.load.per_second)

    def _more(self, figure: Callable[[Round], float]) -> float:
        """By which share a figure is larger where records are kept: the median over the pairs."""
        pairs = zip(self.kept, self.dropped, strict=True)
        return statistics.median(figure(kept) / figure(dropped) for kept, dropped in pairs) - 1


def measure_cost(subject: Subject, pairs: int, seconds: float) -> Cost:
    """So many pairs of rounds, each first by turns."""
    setting = Setting(WORKERS, CONNECTIONS, seconds)
    rounds: dict[str, list[Round]] = {"kept": [], "dropped": []}
    config = subject.house.config
    with ExitStack() as stack:
        served = {
            name: stack.enter_context(variant(name, config, workers=WORKERS, on=cores()))
            for name in rounds
        }
        for service in served.values():
            warm_up(service, subject, setting)
        for pair in range(pairs):
            for name in sorted(rounds, reverse=pair % 2 == 1):
                rounds[name].append(measure(served[name], subject, setting))
    return Cost(subject.database, tuple(rounds["kept"]), tuple(rounds["dropped"]))
