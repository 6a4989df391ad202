"""The commands and options that the kit adds to ``voxstack``."""
