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

# What else the repository's folders bring. Nothing is resolved by this: it tells where a name is
# to be had that nobody who is installed brings.
ADDONS = {
    "en-us": "plugins/voice-en-us",
    "en-us-attention": "plugins/voice-en-us-attention",
    "vocoder-16k": "plugins/vocoder-16k",
    "vocoder-mel-16k": "plugins/vocoder-mel-16k",
}
EXECUTORS = {
    "OnnxRuntime": "plugins/onnxruntime",
    "OnnxRuntimeStatic": "plugins/onnxruntime",
    "OpenVino": "plugins/openvino",
    "OpenVinoStatic": "plugins/openvino",
    "Torch": "plugins/torch",
    "TorchStatic": "plugins/torch",
    "Batching": "plugins/standard",
}
FRONTENDS = {"English": "plugins/english"}
BLOCKS = dict.fromkeys(
    (
        "CustomizedEncoders",
        "Upsampler",
        "Prosody",
        "Decoder",
        "AutoregressiveDecoder",
        "Vocoder",
        "Gain",
        "Phase",
        "Noise",
        "Tap",
    ),
    "plugins/standard",
)

FOLDERS = {
    "command": COMMANDS,
    "addon": ADDONS,
    "executor": EXECUTORS,
    "frontend": FRONTENDS,
    "block": BLOCKS,
}


def where_to_get(name: str, namespace: str) -> str | None:
    """Give the next step for a name that is not installed; None for one that nobody knows."""
    folder = FOLDERS.get(namespace, {}).get(name)
    return folder and f"it is in {folder} of voxstack's repository: pip install ./{folder} there"


def folder_of(distribution: str) -> str | None:
    """Give the folder of voxstack's repository that holds a distribution, "./plugins/x"."""
    if distribution in ("voxstack", "voxstack-template"):
        return "." if distribution == "voxstack" else "./addon_template"
    folder = f"plugins/{distribution.removeprefix('voxstack-')}"
    known = any(folder in names.values() for names in FOLDERS.values())
    return f"./{folder}" if known and distribution.startswith("voxstack-") else None


def examples(namespace: str) -> str:
    """Give an example of a component of a namespace, and how to install it."""
    name, folder = next(iter(FOLDERS[namespace].items()))
    return f"for example {name}: pip install ./{folder} in voxstack's repository"
