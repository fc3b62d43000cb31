"""Glyphs: where the digits of composed pictures come from."""
