"""The audit trail (SECURITY 5)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field, model_validator

from ksz_childbenefits.config.sections import Section


class AuditSettings(Section):
    """What is kept besides the records, and for how long.

    ``evidence``: whether the signed messages are kept, encrypted with ``evidence_key``, a file of
    32 random bytes. ``certificates``: those that the service signed with before, which the trail is
    believed with besides today's. ``keep_days``: what is older ``audit prune`` deletes; None: keep.
    """

    evidence: bool = False
    evidence_key: Path | None = None
    certificates: tuple[Path, ...] = ()
    keep_days: Annotated[int | None, Field(ge=1, le=36525)] = None

    @model_validator(mode="after")
    def _evidence_with_its_key(self) -> AuditSettings:
        if self.evidence and self.evidence_key is None:
            raise ValueError("evidence needs an evidence_key")
        return self
