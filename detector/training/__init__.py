"""Training the detector and the recogniser, exporting and calibrating them."""
