"""Training, exporting, measuring and calibrating models."""
