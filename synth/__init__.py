"""Compose training pictures of numbers, with a tight box for every digit."""
