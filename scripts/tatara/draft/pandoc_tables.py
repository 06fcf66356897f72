"""The tables of Pandoc's Markdown, which no Markdown library reads: grids of `+---+` and columns under `-----`.

Many documents that were converted from DOCX hold their text in tables of one cell, as boxes around it.
"""

import re
from collections.abc import Iterator

from tatara.draft.lines import is_wide, join

_GRID = re.compile(r"\s*\+[-=:+]{3,}\+\s*$")
_GRID_LINE = re.compile(r"\s*\|.*\|\s*$")
_RULE = re.compile(r"\s{2,}-{4,}(?: +-+)*\s*$|-{3,}(?: +-{3,})+\s*$")


def _columns(rule: str) -> list[tuple[int, int]]:
    """Return where the columns under a rule begin and end, in columns of a fixed font; the last one has no end."""
    spans = [match.span() for match in re.finditer("-+", rule)]
    return [(start, after) for (start, _), after in zip(spans, [*(s for s, _ in spans[1:]), 10**6], strict=True)]


def _cut(line: str, columns: list[tuple[int, int]]) -> list[str]:
    """Return a line's part in each column; wide characters take two."""
    cells, position = [""] * len(columns), 0
    for character in line:
        for number, (start, end) in enumerate(columns):
            if start <= position < end:
                cells[number] += character
        position += 1 + is_wide(character)
    return [cell.strip() for cell in cells]


def _grid(lines: list[str]) -> list[list[list[str]]]:
    """Return the rows of a grid, each cell as its lines. A cell over several columns ends where its line's `|` is."""
    rows, cells = [], []
    for line in lines:
        if _GRID.match(line):
            if any(any(cell) for cell in cells):
                rows.append(cells)
            cells = []
            continue
        parts = line.strip()[1:-1].split("|")
        cells += [[] for _ in range(len(parts) - len(cells))]
        for cell, part in zip(cells, parts, strict=False):
            cell.append(part[1:] if part.startswith(" ") else part)
    return rows


def _ruled(lines: list[str], one_line: bool) -> list[list[list[str]]]:
    """Return the rows of a table under rules, each cell as its lines; an empty line or a rule ends a row.

    Args:
        one_line: each line is a row, as where the names of the columns stand above the first rule.
    """
    rules = [line for line in lines if _RULE.match(line)]
    columns = _columns(max(rules, key=lambda rule: len(rule.split())))
    rows, cells = [], [[] for _ in columns]
    for line in lines:
        if _RULE.match(line) or not line.strip():
            if len(columns) == 1 and not _RULE.match(line):
                cells[0].append("")
                continue
            if any(any(cell) for cell in cells):
                rows.append(cells)
            cells = [[] for _ in columns]
        else:
            parts = [line.strip()] if len(columns) == 1 else _cut(line, columns)
            for cell, part in zip(cells, parts, strict=True):
                cell.append(part)
            if one_line:
                rows.append(cells)
                cells = [[] for _ in columns]
    return rows


def _ruled_end(lines: list[str], start: int) -> int:
    """Return the line behind a table that begins with a rule: the next rule that no row follows."""
    headed = start > 0 and lines[start - 1].strip()
    for number in range(start + 1, len(lines)):
        if headed and not lines[number].strip():
            return number
        if _RULE.match(lines[number]):
            rest = lines[number + 1 : number + 3]
            if not any(line.strip() for line in rest[:1]) and not any(_RULE.match(line) for line in rest):
                return number + 1
    return start + 1


def pieces(text: str) -> Iterator[tuple[str, str | list[list[str]]]]:
    """Cut Markdown into ("text", Markdown) and ("table", rows of cells); a table of one column is text as well."""
    lines, kept, number = text.split("\n"), [], 0
    while number < len(lines):
        rows, end = None, number
        if _GRID.match(lines[number]):
            end = next(
                (n for n in range(number, len(lines)) if not (_GRID.match(lines[n]) or _GRID_LINE.match(lines[n]))),
                len(lines),
            )
            rows = _grid(lines[number:end])
        elif _RULE.match(lines[number]) and (end := _ruled_end(lines, number)) > number + 1:
            head = [kept.pop()] if kept and kept[-1].strip() else []
            rows = _ruled(head + lines[number:end], bool(head))
        if rows is None:
            kept.append(lines[number])
            number += 1
            continue
        yield "text", "\n".join(kept)
        kept, number = [], end
        if all(len(row) == 1 for row in rows):
            yield from (("text", "\n".join(row[0])) for row in rows)
        else:
            yield "table", [[join(cell) for cell in row] for row in rows]
    yield "text", "\n".join(kept)
