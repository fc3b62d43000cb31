"""Boxes, files, errors and types that all parts of the package use."""
