"""Reading and composing on a Ray cluster."""
