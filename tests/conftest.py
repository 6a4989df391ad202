"""What all tests share: which of the installed voices is meant where none is named."""

import os

os.environ["VOXSTACK_VOICE"] = "en-us"
