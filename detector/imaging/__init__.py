"""From image files to pages."""
