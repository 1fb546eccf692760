"""Why no plan exists, in Chinese: every sentence that siting says when rules cannot be kept, and what would mend it.

``{…}`` stands for what differs, as in `planner.publish.notes`.
"""

from __future__ import annotations

# the whole of what is said where no single rule stands in the way
PLANS: tuple[tuple[str, str], ...] = (
    ("no plan exists: {faults}", "没有可行方案：{faults}"),
    ("no plan was found within the effort allowed; {mend}", "在规定的计算量内未找到方案；{mend}"),
    (
        "no plan was found that keeps every rule, and the town is too large to prove there is none",
        "未找到满足全部规则的方案，而规模过大，无法证明其不存在",
    ),
)

PROBLEMS: tuple[tuple[str, str], ...] = (
    ("1 site is asked for but there {is} {m} candidates", "要求新建1个站点，而备选场所有{m}个"),
    ("{n} sites are asked for but there are {m} candidates", "要求新建{n}个站点，而备选场所只有{m}个"),
    ("{n} sites are asked for but there is 1 candidate", "要求新建{n}个站点，而备选场所只有1个"),
    ("{n} candidates are required but 1 site is asked for", "必选的备选场所有{n}个，而只要求新建1个站点"),
    ("{n} candidates are required but {m} sites are asked for", "必选的备选场所有{n}个，而只要求新建{m}个站点"),
    ("there is no such candidate", "没有这个备选场所"),
    ("the candidate is both required and forbidden", "该备选场所既列为必选又列为排除"),
    ("a minimum per town is asked for but no candidate says its town", "要求每个街镇达到最少站点数，而备选场所均未填写街镇"),
    (
        "the minimum of {n} a town and the required candidates need {m} new sites but {k} {is} asked for",
        "每个街镇至少{n}个站点，加上必选的备选场所，需新建{m}个，而只要求新建{k}个",
    ),
    ("town {town} lacks {n} {stations} and has no candidate", "{town}还缺{n}个站点，却没有备选场所"),
    ("town {town} lacks {n} {stations} and has only {m} {candidates}", "{town}还缺{n}个站点，而备选场所只有{m}个"),
    (
        "town {town} has {n} required {candidates} but takes only {m} more",
        "{town}有{n}个必选的备选场所，而最多只能再建{m}个",
    ),
    ("1 site is asked for but the towns take only {m} more", "要求新建1个站点，而各街镇合计最多只能再建{m}个"),
    ("{n} sites are asked for but the towns take only {m} more", "要求新建{n}个站点，而各街镇合计最多只能再建{m}个"),
    (
        "what is required and the minimums per town cost at least {a} but the budget is {b}",
        "必选的备选场所和各街镇最少站点数至少需费用{a}，而预算为{b}",
    ),
    ("required candidates {a} and {b} stand less than {m} m apart", "必选的备选场所{a}与{b}相距不足{m}米"),
    (
        "the least distance between sites cannot be kept together with the other rules",
        "站点之间的最小距离与其他规则不能同时满足",
    ),
    (
        "the least distance between sites cannot be kept together with the other rules: no more than {n} can stand {m} m apart",
        "站点之间的最小距离与其他规则不能同时满足：彼此相距{m}米以上的至多{n}个",
    ),
    (
        "the least distance between sites cannot be kept together with the other rules: some are always less than {m} m apart",
        "站点之间的最小距离与其他规则不能同时满足：无论站点数多少，总有相距不足{m}米的",
    ),
    ("there are no candidates to choose from", "没有可供选择的备选场所"),
    ("the minimum of town {town} cannot be kept together with the other rules", "{town}的最少站点数与其他规则不能同时满足"),
    ("the required candidates cannot all stand together with the other rules", "必选的备选场所与其他规则不能同时满足"),
    ("keeping the other rules costs {a} but the budget is {b}", "满足其他规则需费用{a}，而预算为{b}"),
    ("the rules contradict each other", "各规则相互矛盾"),
    (
        "the rules leave no choice of candidates that covers {n} more need",
        "在这些规则下，没有一组备选场所能再覆盖{n}的加权需求",
    ),
    (
        "{n} sites cannot bring {share} of those within reach of a candidate within the cutoff",
        "{n}个站点不能使备选场所可覆盖需求的{share}处于时限之内",
    ),
    ("{one} and {other} are different models", "{one}与{other}属于不同模型"),
    ("phases are not chosen together with {key}", "分期与{key}不能同时选用"),
    ("only gaussian and exponential decay have half_minutes", "只有 gaussian 和 exponential 衰减使用 half_minutes"),
    ("capacities do not count", "未启用容量约束"),
    ("there is no such town with anybody who can be covered", "没有这个街镇，或其居民均无法覆盖"),
    ("there is no such group with anybody who can be covered", "没有这个重点群体，或其成员均无法覆盖"),
    ("no town has anybody who can be covered", "没有任何街镇的居民可以覆盖"),
    ("no group has anybody who can be covered", "没有任何重点群体的成员可以覆盖"),
    (
        "{n} new sites under these rules do not lift every town to its floor",
        "按这些规则新建{n}个站点，不能使每个街镇都达到下限",
    ),
    (
        "{n} new sites under these rules do not lift every group to its floor",
        "按这些规则新建{n}个站点，不能使每个重点群体都达到下限",
    ),
    ("{method} has no {key}", "模型{method}没有{key}这一项"),
)

