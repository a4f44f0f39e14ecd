"""The reference vendor: software behind the test interface, written as a stranger would, and its named defects.

Of the project's own code it uses the pack only: the second opinion on the rules.
"""

__version__ = "0.1.0"
