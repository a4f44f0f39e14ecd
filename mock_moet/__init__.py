"""The mock Ministry: the connection service of appendix 2, for tests only."""
