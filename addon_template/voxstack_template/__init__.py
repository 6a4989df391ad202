"""Make new voxstack packages (a component, an executor or a voice) that work at once."""
