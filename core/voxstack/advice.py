"""Next steps that several messages advise, in the same words."""

# No package index has voxstack's packages yet, so that "pip install NAME" would not find them.
INSTALL_A_VOICE = (
    "install a voice package, for example plugins/voice-en-us of voxstack's repository"
)
