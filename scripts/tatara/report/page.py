"""What the pages share: one style, figures that stand in the page itself."""

import base64
from pathlib import Path

import jinja2

from tatara.files import write_text


def unbroken(cell: str) -> str:
    """Return a cell of numbers that can break before an interval and after an arrow, and nowhere else."""
    return cell.replace(" ", "\u00a0").replace("\u00a0[", " [").replace("→\u00a0", "→ ")


def inline_figures(paths: list[str], captions: dict[str, str], word: str) -> dict[str, dict]:
    """Return key -> figure as an image that stands in the page itself.

    Args:
        paths: SVG or PNG files whose names begin with a key of `captions`, such as `fig02_…`.
        word: what figures are called, such as `Figure`; the number at the end of the key follows it.
    """
    drawn = {}
    for path in map(Path, paths):
        key = path.stem.split("_")[0]
        data = base64.b64encode(path.read_bytes()).decode("ascii")
        kind = {".svg": "image/svg+xml", ".png": "image/png"}[path.suffix]
        drawn[key] = {"key": key, "title": f"{word} {int(key[-2:])}", "caption": captions[key], "source": f"data:{kind};base64,{data}"}
    return drawn


def write_page(template: str, output: Path | str, **values: object) -> None:
    """Write a page from a template of this folder; a value that the template names and nobody gave is an error."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )  # fmt: skip
    environment.filters["unbroken"] = unbroken
    write_text(output, environment.get_template(template).render(**values))
