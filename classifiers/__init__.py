"""Single digits: the classical recognisers side by side, on the same data and behind one protocol."""
