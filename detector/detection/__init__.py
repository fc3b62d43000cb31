"""From pages to digit boxes with scores."""
