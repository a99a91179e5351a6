"""Tags of HTML and of MediaWiki's extensions, by how they are rendered: data."""

from __future__ import annotations

LITERAL = frozenset(["nowiki", "pre"])
"""Their content is literal text."""
FORMULA = frozenset(["math", "chem", "ce"])
"""Their content is a formula."""
OPAQUE = FORMULA | frozenset(
    [
        "syntaxhighlight",
        "source",
        "score",
        "timeline",
        "hiero",
        "graph",
        "gallery",
        "imagemap",
        "templatestyles",
        "mapframe",
        "maplink",
        "style",
        "script",
        "inputbox",
        "categorytree",
        "templatedata",
    ]
)
"""Their content is not wikitext: it is skipped."""
DROPPED = frozenset(["ref", "references", "includeonly", "indicator"])
"""Removed with their content."""
CELLS = {"td": "|", "th": "!", "caption": "|+"}
"""Parts of an HTML table, and how wikitext writes them."""
TABLE = frozenset(["table", "tr", "thead", "tbody", "tfoot", "colgroup", "col", *CELLS])
"""Parsed as a wikitext table."""
BREAKING = frozenset(
    ["br", "p", "div", "blockquote", "poem", "center", "li", "ul", "ol", "dl", "dd", "dt", "hr"]
)
"""They end a line."""
BARE = frozenset(
    [
        "abbr",
        "b",
        "bdi",
        "bdo",
        "big",
        "cite",
        "code",
        "data",
        "del",
        "dfn",
        "em",
        "font",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "i",
        "ins",
        "kbd",
        "mark",
        "noinclude",
        "onlyinclude",
        "q",
        "rb",
        "rp",
        "rt",
        "ruby",
        "s",
        "samp",
        "section",
        "small",
        "span",
        "strike",
        "strong",
        "sub",
        "sup",
        "tabber",
        "time",
        "tt",
        "u",
        "var",
        "wbr",
    ]
)
"""Removed, but their content is kept."""
