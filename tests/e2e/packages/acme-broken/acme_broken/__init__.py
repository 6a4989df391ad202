"""A package that breaks in three ways."""
