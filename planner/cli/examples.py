"""What to type: a few examples for each command, shown at the end of its help."""

from __future__ import annotations

from collections.abc import Mapping

EXAMPLES: Mapping[str, tuple[tuple[str, str], ...]] = {
    "init": (
        ("planner init my-district", "a commented study.toml and empty tables"),
        ("planner init my-town --policy jiading-2023", "with the targets of a shipped policy pack"),
    ),
    "demo": (("planner demo", "everything on the extract of Helsinki, into demo-output/"),),
    "check": (
        ("planner check my-district", "all that is wrong, in plain words"),
        ("planner check data/district --format json", "for a program"),
    ),
    "fetch": (
        ("planner fetch data/jiading --dry-run", "what would be fetched, and how big it is"),
        ("planner fetch data/jiading", "towns, streets and residents; the only command that uses the internet"),
        ("planner fetch data/jiading --update", "again, for newer data; files of your own stay"),
    ),
    "times": (
        ("planner times data/district --from demand --to stations --format csv > times.csv", "every walk within the cutoff"),
        (
            "planner times data/district --from data/district/hosts.csv --to stations --set walk.minutes=60",
            "from the places of a file",
        ),
    ),
    "isochrones": (("planner isochrones data/district --minutes 5,10,15 > outlines.geojson", "outlines for a desktop GIS"),),
    "score": (
        ("planner score data/district", "stations, towns and key groups"),
        ("planner score data/district --of towns --format csv > towns.csv", "one table, for a spreadsheet"),
        ("planner score data/district --of indicators --by town", "every indicator of each town, with its denominator"),
        ("planner score data/district --of demonstration --lift 3", "which stations to lift to demonstration level"),
        ("planner score data/district --set walk.profile=elder", "at the pace of older people"),
        ('planner score data/district --close S03 --add "New hall@123.49,29.58"', "what if"),
    ),
    "propose": (
        ("planner propose data/district --sites 3", "the three best sites, in order"),
        ("planner propose data/district --close S03", "where next, if a station closed"),
    ),
    "reasons": (("planner reasons data/district", "why these sites, and which others would do nearly as well"),),
    "frontier": (("planner frontier data/district --format csv > frontier.csv", "people covered by 1, 2, 3 … more stations"),),
    "why": (("planner why data/district --at 123.49,29.58", "who serves this place, and by which way"),),
    "track": (
        ("planner track data/district", "targets against what stands on the study's day"),
        ("planner track data/district --as-of 2025-12-31 --since 2024-12-31 --of changes", "what a year brought"),
        ("planner track data/district --period quarter --out packs/2025-q2", "the quarter's pack: tables, workbook, report"),
    ),
    "compare": (("planner compare runs/today runs/what-if", "people gained and lost between two outputs of `planner run`"),),
    "map": (("planner map data/district --out pages", "the two pages alone"),),
    "report": (("planner report data/district --out papers", "the report, the workbook and their tables"),),
    "run": (
        ("planner run data/district --out runs/today", "all of it"),
        ("planner run data/district --out runs/slow --set walk.speed_mps=0.9 -q", "another pace, without a word"),
        ("planner run data/district --out runs/what-if --move S03@123.49,29.59", "a station somewhere else"),
    ),
    "batch": (
        ("planner batch districts/*/ --out province", "every district, and the province's tables and map"),
        ("planner batch districts/*/ --out province --scheduler tcp://10.0.0.1:8786", "on a Dask cluster"),
        ("planner batch data/district --parts 4 --out province", "one district in four parts, with the same result"),
    ),
    "completion": (
        ("planner completion bash > ~/.planner.bash", "for bash, with `. ~/.planner.bash` in ~/.bashrc"),
        ("planner completion zsh > ~/.planner.zsh", "for zsh, with `. ~/.planner.zsh` in ~/.zshrc, after compinit"),
        ("planner completion fish > ~/.planner.fish", "for fish, with `source ~/.planner.fish` in ~/.config/fish/config.fish"),
    ),
}
"""By command: what to type, and what it is for."""
