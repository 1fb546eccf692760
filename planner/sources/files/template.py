"""``planner init``: a new study folder whose files explain themselves, in both languages."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from planner.errors import Fault, SourceError, say_faults
from planner.schema import CANDIDATES, STATIONS, Column, Kind, Schema

STUDY_TOML = """\
# A study: one place, its data and its assumptions. Lines with # are remarks or keys that are left out; everything else counts.
# 一个研究区：地点、数据和假设。带 # 的行是说明或未启用的选项。
#
# 1. Put towns.geojson and a street extract (network.osm.pbf) into this folder.  把街镇边界和路网文件放进本文件夹。
# 2. Fill in stations.csv and hosts.csv (any spreadsheet opens them).             填写站点表和候选载体表。
# 3. planner check .                                                              检查；然后 planner run . --out results

name = {name}
area = "towns.geojson"            # polygons, one or more a town (GeoJSON, GeoPackage, shapefile)  街镇边界
# area_field = "town"             # the column with the towns' names  街镇名称所在列
# area_layer = "街镇"             # which layer, where the file has several  多图层文件中的图层名
# area_coordinates = "wgs84"      # or gcj02, bd09, or an EPSG code of a file that has none of its own  边界坐标系
# crs = "EPSG:32651"              # metric CRS of all results; the UTM zone of the area by itself  计算用投影坐标系
{policy}
# as_of = 2025-06-30              # stations count as they stood then; the last date in stations.csv by itself  统计日期

[network]                         # streets 路网
file = "network.osm.pbf"          # .osm.pbf, .osm, .osm.gz, .osm.bz2, or .graphml of OSMnx
# place = "嘉定区, 上海市"          # planner fetch: whose towns become the area file  下载街镇边界所用的地名
# extract = "shanghai"            # planner fetch: Geofabrik's extract; by itself the smallest that covers the area  路网下载
# source = "overpass"             # planner fetch: a small area, straight from OpenStreetMap  小范围可直接下载

[walk]                            # how people walk 步行
minutes = 15                      # the circle, inclusive  圈层分钟数（含）
bands = [5, 10, 15]               # outlines on the maps  地图上的圈层
profile = "adult"                 # adult 4.8 km/h, brisk, slow, elder, pushchair, wheelchair, bicycle, ebike  出行方式
# speed_mps = 1.2                 # instead of the profile's pace  步速（米/秒）
max_link_m = 300                  # from a door to the nearest street  门到道路的最大距离
# terrain = "elevation.tif"       # heights in metres: slopes then change the pace  高程栅格：按坡度修正速度
# [walk.towns."Some Town"]        # the resident's town decides  按居民所在街镇单独设置
# minutes = 20
# profile = "bicycle"

[stations]                        # existing stations 现有站点
file = "stations.csv"
coordinates = "wgs84"             # wgs84 (GPS), gcj02 (Amap, Tencent 高德、腾讯), bd09 (Baidu 百度), cgcs2000, or EPSG:4549
# osm = ["amenity=townhall"]      # instead of a file: premises out of the street extract

# outside = false                 # leave out stations outside the area, though people inside may walk there  不计区外站点
# outreach = true                 # count outreach points (park, market, bus station) as stations  流动服务点计入站点

[[candidates]]                    # premises that could host a new station; more blocks may follow 候选载体
file = "hosts.csv"
coordinates = "wgs84"
# [[candidates]]
# osm = ["amenity=library", "amenity=community_centre"]
# kinds = ["党群服务中心", "library"]  # or what the policies call them; README lists all  政策所称载体类型，自动对应地图标签
# [[candidates]]
# corners_m = 300                 # every street corner, so far from the next and from the premises above  街口（按间距）

[population]                      # residents 常住人口
file = "population.tif"           # raster of counts (WorldPop, GHS-POP), or polygons or points with a column of counts
# column = "population"           # which column  人口列名
# layer = "人口"                   # which layer or sheet, where the file has several  图层或工作表
# values = "counts"               # or per_km2: what a raster holds  栅格含义：人数或密度
# spread = "buildings"            # totals by town, zones or cells over residential buildings; "land": over residential land;
#                                 # "area": evenly over the ground. 按住宅建筑、居住用地或面积分配
# source = "ghs-pop"              # planner fetch: or worldpop (then country = "CHN" too)  人口栅格下载
# year = 2025
# fit_towns = true                # scale so that each town has the population of the area file  按街镇总数校正
# totals = "totals.xlsx"          # or of this table of towns (街镇, 常住人口)  或按此表的街镇总数校正
# totals_column = "常住人口"
# totals_layer = "汇总"

