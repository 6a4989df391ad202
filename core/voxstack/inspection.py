"""The face for tooling: what tools need of the host beyond ``voxstack`` itself.

A conformance suite, a lock file or a trace looks at a host from outside: at what is installed, at
the data of an addon, at the parts of a built voice. The names that such tools need are exported
here. They are documented where they are defined, and change more often than the API of
``voxstack``. Nothing of the host imports this module.
"""

from voxstack.lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "voxstack.addons": (
            "FORMAT MANIFEST MAX_FILE MAX_FILES MAX_FRAMES MAX_LINE MAX_MANIFEST MAX_RATIO "
            "MAX_TEXT MAX_TOTAL Control Files FolderFiles Manifest ZipFiles make_addon"
        ),
        "voxstack.blocks": "HIGHEST_RATE LOWEST_RATE Block options_of walk",
        "voxstack.building": (
            "Deployment PluginLists VoiceSettings needed_options read_deployment unavailable"
        ),
        "voxstack.config": "Document lookup parse_json parse_value read_toml split structured",
        "voxstack.errors": "MissingTensorError did_you_mean escape listed shown",
        "voxstack.executors": "Placed",
        "voxstack.hookspecs": "KINDS",
        "voxstack.networks": "DTYPES MASK ROLE",
        "voxstack.plugins": (
            "Filter Package Registration Registry install_one known_groups site_filters "
            "where_to_get"
        ),
        "voxstack.running": "BuiltStack HostedProgram ProgramCache",
        "voxstack.schedule": "DOUBLING",
        "voxstack.utterance": "Utterance",
    },
)
