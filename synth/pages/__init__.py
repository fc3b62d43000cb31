"""What is written on a page and where."""
