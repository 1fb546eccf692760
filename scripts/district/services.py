"""Invented stations, host premises and life-circle places. Names, telephone numbers and figures are made up."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from scipy.spatial import cKDTree

from district import land
from district.people import Counts
from district.streets import Floats, Junctions, Street, Tags

HOSTS = 80
BESIDE_M = 22.0  # from the junction to the door
FLAGS = ("unified_sign", "staffing", "basic_functions", "equipment", "service_rules")
URBAN_HOSTS = ("邻里中心", "党群服务中心", "社区事务受理服务中心", "社工站", "商务楼宇", "商圈", "物业服务中心", "银行网点",
               "社区医院", "社区食堂", "校区", "便民商业网点")  # fmt: skip
RURAL_HOSTS = ("村居服务点", "党群服务中心", "社区便民服务站", "园区", "零工市场", "社区事务受理服务中心", "便民商业网点")
ESTATES = (
    "朝晖", "和美", "福安", "翠竹", "景秀", "春晓", "长乐", "永宁", "康泰", "明德", "丰和", "祥云", "百合",
    "银杏", "梧桐", "紫藤", "枫林", "荷风", "新苑", "锦绣", "安居", "乐业", "同心", "望江", "星河", "晨光",
)  # fmt: skip
LIFE = (
    ("shop", "supermarket", 0.8), ("shop", "convenience", 0.9), ("amenity", "restaurant", 0.9), ("amenity", "marketplace", 0.3),
    ("amenity", "kindergarten", 0.4), ("amenity", "pharmacy", 0.5), ("amenity", "post_office", 0.2), ("amenity", "bank", 0.4),
    ("leisure", "fitness_centre", 0.2), ("amenity", "clinic", 0.35), ("shop", "hairdresser", 0.5),
)  # fmt: skip
CENTRES = (
    ("amenity", "townhall", "社区事务受理服务中心"),
    ("amenity", "library", "图书馆"),
    ("amenity", "community_centre", "邻里中心"),
)

Row = dict[str, object]


DATES = ("planned_on", "applied_on", "opened", "closed")


def list_stations(places: Junctions, streets: list[Street], plans: Path) -> list[Row]:
    """The rows of stations.csv, from hand-written plans: where each stands from its town's centre, and what its row says."""
    with plans.open(encoding="utf-8", newline="") as file:
        planned = list(csv.DictReader(file))
    rows: list[Row] = []
    for number, plan in enumerate(planned, start=1):
        town = next(each for each in land.TOWNS if each.code == plan["town"])
        door = beside(places, streets, np.array([[town.x + float(plan["dx"]), town.y + float(plan["dy"])]]))
        lon, lat = land.lonlat(door)[0].tolist()
        stands = plan["opened"] and not plan["closed"]
        rows.append({
            "station_id": f"S{number:02d}", "name": plan["name"], "lon": lon, "lat": lat,
            "address": f"{town.name}示例路{number * 7}号", "town": town.name,
            **{key: plan[key] for key in ("kind", "tier", "host", "status", *DATES, "staff")},
            "capacity": int(plan["staff"]) * 2_500, "trained_on": "2025-04-15" if stands else "",
            "phone": f"021-0000 {number:04d}",
            "hours": "Mo-Sa 09:00-19:00" if plan["tier"] == "site" else "Mo-Fr 09:00-17:00",
            "services": plan["items"], **dict(zip(FLAGS, plan["flags"], strict=True)), "rating": plan["rating"],
        })  # fmt: skip
    return rows


def list_hosts(rng: np.random.Generator, places: Junctions, streets: list[Street], spots: Floats, towns: Counts) -> list[Row]:
    """The rows of hosts.csv: some in every town, at doors beside the streets where people live."""
    weight = np.array([town.people for town in land.TOWNS], dtype=float)
    shares = np.maximum(np.rint(HOSTS * weight / weight.sum()).astype(int), 4)
    rows: list[Row] = []
    for number, (town, count) in enumerate(zip(land.TOWNS, shares.tolist(), strict=True)):
        here = spots[towns == number]
        first = int(np.argmin(np.hypot(here[:, 0] - town.x, here[:, 1] - town.y)))  # every town has one in its middle
        others = [i for i in rng.permutation(len(here)).tolist() if i != first]
        chosen = here[np.sort([first, *others[: count - 1]])]
        kinds = RURAL_HOSTS if town.villages >= 5 else URBAN_HOSTS
        for place in beside(places, streets, chosen):
            lon, lat = land.lonlat(place)[0].tolist()
            index = len(rows)
            host, estate = kinds[index % len(kinds)], ESTATES[index % len(ESTATES)]
            rows.append({
                "site_id": f"H{index + 1:03d}", "name": f"{town.name.removesuffix('街道').removesuffix('镇')}{estate}{host}",
                "lon": lon, "lat": lat, "address": f"{town.name}{estate}路{index * 3 + 1}号", "town": town.name, "host": host,
                "capacity": 2_500 * (1 + index % 3), "cost": 10 + 5 * (index % 7), "required": "",
            })  # fmt: skip
    return rows


def list_premises(
    rng: np.random.Generator, places: Junctions, streets: list[Street], spots: Floats
) -> list[tuple[float, float, Tags]]:
    """Places for the extract: in each town a town hall, a library, a community centre; shops and the like where people live."""
    found: list[tuple[float, float, Tags]] = []
    for town in land.TOWNS:
        doors = beside(
            places, streets, np.array([[town.x + dx, town.y + dy] for dx, dy in ((90, 60), (-160, 120), (210, -240))])
        )
        for (key, value, word), door in zip(CENTRES, doors.tolist(), strict=True):
            found.append((*door, {key: value, "name": town.name + word}))
    for spot in spots:
        for key, value, share in LIFE:
            draw = rng.random(3)
            if draw[0] < share:
                found.append((*np.round(spot + 500 * (draw[1:] - 0.5), 1).tolist(), {key: value}))
    return found


def beside(places: Junctions, streets: list[Street], wanted: Floats) -> Floats:
    """Doors `BESIDE_M` off the walkable junction nearest to each place, on the side of the place."""
    open_ends = [street.ends for street in streets if street.tags.get("access") != "private" and "tunnel" not in street.tags]
    used = np.unique(open_ends)
    _, nearest = cKDTree(places.xy[used]).query(wanted)
    corner = places.xy[used][nearest]
    step = wanted - corner
    length = np.maximum(np.hypot(step[:, 0], step[:, 1]), 1e-6)[:, None]
    return np.round(corner + step / length * np.minimum(length, BESIDE_M), 1)
