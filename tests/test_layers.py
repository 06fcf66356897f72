"""The picture of the package's layers is drawn from its real imports."""

import re

import draw_layers
import pytest
from pipeline_copy import REPOSITORY

PACKAGE = REPOSITORY / "scripts" / "tatara"


def a_package(folder, imports):
    """Write a package of empty layers, some of which import others."""
    for name in draw_layers.ORDER:
        (folder / name).mkdir()
        (folder / name / "__init__.py").write_text(f'"""The layer {name}."""\n', encoding="utf-8")
    for name, text in imports.items():
        (folder / name / "module.py").write_text(text, encoding="utf-8")
    return folder


def test_the_layers_are_the_package_s_own(tmp_path):
    layers = {layer.name: layer for layer in draw_layers.read_layers(PACKAGE)}
    assert list(layers) == list(draw_layers.ORDER)
    assert "stats" in layers["measure"].modules and "figures/style" in layers["report"].modules
    assert {"measure", "files"} <= layers["report"].imports and not layers["job"].imports
    draw_layers.draw(list(layers.values()), tmp_path / "layers.svg")
    text = (tmp_path / "layers.svg").read_text(encoding="utf-8")
    arrows = sum(len(layer.imports) for layer in layers.values())
    # A box is one path, an arrow two: its line and its head.
    assert text.count("<path") >= len(layers) + 2 * arrows
    draw_layers.draw(list(layers.values()), tmp_path / "again.svg")
    assert (tmp_path / "again.svg").read_text(encoding="utf-8") == text


def test_imports_are_found_in_every_form_and_anywhere(tmp_path):
    forms = {
        "data": "from tatara.files import text\n",
        "llama": "import tatara.job.errors\n",
        "models": "def load():\n    from tatara import data\n    return data\n",
    }
    layers = {layer.name: layer.imports for layer in draw_layers.read_layers(a_package(tmp_path, forms))}
    assert (layers["data"], layers["llama"], layers["models"]) == ({"files"}, {"job"}, {"data"})


def test_an_import_of_what_stands_above_is_refused(tmp_path):
    package = a_package(tmp_path, {"data": "from tatara.report import cards\n"})
    with pytest.raises(SystemExit, match="data imports report, above it"):
        draw_layers.read_layers(package)


def test_a_layer_that_nobody_ordered_is_named(tmp_path):
    package = a_package(tmp_path, {})
    (package / "extra").mkdir()
    (package / "extra" / "__init__.py").write_text('"""One more."""\n', encoding="utf-8")
    with pytest.raises(SystemExit, match=re.escape("differ in extra")):
        draw_layers.read_layers(package)
