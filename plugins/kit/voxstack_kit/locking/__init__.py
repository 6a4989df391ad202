"""Lock files: the configuration of a voice and the environment that it was built in."""
