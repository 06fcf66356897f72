"""The page on which a draft is reviewed, draft/review.html: one file without a network, with the whole draft in it."""

import base64
import hashlib
from pathlib import Path

import jinja2
from markupsafe import Markup

from tatara.data.schema import Schema, read_schema
from tatara.draft.accept import place_nodes
from tatara.draft.review import FIELDS, MAY_BE_EMPTY, Tables, choices_of, digest_of, read_tables
from tatara.draft.rules import language_of
from tatara.draft.table import COLUMNS, PLACE, Row, draft_file
from tatara.files.text import read_text, write_text
from tatara.files.web_font import font_of

HERE = Path(__file__).parent
# The page's program, in the order in which its parts need one another.
SCRIPTS = tuple(f"review{part}.js" for part in ("_state", "_list", "_rows", "_form", "_screen", ""))
ENDS = ("start", "end")  # fields that hold a node's id: the page offers names
Place = tuple[str, ...]


def _place_of_rows(tables: Tables) -> tuple[list[Place], dict[str, list[int]]]:
    """Return the places in the order of the documents, and for each table the number of each row's place.

    A term stands where the sentence stands that it has as evidence, which another row has with its place.
    """
    structural = [row for row in tables["nodes"] if not row["evidence"]]
    own = {id_: place for place, id_ in place_nodes(structural, tables["relations"]).items()}
    numbers: dict[Place, int] = {place: number for number, place in enumerate(own.values())}
    sentences: dict[tuple[str, str], Place] = {}
    for row in (row for table in COLUMNS if table != "nodes" for row in tables[table] if row["evidence"]):
        sentences.setdefault((row["file"], row["span_start"]), tuple(row[column] for column in PLACE))

    def place_of(table: str, row: Row) -> Place:
        if row["evidence"]:
            return sentences.get((row["file"], row["span_start"]), ("", "", ""))
        return own.get(row["id"] if table == "nodes" else row.get("end", ""), ("", "", ""))

    rows = {
        table: [numbers.setdefault(place_of(table, row), len(numbers)) for row in tables[table]] for table in COLUMNS
    }
    return list(numbers), rows


def page_data(tables: Tables, schema: Schema) -> dict:
    """Return what the page's program reads, as JSON can hold it: rows without their keys, places by number."""
    places, numbers = _place_of_rows(tables)
    columns = {table: [column for column in COLUMNS[table] if column not in PLACE] for table in COLUMNS}
    return {
        "digest": digest_of(tables),
        "places": places,
        "types": {relation.type: relation.name for relation in schema.relations.values()},
        "fields": FIELDS,
        "mayBeEmpty": MAY_BE_EMPTY,
        "choices": {
            table: {field: values for field, values in choices.items() if field not in ENDS}
            for table, choices in choices_of(tables, schema).items()
        },
        "ends": ENDS,
        "tables": {
            table: {
                "columns": [*columns[table], "place"],
                "rows": [
                    [*(row[column] for column in columns[table]), place]
                    for row, place in zip(tables[table], numbers[table], strict=True)
                ],
            }
            for table in COLUMNS
        },
    }


def write_review_page(path: Path, title: str, tables: Tables, schema: Schema) -> None:
    """Write the page.

    Whatever the documents say is text: it travels as JSON in which `<`, `>`, `&` are escaped, the program writes it as
    text alone, and the page's policy lets no other program run and nothing be fetched.

    Args:
        title: what the draft is called.
        tables: its rows, as they were drafted.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.policies["json.dumps_kwargs"] = {"ensure_ascii": False, "separators": (",", ":")}
    script = "(() => {\n" + "".join(read_text(HERE / name) for name in SCRIPTS) + "})();\n"
    page = environment.get_template("review.html").render(
        title=title,
        language=language_of("".join(row["evidence"] for row in tables["facts"])),
        data=page_data(tables, schema),
        script=Markup(script),
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )
    write_text(path, page.replace("FONT_DATA", font_of(page), 1))


def refresh_review_page(folder: Path) -> Path:
    """Write draft/review.html of a domain's folder unless it is a page of the draft as it is now; return its path.

    It lies beside the tables that it shows, not in results/: a draft comes before any study.

    Raises:
        InputError: no draft, or a row that is wrong (file and line).
    """
    path, tables = draft_file(folder, "nodes").with_name("review.html"), read_tables(folder)
    mark = f'data-digest="{digest_of(tables)}"'
    if not path.is_file() or mark not in read_text(path):
        write_review_page(path, folder.name, tables, read_schema(folder / "schema.yaml"))
    return path
