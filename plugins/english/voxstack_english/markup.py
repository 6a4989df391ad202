"""Reduce Markdown, and some HTML, to the words that it displays.

Markup is replaced by spaces of the same length, so that every word keeps its place.
"""

from __future__ import annotations

import re
from functools import cache, partial

LINK = r"!?\[([^\[\]\n]*)\]\([^()\s]*(?:\s+\"[^\"]*\")?\)"  # [text](url), ![alt](url)
TAGS = (
    "a|abbr|b|big|blockquote|br|center|code|dd|del|details|div|dl|dt|em|font|h[1-6]|hr|i|img|ins|kbd"
    "|li|mark|ol|p|picture|pre|q|s|samp|small|source|span|strong|sub|summary|sup|table|tbody|td"
    "|tfoot|th|thead|tr|tt|u|ul|var"
)
# (pattern, the group that is displayed; 0: none). The order matters.
RULES = (
    (r"<!--.*?(?:-->|$)", 0),
    (LINK, 1),
    (LINK, 1),  # a link around an image
    (r"!?\[([^\[\]\n]*)\]\[[^\[\]\n]*\]", 1),  # [text][reference]
    (r"^[ \t]*\[[^\[\]\n]+\]:[ \t]*\S+", 0),  # [reference]: url
    (rf"</?(?:{TAGS})(?:\s+[\w:-]+(?:=(?:\"[^\"<>]*\"|'[^'<>]*'|[^\s\"'<>]+))?)*\s*/?>", 0),
    (r"^[ \t]*(?:>[ \t]?)+", 0),
    (r"^[ \t]*#{1,6}(?=[ \t]|$)|(?<=[ \t])#+[ \t]*$", 0),
    (r"^[ \t]*[-*+](?=[ \t])(?:[ \t]+\[[ xX]\](?=[ \t]))?", 0),  # list items, task lists
    (r"^[ \t]*(?:[-*_=][ \t]*){3,}$", 0),  # rules and underlines of headings
    (r"^[ \t]*\|?[ \t:|-]*-{3,}[ \t:|-]*$", 0),  # the line under a table's head
    (r"`+|\*{1,3}(?=\S)|(?<=\S)\*{1,3}|~~", 0),
    (r"(?<![\w/])_{1,3}(?=\w)|(?<=[\w.!?,])_{1,3}(?![\w/(])", 0),
)
HINT = re.compile(r"[*_`#>|\[<~]|^[ \t]*[-+=]|---|\]:", re.MULTILINE)


@cache
def _rules() -> list[tuple[re.Pattern[str], int]]:
    return [(re.compile(pattern, re.MULTILINE | re.DOTALL), shown) for pattern, shown in RULES]


def blank_markup(text: str) -> str:
    """Return ``text`` with its markup replaced by as many spaces."""
    if HINT.search(text) is None:
        return text
    for pattern, shown in _rules():
        text = pattern.sub(partial(_blank, shown), text)
    return text


def _blank(shown: int, match: re.Match[str]) -> str:
    if shown == 0:
        return "".join("\n" if character == "\n" else " " for character in match[0])
    before = " " * (match.start(shown) - match.start())
    return before + match[shown] + " " * (match.end() - match.end(shown))
