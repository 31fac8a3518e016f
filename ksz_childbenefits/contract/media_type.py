"""What a Content-Type says, of requests and of operators' replies alike, unjudged (SECURITY 1)."""

from __future__ import annotations

import re

_PARAMETER = re.compile(r';\s*([^\s=;"]+)\s*=\s*("(?:[^"\\]|\\.)*"|[^\s;"]*)')


def charset_of(content_type: str) -> str | None:
    """The charset that it names; None: none.

    Charsets that contradict each other are given together, which is the name of none.
    """
    parameters = _PARAMETER.findall(content_type)
    charsets = {value.strip('"'): name for name, value in parameters if name.lower() == "charset"}
    return ", ".join(charsets) if charsets else None
