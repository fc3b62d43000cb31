"""Labelled data: sources of digits, boxes, label files and dataset folders. Code only; no data lives here."""
