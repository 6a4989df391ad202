"""Describing components and voices: JSON Schema, reference pages, trees and pictures."""
