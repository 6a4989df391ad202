"""Export trained modules to addons: networks and their manifest."""
