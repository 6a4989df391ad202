"""The face for tooling: what tools need of the host beyond ``voxstack`` itself.

A conformance suite, a lock file or a trace looks at a host from outside: at what is installed, at
the data of an addon, at the parts of a built voice. The names that such tools need are exported
here. They are documented where they are defined, and change more often than the API of
``voxstack``. Nothing of the host imports this module.
"""

from voxstack.addons import FORMAT as FORMAT
from voxstack.addons import MANIFEST as MANIFEST
from voxstack.addons import MAX_FILE as MAX_FILE
from voxstack.addons import MAX_FILES as MAX_FILES
from voxstack.addons import MAX_FRAMES as MAX_FRAMES
from voxstack.addons import MAX_LINE as MAX_LINE
from voxstack.addons import MAX_MANIFEST as MAX_MANIFEST
from voxstack.addons import MAX_RATIO as MAX_RATIO
from voxstack.addons import MAX_TEXT as MAX_TEXT
from voxstack.addons import MAX_TOTAL as MAX_TOTAL
from voxstack.addons import Files as Files
from voxstack.addons import FolderFiles as FolderFiles
from voxstack.addons import Manifest as Manifest
from voxstack.addons import ZipFiles as ZipFiles
from voxstack.addons import make_addon as make_addon
from voxstack.addons import open_files as open_files
from voxstack.addons import read_document as read_document
from voxstack.blocks import HIGHEST_RATE as HIGHEST_RATE
from voxstack.blocks import LOWEST_RATE as LOWEST_RATE
from voxstack.blocks import Block as Block
from voxstack.blocks import options_of as options_of
from voxstack.blocks import walk as walk
from voxstack.building import Deployment as Deployment
from voxstack.building import PluginLists as PluginLists
from voxstack.building import VoiceSettings as VoiceSettings
from voxstack.building import needed_options as needed_options
from voxstack.building import read_deployment as read_deployment
from voxstack.building import unavailable as unavailable
from voxstack.config import Document as Document
from voxstack.config import Structurer as Structurer
from voxstack.config import escape as escape
from voxstack.config import lookup as lookup
from voxstack.config import parse_json as parse_json
from voxstack.config import parse_value as parse_value
from voxstack.config import read_toml as read_toml
from voxstack.config import split as split
from voxstack.config import structure as structure
from voxstack.errors import MissingTensorError as MissingTensorError
from voxstack.errors import did_you_mean as did_you_mean
from voxstack.errors import listed as listed
from voxstack.errors import shown as shown
from voxstack.executors import Placed as Placed
from voxstack.hookspecs import GROUPS as GROUPS
from voxstack.hookspecs import HOOKS as HOOKS
from voxstack.hookspecs import KINDS as KINDS
from voxstack.networks import DTYPES as DTYPES
from voxstack.networks import MASK as MASK
from voxstack.networks import ROLE as ROLE
from voxstack.plugins import Filter as Filter
from voxstack.plugins import Package as Package
from voxstack.plugins import Registration as Registration
from voxstack.plugins import Registry as Registry
from voxstack.plugins import examples as examples
from voxstack.plugins import known_groups as known_groups
from voxstack.plugins import normalised as normalised
from voxstack.plugins import scan as scan
from voxstack.plugins import site_filters as site_filters
from voxstack.plugins import where_to_get as where_to_get
from voxstack.running import BuiltStack as BuiltStack
from voxstack.running import HostedProgram as HostedProgram
from voxstack.running import ProgramCache as ProgramCache
from voxstack.running import buckets_of as buckets_of
from voxstack.running import chosen as chosen
from voxstack.running import write_atomically as write_atomically
from voxstack.schedule import DOUBLING as DOUBLING
from voxstack.utterance import Utterance as Utterance
