"""Figures: each module draws one and has its name; `registry` lists them."""
