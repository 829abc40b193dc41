"""Bytes under names: entries, folders, mappings, journals. Knows no HTTP."""
