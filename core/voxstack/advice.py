"""What the modules that move to the kit still ask of the index; goes with them."""

from voxstack.plugins.index import install_one, read_index

INSTALL_A_VOICE = install_one("addon")
INSTALL_AN_EXECUTOR = install_one("executor")


def folder_of(distribution: str) -> str | None:
    """Return the folder of voxstack's repository that holds a distribution, "./plugins/x"."""
    if distribution == "voxstack":
        return "."
    hows = {entry.distribution: entry.how for entry in read_index()}
    return hows[distribution].split()[2] if distribution in hows else None
