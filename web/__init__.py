"""A page to try reading on, and the same over HTTP."""
