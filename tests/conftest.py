"""For all tests: nothing is read from or left in the user's cache."""

from __future__ import annotations

import os

os.environ.setdefault("PLANNER_CACHE", "off")
