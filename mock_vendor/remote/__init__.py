"""Remote signing after the Cloud Signature Consortium's API v2: a small mock, and the software's side."""
