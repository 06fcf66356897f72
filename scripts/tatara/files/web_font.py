"""A font with the glyphs that a page needs, to stand in the page itself."""

import base64
import io

import matplotlib_fontja
from fontTools import subset


def font_of(text: str) -> str:
    """Return the figures' Japanese font with the characters of a text alone, as a data address.

    Readers whose system has no Japanese font need it.
    """
    options = subset.Options(
        flavor="woff",
        notdef_outline=True,
        desubroutinize=True,
        hinting=False,
        layout_features=[],
        ignore_missing_glyphs=True,
    )
    font = subset.load_font(matplotlib_fontja.get_font_ttf_path(), options)
    cutter = subset.Subsetter(options)
    cutter.populate(unicodes={ord(letter) for letter in text if letter > "\x7f"})
    cutter.subset(font)
    buffer = io.BytesIO()
    subset.save_font(font, buffer, options)
    return f"data:font/woff;base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}"
