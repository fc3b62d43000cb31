"""From digit boxes to lines, texts and numbers.

`numbers` runs the steps: calibration -> slots -> drums -> slot_lines (lines: skew, reading_order, gaps) -> segments
(beam_search, constraints: pattern, check_digits) -> results.
"""
