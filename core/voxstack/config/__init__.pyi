"""Configuration to typed objects: documents with places, strictly, all problems at once."""

from voxstack.config.documents import Document as Document
from voxstack.config.documents import lookup as lookup
from voxstack.config.documents import parse_json as parse_json
from voxstack.config.documents import parse_value as parse_value
from voxstack.config.documents import read_text as read_text
from voxstack.config.documents import read_toml as read_toml
from voxstack.config.documents import split as split
from voxstack.config.problems import Invalid as Invalid
from voxstack.config.problems import Invalids as Invalids
from voxstack.config.problems import invalids_of as invalids_of
from voxstack.config.problems import problems_of as problems_of
from voxstack.config.structure import SCHEMA_KEY as SCHEMA_KEY
from voxstack.config.structure import Structurer as Structurer
from voxstack.config.structure import describe as describe
from voxstack.config.structure import schema_problems as schema_problems
from voxstack.config.structure import structured as structured
