"""Rounds of load on a service, each with the unit measured before and after it."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from house import House
from load import Load, Supply, ask, run
from machine import Unit, cores, measure_unit
from messages import Order, Template
from served import Served

WARM_UP_SECONDS = 2.0


def _nothing() -> float:
    return 0.0


@dataclass
class Subject:
    """A service to be measured; ``cpu``: seconds that its database's own processes have used."""

    database: str
    house: House
    folder: Path
    cpu: Callable[[], float] = _nothing
    supply: Supply = field(init=False)

    def __post_init__(self) -> None:
        """Its requests are those of the peers' job."""
        self.supply = Supply(Order(self.house), self.folder)


@dataclass(frozen=True, slots=True)
class Round:
    """One round: the load, the unit around it, CPU in seconds of the service and the database."""

    load: Load
    unit: Unit
    service: float
    database: float

    @property
    def signatures(self) -> float:
        """CPU of the service for one request, in signatures."""
        return self.service / self.load.requests / self.unit.seconds

    @property
    def database_signatures(self) -> float:
        """CPU of the database's own processes for one request, in signatures."""
        return self.database / self.load.requests / self.unit.seconds

    @property
    def throughput(self) -> float:
        """Requests a second as a share of the signatures that one core makes."""
        return self.load.per_second / self.unit.per_second


@dataclass(frozen=True, slots=True)
class Setting:
    """How a round is driven."""

    workers: int
    connections: int
    seconds: float

    @property
    def service_cores(self) -> list[int]:
        """A core for each worker, from the first one on."""
        return cores()[: self.workers]

    @property
    def other_cores(self) -> list[int]:
        """Where everything else runs: on cores of its own, where there are any left."""
        return cores()[self.workers :] or cores()


def measure(served: Served, subject: Subject, setting: Setting) -> Round:
    """One round, with requests signed for it."""
    store = subject.supply.sign(setting.seconds)
    before = measure_unit(setting.service_cores)
    service, database = served.cpu(), subject.cpu()
    seen = run(
        served.url,
        store,
        connections=setting.connections,
        seconds=setting.seconds,
        on=setting.other_cores,
    )
    service, database = served.cpu() - service, subject.cpu() - database
    subject.supply.learn(seen)
    return Round(seen, Unit.mean((before, measure_unit(setting.service_cores))), service, database)


def warm_up(served: Served, subject: Subject, setting: Setting) -> None:
    """A round that does not count: threads compile their schemas, the database its statements.

    SystemExit for a service whose reply holds no data: wrk looks at the status of HTTP alone.
    """
    ask(served.url, Template(Order(subject.house)).make())
    measure(served, subject, replace(setting, seconds=WARM_UP_SECONDS))


def median(rounds: Sequence[Round], figure: Callable[[Round], float]) -> float:
    """The median of one figure over rounds."""
    return statistics.median(map(figure, rounds))
