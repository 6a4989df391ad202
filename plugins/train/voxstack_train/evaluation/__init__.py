"""What a voice is worth, measured against its teacher: `voxstack evaluate`."""
