"""What customers choose cannot pass for lines of the auditor's list."""

from __future__ import annotations

import json

import pytest

from ksz_childbenefits.cli import audit_text
from tests.audit.trails import record


@pytest.mark.parametrize("sign", ["\n", "\x85", "\u202e", "\u2028", "\x1b"])
def test_what_is_not_printable_is_escaped(sign: str) -> None:
    told = json.loads(record(legal_context=f"X{sign}Y").body())
    for text in (audit_text.line(told), audit_text.told(told, {})):
        escaped = sign.encode("unicode_escape").decode()
        assert f"X{escaped}Y" in text
