"""Train voices for voxstack from a recipe, and measure them against their teacher."""
