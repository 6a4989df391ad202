"""From trained modules to addons: exported networks and their manifest."""
