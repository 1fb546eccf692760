"""Districts that kill whoever works on them: always, or the first time."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass

from planner.batch import District
from planner.study import Study


@dataclass(frozen=True)
class Poisoned(District):
    """Every worker that reads it dies."""

    boss: int = 0  # the process that only plans and must not die

    def read(self) -> Study:
        if os.getpid() != self.boss:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().read()


@dataclass(frozen=True)
class Unlucky(District):
    """The first worker that reads it dies."""

    boss: int = 0

    def read(self) -> Study:
        mark = self.file.with_name("died")
        if os.getpid() != self.boss and not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return super().read()
