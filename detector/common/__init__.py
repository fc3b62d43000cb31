"""What every other part of the package uses: boxes, files, errors, types."""
