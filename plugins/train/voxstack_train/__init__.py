"""Train voices for voxstack by a recipe, and measure them against their teacher."""
