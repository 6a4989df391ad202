"""Who provides a name, and where to get what is not installed."""
