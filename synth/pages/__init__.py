"""Pages before they are drawn: texts, lines, layouts, clutter, and the geometry of the page before the camera."""
