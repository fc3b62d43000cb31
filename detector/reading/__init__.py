"""From digit boxes to lines, lattices and numbers.

The steps: lines (skew, reading_order) -> strips -> line_reader and second_reading -> ctc -> evidence -> pooling:
lattices -> decoding (lone_digits, then free_text, or constrained with constraints: pattern, check_digits) -> results.
"""
