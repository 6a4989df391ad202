"""Opening data safely: the files of an addon, its manifest, and what is installed."""

from voxstack.lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "voxstack.addons.addon": "Addon Formats make_addon read_document",
        "voxstack.addons.files": "MANIFEST Files FolderFiles ZipFiles open_files",
        "voxstack.addons.library": "Library",
        "voxstack.addons.manifest": "Control FileEntry Manifest NetworkManifest",
    },
)