# [[groups]]                      # key groups; only counts are ever kept of a list of people 重点群体（名单只读人数）
# name = "unemployed"             # small letters, digits and _: heads a column
# label = "登记失业人员"
# weight = 3.0                    # what one more member adds on top of being a resident  权重
# file = "unemployed.csv"         # one row a person, or counts by point, zone or town; or a raster
# coordinates = "gcj02"

# [[groups]]                      # employers or jobs, counted where the work is; no residents 用人单位或岗位（按所在地计）
# name = "jobs"
# label = "就业岗位"
# of = "jobs"                     # or "employers"  岗位或用人单位
# weight = 0.2
# file = "firms.xlsx"
# private = false                 # true: small counts are suppressed as those of people are  是否隐去小数

# [[areas]]                       # areas of priority: need inside counts `factor` times 优先区域：区域内需求按系数计
# name = "resettlement"
# label = "易地搬迁安置区"
# kind = "resettlement"           # settlement 人员集中居住区, crowd 人流密集区, industry 产业集聚区, resettlement, other
# file = "resettlement.geojson"   # polygons  多边形
# factor = 1.5                    # 1 or more; where areas overlap the largest counts  重叠处取最大值

[siting]                          # new stations 新建站点
method = "mclp"                   # mclp, lscp (fewest sites), p-median (least walking), p-center (least worst walk)  选址模型
sites = 5                         # how many
# share = 0.9                     # lscp, p-center: of what can be covered  覆盖比例
# decay = "linear"                # mclp: nearer counts more  距离衰减
# backup = 0.5                    # mclp: what a second station in reach counts  双重覆盖
# half_minutes = 8                # gaussian, exponential: the walk that counts half  半衰时间
# unreached_minutes = 30          # p-median: the walk of whoever nothing reaches  未覆盖者计入的步行时间
# capacity = true                 # mclp: nobody beyond a station's capacity is served  容量约束
# capacity_default = 5000         # of those that say none  默认容量
# prefer = {{ library = 200 }}      # by host: counts so much need more  优先依托场所
# per_town_min = 1                # every town ends with at least so many  每街镇至少
# phases = [ {{ by = 2025-12-31, sites = 2 }}, {{ by = 2026-12-31, sites = 3 }} ]

# [siting.equity]                  # what the worst town or group is owed  公平性
# by = "town"                     # or "group"
# floor = 0.5                     # least share covered of each, of those who can be covered
# floors = {{ "安亭镇" = 0.7 }}      # and of some by name
# weight = 0.5                    # what the worst share counts beside the total, 0 to 1

# [siting.reasons]                # how far a run explains the proposal  选址理由
# alternatives = 3                # other candidates that would do, for each site  每个建议点的替代点数
# plans = 3                       # further plans nearly as good  备选方案数
# differ = 2                      # in how many sites they differ at least
# draws = 20                      # proposals under varied assumptions  情景抽样次数
# pace = 0.15                     # how far the pace may be off, each way; weights and population likewise
# weights = 0.5
# population = 0.2
# seed = 0

# [fetch]                         # what planner fetch asks for besides  下载设置
# towns = ["安亭镇", "南翔镇"]      # the towns there should be; without it all of the place  应有的街镇
# town_level = 8                  # admin_level of a town in OpenStreetMap  街镇的行政级别
# [fetch.mirrors]                 # other servers: geofabrik, overpass, nominatim, ghs_pop, worldpop  镜像
# geofabrik = "https://download.geofabrik.de"

# [communities]                   # areas of communities: the share of communities covered  居村边界（居村覆盖率）
# file = "communities.geojson"
# share = 0.5                     # covered once this share of its residents is  居民覆盖比例达到此值即计为覆盖

# [life_circle]                   # services in the same walk, out of the extract's tags  便民生活圈（业态取自路网文件）
# beside_m = 100                  # a place as near as this stands beside a station or host  视为“周边”的距离（米）
# [[life_circle.services]]        # places of a service from a file instead, or another service  由文件提供的业态网点
# name = "market"
# file = "markets.csv"
# service_class = "basic"         # or quality, of a service of your own  基本保障类或品质提升类

# [[recorded]]                    # figures against the pack's targets: people_helped, trainings, rating …  工作数据
# file = "recorded.csv"           # figure, date, value; place of a town, recorded_on if later  指标、日期、数值、街镇、录入日期

# [targets.city-350]              # what of a city's target falls to this area  上级目标分解
# minimum = 20
# towns = {{ "Some Town" = 12, "Other Town" = 8 }}

