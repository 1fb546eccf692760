"""The command that uses the internet: `fetch`."""

from __future__ import annotations

from pathlib import Path

import click

import planner
from planner.cli.door import format_option, main, progress_bar, say, talk_options
from planner.cli.show import show


@main.command()
@click.argument("study", type=click.Path(path_type=Path))
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Override a key: network.extract=jiangsu")
@talk_options
@click.option("--dry-run", is_flag=True, help="Only say what would be fetched, and how big it is.")
@click.option("--update", is_flag=True, help="Fetch again what was fetched before; never a file of your own.")
@format_option("table", "csv", "json")
def fetch(study: Path, overrides: tuple[str, ...], dry_run: bool, update: bool, form: str, quiet: bool, verbose: bool) -> None:
    """Get what STUDY names and does not have: town boundaries, streets, residents. The only command that uses the internet.

    Towns come from OpenStreetMap by `network.place`, streets from a Geofabrik extract cut to the area and twice the walk
    around it, residents from GHS-POP or WorldPop (`population.source`). Where each came from, when, and under which licence
    is written into sources.json. What was fetched half is gone on with; your own files are never overwritten.
    """
    with progress_bar(quiet) as progress:
        files = planner.fetch_study(study, overrides, dry_run=dry_run, update=update, progress=progress)
    show({"files": files.set_index("part")}, form)
    if not dry_run and "not asked for" in set(files["state"]):
        say("Some files are not asked for: the table says which key gets them.")
