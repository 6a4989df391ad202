"""The networks of the voices, in the form in which they are exported."""