MENDS: tuple[tuple[str, str], ...] = (
    ("ask for at most {n} or add candidates", "请将其改为至多{n}，或补充备选场所"),
    ("add candidates", "请补充备选场所"),
    ("raise siting.sites to {n} or require fewer", "请将 siting.sites 提高到{n}，或减少必选场所"),
    ("raise siting.sites to {n} or lower per_town_min", "请将 siting.sites 提高到{n}，或降低 per_town_min"),
    ("raise siting.sites to {n} or lower siting.share", "请将 siting.sites 提高到{n}，或降低 siting.share"),
    ("check the site_id", "请核对 site_id"),
    ("keep one of the two", "请二者择一"),
    ("keep one of them", "请只保留其一"),
    ("leave out one of them", "请去掉其一"),
    ("leave it out", "请去掉该项"),
    ("write capacity = true", "请写明 capacity = true"),
    ("write method = {names} or leave it out", "请改为 method = {names}，或去掉该项"),
    (
        "fill in the column town of the candidates or set per_town_min = 0",
        "请填写备选场所的街镇列，或设置 per_town_min = 0",
    ),
    ("add host premises in this town or lower per_town_min", "请在该街镇补充可依托的载体，或降低 per_town_min"),
    ("require fewer or raise per_town_max", "请减少必选场所，或提高 per_town_max"),
    ("require fewer", "请减少必选场所"),
    ("ask for at most {n} or raise per_town_max", "请将其改为至多{n}，或提高 per_town_max"),
    ("raise siting.budget to {a} or require less", "请将 siting.budget 提高到{a}，或减少要求"),
    ("raise siting.budget to {a} or relax another rule", "请将 siting.budget 提高到{a}，或放宽其他规则"),
    ("raise siting.time_limit_s", "请提高 siting.time_limit_s"),
    ("require one of them or lower spacing_m", "请只保留其一为必选，或减小 spacing_m"),
    ("lower spacing_m or ask for fewer sites", "请减小 spacing_m，或减少新建站点数"),
    ("lower spacing_m or ask for at most {n}", "请减小 spacing_m，或将新建站点数改为至多{n}"),
    ("lower spacing_m or relax another rule", "请减小 spacing_m，或放宽其他规则"),
    ("raise siting.budget to {a} or relax the other rules too", "请将 siting.budget 提高到{a}，并放宽其他规则"),
    ("lower siting.share or spacing_m", "请降低 siting.share，或减小 spacing_m"),
    ("lower siting.share or raise per_town_max", "请降低 siting.share，或提高 per_town_max"),
    ("lower siting.share or raise siting.budget", "请降低 siting.share，或提高 siting.budget"),
    ("relax more than one of them", "请放宽其中不止一条"),
    ("relax one", "请放宽其中一条"),
    (
        "lower siting.share, allow more candidates or relax the other rules",
        "请降低 siting.share、增加可选的备选场所，或放宽其他规则",
    ),
    ("lower siting.share or relax the other rules", "请降低 siting.share，或放宽其他规则"),
    ("use one of {names}", "可用的有{names}"),
    ("name groups, or towns", "请设置重点群体，或改为按街镇"),
    (
        "the best worst share found is {share} ({name}); lower the floor or ask for more sites",
        "所能找到的最低覆盖率最高为{share}（{name}）；请降低下限，或增加新建站点数",
    ),
    ("lower the floor or ask for more sites", "请降低下限，或增加新建站点数"),
)
