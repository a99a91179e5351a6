"""The text of known templates: data.

A pattern has ``{1}`` for a positional value, ``{name}`` for a named one, ``{a|b}`` for the first
that is given and ``{*}`` for all positional ones; ``[?…]`` is left out unless a value within it
is given.
A name with @ is computed.

Source: documentation of the templates on en, ko, ja, zh, fr, de and tr.wikipedia.org.
"""

from __future__ import annotations

_SHOWN: tuple[tuple[str, str], ...] = (
    (
        "{1}",
        "nowrap | nobr | small | big | abbr | em | strong | smallcaps | visible anchor | sic | math"
        " | mvar | var | val | nts | ntsh | number table sorting | sub | small caps | center"
        " | 자동 줄바꿈 방지 | 작은 글씨 | 굵게",
    ),
    (
        "{text|quote|1|content|인용문|texte|zitat}",
        "quote | blockquote | block quote | cquote | quotation | rquote | quote box | bq | 인용문"
        " | 인용 | 긴 인용문 | 큰따옴표 인용 | citation bloc | début citation | zitat | alıntı"
        " | 引用 | quotation box",
    ),
    (
        "{2|text|texte|1}",
        "lang | langx | wikt-lang | nihongo2 | dil | llang | langue | 언어 | zitat-en | 언어 표시",
    ),
    ("{2|1}", "w | dablink | wikt | wt | wikipedia | 위키낱말"),
    ("{lt|1}", "ill | illm | interlanguage link | interlanguage link multi | 임시링크 | 仮リンク"),
    ("@last", "transl | transliteration | color | font color | tsl | 글씨색"),
    ("{1}[? ({2}[?, {3}])]", "nihongo | nihongo4 | 일본어"),
    ("{3|1}[? ({2}[?, {1}])]", "nihongo3"),
    ("{1} {2}", "단위 변환 none"),
    ("@convert", "convert | cvt | 단위 변환 | 변환 | 단위변환"),
    ("{*}", "unité | unite | unit | heures | nombre | nb | date | date- | siècle | 날짜"),
    ("@fraction", "frac | fraction | sfrac | 분수"),
    ("{1}", "tooltip | marriage | flag | vanchor | angbr | smaller | sc | keypress | linktext"),
    ("{2}", "resize | script | native name"),
    (" · ", "· | • | middot | bullet"),
    ("c. {1}", "circa | c. | ca."),
    ("—", "mdash | em dash | —"),
    ("\u2013", "ndash | en dash | \u2013"),
    (" \u2013 ", "spaced ndash | snd | spnd | snds"),
    (" ", "nbsp | space | spaces | thinsp"),
    ("@as of", "as of | asof"),
    ("\u00d710^{1}", "e"),
    ("^{1}", "sup"),
    ("US${1}", "us$"),
    ("@joined", "chem | chem2"),
    (
        "@list",
        "plainlist | plain list | flatlist | flat list | hlist | ubl | ublist | unbulleted list"
        " | bulleted list | ordered list | cslist",
    ),
    ("{1}", "columns-list | columns list | citation | le | link-en | link-ja | link-de | link-fr"),
    ("{2|1}", "нп5 | нп | нп2 | нп3 | нп4 | не переведено | не переведено 5"),
    ("{1}({2})", "ruby | ルビ"),
    ("{1}{2} siècle", "s- | s | siècle romain"),
    ("1er", "1er"),
    ("1re[? {1}]", "1re"),
    ("US${1}", "usd"),
    ("€{1}", "€ | eur"),
    ("£{1}", "£ | gbp"),
    ("¥{1}", "¥ | jpy"),
    (
        "@date",
        "birth date | birth date and age | bda | birth-date | birth year and age | death date"
        " | death date and age | dda | death year and age | start date | start date and age"
        " | end date | film date | dts | birth date and age2 | 출생일 | 출생일과 나이 | 사망일"
        " | 사망일과 나이 | 시작일 | 종료일 | 생년월일과 연령 | 死亡年月日と没年齢 | 生年月日と年齢"
        " | doğum tarihi ve yaşı",
    ),
)
SHOWN = {
    " ".join(name.split()): pattern for pattern, names in _SHOWN for name in names.split(" | ")
}

HIDDEN = (
    *("cite *", "citation*", "sfn*", "harv*", "efn*", "refn*", "r", "rp", "ref *", "note *"),
    *("isbn*", "issn*", "doi*", "oclc*", "ipa*", "pron*", "respell", "audio*", "listen*"),
    *("coord*", "좌표*", "taxobox*", "navbox*", "sidebar*", "authority control*"),
    *("short description", "use *", "main*", "see also*", "further*", "about", "for", "for2"),
    *("redirect*", "distinguish*", "hatnote*", "other uses*", "portal*", "commons*", "wikiquote*"),
    *(
        "clarify*",
        "when*",
        "who*",
        "which*",
        "where*",
        "why*",
        "fact*",
        "cn",
        "dubious*",
        "better *",
    ),
    *("dead link*", "verify*", "failed verification*", "update*", "by whom*", "page needed*"),
    *(
        "according to whom*",
        "original research*",
        "citation needed*",
        "inline*",
        "anchor*",
        "*icon",
    ),
    *("flagicon*", "flag icon*", "increase*", "decrease*", "steady*", "defaultsort*", "표시*"),
    *("출처*", "각주*", "웹 인용*", "서적 인용*", "뉴스 인용*", "저널 인용*", "책 인용*", "인용 *"),
    *(
        "lien web*",
        "ouvrage*",
        "article*",
        "refsou*",
        "référence*",
        "literatur*",
        "internetquelle*",
    ),
    *("webarchiv*", "kaynak*", "web kaynağı*", "要出典*", "脚注*", "cite", "reflist*", "notelist*"),
    *(
        "dmoz",
        "bartable",
        "bar *",
        "imdb*",
        "sep",
        "sep entry",
        "iep",
        "lsj",
        "* link",
        "osmrelation*",
    ),
    *(
        "google books*",
        "age",
        "age in *",
        "hauptartikel*",
        "siehe auch*",
        "anker",
        "ewz",
        "ewd",
        "нет аи*",
        "основная статья*",
        "article détaillé*",
        "icd*",
        "ol author",
        "youtube*",
        "nyttopic",
        "philpapers",
        "inpho",
        "in our time",
    ),
    *(
        "relevance*",
        "wikiatlas",
        "inflation*",
        "rating*",
        "wayback",
        "div col*",
        "refbegin",
        "refend",
    ),
    *("efn", "multiple image*", "image*", "gallery*", "legend*", "clear*", "toc*", "columns*"),
)
"""Names, with * for any rest: sources, coordinates, sounds, boxes, and notices to authors."""

INFOBOXES = (
    *("infobox*", "*infobox", "taxobox*", "automatic taxobox*", "speciesbox*", "정보상자*"),
    *("* 정보", "* 정보상자", "ficha de *", "info/*", "基礎情報*", "* bilgi kutusu", "infoboks*"),
    *("infotaula*", "infoboxe*", "карточка*", "信息框*", "* (tietolaatikko)", "kotak info*"),
    *("hộp thông tin*", "صندوق معلومات*", "جعبه اطلاعات*", "กล่องข้อมูล*", "faktamall*"),
)
"""Names of infoboxes. Source: names on the Wikipedias of these languages."""
