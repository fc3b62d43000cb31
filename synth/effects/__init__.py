"""Inks, and the effects of light, cameras and scanners on a page."""
