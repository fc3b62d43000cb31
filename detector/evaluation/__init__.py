"""Readings compared with the truth: metrics, tables and the HTML report."""
