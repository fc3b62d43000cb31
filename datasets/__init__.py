"""Code that reads and writes labelled data: digit collections, YOLO datasets and other formats."""
