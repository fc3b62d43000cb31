"""Reading and composing on many machines, with Ray."""
