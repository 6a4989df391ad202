"""voxstack: a minimal host for neural speech models."""

from voxstack.addons import Addon as Addon
from voxstack.blocks import AudioFormat as AudioFormat
from voxstack.blocks import Frontend as Frontend
from voxstack.blocks import SequenceBlock as SequenceBlock
from voxstack.blocks import StreamableBlock as StreamableBlock
from voxstack.blocks import Symbols as Symbols
from voxstack.containers import Encoders as Encoders
from voxstack.containers import StreamablePipeline as StreamablePipeline
from voxstack.containers import StreamableStack as StreamableStack
from voxstack.errors import AddonError as AddonError
from voxstack.errors import BlockError as BlockError
from voxstack.errors import ConfigError as ConfigError
from voxstack.errors import InputError as InputError
from voxstack.errors import NetworkError as NetworkError
from voxstack.errors import PluginError as PluginError
from voxstack.errors import Problem as Problem
from voxstack.errors import VoxstackError as VoxstackError
from voxstack.executors import Buckets as Buckets
from voxstack.executors import Executor as Executor
from voxstack.executors import Program as Program
from voxstack.executors import Session as Session
from voxstack.executors import Static as Static
from voxstack.formats import Description as Description
from voxstack.formats import Format as Format
from voxstack.formats import FormatError as FormatError
from voxstack.formats import Signature as Signature
from voxstack.hookspecs import Component as Component
from voxstack.hookspecs import hookimpl as hookimpl
from voxstack.host import Host as Host
from voxstack.networks import Network as Network
from voxstack.networks import TensorSpec as TensorSpec
from voxstack.networks import network as network
from voxstack.running import Audio as Audio
from voxstack.running import Stream as Stream
from voxstack.running import Voice as Voice
from voxstack.running import run_network as run_network
from voxstack.schedule import Schedule as Schedule
from voxstack.tensors import Chunk as Chunk
from voxstack.tensors import Mark as Mark
from voxstack.tensors import Sentence as Sentence
from voxstack.tensors import Tensors as Tensors
from voxstack.utterance import current_utterance as current_utterance

__version__: str
