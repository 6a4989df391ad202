"""Next steps that several messages advise, in the same words."""

# No package index has voxstack's packages yet, so that "pip install NAME" would not find them.
INSTALL_A_VOICE = (
    "install a voice package, for example plugins/voice-en-us of voxstack's repository"
)
INSTALL_AN_EXECUTOR = "install one, for example plugins/onnxruntime of voxstack's repository"

# Commands that come in packages of their own, and the repository's folders that bring them.
COMMANDS = {
    "train": "plugins/train",
    "evaluate": "plugins/train",
    "addon.new": "addon_template",
    "addon.pack": "plugins/pack",
}


def install_command(name: str) -> str | None:
    """Give the next step for a command that is not installed; None for one that nobody knows."""
    folder = COMMANDS.get(name)
    return None if folder is None else f"it is in {folder} of voxstack's repository: install that"
