"""Readings become text, drawings, crops and labels."""
