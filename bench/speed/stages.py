"""Where the time of a request goes, stage by stage, and how far the whole is from the floor.

The stages are the functions that the service itself calls: each is replaced by one that watches the
clock. So what is measured is the service's way and no copy of it, and a function that is renamed
fails here. For the comparison with the floor nothing is watched.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any
from unittest import mock

import world
from floor import Floor
from house import House
from inside import answer, cpu, opened
from machine import Unit, measure_unit
from messages import Order, Template

from ksz_childbenefits import endpoint, gateway, service
from ksz_childbenefits.audit.trail import AuditTrail
from ksz_childbenefits.audit.writer import Writer
from ksz_childbenefits.cadastres.network import Network
from ksz_childbenefits.endpoint import Endpoint
from ksz_childbenefits.gateway import Gateway
from ksz_childbenefits.service import Access

STAGES: tuple[tuple[str, object, str], ...] = (
    ("parse", endpoint, "parse"),
    ("envelope", endpoint, "open_envelope"),
    ("verify", endpoint, "verify"),
    ("identify", Gateway, "identify"),
    ("replay", endpoint, "admit"),
    ("XSD", endpoint, "validate_request"),
    ("decode", gateway, "decode_question"),
    ("authorise", Access, "ground"),
    ("person", Access, "person"),
    ("route", service, "plan"),
    ("consult", Network, "ask"),
    ("encode", gateway, "encode_outcome"),
    ("reply XSD", endpoint, "prove_reply"),
    ("sign", endpoint, "sign"),
    ("record", AuditTrail, "entry"),
    ("audit", Writer, "write"),
)
"""What each stage is called here, and the function that it is."""

REST = "the rest"
"""What is between the stages: merging, the log, metrics, and Python itself."""

WARM_UP = 30
_BLOCK = 25


@dataclass(frozen=True, slots=True)
class Inside:
    """What was found with one kind of key. CPU of a request is in signatures.

    ``pairs``: ours and the floor's, block by block, by turns.
    """

    key: str
    pairs: tuple[tuple[float, float], ...]
    stages: dict[str, float]
    request_bytes: int
    reply_bytes: int

    @property
    def ours(self) -> float:
        """The service's."""
        return statistics.median(ours for ours, _ in self.pairs)

    @property
    def floor(self) -> float:
        """The floor's."""
        return statistics.median(floor for _, floor in self.pairs)

    @property
    def ratios(self) -> list[float]:
        """How many times the floor, block by block."""
        return [ours / floor for ours, floor in self.pairs]

    @property
    def ratio(self) -> float:
        """The median of them."""
        return statistics.median(self.ratios)


def measure_inside(house: House, caller: world.Caller, blocks: int) -> Inside:
    """So many blocks of the service, of the floor and of the stages, by turns."""
    template = Template(Order(house, caller))
    with opened(house) as served:
        for _ in range(WARM_UP):
            reply = answer(served, template.make())
        floor = Floor(house.credentials(caller), house.own(), reply)
        ours, spent = partial(answer, served), Stages(served)
        pairs: list[tuple[float, float]] = []
        before = measure_unit()
        for _ in range(blocks):
            requests = [template.make() for _ in range(_BLOCK)]
            least = cpu(floor, requests)
            pairs.append((cpu(ours, requests), least))
            spent.measure([template.make() for _ in range(_BLOCK)])
        unit = Unit.mean((before, measure_unit())).seconds
    return Inside(
        "P-256" if caller.curve else "RSA-2048",
        tuple((ours / unit, least / unit) for ours, least in pairs),
        {name: seconds / unit for name, seconds in spent.means().items()},
        len(template.make()),
        len(reply),
    )


class Stages:
    """The CPU time of each stage, over all requests so far."""

    def __init__(self, served: Endpoint[Any]) -> None:
        """Watch this endpoint."""
        self._served = served
        self._requests = 0
        self._total = 0.0
        self._spent = dict.fromkeys((name for name, *_ in STAGES), 0.0)

    def measure(self, requests: list[bytes]) -> None:
        """Answer these, and watch."""
        with self._watching():
            self._total += cpu(partial(answer, self._served), requests) * len(requests)
        self._requests += len(requests)

    def means(self) -> dict[str, float]:
        """Seconds for one request, stage by stage, and the rest."""
        rest = self._total - sum(self._spent.values())
        return {n: s / self._requests for n, s in (self._spent | {REST: rest}).items()}

    @contextmanager
    def _watching(self) -> Iterator[None]:
        with ExitStack() as stack:
            for name, owner, attribute in STAGES:
                watched = self._watched(name, getattr(owner, attribute))
                stack.enter_context(mock.patch.object(owner, attribute, watched))
            yield

    def _watched(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def watch(*given: Any, **named: Any) -> Any:
            begun = time.process_time()
            try:
                return function(*given, **named)
            finally:
                self._spent[name] += time.process_time() - begun

        return watch
