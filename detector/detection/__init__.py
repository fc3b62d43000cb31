"""From pages to digit boxes with scores.

`search` runs the steps: letterbox -> detector -> postprocess (decoding, non-maximum suppression) -> fusion of passes ->
proposals -> tiles (for small digits in large pictures) -> non-maximum suppression.
"""
