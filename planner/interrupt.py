"""Ctrl-C at any moment: one sentence, exit 130, nothing half-written. Standard library only, for it must be there first."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
from types import FrameType

INTERRUPTED = 130
AGAIN_S = 2.0  # an interrupt that some library swallowed is sent again
PATIENCE_S = 12.0  # a solver or a reader that does not come back is left behind
SAID = "Interrupted; nothing was half-written."


class Interrupts:
    """What was asked of this process with Ctrl-C, and how it is brought about.

    While the program loads (`loading`) nothing is open yet, and the process ends at once: an interrupt inside an import would
    come out as any error. Afterwards it is a KeyboardInterrupt, so that what was begun is taken back on the way out; it is
    raised again where a callback or a library swallowed it, and after `PATIENCE_S` the process ends all the same (what it was
    writing lies in a hidden folder that the next run removes).
    """

    def __init__(self) -> None:
        self.loading = True
        self.asked = False
        self.again = False

    def heed(self) -> None:
        """Handle SIGINT from now on; a process that was told to ignore it goes on ignoring it."""
        if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
            signal.signal(signal.SIGINT, self._handle)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.loading:
            end_now()
        if self.asked and not self.again:
            return  # pressed again while the first is being heeded
        if not self.asked:
            sys.unraisablehook = lambda unraisable: None  # "Exception ignored in": it is not, see `_nag`
            threading.Thread(target=self._nag, args=(threading.get_ident(),), daemon=True).start()
        self.asked, self.again = True, False
        raise KeyboardInterrupt

    def _nag(self, main: int) -> None:
        for _ in range(int(PATIENCE_S / AGAIN_S)):
            time.sleep(AGAIN_S)
            self.again = True
            signal.pthread_kill(main, signal.SIGINT)  # to the main thread, so that what it waits for is interrupted
        end_now()


def end_now() -> None:
    """Say that the process was interrupted and end it here, without unwinding."""
    with contextlib.suppress(OSError):
        shown = "\x1b[?25h" if sys.stderr is not None and sys.stderr.isatty() else ""  # a progress bar hides the cursor
        os.write(2, f"{shown}{SAID}\n".encode())
    os._exit(INTERRUPTED)
