"""What all parts of the package use: boxes, files, errors, types."""
