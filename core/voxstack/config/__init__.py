"""Configuration to typed objects: documents with places, strictly, all problems at once."""

from voxstack.lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "voxstack.config.documents": (
            "Document lookup parse_json parse_value read_text read_toml split"
        ),
        "voxstack.config.problems": "Invalid Invalids invalids_of problems_of",
        "voxstack.config.structure": "SCHEMA_KEY Structurer describe schema_problems structured",
    },
)
