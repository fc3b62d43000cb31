"""Sources of glyphs: the digits and characters that composed pictures are made of."""
