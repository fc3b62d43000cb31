"""From pages to digit boxes with scores.

`search` runs the steps: letterbox -> detector -> postprocess (decoding, non-maximum suppression) -> fusion of passes ->
tiles (for small print) -> non-maximum suppression.
"""
