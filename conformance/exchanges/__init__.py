"""Exchanges to replay (appendix2.md §3): data in the pack, one player."""

from conformance.exchanges.model import ExchangeSpec, Expectation, load_exchanges

__all__ = ["ExchangeSpec", "Expectation", "load_exchanges"]
