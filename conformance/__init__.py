"""The conformance suite for the digital school transcript (*học bạ số*): what judges.

A check is a pure function over recorded evidence: doors gather evidence, checks find facts, the specification pack says
which sentence a fact breaks and how bad that is, the manifest decides the verdict, reports only read.
"""

__version__ = "0.1.0"
