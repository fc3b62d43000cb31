"""Reading image files: bytes, paths and arrays become pages of (H, W, 3) uint8 BGR."""
