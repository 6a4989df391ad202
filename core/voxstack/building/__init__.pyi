"""Configuration to running blocks: components, placement, wiring and deployment."""

from voxstack.building.builder import StackBuilder as StackBuilder
from voxstack.building.components import PROVIDED as PROVIDED
from voxstack.building.components import ExecutorMaker as ExecutorMaker
from voxstack.building.components import needed_options as needed_options
from voxstack.building.deployment import Deployment as Deployment
from voxstack.building.deployment import PluginLists as PluginLists
from voxstack.building.deployment import UserFile as UserFile
from voxstack.building.deployment import VoiceSettings as VoiceSettings
from voxstack.building.deployment import check_buckets as check_buckets
from voxstack.building.deployment import check_settings as check_settings
from voxstack.building.deployment import read_deployment as read_deployment
from voxstack.building.deployment import read_user_file as read_user_file
from voxstack.building.deployment import user_file_path as user_file_path
from voxstack.building.placement import Placement as Placement
from voxstack.building.placement import Preferences as Preferences
from voxstack.building.placement import unavailable as unavailable
