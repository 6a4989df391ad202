"""What the modules that move to the kit still ask of the index; goes with them."""

from voxstack.plugins.index import install_one, where_to_get

INSTALL_A_VOICE = install_one("addon")
INSTALL_AN_EXECUTOR = install_one("executor")


def folder_of(distribution: str) -> str | None:
    """Return the folder of voxstack's repository that holds a distribution, "./plugins/x"."""
    how = where_to_get(distribution, "distribution")
    return how.split()[2] if how else None
