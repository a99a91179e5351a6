"""Headings of sections that list sources and links, in lower case: data.

Source: manuals of style of en, ko, de, fr, es, it, pt, nl, sv, pl, ru, ja, zh and tr.wikipedia.org.
"""

from __future__ import annotations

_NAMES = """
references | external links | see also | further reading | notes |
notes and references | references and notes | footnotes | citations | sources |
각주 | 외부 링크 | 같이 보기 | 참고 문헌 | 참고 자료 | 주석 | 출처 |
각주 및 참고 문헌 | einzelnachweise | weblinks | siehe auch | literatur |
anmerkungen | quellen | fußnoten | références | notes et références |
liens externes | voir aussi | bibliographie | annexes | referencias |
enlaces externos | véase también | bibliografía | notas | note | riferimenti |
collegamenti esterni | voci correlate | bibliografia | altri progetti | referências |
ligações externas | ver também | bronnen | externe links | zie ook | referenser |
externa länkar | se även | källor | przypisy | linki zewnętrzne | zobacz też |
примечания | ссылки | см. также | литература | 脚注 | 出典 | 外部リンク | 関連項目 |
参考文献 | 注釈 | 参考资料 | 外部链接 | 参见 | 參見 | 參考資料 | 外部連結 |
參考文獻 | 注释 | 延伸阅读 | kaynakça | dış bağlantılar | ayrıca bakınız
"""
SOURCE_SECTIONS = frozenset(" ".join(name.split()) for name in _NAMES.split("|"))
