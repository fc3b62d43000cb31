"""Composed training pictures: digits, layouts, grounds and camera effects, with a tight box for every digit."""
