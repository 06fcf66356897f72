"""Documents of every kind become the same blocks and the same table of contents; what cannot be read is named."""

from pathlib import Path

import documents
import pytest
from tatara.draft.document import HEADING, ROW, make_document
from tatara.draft.markdown import markdown_blocks
from tatara.draft.readers import read_documents
from tatara.draft.structure import read_outlines
from tatara.job.errors import InputError

WRITERS = {
    "handbook.md": documents.write_markdown,
    "handbook.docx": documents.write_docx,
    "handbook.html": documents.write_html,
    "handbook.pdf": documents.write_pdf,
    "handbook.txt": documents.write_text,
}


def places(outlines) -> list[tuple[str, str]]:
    """Return chapter and section as they are cited, of one document."""
    return [
        (f"{chapter.number} {chapter.name}", f"{section.number} {section.name}")
        for chapter in outlines[0].volume.chapters
        for section in chapter.sections
    ]


def outline_of(markdown: str, name: str = "book.md"):
    return read_outlines([make_document(name, name, markdown_blocks(markdown))])


@pytest.mark.parametrize("name", WRITERS)
def test_every_format_gives_the_same_chapters_and_the_whole_text_in_its_section(tmp_path, name):
    WRITERS[name](tmp_path / name)
    read = read_documents([str(tmp_path / name)])
    outlines = read_outlines(read)
    assert outlines[0].volume.name == documents.TITLE
    assert places(outlines) == documents.TOC
    texts = {}
    for number, place in outlines[0].places.items():
        block = read[0].blocks[number]
        if block.kind != ROW and place.section:
            key = (f"{place.chapter.number} {place.chapter.name}", f"{place.section.number} {place.section.name}")
            texts[key] = texts.get(key, "") + block.text
    assert texts == {(c, s): "".join(documents.CHAPTERS[c][s]) for c, s in documents.TOC}
    assert "社外秘" not in read[0].text  # menus, heads and feet are no text


@pytest.mark.parametrize("name", WRITERS)
def test_spans_lead_back_to_the_text(tmp_path, name):
    WRITERS[name](tmp_path / name)
    (document,) = read_documents([str(tmp_path / name)])
    assert document.blocks
    for block in document.blocks:
        assert document.text[block.start : block.end] == block.text


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp932", "utf-16", "utf-16-le", "utf-16-be"])
def test_plain_text_is_read_in_the_encodings_that_people_have(tmp_path, encoding):
    documents.write_text(tmp_path / "handbook.txt", encoding)
    assert places(read_outlines(read_documents([str(tmp_path / "handbook.txt")]))) == documents.TOC


def test_a_page_is_read_in_the_encoding_that_it_declares(tmp_path):
    documents.write_html(tmp_path / "handbook.html", "shift_jis")
    assert places(read_outlines(read_documents([str(tmp_path / "handbook.html")]))) == documents.TOC


# ---- tables and boxes ----


def test_grids_of_pandoc_are_rows_and_a_box_of_one_cell_is_text():
    grid = """\
+----------+--------+
| 項　目   | 値     |
+==========+========+
| 内検の間 | 7日か  |
| 隔       | ら10日 |
+----------+--------+

+------------+
| 給餌は秋に |
| 行う。     |
|            |
| 水は用いな |
| い。       |
+------------+
"""
    blocks = markdown_blocks(grid)
    assert [block.cells for block in blocks if block.kind == ROW] == [("項 目", "値"), ("内検の間隔", "7日から10日")]
    assert [block.text for block in blocks if block.kind != ROW] == ["給餌は秋に行う。", "水は用いない。"]


def test_tables_under_rules_are_read_by_the_width_of_their_columns():
    blocks = markdown_blocks(
        "前の文。\n\n  項目       見るもの\n  ---------- ----------\n  女王蜂     姿\n  貯蜜       枚数\n\n後の文。\n\n"
        "  --------------------\n  一つの枠に入った\n  文である。\n  --------------------\n\n最後の文。\n"
    )
    assert [block.cells for block in blocks if block.kind == ROW] == [
        ("項目", "見るもの"),
        ("女王蜂", "姿"),
        ("貯蜜", "枚数"),
    ]
    assert [block.text for block in blocks if block.kind != ROW] == [
        "前の文。",
        "後の文。",
        "一つの枠に入った文である。",
        "最後の文。",
    ]


# ---- headings ----


PANDOC = """\
**調査編**

1.  **総論**

**目　次**

[第1節 総説 1](#_Toc1)

> [1．1 目的 1](#_Toc2)

[第2節 編の
構成 4](#_Toc3)

1.  総論

    1.  []{#_Toc1 .anchor}総説

        1.  []{#_Toc2 .anchor}目的

総説の文である。

2.  []{#_Toc3 .anchor}編の構成

構成の文である。

1.  総説

**調査編**

2.  **水文観測**

**目　次**

[第1節 雨量 1](#_Toc9)

3.  []{#_Toc9 .anchor}雨量

雨量の文である。
"""


def test_headings_are_found_by_the_links_of_the_contents_where_they_carry_no_number():
    """What Pandoc makes of a Word file: the number is in the contents, the heading is an item of a list."""
    outlines = outline_of(PANDOC)
    (volume,) = {id(outline.volume): outline.volume for outline in outlines}.values()
    assert volume.name == "調査編"
    assert places(outlines) == [
        ("第1章 総論", "第1節 総説"),
        ("第1章 総論", "第2節 編の構成"),
        ("第2章 水文観測", "第1節 雨量"),
    ]
    found = {outlines[0].document.blocks[n].text: place for n, place in outlines[0].places.items()}
    assert [found[text].section.name for text in ("総説の文である。", "構成の文である。", "雨量の文である。")] == [
        "総説",
        "編の構成",
        "雨量",
    ]
    assert found["総説の文である。"].heading == "目的"
    assert not any("目次" in text or "第1節" in text for text in found)


