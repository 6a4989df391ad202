"""voxstack: a minimal host for neural speech models.

The public API is what this module exports.
"""

from voxstack.lazy import attach

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "voxstack.addons": "Addon",
        "voxstack.blocks": "AudioFormat Frontend SequenceBlock StreamableBlock Symbols",
        "voxstack.containers": "Encoders StreamablePipeline StreamableStack",
        "voxstack.errors": (
            "AddonError BlockError ConfigError InputError NetworkError PluginError Problem "
            "VoxstackError"
        ),
        "voxstack.executors": "Buckets Executor Program Session Static",
        "voxstack.formats": "Description Format FormatError Signature",
        "voxstack.hookspecs": "Component hookimpl",
        "voxstack.host": "Host",
        "voxstack.networks": "Network TensorSpec network",
        "voxstack.running": "Audio Stream Voice run_network",
        "voxstack.schedule": "Schedule",
        "voxstack.tensors": "Chunk Mark Sentence Tensors",
        "voxstack.utterance": "current_utterance",
    },
)
