"""Configuration to running blocks: components, placement, wiring and deployment."""

from voxstack.lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "voxstack.building.builder": "StackBuilder",
        "voxstack.building.components": "PROVIDED ExecutorMaker needed_options",
        "voxstack.building.deployment": (
            "Deployment PluginLists UserFile VoiceSettings check_buckets check_settings "
            "read_deployment read_user_file user_file_path"
        ),
        "voxstack.building.placement": "Placement Preferences unavailable",
    },
)
