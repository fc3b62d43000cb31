"""From a page to digit boxes with scores."""
