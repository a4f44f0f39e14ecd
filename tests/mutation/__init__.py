"""Mutation testing: does any test notice when a line of the judging code is wrong? (docs/mutation.md)."""
