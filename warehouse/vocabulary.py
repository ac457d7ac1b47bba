"""Shared words: code lists, units, Chinese labels and the texts of rules.

Belongs here: every closed code list and every Chinese label, once. Does not belong here: numbers
that a regulation may change (``dbt_project/seeds/ref_threshold.csv``).
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

CITY_DIVISION: Final = "430600"
PROVINCE_DIVISION: Final = "430000"

ORG_KINDS: Final = {
    "city": "市",
    "county": "县（市、区）",
    "management_area": "管理区",
    "school": "学校",
    "canteen": "食堂",
}
STAGES: Final = {
    "kindergarten": "幼儿园",
    "primary": "小学",
    "junior": "初中",
    "senior": "高中",
    "vocational": "中职",
    "higher": "高等院校",
}
OPERATING_MODES: Final = {"self": "自营", "contracted": "承包（委托经营）", "offsite": "校外供餐"}
ACCOUNT_KINDS: Final = {"pupil": "学生账", "teacher": "教师账"}
MOVE_KINDS: Final = {"issue": "领用出库", "issue_return": "退库", "supplier_return": "退货", "loss": "报损"}
PURPOSES: Final = {"pupil_meal": "学生餐", "teacher_meal": "教师餐", "other": "其他"}
MEALS: Final = {"breakfast": "早餐", "lunch": "午餐", "dinner": "晚餐"}
CHANNELS: Final = {
    "card": "刷卡",
    "face": "刷脸",
    "mini_program": "小程序",
    "batch": "批量扣费",
    "bank": "银行转账",
    "cash": "现金",
}
CONTROLLED_FEEDS: Final = {
    "meal_fee": "缴费",
    "consumption": "就餐消费",
    "refund": "退费",
    "purchase": "采购验收",
}
ACCOUNT_ROLES: Final = {
    "special": "食堂专用账户",
    "school": "学校其他账户",
    "bureau": "教育局账户",
    "channel": "支付机构账户",
}
FUND_KINDS: Final = {"subsidy": "营养餐补助", "meal_money": "伙食费", "allocation": "财政拨款"}
PAYMENT_METHODS: Final = {"bank": "银行转账", "cash": "现金"}
EXPENSE_KINDS: Final = {
    "wages": "工资",
    "utilities": "水电燃料",
    "management": "管理费用",
    "equipment": "设备维修",
    "bank_fee": "银行手续费",
    "interest": "银行利息",
    "transfer": "账户间划转",
    "other": "其他",
}
ACCOUNT_SETS: Final = {"government": "政府会计制度", "canteen": "食堂会计账套"}
ACCOUNT_CLASSES: Final = {
    "asset": "资产",
    "liability": "负债",
    "net_asset": "净资产",
    "income": "收入",
    "expense": "支出",
}
STOCK_CLASSES: Final = {
    "grain": "粮食",
    "vegetables": "蔬菜",
    "seasoning": "调味品",
    "meat": "肉类",
    "oil": "食用油",
    "fuel": "燃料",
    "other": "其他",
}
STOCK_METHODS: Final = {"weighted_average": "月末一次加权平均", "fifo": "分批先进先出"}
COST_KINDS: Final = {
    "food": "食材",
    "wages": "人员",
    "utilities": "水电燃料",
    "equipment": "设备维修",
    "management": "其他管理费用",
    "bank_fee": "财务费用",
    "loss": "库存损失",
    "other": "其他",
}
# What the books post; the label is the voucher's summary.
BOOK_EVENTS: Final = {
    "opening": "期初余额",
    "fee_prepaid": "预收伙食费",
    "channel_settled": "渠道结算到账",
    "channel_fee": "渠道手续费",
    "meals_consumed": "就餐确认收入",
    "refund": "退伙食费",
    "goods_accepted": "食材验收入库",
    "goods_used_at_once": "食材即买即用",
    "supplier_return": "退货",
    "issue_to_kitchen": "领料出库",
    "issue_return": "退库",
    "loss": "库存报损",
    "supplier_paid": "付供应商款",
    "wages_accrued": "计提工资",
    "wages_paid": "发放工资",
    "utilities": "水电燃料费",
    "expense": "其他支出",
    "receipt": "其他收款",
    "school_repaid": "归还学校垫款",
    "bank_interest": "银行利息",
    "bank_fee": "银行手续费",
    "subsidy_received": "收到营养餐补助",
    "subsidy_used": "使用营养餐补助",
    "fund_split": "资金拨付",
    "month_end": "月末结转",
    "year_end": "年末结转",
}
# What an opening balance is of.
BALANCE_KINDS: Final = {
    "bank": "银行存款",
    "cash": "库存现金",
    "stock": "库存食材",
    "transit": "支付渠道在途",
    "payable": "应付供应商",
    "subsidy": "未用的营养餐补助",
    "prepaid": "预收伙食费",
}
SETTLING_METHODS: Final = {**PAYMENT_METHODS, "transit": "支付渠道在途", "owed": "学校代垫"}
# Steps that one person must not combine on a document (or, for money and goods, in a canteen).
DUTY_STEPS: Final = {
    "order": "下单",
    "accept": "验收",
    "store": "保管",
    "collect": "收款",
    "pay": "付款",
    "book": "记账",
}
# What a steward says of a difference of the three flows.
FLOW_DECISIONS: Final = {"explained": "已查明原因", "corrected": "已更正", "confirmed": "确认为同一笔"}
REFUND_KINDS: Final = {"meal": "已扣餐费退回", "balance": "余额退还"}
FOOD_CATEGORIES: Final = {
    "grain": "粮食",
    "vegetables": "蔬菜",
    "fruit": "水果",
    "meat": "肉类",
    "aquatic": "水产",
    "eggs": "蛋类",
    "milk": "奶类",
    "soy": "豆制品",
    "oil": "食用油",
    "seasoning": "调味品",
    "other_food": "其他食品",
    "non_food": "非食材",
}
# What keys of a provider's own system stand for.
KEY_ENTITIES: Final = {"canteen": "食堂", "supplier": "供应商", "ingredient": "食材", "device": "设备"}
# Feeds whose files hold complete canteen-days.
DAY_FEEDS: Final = {
    "purchase": "采购验收",
    "stock_move": "出入库",
    "stocktake": "盘点",
    "meal_fee": "缴费",
    "consumption": "就餐消费",
    "refund": "退费",
    "menu_line": "带量食谱",
    "disclosure_line": "月度公示表",
    "settlement": "渠道结算",
    "control_total": "控制总数",
    "meal_leave": "请假",
    "subsidy_roster": "营养餐补助名册",
    "opening_balance": "期初余额",
    "fund_split": "资金拨付",
    "invoice": "发票",
    "supplier_payment": "付供应商款",
    "expense": "其他收支",
    "voucher_line": "记账凭证",
    "handling": "经办记录",
}
# What an edge gateway reports: seen by AI, measured by a sensor, or a sign of life.
EDGE_EVENTS: Final = {
    "no_mask": "未戴口罩",
    "no_hat": "未戴厨师帽",
    "no_uniform": "未穿工作服",
    "no_gloves": "未戴手套",
    "smoking": "抽烟",
    "phone": "打电话",
    "rodent": "老鼠",
    "bin_open": "垃圾桶未盖",
    "stranger": "陌生人进入",
    "fire": "明火烟雾",
    "lens_covered": "镜头遮挡",
    "temperature": "温度",
    "humidity": "湿度",
    "heartbeat": "心跳",
}
# Of them, and of our own video jobs, those that a picture shows.
VIDEO_EVENTS: Final = {
    **{
        code: label
        for code, label in EDGE_EVENTS.items()
        if code not in ("temperature", "humidity", "heartbeat")
    },
    "flame_unattended": "明火离岗",
    "no_work_clothes": "未穿工作服",
}
EVENT_ORIGINS: Final = {"own": "本系统夜间识别", "gateway": "边缘网关识别"}
EVENT_REVIEWS: Final = {"true": "属实", "false": "误报", "unclear": "无法判断"}
# What the cockpit says of an event that nobody has reviewed (int_shown_video_event).
EVENT_OPEN: Final = "待复核"
ZONE_KINDS: Final = {
    "cutting": "切配",
    "cooking": "烹饪",
    "stove": "灶台",
    "stove_attendance": "灶台看护",
    "sampling": "留样",
    "dishwashing": "餐具消毒",
    "floor": "地面",
}
# Zones that a kitchen must show.
REQUIRED_ZONES: Final = ("cutting", "cooking", "sampling", "dishwashing")
CAMERA_STATUS_SOURCES: Final = {"keepalive": "保活", "catalogue": "目录状态"}
CAMERA_ALARMS: Final = {
    "video_lost": "视频丢失",
    "lens_covered": "镜头遮挡",
    "device_fault": "设备故障",
    "storage_fault": "存储故障",
    "motion": "移动侦测",
    "other": "其他报警",
}
# A camera on a day.
CAMERA_STATES: Final = {"online": "在线", "interrupted": "有中断", "offline": "离线", "unknown": "未知"}
# The required zones of a canteen on a day; only "covered" is fine.
KITCHEN_STATES: Final = {
    "covered": "必备区域全部在线",
    "offline": "有必备区域不在线",
    "uncovered": "有必备区域未覆盖",
    "unknown": "无状态数据",
    "not_connected": "未接入视频",
}
PRICE_KINDS: Final = {"wholesale": "批发价", "retail": "零售价", "tender": "中标价", "limit": "限价"}
BANK_DIRECTIONS: Final = {"in": "收入", "out": "支出"}
BANK_PROOFS: Final = {
    "balance": "余额逐笔连续",
    "statement": "期初期末相符",
    "explicit": "文件写明方向",
    "unproved": "方向未能证明",
}
# Begins the name of a row that stands for a list whose names and figures do not count out.
UNPAIRED: Final = "未成对："
# Counted packs: what one weighs stands in the specification, if anywhere.
PACK_UNITS: Final = ("只", "条", "把", "盒", "袋", "包", "瓶", "桶", "箱", "盘", "份")
MATCH_STATES: Final = {"matched": "已匹配", "doubtful": "待确认", "unmatched": "未匹配"}
PRICE_FAULTS: Final = {
    "decimal_shift": "小数点错位",
    "unit": "计量单位疑似有误",
    "spike": "单个异常值",
    "change_contradicts": "与自报环比不符",
}
FORM_LINES: Final = {
    "income": "伙食费收入",
    "dishes": "菜品支出",
    "rice_oil": "米油支出",
    "condiments": "调味品支出",
    "other_materials": "其他材料支出",
    "utilities": "水电燃料支出",
    "management": "管理费用（含工资）",
    "finance": "财务费用",
    "result": "结余",
}
# The same form made from the books: what has no line of its own stands above the result, which is the ledger's.
BOOK_FORM_LINES: Final = {
    **{code: label for code, label in FORM_LINES.items() if code != "result"},
    "off_form": "未列入本表的收支净额",
    "result": FORM_LINES["result"],
}
# Weight units as sources write them -> kilograms. Counted and bottled goods keep their own unit.
UNIT_FACTORS: Final = {
    "kg": Decimal("1"),
    "千克": Decimal("1"),
    "公斤": Decimal("1"),
    "斤": Decimal("0.5"),
    "市斤": Decimal("0.5"),
    "两": Decimal("0.05"),
    "g": Decimal("0.001"),
    "克": Decimal("0.001"),
    "t": Decimal("1000"),
    "吨": Decimal("1000"),
    "L": Decimal("1"),
    "升": Decimal("1"),
    "ml": Decimal("0.001"),
    "毫升": Decimal("0.001"),
    "件": Decimal("1"),
    "个": Decimal("1"),
    "枚": Decimal("1"),
}

VERDICTS: Final = {"green": "绿", "yellow": "黄", "red": "红", "unknown": "未知"}
# What a supervisor looks at first.
VERDICT_ORDER: Final = ("red", "yellow", "unknown", "green")
VERDICT_CHANGES: Final = {
    "red": "转红",
    "yellow_worse": "绿转黄",
    "yellow_better": "红转黄",
    "yellow": "转黄",
    "unknown": "转为未知",
    "green": "转绿",
    "same": "不变",
    "new": "新增",
}
BASES: Final = {
    "S": "依据已核（S）",
    "A": "依据已核（A）",
    "B": "依据已核（B）",
    "C": "依据待核（C）",
    "D": "依据待核（D）",
    "none": "无适用依据",
}
SOURCE_CONFIDENCES: Final = {code: label for code, label in BASES.items() if code != "none"}
SUBSIDISED: Final = {"true": "享受补助", "false": "不享受"}
SCOPES: Final = {"city": "全市", "county": "县区", "school": "学校"}
# Data of a canteen on a day, from nothing to worry about to the most urgent.
DAY_STATES: Final = {
    "closed": "停餐",
    "complete": "齐全",
    "no_supply": "缺进货出库",
    "no_income": "缺消费",
}
DIRECTIONS: Final = {"hides_red": "掩盖红线", "feigns_red": "误显红线", "neutral": "中性"}
CONFIDENCES: Final = {"high": "高", "medium": "中"}
# What detectors say -> (label, department that acts, what to do). `both` is everybody's.
FINDING_KINDS: Final = {
    "stocktake_above_book": ("盘点高于账面", "education", "复盘库存，核对漏记的采购和多记的出库"),
    "stocktake_below_book": ("盘点低于账面", "education", "复盘库存，查明短少食材的去向"),
    "stock_above_recipe": ("库存高于食谱推算", "education", "复盘库存，核对食谱用量、领用记录和未登记的采购"),
    "stock_below_recipe": ("库存低于食谱推算", "education", "复盘库存，查明账上耗用多于食谱用量的食材去向"),
    "purchase_never_issued": ("购入后长期未领用", "both", "到库房清点实物，核对送货单和付款凭证"),
    "purchase_not_accepted": ("下单后无验收记录", "both", "补做验收，或核实货物是否送达"),
    "negative_stock": ("账面库存为负", "education", "核对漏记的采购和重复的出库"),
    "teacher_item_in_pupil_account": ("教师餐记入学生账", "education", "把教师餐食材调出学生账并重新报送"),
    "unit_suspect": ("计量单位疑似混用", "market", "对照送货单更正数量单位（斤、公斤）"),
    "leave_not_refunded": ("请假扣费未退", "education", "核对请假和扣费名单，把餐费退回个人账户"),
    "refund_over_charge": ("退费多于扣费", "education", "核对退费名单和就餐记录，追回多退的餐费"),
    "payment_not_settled": ("缴费未到专户", "education", "向支付渠道和银行查询该笔款项，追回并入账"),
    "payment_to_other_account": (
        "餐费进入其他账户",
        "education",
        "把款项划回食堂专用账户，更正渠道的收款账户",
    ),
    "non_special_account_used": ("未经专户付款", "education", "说明付款账户，今后只从食堂专用账户付款"),
    "invoice_over_acceptance": ("发票多于验收", "both", "按验收单核减发票，要求供应商开红字发票"),
    "paid_twice": ("同一发票重复付款", "education", "核对付款凭证，向供应商追回多付款项"),
    "duty_conflict": ("不相容职务未分离", "education", "调整岗位：下单与验收、管钱与管物须由不同的人经办"),
    "control_total_mismatch": ("控制总数不符", "education", "由来源系统核对当日记录，补送缺少的部分"),
    "statement_gap": ("专户流水不全", "education", "向开户行重新导出该账户的完整流水"),
    "ratio_by_price": ("占比由涨价抬高", "both", "对照同城价格核实进价，查明是否虚增采购单价"),
    "income_under_reported": ("餐费收入少记", "education", "按就餐消费记录补记收入"),
    "subsidy_not_spent": ("补助未足额用于食材", "education", "核对补助名册和列支，把未用部分用于食材"),
    "non_food_as_food": ("非食材记入食材成本", "education", "把非食材支出调出食材成本"),
    "cooked_no_sample": ("有烹饪无留样", "market", "核对留样柜和留样记录，补登或责令整改"),
    "meal_no_activity": ("供餐时段后厨无人", "both", "核对当餐由谁、在哪里制作，排除外购代做"),
    "weighed_nobody": ("称重时无人在场", "both", "调取该时刻录像，核对称重和验收记录"),
    "seen_unchecked": ("在岗人数多于晨检人数", "market", "核对当日上岗名单，补做晨检"),
    "zone_uncovered": ("必备区域未覆盖", "market", "加装或调整摄像头，补登区域"),
    "camera_offline": ("摄像头长时间离线", "market", "检查供电、网络和录像机，恢复后说明原因"),
    **{
        f"ai_{code}": (f"视频识别：{label}", "market", "看证据图片，复核属实后责令整改")
        for code, label in VIDEO_EVENTS.items()
    },
}
# Alerts: how grave a rule holds them, whether their cause stands, and what they may lead to.
ALERT_SEVERITIES: Final = {"general": "一般", "larger": "较大", "major": "重大"}
ALERT_STATES: Final = {"open": "有效", "withdrawn": "已撤回"}
ALERT_EFFECTS: Final = {"inform": "仅作提示（依据待核）", "act": "可据以处置"}
FLOWS: Final = {"bank": "资金流", "business": "业务流", "books": "账务流"}
# How a verdict stands to the three flows.
RECONCILIATIONS: Final = {
    "reconciled": "三流已核平",
    "open": "三流未结",
    "not_delivered": "三流未送全",
    "broken": "三流未核平",
}
# Nodes of the flow picture of a month's money, about from left to right: what enters a node leaves it by name.
MONEY_NODES: Final = {
    "parents": "家长缴费",
    "balance_used": "动用账户余额",
    "unsettled": "到期未到账",
    "account": "餐费账户",
    "refund": "退还余额",
    "balance_kept": "留在餐费账户",
    "subsidy": "营养餐补助",
    "other_income": "其他收入",
    "surplus_used": "动用以前结余",
    "source_open": "来源待查（结论未知）",
    "income": "食堂收入",
    "outlay": "工资水电等",
    "surplus_kept": "当月未支用",
    "use_open": "去向待查（结论未知）",
    "purchase": "采购验收",
    "not_invoiced": "尚未开票",
    "accepted_before": "以前月份验收或多开",
    "invoice": "供应商发票",
    "not_paid": "尚未付款",
    "invoiced_before": "以前月份发票或预付",
    "payment": "支付供应商",
    "not_by_bank": "现金等不经银行",
    "bank": "银行已付",
    "not_in_bank": "银行尚无此笔",
    "bank_not_delivered": "银行流水未送",
    "books": "账簿已记",
    "not_in_books": "账簿尚未记",
    "books_not_delivered": "凭证未送",
}
# What a price finding is about.
PRICE_FINDING_KINDS: Final = {
    "line": "单笔价格偏高",
    "item": "同一品目持续偏高",
    "supplier": "供应商整体偏高",
    "unit": "单笔计量单位疑似混用",
}
# Tests of purchase prices, the firmest first: the first that holds names the finding.
PRICE_TESTS: Final = {
    "over_limit": "高于限价",
    "over_quotation": "高于报价",
    "no_quotation": "无有效报价",
    "peer": "高于同类",
    "history": "高于自身历史",
    "reference": "高于参考价",
    "not_following": "行情下跌未跟降",
    "supplier": "供应商整体高于同行",
    "supplier_rise": "供应商整体涨价",
    "unit_line": "单位疑似混用",
}
PRICE_LEVELS: Final = {"canteen": "单个食堂", "county": "县区", "city": "全市"}
# Test that names a price finding -> (department that acts, what to do). `both` is everybody's.
PRICE_STEPS: Final = {
    "over_limit": ("both", "按限价核减货款，要求供应商说明并退回多付部分"),
    "over_quotation": ("both", "对照报价单核减货款，要求供应商说明"),
    "no_quotation": ("education", "要求供应商补报价；无报价的品目暂停下单"),
    "peer": ("both", "对照送货单和发票核实单价，向供应商询价"),
    "history": ("both", "对照送货单和发票核实单价，询问涨价原因"),
    "reference": ("both", "对照参考价核实规格和等级，向供应商议价"),
    "not_following": ("both", "要求供应商按当前行情调价"),
    "supplier": ("both", "约谈供应商，调取进货凭证，重新比价"),
    "supplier_rise": ("both", "约谈供应商，核实涨价依据，重新比价"),
    "unit_line": ("both", "对照送货单更正数量单位（斤、公斤）"),
}
PRICE_BASES: Final = {code: label.replace("依据", "基准") for code, label in BASES.items() if code != "none"}
# What the price of a purchase line can be held against (基准价 is quotation, limit or reference); the last three
# against nothing, which is never fine.
PRICE_COMPARISONS: Final = {
    "peer": "可比同类",
    "history": "只可比历史价",
    "bound": "只可比基准价",
    "none": "不可比：无参照",
    "unit_slip": "不可比：单位存疑",
    "no_price": "不可比：无单价",
}
LIMIT_BASES: Final = {"limit": "限价", "tender": "中标价", "agreed": "约定下浮"}
KEY_GAP_SUBJECTS: Final = {
    "canteen": "食堂编码",
    "supplier": "供应商编码",
    "ingredient": "食材编码",
    "reference": "参考价品名",
}
# Why a provider's key or name stands for nothing -> (label, what a steward does).
KEY_GAPS: Final = {
    "unmatched": ("名称未匹配", "指明对应的食材，或在食材库中增补"),
    "doubtful": ("名称待确认", "核对建议的食材，确认或另行指明"),
    "not_registered": ("编码未登记", "在登记数据中补登，或在来源系统对照中改正编码"),
    "unit_unknown": ("计量单位不认识", "在来源系统对照中改用已知单位"),
}
PERIOD_KINDS: Final = {
    "month_to_date": "本月至今",
    "month": "自然月",
    "rolling_30d": "近30天",
    "term": "学期至今",
    "ytd": "本年至今",
}
DEFINITIONS: Final = {
    "consumed": "实际耗用口径",
    "form_without_other": "公示表口径（不含其他材料）",
    "form_with_other": "公示表口径（含其他材料）",
}
DATA_CLASSES: Final = {
    "base": "业务基础数据",
    "run": "运行数据",
    "production": "生产数据",
    "alert": "预警数据",
}
PARAMETERS: Final = {
    "red_line_pct": "食材成本占餐费收入的红线（%）",
    "yellow_band_pp": "黄色区间宽度（百分点）",
    "income_coverage_min_pct": "有消费记录的供餐日占比下限（%）",
    "supply_coverage_min_pct": "进货、出库数据送达的供餐日占比下限（%）",
    "stocktake_max_age_days": "盘点有效期（天）",
    "quarantine_max_pct": "被隔离记录占比上限（%）",
    "stocktake_variance_pct": "整次盘点差异起点（%）",
    "stocktake_item_pct": "单项盘点差异起点（%）",
    "finding_min_kg": "线索的最小数量（千克）",
    "finding_min_yuan": "线索的最小金额（元）",
    "recipe_loss_pct": "食谱用量以外的加工损耗（%）",
    "recipe_tolerance_pct": "实际耗用与食谱推算的容差（%）",
    "recipe_gap_min_pct": "与食谱推算的差额占耗用的起点（%）",
    "recipe_coverage_min_pct": "有带量食谱的份数占比下限（%）",
    "recipe_min_days": "与食谱比较所需的最少供餐日数",
    "oil_kg_per_litre": "食用油每升重量（千克）",
    "never_accepted_days": "下单后未验收的天数",
    "never_issued_days": "购入后未领用的供餐天数",
    "unit_min_peers": "计量单位比对所需的最少同类食堂数",
    "price_tolerance_pct": "高于限价、报价的容差（%）",
    "price_level_low_pct": "高于参考价的一级提示（%）",
    "price_level_mid_pct": "高于参考价的二级提示（%）",
    "price_level_high_pct": "高于参考价的三级提示（%）",
    "price_z_agree": "价格偏离同类的稳健倍数，须另有佐证",
    "price_z_support": "价格偏离作为佐证的稳健倍数",
    "price_z_alone": "价格偏离同类或自身历史的稳健倍数，单独成立",
    "price_min_lines": "比价组的最少笔数，不足则扩大到全市",
    "price_min_peers": "比价组的最少食堂数或供应商数，不足则扩大到全市",
    "price_noise_floor_pct": "价格离散度的下限（%）",
    "price_history_lines": "与自身历史比较所需的最少笔数",
    "price_supplier_lines": "供应商整体判断所需的最少笔数",
    "price_supplier_pct": "供应商整体高于同行的起点（%）",
    "price_supplier_z": "供应商整体偏高的稳健显著性",
    "price_fall_pct": "两周内行情下跌的起点（%）",
    "settle_meal_days": "缴费应到账的供餐日数",
    "refund_due_days": "请假扣费应退的天数",
    "refund_min_persons": "请假未退的最少人数",
    "invoice_tolerance_pct": "发票与验收的容差（%）",
    "statement_due_days": "流水送达期限（天）",
    "statement_min_documents": "判断流水缺口的最少单据数",
    "ratio_price_pct": "进价涨幅高于同城（百分点）",
    "ratio_price_items": "比较涨幅的最少品目数",
    "income_gap_pct": "账上收入少记的容差（%）",
    "subsidy_gap_pct": "补助少列支的容差（%）",
    "flow_close_days": "月末后视为已结的天数",
    "flow_unexplained_pct": "三流未说明差额的上限（%）",
    "camera_gap_minutes": "视为离线的保活间隔（分钟）",
    "camera_offline_hours": "摄像头离线提示的起点（小时）",
    "camera_uplink_mbps": "每路摄像头的上行带宽下限（Mbit/s）",
    "video_cooking_minutes": "认定有烹饪的最少见人分钟数",
    "video_empty_minutes": "认定供餐时段无人的最少已判分钟数",
}
DEPARTMENTS: Final = {"education": "教育", "market": "市场监管"}
ROLE_KINDS: Final = {
    "supervisor": "监管人员",
    "steward": "数据管理员",
    "analyst": "分析员",
    "scheduler": "调度员",
    "admin": "系统管理员",
}
# Closed list: code -> (label, who must act, what to do). Order is the order of precedence.
UNKNOWN_REASONS: Final = {
    "no_income": ("期内无学生餐费净收入", "学校", "核对是否停餐；如有供餐请补报消费记录"),
    "threshold_missing": ("无适用的红线阈值", "市教育局", "在 ref_threshold 中补充该类食堂的阈值"),
    "form_missing": ("公示表未报送", "学校", "每月15日前报送上月公示表"),
    "income_incomplete": ("餐费收入覆盖不足", "学校", "补报缺失日期的消费记录"),
    "inputs_missing": ("进货或出库数据未送达", "数据提供方", "补送缺失日期的采购、出入库文件"),
    "opening_stock_missing": ("期初无盘点", "学校", "补报期初盘点表"),
    "stocktake_stale": ("盘点已过期", "学校", "安排盘点并报送，盘点间隔不得超过规定天数"),
    "quarantine_high": ("被隔离的记录过多", "数据管理员", "在隔离清单中更正或放行"),
    "flows_not_reconciled": (
        "资金、业务、账务未核平",
        "学校",
        "逐笔说明三流差异，由数据管理员裁定后重新判定",
    ),
}
# Why a recorded file waits -> (what is wrong, what to do); `vision_jobs.limits` says why one cannot be judged at all.
SEGMENT_WAITS: Final = {
    "missing": ("清单所列视频文件不在视频目录中", "补传文件；文件到达后下一夜自动判定"),
    "camera_unregistered": ("摄像头未登记", "在摄像头登记中补登，下一夜自动判定"),
    "no_models": ("没有可用的识别模型", "用 ./canteen vision models add 登记模型"),
}
SEGMENT_STATES: Final = {"judged": "已判", "quarantined": "无法判定", "waiting": "等待文件"}
REFUSALS: Final = {
    "unknown_layout": "表头无法识别，请按数据包说明核对列名",
    "unreadable": "文件无法解析（编码、格式或压缩包损坏）",
    "truncated": "文件不完整（末行残缺或行数与清单不符），请重新导出全量文件",
    "empty": "文件为空",
    "too_large": "文件超过大小或行数上限",
    "wrong_provider": "该提供方未登记此类数据",
    "missing": "清单所列文件未送达",
    "unproved": "收支方向或合计与余额矛盾，请从网银重新导出该账户的完整明细",
    "timeout": "解析超时，文件可能异常",
    "unreachable": "提供方的数据库没有应答，本次缺其新数据",
    "misdeclared": "提供方数据库的登记不正确，本次缺其新数据",
}
# Texts of contract rules for a clerk: rule -> (what is wrong, what to do).
RULES: Final = {
    "dtype": ("格式不正确", "按数据包说明填写：日期 2026-09-01，数字不带单位"),
    "nullability": ("必填项为空", "补填后重新报送该食堂当日全部记录"),
    "min": ("数值小于允许的下限", "核对数量或金额，退货请填退货记录"),
    "max_length": ("内容过长", "缩短到500字以内，编码不超过64位"),
    "max": ("数值大于允许的上限", "核对小数点和单位"),
    "min_length": ("内容过短或为空", "补填后重新报送"),
    "regex": ("编码格式不正确", "核对编码位数和字符"),
    "enum": ("不在允许的代码表内", "按代码表填写"),
    "unit_known": ("计量单位无法识别", "使用 千克/斤/两/克/升/毫升/件/个"),
    "amount_matches": ("金额与数量×单价不符", "核对数量、单价、金额，差额不得超过0.01元"),
    "accepted_within_ordered": (
        "验收加拒收数量超过订货数量过多",
        "核对验收单和小数点；最多可超过订货数量的一半再加1个单位",
    ),
    "uscc_checksum": ("统一社会信用代码校验位错误", "核对营业执照上的18位代码"),
    "period_ordered": ("失效日期早于生效日期", "核对起止日期"),
    "price_positive": ("价格为零或负数", "没有报价的品目不要填写"),
    "price_within_range": ("价格不在最低价与最高价之间", "核对最低、最高和平均价，注意小数点"),
    "direction_proved": ("收支方向没有得到余额证明", "对照网银核实方向后放行，或重新导出完整明细"),
    "in_yuan": ("不是人民币账户", "外币账户的金额不能记为元，请另行登记"),
    "pair_complete": ("并列的品名、价格、涨跌幅个数不符", "对照通报原文逐项更正后放行"),
    "grams_positive": ("用量为零", "带量食谱须填写每人用量（克）；没有用量的食材不要填写"),
    "amount_required": ("退货记录缺少金额", "补填退货金额"),
    "not_in_future": ("业务日期晚于报送时间", "核对业务日期"),
    "weight_given": ("毛重或净重缺失", "检查秤与网关的连接，补传这条称重"),
    "tare_given": ("皮重缺失，不知道是否扣除了容器", "称重前先去皮；没有容器时皮重填0"),
    "weight_not_negative": ("称出的重量为负数", "秤台清空后置零，重新去皮再称"),
    "net_matches": ("净重与毛重减皮重不符（超过10克）", "核对皮重；如反复出现，请校准这台秤"),
    "scale_clock_right": (
        "秤的时钟不准：称重时间晚于上报时间5分钟以上，或早于上报时间24小时以上",
        "给秤对时后补传；确属断网补传的由数据管理员放行",
    ),
    "thermometer_plausible": (
        "额温超出人体可能的范围（32—43℃），体温计故障",
        "检查或更换体温计后重新晨检（37.3℃以上的发热不在此列，照常入库）",
    ),
    "check_clock_right": (
        "晨检机的时钟不准：检查时间晚于上报时间5分钟以上，或早于上报时间24小时以上",
        "给晨检机对时后补传；确属断网补传的由数据管理员放行",
    ),
    "measure_given": ("温湿度事件缺少测量值", "检查传感器的接线和电池"),
    "sensor_plausible": ("测量值超出传感器可能的范围，传感器故障", "检查或更换传感器"),
    "thresholds_ordered": ("报警下限高于上限", "在网关上更正这台设备的报警上下限"),
    "event_clock_right": (
        "边缘设备的时钟不准：事件时间晚于上报时间5分钟以上，或早于上报时间24小时以上",
        "给设备对时后补传；确属断网补传的由数据管理员放行",
    ),
    "path_inside": ("文件路径越出视频目录", "路径从视频目录起写，不含“..”"),
    "removed_after_put": ("销毁时间早于留样时间", "核对留样和销毁时间"),
    "meal_times_ordered": ("烹饪、开餐、结束时间次序有误", "按 烹饪开始≤开餐＜结束 填写，用24小时制"),
    "net_adds_up": ("净额不等于总额减手续费", "核对结算单的总额、手续费和净额"),
    "settled_after_trade": ("结算日期早于交易日期", "核对交易日期和结算日期"),
    "balance_named": ("期初余额缺少说明", "库存须填食材和数量，应付款须填供应商"),
    "subsidy_matches": ("补助金额不等于天数×标准", "核对就餐天数、补助标准和金额"),
    "tax_within_amount": ("税额大于价税合计", "核对价税合计和税额"),
    "one_side": ("一行分录须且只须填借方或贷方", "把借、贷分成两行"),
    "conflict": ("同一记录号出现两种不同内容", "保留正确的一条后重新报送"),
}
# The same for what only a delivery as a whole can break (./canteen conform).
DELIVERY_RULES: Final = {
    "required_feed": ("缺少应报的数据", "按职责补齐后重新检查；当日没有业务也要报送只有表头的文件"),
    "key_registered": ("不在同批交付的登记数据中", "核对编码，或先在登记数据中补登"),
    "unit_split": (
        "同一食堂当日（或同一登记项）的记录分在两个文件中，只有一个文件生效",
        "合并到一个文件后重新报送",
    ),
}

# Column -> Chinese label, used for headers of the feed pack, the data dictionary and Superset.
LABELS: Final = {
    "record_no": "记录号",
    "reported_at": "上报时间",
    "biz_date": "业务日期",
    "biz_month": "业务月份",
    "alert_id": "预警编号",
    "rule_id": "预警规则代码",
    "rule_version": "预警规则版本",
    "rule_label": "预警规则",
    "severity": "预警等级代码",
    "finding_table": "发现所在的表",
    "finding_id": "发现编号",
    "period_start": "期初",
    "period_end": "期末",
    "text_zh": "说明",
    "basis": "所依阈值的可信度",
    "effect": "预警效力代码",
    "alert_state": "预警状态代码",
    "org_id": "机构编码",
    "parent_id": "上级机构编码",
    "org_kind": "机构类别",
    "org_name": "机构名称",
    "division_code": "行政区划代码",
    "stage": "学段",
    "operating_mode": "经营方式",
    "subsidised": "是否享受营养餐补助",
    "pupils": "就餐学生数",
    "valid_from": "生效日期",
    "valid_to": "失效日期",
    "is_open": "是否供餐",
    "term_id": "学期",
    "reason": "事由",
    "school_id": "学校编码",
    "canteen_id": "食堂编码",
    "canteen_name": "食堂名称",
    "county_code": "县区代码",
    "county_name": "县区名称",
    "supplier_uscc": "供应商统一社会信用代码",
    "supplier_id": "供应商编码",
    "supplier_name": "供应商名称",
    "contact_name": "联系人",
    "contact_phone": "联系电话",
    "licence_no": "食品经营许可证号",
    "ingredient_id": "食材编码",
    "ingredient_name": "食材名称",
    "category": "食材类别",
    "base_unit": "基本单位",
    "account_kind": "账别",
    "order_no": "订单号",
    "spec": "规格",
    "unit": "计量单位",
    "ordered_qty": "订货数量",
    "accepted_qty": "验收数量",
    "rejected_qty": "拒收数量",
    "unit_price": "单价",
    "amount_yuan": "金额（元）",
    "accepted_on": "验收日期",
    "acceptor_count": "验收人数",
    "source_code": "价格来源",
    "price_kind": "价格类别",
    "place": "地点",
    "item_name": "品名",
    "low_price": "最低价",
    "high_price": "最高价",
    "change_pct": "环比（%）",
    "discount_pct": "下浮率（%）",
    "read_as": "识别名称",
    "factor": "折算系数",
    "method": "匹配方法",
    "score": "匹配得分",
    "state": "状态",
    "expected_price": "应有价格",
    "fault": "存疑原因",
    "is_bad": "是否不采用",
    "confidence": "可信度",
    "account_no": "账号",
    "booked_at": "入账时间",
    "serial_no": "银行流水号",
    "direction": "收支方向",
    "balance_yuan": "余额（元）",
    "currency": "币种",
    "counterparty_name": "对方户名",
    "counterparty_account": "对方账号",
    "counterparty_bank": "对方开户行",
    "summary": "摘要",
    "purpose_text": "用途附言",
    "is_reversal": "是否冲正",
    "proof": "方向依据",
    "move_kind": "出入库类型",
    "qty": "数量",
    "purpose": "用途",
    "counted_qty": "盘点数量",
    "payer_kind": "付款人类别",
    "person_no": "人员编号",
    "person_hash": "人员假名",
    "channel": "渠道",
    "meal": "餐次",
    "portions": "份数",
    "subsidy_yuan": "补助金额（元）",
    "refund_kind": "退费类型",
    "line_code": "公示表项目",
    "month_yuan": "本月金额（元）",
    "ytd_yuan": "本年累计（元）",
    "device_id": "设备编号",
    "channel_no": "通道号",
    "measured_at": "称重时间",
    "gross_kg": "毛重（千克）",
    "tare_kg": "皮重（千克）",
    "net_kg": "净重（千克）",
    "checked_at": "晨检时间",
    "forehead_temp": "额温（℃）",
    "hand_codes": "手部检查异常",
    "symptom_codes": "健康询问异常",
    "is_fit": "是否适合上岗",
    "event_at": "事件时间",
    "event_kind": "事件类别",
    "evidence_sha256": "证据图片指纹",
    "measure": "测量值",
    "low_threshold": "报警下限",
    "high_threshold": "报警上限",
    "account_role": "账户类别",
    "account_name": "户名",
    "bank_name": "开户行",
    "trade_date": "交易日期",
    "item_count": "笔数",
    "gross_yuan": "总额（元）",
    "fee_yuan": "手续费（元）",
    "net_yuan": "净额（元）",
    "controlled_feed": "受控数据",
    "row_count": "行数",
    "total_yuan": "合计（元）",
    "requested_at": "请假时间",
    "balance_kind": "余额类别",
    "meal_days": "就餐天数",
    "rate_yuan": "补助标准（元/天）",
    "fund_kind": "资金性质",
    "from_account_no": "付款账号",
    "to_account_no": "收款账号",
    "invoice_no": "发票号",
    "tax_yuan": "税额（元）",
    "is_red": "是否红字",
    "payment_method": "付款方式",
    "expense_kind": "收支类别",
    "money_direction": "收支",
    "voucher_no": "凭证号",
    "line_no": "分录号",
    "account_set": "账套",
    "account_code": "科目编码",
    "debit_yuan": "借方（元）",
    "credit_yuan": "贷方（元）",
    "source_feed": "来源数据",
    "source_record_no": "来源记录号",
    "event_id": "业务编号",
    "event_date": "业务发生日期",
    "detail_kind": "业务细类",
    "content_hash": "内容哈希",
    "template_id": "分录模板",
    "voucher_count": "凭证数",
    "line_count": "分录数",
    "seal": "结账封签",
    "layer_date": "批次日期",
    "layer_id": "批次编号",
    "flow": "资金流别",
    "kind": "类别",
    "party": "对方",
    "text": "摘要文字",
    "ref": "引用编号",
    "match_id": "匹配编号",
    "rule": "匹配规则",
    "automatic": "是否自动匹配",
    "difference_id": "差异编号",
    "break_type": "差异类型",
    "decided": "是否已裁定",
    "decided_reason": "裁定理由",
    "settled_week": "完成比对的周（周一）",
    "subject_id": "差异或事件编号",
    "decision_code": "裁定",
    "decided_by": "裁定角色",
    "bank_yuan": "银行净额（元）",
    "business_yuan": "业务净额（元）",
    "books_yuan": "账簿净额（元）",
    "document_no": "单据号",
    "duty_step": "经办环节",
    "withdrawn_feed": "撤销的数据",
    "entity": "对照类别",
    "source_key": "来源系统主键",
    "target_code": "登记编码",
    "name": "名称",
    "username": "用户名",
    "display_name": "显示名称",
    "department": "部门",
    "role_kind": "角色",
    "ring_json": "边界坐标",
    "review_no": "审图号",
    "reviewed_on": "审图日期",
    "path": "文件",
    "refusal_code": "拒收代码",
    "message": "原因与处理",
    "is_replaced": "同名文件已重新送达",
    "camera_id": "摄像头编号",
    "camera_name": "摄像头名称",
    "gb_code": "国标编码",
    "uplink_mbps": "上行带宽（Mbit/s）",
    "zone_id": "区域编号",
    "zone_kind": "区域类别",
    "polygon_json": "区域边界",
    "seen_at": "状态时间",
    "status_source": "状态来源",
    "is_online": "是否在线",
    "alarm_at": "报警时间",
    "alarm_kind": "报警类别",
    "started_at": "开始时间",
    "ended_at": "结束时间",
    "segment_sha256": "视频文件指纹",
    "size_bytes": "字节数",
    "dish_name": "菜品名称",
    "grams_per_diner": "每人用量（克）",
    "edible_pct": "可食部（%）",
    "weight_g": "留样重量（克）",
    "put_at": "留样时间",
    "removed_at": "销毁时间",
    "cabinet_no": "留样柜",
    "cabinet_temp_c": "留样柜温度（℃）",
    "cook_from": "烹饪开始",
    "serve_from": "开餐时间",
    "serve_to": "结束时间（餐次）",
    "review_code": "复核结论",
    "reviewed_by": "复核角色",
    "segment_state": "判定状态",
    "segment_reason": "未判原因",
    "codec": "编码",
    "duration_s": "时长（秒）",
    "samples": "判定样本数",
    "positive": "违规样本数",
    "person_minutes": "见人分钟数",
    "model_version": "模型版本",
    "config_version": "规则版本",
    "minute_at": "分钟",
    "persons": "同时在场人数",
    "box_json": "目标框",
    "clip_sha256": "证据片段指纹",
    "snapshot_id": "快照号",
    "as_of": "数据截至",
    "published_at": "发布时间",
}
