"""The commands of ``hocba``, one module a subject; ``conformance.cli`` puts them together."""
