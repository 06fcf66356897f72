"""HTML as blocks, by Beautiful Soup and lxml."""

from pathlib import Path

from bs4 import BeautifulSoup
from bs4.element import NavigableString, PageElement, Tag

from tatara.draft.document import CODE, HEADING, ITEM, PARAGRAPH, Block, row
from tatara.draft.lines import join
from tatara.files.text import open_bytes

_LEFT_OUT = ("script", "style", "noscript", "template", "nav", "header", "footer", "aside", "form", "button", "svg")
_LEFT_OUT_ROLES = ("navigation", "banner", "contentinfo", "search")
_PARTS = frozenset(
    [
        "address",
        "article",
        "blockquote",
        "body",
        "dd",
        "div",
        "dl",
        "dt",
        "fieldset",
        "figcaption",
        "figure",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "hr",
        "html",
        "li",
        "main",
        "ol",
        "p",
        "pre",
        "section",
        "table",
        "tbody",
        "td",
        "tfoot",
        "th",
        "thead",
        "tr",
        "ul",
    ]
)
_BOLD = ("b", "strong")


class _Walk:
    """Gathers the text between the borders of block elements."""

    def __init__(self):
        self.blocks: list[Block] = []
        self.pieces: list[tuple[str, bool, str]] = []  # text, whether it is bold, where its link leads
        self.anchors: list[str] = []

    def flush(self, kind: str = PARAGRAPH, level: int = 0) -> None:
        text = join("".join(piece for piece, _, _ in self.pieces).split("\n"))
        seen = [(bold, target) for piece, bold, target in self.pieces if piece.strip()]
        if text:
            target = seen[0][1] if len({target for _, target in seen}) == 1 else ""
            bold = all(bold for bold, _ in seen)
            self.blocks.append(Block(kind, text, level, bold, tuple(self.anchors), target))
            self.anchors = []
        self.pieces = []

    def children(self, tag: Tag, kind: str, level: int, bold: bool, target: str) -> None:
        for child in tag.children:
            self.walk(child, kind, level, bold, target)

    def walk(self, node: PageElement, kind: str, level: int, bold: bool, target: str) -> None:
        if type(node) is NavigableString:
            self.pieces.append((str(node), bold, target))
        if not isinstance(node, Tag):
            return
        if node.name in _LEFT_OUT or node.get("role") in _LEFT_OUT_ROLES:
            return
        if node.name == "tr":
            self.flush(kind, level)
            self.blocks.append(row([join(cell.get_text().split("\n")) for cell in node.find_all(["td", "th"])]))
        elif node.name == "pre":
            self.flush(kind, level)
            self.blocks.append(Block(CODE, join(node.get_text().split("\n"))))
        elif node.name in _PARTS:
            self.flush(kind, level)
            self.anchors += [node["id"]] if node.get("id") else []
            own = {"li": ITEM}.get(node.name, PARAGRAPH if kind == HEADING else kind)
            deep = int(node.name[1]) if node.name[0] == "h" and node.name[1:].isdigit() else 0
            own = HEADING if deep else own
            self.children(node, own, deep, bold, target)
            self.flush(own, deep)
        else:
            self.anchors += [node[key] for key in ("id", "name") if node.get(key)]
            inside = str(node.get("href", ""))[1:] if str(node.get("href", "")).startswith("#") else target
            if node.name == "br":
                self.pieces.append(("\n", bold, target))
            self.children(node, kind, level, bold or node.name in _BOLD, inside)


def html_blocks(path: Path) -> list[Block]:
    """Return the blocks of an HTML file; its encoding is the one that it declares, else a guess.

    Menus, heads and feet of the page are left out. A title that no heading says is put first, as the highest heading.

    Raises:
        InputError: no such file.
    """
    with open_bytes(path) as file:
        page = BeautifulSoup(file.read(), "lxml")
    walk = _Walk()
    walk.children(page.body or page, PARAGRAPH, 0, False, "")
    walk.flush()
    title = join(page.title.get_text().split("\n")) if page.title else ""
    if title and not any(block.level == 1 for block in walk.blocks):
        return [Block(HEADING, title, 1), *walk.blocks]
    return walk.blocks
