"""Files of any supported kind as documents."""

import glob
from collections.abc import Callable
from pathlib import Path

from tatara.draft.document import Block, Document, make_document
from tatara.draft.markdown import markdown_blocks
from tatara.draft.plain_text import decode_any, text_blocks
from tatara.job.errors import InputError, Problem, raise_problems
from tatara.job.progress import Progress


def _markdown(path: Path) -> list[Block]:
    return markdown_blocks(decode_any(path))


def _text(path: Path) -> list[Block]:
    return text_blocks(decode_any(path))


def _html(path: Path) -> list[Block]:
    from tatara.draft.html_page import html_blocks

    return html_blocks(path)


def _docx(path: Path) -> list[Block]:
    from tatara.draft.word_document import docx_blocks

    return docx_blocks(path)


def _pdf(path: Path) -> list[Block]:
    from tatara.draft.pdf_pages import pdf_blocks

    return pdf_blocks(path)


READERS: dict[str, Callable[[Path], list[Block]]] = {
    ".md": _markdown,
    ".markdown": _markdown,
    ".txt": _text,
    ".html": _html,
    ".htm": _html,
    ".docx": _docx,
    ".pdf": _pdf,
}


def _files(patterns: list[str]) -> list[Path]:
    """Return the files that patterns name, sorted, each once.

    Raises:
        InputError: a pattern that matches nothing, a file of another kind.
    """
    found: dict[Path, None] = {}
    problems = []
    for pattern in patterns:
        paths = [Path(path) for path in sorted(glob.glob(pattern, recursive=True))]  # noqa: PTH207, patterns may be absolute
        paths = [path for path in paths if path.is_file() and not path.name.startswith((".", "~$"))]
        if not paths:
            problems.append(f"{pattern}: no such file; check DOCS, and put a pattern in quotes: DOCS='folder/*'")
        found |= dict.fromkeys(paths)
    kinds = ", ".join(READERS)
    problems += [
        Problem("files of other kinds", f"{path}: unknown kind of file; expected one of {kinds}, or name fewer in DOCS")
        for path in found
        if path.suffix.lower() not in READERS
    ]
    raise_problems(problems)
    return sorted(found, key=lambda path: (path.name, str(path)))


def _names(paths: list[Path]) -> list[str]:
    """Return a name for each file: its own, with a number where two folders have the same."""
    seen: dict[str, int] = {}
    names = []
    for path in paths:
        seen[path.name] = seen.get(path.name, 0) + 1
        names.append(path.name if seen[path.name] == 1 else f"{path.stem}-{seen[path.name]}{path.suffix}")
    return names


def read_documents(patterns: list[str]) -> list[Document]:
    """Read Markdown, HTML, DOCX, PDF with text, and plain text.

    Args:
        patterns: files, or glob patterns of files.

    Raises:
        InputError: a pattern without a file; a file of another kind, that cannot be read, or that holds no text.
    """
    paths = _files(patterns)
    documents = []
    for path, name in Progress(list(zip(paths, _names(paths), strict=True)), "reading documents"):
        document = make_document(name, str(path), READERS[path.suffix.lower()](path))
        if not document.blocks:
            raise InputError(f"{path}: the file holds no text; take it out of DOCS")
        documents.append(document)
    return documents
