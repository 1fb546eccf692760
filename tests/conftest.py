"""For all tests: nothing is read from or left in the user's cache, and laws are tried on the same examples each time.

``pytest --hypothesis-profile=search`` looks for new examples instead; what it finds becomes an ``@example`` of its law.
"""

from __future__ import annotations

import os
import warnings

from hypothesis import settings

os.environ.setdefault("PLANNER_CACHE", "off")
settings.register_profile("same", derandomize=True, database=None)
settings.register_profile("search")
settings.load_profile("same")


def pytest_sessionstart() -> None:
    """That the search is compiled is said once a process: here, so that it is no surprise to whichever test comes first."""
    from planner.reach.compiled import say_what_takes_long

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        say_what_takes_long()
