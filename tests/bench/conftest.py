"""The benchmark's scripts import each other by their bare names, as scripts of one folder do."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[2] / "bench" / "speed"))
