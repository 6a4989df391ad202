"""What a voice does when it speaks: streams, chunks, programs and fixed shapes."""

from voxstack.lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "voxstack.running.audio": "Audio WavWriter to_pcm16",
        "voxstack.running.built": "BuiltStack",
        "voxstack.running.chunking": "run_network",
        "voxstack.running.fixed.buckets": "chosen varying",
        "voxstack.running.programs": "HostedProgram ProgramCache buckets_of file_format load_all",
        "voxstack.running.stream": "Stream",
        "voxstack.running.voice": "Voice",
        "voxstack.running.writing": "beside write_atomically",
    },
)
