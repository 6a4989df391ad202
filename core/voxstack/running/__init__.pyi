"""What a voice does when it speaks: streams, chunks, programs and fixed shapes."""

from voxstack.running.audio import Audio as Audio
from voxstack.running.audio import WavWriter as WavWriter
from voxstack.running.audio import to_pcm16 as to_pcm16
from voxstack.running.built import BuiltStack as BuiltStack
from voxstack.running.chunking import run_network as run_network
from voxstack.running.fixed.buckets import chosen as chosen
from voxstack.running.fixed.buckets import varying as varying
from voxstack.running.programs import HostedProgram as HostedProgram
from voxstack.running.programs import ProgramCache as ProgramCache
from voxstack.running.programs import buckets_of as buckets_of
from voxstack.running.programs import load_all as load_all
from voxstack.running.stream import Stream as Stream
from voxstack.running.voice import Voice as Voice
from voxstack.running.writing import beside as beside
from voxstack.running.writing import write_atomically as write_atomically
