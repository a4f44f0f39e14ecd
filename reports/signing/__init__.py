"""Signed results: a canonical manifest of digests, a detached signature of the testing body, and their verification."""
