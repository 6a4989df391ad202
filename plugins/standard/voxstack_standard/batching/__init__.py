"""Run the calls of concurrent streams as one call of an executor."""

from .executor import Batching

__all__ = ["Batching"]
