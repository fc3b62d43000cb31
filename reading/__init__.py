"""Boxes of digits become numbers: suppression, lines, probabilities, constraints."""
