"""From digit boxes to lines and numbers."""
