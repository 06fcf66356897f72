"""One small handbook as real files of every kind that `make draft` reads."""

from pathlib import Path

import docx
import matplotlib
import matplotlib_fontja
from matplotlib.backends.backend_pdf import PdfPages
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties

TITLE = "養蜂の手引き"
# Chapter -> section -> paragraphs.
CHAPTERS = {
    "第1章 巣箱の管理": {
        "第1節 内検": [
            "内検とは、巣箱を開けて女王蜂、産卵、貯蜜の量を短い時間で確かめる作業をいう。",
            "春から夏の内検は、7日から10日の間隔で行うことを基本とする。",
        ],
        "第2節 給餌": ["砂糖水の濃度は、秋の給餌では砂糖2に対して水1の割合を標準とする。"],
    },
    "第2章 病害虫への備え": {
        "第1節 ダニ": ["防除は、寄生率が3%を超えた群れから、なるべく早い時期に始めなければならない。"],
    },
}
TABLE = [["項目", "見るもの"], ["女王蜂", "姿、または卵"]]
TOC = [(chapter, section) for chapter, sections in CHAPTERS.items() for section in sections]


def write_docx(path: Path) -> None:
    """Write the handbook with Word's styles: a title, headings, a contents line, a table of two columns and a box."""
    document = docx.Document()
    document.add_heading(TITLE, level=0)
    for chapter, sections in CHAPTERS.items():
        document.add_heading(chapter, level=1)
        for section, paragraphs in sections.items():
            document.add_heading(section, level=2)
            box = document.add_table(rows=1, cols=1)
            box.cell(0, 0).text = paragraphs[0]
            for text in paragraphs[1:]:
                document.add_paragraph(text)
    table = document.add_table(rows=0, cols=2)
    for cells in TABLE:
        row = table.add_row()
        for cell, text in zip(row.cells, cells, strict=True):
            cell.text = text
    document.sections[0].header.paragraphs[0].text = "社外秘"
    document.save(path)


def write_html(path: Path, encoding: str = "utf-8") -> None:
    """Write the handbook as a page with a menu and a foot, which are no text of it."""
    body = "".join(
        f"<h2>{chapter}</h2>"
        + "".join(
            f"<h3 id='s'>{section}</h3>" + "".join(f"<p>{text[:9]}<b>{text[9:12]}</b>{text[12:]}</p>" for text in texts)
            for section, texts in sections.items()
        )
        for chapter, sections in CHAPTERS.items()
    )
    rows = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>" for cells in TABLE)
    page = (
        f"<html><head><meta charset='{encoding}'><title>{TITLE}</title></head><body><nav><a href='/'>社外秘</a></nav>"
        f"<h1>{TITLE}</h1>{body}<table>{rows}</table><footer>社外秘</footer><script>社外秘</script></body></html>"
    )
    path.write_bytes(page.encode(encoding))


def write_text(path: Path, encoding: str = "utf-8") -> None:
    """Write the handbook as plain text in which lines of 22 characters end within sentences."""
    lines = [TITLE, ""]
    for chapter, sections in CHAPTERS.items():
        lines += [chapter, ""]
        for section, texts in sections.items():
            lines += [section, ""]
            for text in texts:
                lines += [text[start : start + 22] for start in range(0, len(text), 22)] + [""]
    path.write_bytes("\r\n".join(lines).encode(encoding))


def write_markdown(path: Path) -> None:
    """Write the handbook as Markdown."""
    lines = [f"# {TITLE}"]
    for chapter, sections in CHAPTERS.items():
        lines.append(f"## {chapter}")
        for section, texts in sections.items():
            lines += [f"### {section}", *texts]
    path.write_text("\n\n".join(lines) + "\n", encoding="utf-8")


def write_pdf(path: Path, text: bool = True) -> None:
    """Write the handbook with a page for each section, a running head and page numbers; without text: empty pages."""
    font = FontProperties(fname=matplotlib_fontja.get_font_ttf_path())
    with matplotlib.rc_context({"pdf.fonttype": 42}), PdfPages(path, metadata={"CreationDate": None}) as pages:
        for number, (chapter, section) in enumerate(TOC, start=1):
            figure = Figure((6, 8))
            lines = [("社外秘 養蜂協会", 8), *([(TITLE, 22)] if number == 1 else []), (chapter, 18), (section, 14)]
            for paragraph in CHAPTERS[chapter][section]:
                lines += [(paragraph[start : start + 24], 10) for start in range(0, len(paragraph), 24)]
            lines.append((f"- {number} -", 8))
            for place, (line, size) in enumerate(lines if text else []):
                figure.text(0.1, 0.9 - 0.05 * place, line, fontproperties=font, size=size)
            pages.savefig(figure)
