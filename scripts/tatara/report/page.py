"""What the report's pages share: their template, and figures inside the page itself."""

import base64
from pathlib import Path

import jinja2

from tatara.files.text import read_text, write_text
from tatara.files.web_font import font_of

NAMED = {"quant": "Quantization", "hand": "Training or the graph at hand"}  # figures that are none of the paper's


def unbroken(cell: str) -> str:
    """Return a cell of numbers that can break before an interval and after an arrow, and nowhere else."""
    return cell.replace(" ", "\u00a0").replace("\u00a0[", " [").replace("→\u00a0", "→ ")


def inline_figures(paths: list[str], captions: list[str], word: str) -> dict[str, dict]:
    """Return key -> figure as an image that stands in the page itself.

    Args:
        paths: SVG or PNG files whose names begin with a key, such as `fig02_…`.
        captions: report/{key}.rst of each; Snakemake's own report shows them too.
        word: what figures are called, such as `Figure`; the number at the end of the key follows it.
    """
    caption_of = {Path(path).stem: " ".join(read_text(path).split()) for path in captions}
    images = {}
    for path in map(Path, paths):
        key = path.stem.split("_")[0]
        data = base64.b64encode(path.read_bytes()).decode("ascii")
        kind = {".svg": "image/svg+xml", ".png": "image/png"}[path.suffix]
        images[key] = {
            "key": key,
            "title": NAMED.get(key[:-2]) or f"{word} {int(key[-2:])}",
            "caption": caption_of[key],
            "source": f"data:{kind};base64,{data}",
        }
    return images


def write_page(template: str, output: Path | str, **values: object) -> None:
    """Write a page from a template of this folder, with its font in it.

    Raises:
        jinja2.UndefinedError: the template uses a value that is not among `values`.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["unbroken"] = unbroken
    page = environment.get_template(template).render(**values)
    write_text(output, page.replace("FONT_DATA", font_of(page), 1))