# [rollout.areas]                 # parts taken one by one: rollout.csv has a row for each and phase  分片推进（片区所含街镇）
# "北片" = ["Some Town", "Other Town"]

# [composite]                     # an optional weighted score of stations  综合得分（可选）
# weights = {{ served_pop = 2, sole_pop = 1, completeness = 1 }}
# spread = 0.5                    # how far each weight is moved to see how the ranking moves  权重浮动幅度
# draws = 1000                    # random sets of weights, with a fixed seed  随机权重组数
# seed = 0

[privacy]                         # 隐私
minimum_count = 10                # smaller counts of key groups are never published  小于此数的重点群体人数不公开

[publish]                         # 发布
languages = ["zh", "en"]
# title = ""
# publisher = ""
# map_approval = ""               # map approval number, shown on the page  审图号
# tiles = "tianditu"              # background: openstreetmap, tianditu, amap, or https://host/{{z}}/{{x}}/{{y}}.png  底图
# tiles_key = ""                  # your own key, for Tianditu  天地图密钥
# tiles_datum = "gcj02"           # of an address of your own, if its tiles are drawn in GCJ-02  自定义底图的坐标系
# attribution = ""                # whom to name over the map, for an address of your own  底图署名

# [what_if]                       # stations changed in thought; or --add, --close, --move  假设方案
# add = ["New hall@121.26,31.38"] # at a place in degrees of WGS 84, or a site_id of the candidates
# close = ["ST03"]
# move = ["ST04@121.25,31.37"]
"""

_KINDS = {
    Kind.FLAG: "1/0, yes/no, 是/否",
    Kind.DATE: "2025-06-30",
}


def write_template(folder: str | Path, policy: str | None = None) -> Path:
    """Make a new study folder: ``study.toml`` with every key explained, and empty tables with their headers.

    Parameters
    ----------
    folder
        Made where it does not exist. Nothing in it is ever overwritten.
    policy
        The policy pack that the study shall name.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    SourceError
        If a file of the template stands there already (all are named), or the folder cannot be written.
    """
    place = Path(folder)
    texts = {
        "study.toml": study_text(place.resolve().name or "study", policy),
        "stations.csv": table_text(STATIONS),
        "hosts.csv": table_text(CANDIDATES),
    }
    try:
        place.mkdir(parents=True, exist_ok=True)
        there = [name for name in texts if (place / name).exists()]
        if there:
            mend = "choose another folder, or remove it"
            faults = [Fault("the file is there already and is not overwritten", mend, str(place / name)) for name in there]
            raise SourceError(say_faults(faults), faults, str(place))
        for name, text in texts.items():
            encoding = "utf-8" if name.endswith(".toml") else "utf-8-sig"  # with the mark, Excel takes Chinese as it is
            with (place / name).open("x", encoding=encoding, newline="\n") as file:
                file.write(text)
    except OSError as error:
        if isinstance(error, SourceError):
            raise
        fault = Fault(f"the folder cannot be written: {error.strerror}", "choose another", str(place))
        raise SourceError(str(fault), [fault], str(place)) from error
    return place


def study_text(name: str, policy: str | None) -> str:
    """The study file of a new folder."""
    line = (
        f"policy = {_quoted(policy)}"
        if policy
        else '# policy = "jiading-2023"         # a shipped pack, or a path to one  政策包'
    )
    return STUDY_TOML.format(name=_quoted(name), policy=line)


def _quoted(text: str) -> str:
    """Text as a TOML string."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(letter if letter.isprintable() else f"\\u{ord(letter):04X}" for letter in escaped) + '"'


def table_text(schema: Schema) -> str:
    """An empty table: a remark a column, the Chinese headers as a remark, and the headers."""
    columns = [column for column in schema if not column.is_family]
    required = {*schema.key, "lon", "lat", *(column.name for column in columns if column.required)}
    lines = [
        ["# One row each. Remarks like these lines may stay or go; headers may be English or Chinese."],
        ["# 每行一条记录；以 # 开头的说明行可保留可删除；表头中英文均可。"],
        *([f"# {_explained(column, column.name in required)}"] for column in columns),
        ["# " + columns[0].zh, *(column.zh for column in columns[1:])],
        [column.name for column in columns],
    ]
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(lines)
    return text.getvalue()


def _explained(column: Column, required: bool) -> str:
    """What a column is, in both languages, and what may stand in it."""
    said = ", ".join(column.choices) or _KINDS.get(column.kind, "")
    words = [f"{column.name} {column.zh}: {column.label('en')}", "required 必填" if required else "", said]
    return "; ".join(word for word in words if word)
