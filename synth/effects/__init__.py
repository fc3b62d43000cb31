"""What inks, light, cameras and scanners do to a page."""
