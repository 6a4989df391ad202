"""The command line; this is its face for the commands and options of plugins."""

from voxstack.cli.groups import OPEN as OPEN
from voxstack.cli.groups import ROWS as ROWS
from voxstack.cli.groups import PluginCommand as PluginCommand
from voxstack.cli.groups import PluginGroup as PluginGroup
from voxstack.cli.options import Edit as Edit
from voxstack.cli.options import deploy_option as deploy_option
from voxstack.cli.options import filter_options as filter_options
from voxstack.cli.options import host_options as host_options
from voxstack.cli.options import json_option as json_option
from voxstack.cli.options import make_host as make_host
from voxstack.cli.options import parse_edits as parse_edits
from voxstack.cli.options import parse_pairs as parse_pairs
from voxstack.cli.output import check_folder as check_folder
from voxstack.cli.output import echo as echo
from voxstack.cli.output import for_machines as for_machines
from voxstack.cli.output import keep_stdout_clean as keep_stdout_clean
from voxstack.cli.output import print_json as print_json
from voxstack.cli.output import print_table as print_table
from voxstack.cli.output import print_text as print_text
from voxstack.cli.output import printable as printable
from voxstack.cli.picture import stack_tree as stack_tree
from voxstack.cli.program import cli as cli
from voxstack.cli.program import main as main
from voxstack.cli.sinks import check_place as check_place
from voxstack.running import write_atomically as write_atomically
