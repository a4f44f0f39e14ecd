"""The ways to evidence: drive a vendor's software, observe it, or read files. Doors gather; they never judge."""
