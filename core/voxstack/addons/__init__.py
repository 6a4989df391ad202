"""Opening data safely: the files of an addon, its manifest, and what is installed."""

from voxstack.lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "voxstack.addons.addon": "Addon Formats make_addon read_document",
        "voxstack.addons.files": (
            "MANIFEST MAX_FILE MAX_FILES MAX_MANIFEST MAX_RATIO MAX_TEXT MAX_TOTAL Files "
            "FolderFiles ZipFiles open_files"
        ),
        "voxstack.addons.library": "Library",
        "voxstack.addons.manifest": (
            "FORMAT MAX_FRAMES MAX_LINE Control FileEntry Manifest NetworkManifest"
        ),
    },
)
