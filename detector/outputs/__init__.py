"""Readings written as text, JSON, CSV, drawings, crops and labels."""
