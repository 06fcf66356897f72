"""Markdown as blocks: CommonMark with tables by markdown-it-py, and what Pandoc adds to it."""

import re

from markdown_it import MarkdownIt
from markdown_it.token import Token

from tatara.draft.document import CODE, HEADING, ITEM, PARAGRAPH, Block, row
from tatara.draft.lines import join, tidy
from tatara.draft.pandoc_tables import pieces

_ANCHOR = re.compile(r"\[\]\{#([^\s}]+)[^}]*\}")  # []{#_Toc1 .anchor}
_ATTRIBUTES = re.compile(r"\{(?:[#.][^{}]*|[\w-]+=\"[^{}]*)\}")  # {#id .class}, {width="1in"}
_NESTED_LINK = re.compile(
    r"\[([^\[\]]*?)\s*\[[^\[\]]*\]\(#[^)]*\)\]\((#[^)]+)\)"
)  # [title [page](#a)](#a), of Word's contents
_LOOSE_BOLD = re.compile(r"\*\*[ \u3000]*([^*\s][^*\n]*?)[ \u3000]*\*\*")  # spaces inside make it text to CommonMark
_FRONT_MATTER = re.compile(r"\A---\n.*?\n(?:---|\.\.\.)\n", re.DOTALL)


def _parser() -> MarkdownIt:
    # An indented line is text here: converted documents indent what stood under a list.
    return MarkdownIt("commonmark").enable("table").disable("code")


def _inline(token: Token) -> tuple[str, bool, str]:
    """Return an inline token's text, whether all of it is bold, and the anchor to which it leads as a link."""
    lines, strong, links, outside, target = [""], 0, 0, [], ""
    for child in token.children or []:
        strong += {"strong_open": 1, "strong_close": -1}.get(child.type, 0)
        links += {"link_open": 1, "link_close": -1}.get(child.type, 0)
        if child.type == "link_open":
            target = target or str(child.attrGet("href") or "")
        if child.type in ("softbreak", "hardbreak"):
            lines.append("")
        elif child.type in ("text", "code_inline"):
            lines[-1] += child.content
            if child.content.strip():
                outside.append((not strong, not links))
    bold = bool(outside) and not any(plain for plain, _ in outside)
    linked = bool(outside) and not any(unlinked for _, unlinked in outside)
    inside = target.removeprefix("#") if linked and target.startswith("#") else ""
    # In a table of contents the page number stands on a line of its own.
    return " ".join(lines) if inside else join(lines), bold, inside


def _block(kind: str, token: Token, level: int) -> Block:
    text, bold, target = _inline(token)
    anchors = tuple(_ANCHOR.findall(text))
    text = tidy(_ATTRIBUTES.sub("", _ANCHOR.sub("", text)))
    return Block(kind, text, level, bold, anchors, target)


def _text_blocks(parser: MarkdownIt, text: str) -> list[Block]:
    blocks: list[Block] = []
    kind, level, cells, depth = PARAGRAPH, 0, None, 0
    for token in parser.parse(_LOOSE_BOLD.sub(r"**\1**", _NESTED_LINK.sub(r"[\1](\2)", text))):
        if token.type == "heading_open":
            kind, level = HEADING, int(token.tag[1])
        elif token.type == "heading_close":
            kind, level = PARAGRAPH, 0
        elif token.type in ("list_item_open", "list_item_close"):
            depth += token.nesting
            kind = ITEM if token.nesting > 0 else PARAGRAPH
        elif token.type == "tr_open":
            cells = []
        elif token.type == "tr_close":
            blocks.append(row(cells))
            cells = None
        elif token.type == "fence":
            blocks.append(Block(CODE, join(token.content.split("\n"))))
        elif token.type == "inline" and cells is not None:
            cells.append(_block(PARAGRAPH, token, 0).text)
        elif token.type == "inline":
            blocks.append(_block(kind, token, level))
            kind = HEADING if level else PARAGRAPH  # what follows the first paragraph of an item is text
    return blocks


def markdown_blocks(text: str) -> list[Block]:
    """Return the blocks of a Markdown text."""
    parser, blocks = _parser(), []
    for kind, piece in pieces(_FRONT_MATTER.sub("", text)):
        blocks += _text_blocks(parser, piece) if kind == "text" else [row(cells) for cells in piece]
    return blocks
