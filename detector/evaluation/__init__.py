"""Readings compared with known numbers: metrics, comparison of models, terminal tables and HTML reports."""
