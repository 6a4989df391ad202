"""Fixed shapes: the sizes that are compiled, padding to them, and splitting what is longer."""
