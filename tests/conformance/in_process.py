"""The gateway without HTTP, on a day and with outages of the case's choosing."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest import mock

from ksz_childbenefits import endpoint as endpoint_module
from ksz_childbenefits.config import load_settings
from ksz_childbenefits.conformance.answer import Answer
from ksz_childbenefits.conformance.case import World
from ksz_childbenefits.conformance.message import HttpMessage
from ksz_childbenefits.domain.clock import parse_as_of
from ksz_childbenefits.domain.sources import Operator
from ksz_childbenefits.endpoint import Endpoint
from ksz_childbenefits.gateway import ConsultationExchange
from ksz_childbenefits.registers import replay
from ksz_childbenefits.runtime import build_endpoint
from ksz_childbenefits.soap_app import message_of


@dataclass(frozen=True)
class InProcess:
    """A transport to an endpoint in this process."""

    endpoint: Endpoint[ConsultationExchange]

    def __call__(self, message: HttpMessage) -> Answer:
        kind = message.headers.get("Content-Type", "")
        action = message.headers.get("SOAPAction")
        with clock_put_forward(message.later):
            reply = self.endpoint.handle(message_of(message.body, kind, action, datetime.now(UTC)))
        return Answer(reply.status, {"content-type": "text/xml; charset=utf-8"}, reply.body)


@contextmanager
def clock_put_forward(seconds: int) -> Iterator[None]:
    """The service's clocks, of messages and of the replay store, are so many seconds ahead."""
    if not seconds:
        yield
        return

    class Shifted(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
            return datetime.now(UTC) + timedelta(seconds=seconds)

    later = mock.Mock(wraps=time, time=lambda: time.time() + seconds)
    with (
        mock.patch.object(endpoint_module, "datetime", Shifted),
        mock.patch.object(replay, "time", later),
    ):
        yield


@dataclass
class Worlds:
    """The demo's endpoints, one for each world that a case asks for."""

    config: Path
    _built: dict[World, InProcess] = field(default_factory=dict)

    def transport(self, world: World) -> InProcess:
        if world not in self._built:
            settings = load_settings(self.config)
            failing = frozenset(Operator(name) for name in world.failing)
            demo = settings.demo.model_copy(update={"failing_cadastres": failing})
            settings = settings.model_copy(update={"demo": demo})
            self._built[world] = InProcess(build_endpoint(settings, parse_as_of(world.as_of)))
        return self._built[world]
