"""The shipped model, and the module that reads and writes model files."""
