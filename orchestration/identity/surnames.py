"""Surnames by which East Asian names are taken apart. How a name is read and split is in `scripts`."""

# Characters whose reading in surnames is not their usual one.
CHINESE_READINGS = {
    "曾": "zeng", "单": "shan", "單": "shan", "解": "xie", "仇": "qiu", "查": "zha", "翟": "zhai", "覃": "qin",
    "盖": "ge", "蓋": "ge", "区": "ou", "區": "ou", "乐": "yue", "樂": "yue", "缪": "miao", "繆": "miao", "员": "yun",
    "朴": "piao", "秘": "bi", "尉迟": "yuchi", "尉遲": "yuchi", "万俟": "moqi", "单于": "chanyu", "單于": "chanyu",
}  # fmt: skip
# The single ones that most bear, simplified and traditional.
CHINESE = frozenset(
    "王李张張刘劉陈陳杨楊黄黃赵趙吴吳周徐孙孫马馬朱胡郭何高林罗羅郑鄭梁谢謝宋唐许許韩韓冯馮邓鄧曹彭曾萧蕭肖田董袁潘于蒋蔣蔡"
    "余杜叶葉程苏蘇魏吕呂丁任沈姚卢盧姜崔钟鍾谭譚陆陸汪范金石廖贾賈夏韦韋付方白邹鄒孟熊秦邱江尹薛闫阎段雷侯龙龍史陶黎贺賀顾"
    "顧毛郝龚龔邵万萬钱錢严嚴武戴莫孔向汤湯温溫康施文牛樊葛邢安齐齊易乔喬伍庞龐颜顏倪庄莊聂聶章鲁魯岳翟殷申欧歐耿关關兰蘭焦"
    "俞左柳祝包宁甘尚舒阮柯纪紀梅童凌毕畢单單季裴霍涂成苗谷曲盛冉蓝路游辛靳管柴蒙鲍华喻祁蒲房滕屈饶解牟艾尤时阳穆司古吉卓车"
    "项连芦麦褚"
)
CHINESE_COMPOUND = frozenset((
    "欧阳", "歐陽", "司马", "司馬", "上官", "诸葛", "諸葛", "夏侯", "皇甫", "尉迟", "尉遲", "公孙", "公孫", "慕容",
    "令狐", "长孙", "長孫", "司徒", "司空", "宇文", "轩辕", "軒轅", "端木", "东方", "東方", "独孤", "獨孤", "南宫",
    "南宮", "西门", "西門", "百里", "呼延", "申屠", "太史", "澹台", "澹臺", "赫连", "赫連", "万俟", "钟离", "鍾離",
    "拓跋", "东郭", "東郭", "公羊", "濮阳", "濮陽", "闻人", "聞人", "单于", "單于", "淳于", "鲜于", "鮮于", "闾丘",
    "閭丘",
))  # fmt: skip
# Of those in pinyin, the ones that are hardly a given name elsewhere.
PINYIN = (
    "wang", "zhang", "liu", "huang", "zhao", "zhou", "xu", "zhu", "guo", "luo", "zheng", "xie", "feng", "deng",
    "cao", "peng", "zeng", "xiao", "jiang", "pan", "zhong", "tian",
    "liao", "zou", "xiong", "qin", "qiu", "hou", "shao", "meng", "duan", "ouyang", "zhuang", "zhan", "cui",
)  # fmt: skip

# As their bearers write them, where that is not the official romanisation.
KOREAN_READINGS = {
    "김": "kim", "이": "lee", "리": "lee", "박": "park", "최": "choi", "정": "jung", "강": "kang", "조": "cho",
    "윤": "yoon", "임": "lim", "신": "shin", "오": "oh", "권": "kwon", "안": "ahn", "류": "ryu", "유": "yoo",
    "고": "ko", "문": "moon", "허": "hur", "심": "shim", "노": "noh", "곽": "kwak", "성": "sung", "주": "joo",
    "우": "woo", "구": "koo", "공": "kong", "현": "hyun", "변": "byun", "추": "choo", "석": "suk", "선": "sun",
}  # fmt: skip
KOREAN = frozenset(KOREAN_READINGS) | frozenset(
    "장한림서황송홍전양손배백남하차진지엄채원천방함염여도소설마길연위표명기반왕금옥인맹제모나민"
)
KOREAN_COMPOUND = frozenset(("남궁", "황보", "제갈", "사공", "선우", "서문", "독고"))

# Those that are hardly a name elsewhere, and the others.
VIETNAMESE = (
    "nguyen", "tran", "pham", "hoang", "huynh", "phan", "dang", "bui", "ngo", "duong", "trinh", "dinh", "truong",
    "dao", "doan", "vuong", "luong", "quach",
)  # fmt: skip
VIETNAMESE_SHORT = (
    "le", "vu", "vo", "do", "ho", "ly", "mai", "to", "luu", "ha", "cao", "lam", "thai", "ta", "chau",
)  # fmt: skip