def test_an_overview_lists_the_chapters_of_the_other_documents():
    overview = "# 基準の概要\n\n本文である。\n\n## 設計編の目次構成\n\n設計編の目次を示す。\n\n" + "\n\n".join(
        ["第１章　堤防", "　第１節　総説", "　第２節　土堤", "第２章　ダム", "　第１節　総説", "第３章　雪崩"]
    )
    first = ["**設計編**", "**第1章　堤防**", "**第1節　総説**", "堤防の文である。"]
    design = "\n\n".join([*first, "**第2章 ダム**", "**第1節 総説**", "ダムの文である。"])
    outlines = read_outlines(
        [make_document(name, name, markdown_blocks(text)) for name, text in (("a.md", overview), ("b.md", design))]
    )
    assert [volume.name for volume in (outline.volume for outline in outlines)] == ["基準の概要", "設計編"]
    chapters = outlines[1].volume.chapters
    assert [(c.number, c.name, [s.name for s in c.sections]) for c in chapters] == [
        ("第1章", "堤防", ["総説", "土堤"]),
        ("第2章", "ダム", ["総説"]),
        ("第3章", "雪崩", []),
    ]
    assert {place.chapter.name for place in outlines[1].places.values() if place.chapter} == {"堤防", "ダム"}


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["第１章　総説", "文である。", "１．１　目的", "文である。"], [("第1章 総説", "1.1 目的")]),
        (["第一章 総説", "文である。", "第二節 目的", "文である。"], [("第1章 総説", "第2節 目的")]),
        (["第 2-1 章 河道", "文である。", "第 7 節 堤防", "文である。"], [("第2-1章 河道", "第7節 堤防")]),
        (["Chapter 3 Pests", "It is so.", "3.1 Mites", "It is so."], [("Chapter 3 Pests", "3.1 Mites")]),
        (
            ["1 Pests", "It is so.", "1.1 Mites", "It is so.", "1.2 Wasps"],
            [("1 Pests", "1.1 Mites"), ("1 Pests", "1.2 Wasps")],
        ),
    ],
)
def test_numbers_make_headings(tmp_path, lines, expected):
    (tmp_path / "a.txt").write_text("\n\n".join(lines), encoding="utf-8")
    assert places(read_outlines(read_documents([str(tmp_path / "a.txt")]))) == expected


def test_levels_make_headings_where_there_are_no_numbers():
    outlines = outline_of(
        "# 手引き\n\n## 巣箱\n\n### 内検\n\n文である。\n\n#### 細目\n\n文である。\n\n## 採蜜\n\n文である。"
    )
    assert outlines[0].volume.name == "手引き"
    assert [(c.name, [s.name for s in c.sections]) for c in outlines[0].volume.chapters] == [
        ("巣箱", ["内検"]),
        ("採蜜", []),
    ]


def test_a_mention_of_a_chapter_in_the_text_is_no_heading():
    outlines = outline_of("# 第1章 巣箱\n\n第3章 採蜜で述べるように、蜜は秋に採る。\n\n# 第2章 冬\n\n冬の文である。")
    assert [chapter.name for chapter in outlines[0].volume.chapters] == ["巣箱", "冬"]


# ---- what cannot be read ----


def refused(patterns: list[str]) -> str:
    with pytest.raises(InputError) as error:
        read_outlines(read_documents(patterns))
    return str(error.value)


def test_a_pattern_without_a_file_is_named(tmp_path):
    assert "no such file" in refused([f"{tmp_path}/*.md"])


def test_a_scanned_pdf_is_named_with_the_remedy(tmp_path):
    documents.write_pdf(tmp_path / "scan.pdf", text=False)
    message = refused([str(tmp_path / "scan.pdf")])
    assert "scan.pdf: no text on its 3 pages" in message and "OCR" in message


@pytest.mark.parametrize("name", ["a.docx", "a.pdf"])
def test_a_broken_file_is_named(tmp_path, name):
    (tmp_path / name).write_bytes(b"\x00\x01 not what its name says")
    assert f"{name}: not a" in refused([str(tmp_path / name)])


def test_bytes_of_no_encoding_and_unknown_kinds_are_named(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"\x81\xff\xff\xfe\x80" * 3)
    assert "neither UTF-8 nor UTF-16" in refused([str(tmp_path / "a.txt")])
    (tmp_path / "a.doc").write_bytes(b"old")
    assert "a.doc: unknown kind of file; expected one of .md" in refused([str(tmp_path / "a.doc")])


def test_a_document_without_a_heading_is_named(tmp_path):
    (tmp_path / "a.txt").write_text("春から夏の内検は、7日から10日の間隔で行う。\n", encoding="utf-8")
    assert "a.txt: no heading was found" in refused([str(tmp_path / "a.txt")])


def test_files_of_one_name_in_two_folders_are_told_apart(tmp_path: Path):
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        documents.write_markdown(tmp_path / folder / "a.md")
    assert [document.name for document in read_documents([f"{tmp_path}/*/a.md"])] == ["a.md", "a-2.md"]
    assert HEADING in {block.kind for block in read_documents([f"{tmp_path}/one/a.md"])[0].blocks}
