"""The command's first step, and ``python -m planner``: heed Ctrl-C, then load the rest."""

import gc

from planner.interrupt import Interrupts, end_now

YOUNG = 50_000  # new objects before rubbish is looked for; Python's 700 look through the libraries again and again as they load


def main() -> None:
    """Run the command line; see ``planner --help``."""
    interrupts = Interrupts()
    interrupts.heed()
    gc.set_threshold(YOUNG)
    from planner.cli import main as door

    interrupts.loading = False
    try:
        door()
    finally:
        if interrupts.asked:
            end_now()
        interrupts.loading = True  # nothing is open any more
        gc.freeze()  # the process ends: what the libraries hold need not be looked through for rubbish before


if __name__ == "__main__":
    main()
