"""Specification packs: data only, one folder each."""
