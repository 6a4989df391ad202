"""Who provides a name: discovery, filters, registrations and the registry."""

from voxstack.plugins.discovery import Package as Package
from voxstack.plugins.discovery import known_groups as known_groups
from voxstack.plugins.discovery import normalized as normalized
from voxstack.plugins.discovery import scan as scan
from voxstack.plugins.filters import Blocked as Blocked
from voxstack.plugins.filters import Filter as Filter
from voxstack.plugins.filters import site_filters as site_filters
from voxstack.plugins.index import install_one as install_one
from voxstack.plugins.index import read_index as read_index
from voxstack.plugins.index import where_to_get as where_to_get
from voxstack.plugins.registration import Registration as Registration
from voxstack.plugins.registry import Registry as Registry
