"""Who provides a name: discovery, filters, registrations and the registry."""

from voxstack.lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "voxstack.plugins.discovery": "Package known_groups normalized scan",
        "voxstack.plugins.filters": "Blocked Filter site_filters",
        "voxstack.plugins.index": "install_one read_index where_to_get",
        "voxstack.plugins.registration": "Registration",
        "voxstack.plugins.registry": "Registry",
    },
)
