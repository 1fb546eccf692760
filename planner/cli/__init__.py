"""The command line: parse, call the library, print. Tables go to stdout, words and progress to stderr."""

from planner.cli import batch, fetch, measure, reasons, site, start, track, write
from planner.cli.door import main

__all__ = ["batch", "fetch", "main", "measure", "reasons", "site", "start", "track", "write"]
