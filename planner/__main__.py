"""The command's first step, and ``python -m planner``: heed Ctrl-C, then load the rest."""

from planner.interrupt import Interrupts, end_now


def main() -> None:
    """Run the command line; see ``planner --help``."""
    interrupts = Interrupts()
    interrupts.heed()
    from planner.cli import main as door

    interrupts.loading = False
    try:
        door()
    finally:
        if interrupts.asked:
            end_now()
        interrupts.loading = True  # nothing is open any more


if __name__ == "__main__":
    main()
