"""The standard blocks of voxstack."""
