"""Opening data safely: the files of an addon, its manifest, and what is installed."""

from voxstack.addons.addon import Addon as Addon
from voxstack.addons.addon import Formats as Formats
from voxstack.addons.addon import make_addon as make_addon
from voxstack.addons.addon import read_document as read_document
from voxstack.addons.files import MANIFEST as MANIFEST
from voxstack.addons.files import MAX_FILE as MAX_FILE
from voxstack.addons.files import MAX_FILES as MAX_FILES
from voxstack.addons.files import MAX_MANIFEST as MAX_MANIFEST
from voxstack.addons.files import MAX_RATIO as MAX_RATIO
from voxstack.addons.files import MAX_TEXT as MAX_TEXT
from voxstack.addons.files import MAX_TOTAL as MAX_TOTAL
from voxstack.addons.files import Files as Files
from voxstack.addons.files import FolderFiles as FolderFiles
from voxstack.addons.files import ZipFiles as ZipFiles
from voxstack.addons.files import open_files as open_files
from voxstack.addons.library import Library as Library
from voxstack.addons.manifest import FORMAT as FORMAT
from voxstack.addons.manifest import MAX_FRAMES as MAX_FRAMES
from voxstack.addons.manifest import MAX_LINE as MAX_LINE
from voxstack.addons.manifest import Control as Control
from voxstack.addons.manifest import FileEntry as FileEntry
from voxstack.addons.manifest import Manifest as Manifest
from voxstack.addons.manifest import NetworkManifest as NetworkManifest
