"""``planner fetch``: the only room that uses the internet. Everything else works without it."""

from planner.sources.fetch.story import Fetched, fetch_study
from planner.sources.fetch.web import Patience

__all__ = ["Fetched", "Patience", "fetch_study"]
