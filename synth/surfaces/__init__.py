"""What numbers stand on."""
