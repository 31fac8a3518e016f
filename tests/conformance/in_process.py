"""The gateway without HTTP, on a day and with outages of the case's choosing."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from ksz_childbenefits.config import load_settings
from ksz_childbenefits.conformance.case import World
from ksz_childbenefits.conformance.message import HttpMessage
from ksz_childbenefits.conformance.transport import Answer
from ksz_childbenefits.domain.clock import parse_as_of
from ksz_childbenefits.domain.sources import Operator
from ksz_childbenefits.endpoint import Endpoint, Message
from ksz_childbenefits.gateway import ConsultationExchange
from ksz_childbenefits.runtime import build_endpoint


@dataclass(frozen=True)
class InProcess:
    """A transport to an endpoint in this process."""

    endpoint: Endpoint[ConsultationExchange]

    def __call__(self, message: HttpMessage) -> Answer:
        action = message.headers.get("SOAPAction")
        reply = self.endpoint.handle(Message(message.body, "utf-8", action, datetime.now(UTC)))
        return Answer(reply.status, {"content-type": "text/xml; charset=utf-8"}, reply.body)


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
