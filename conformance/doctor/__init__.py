"""``hocba doctor``: what would keep a run from beginning or from meaning anything, each with what to do.

It looks at this machine (:mod:`~conformance.doctor.here`), at the software's description
(:mod:`~conformance.doctor.target`), and takes one case through the software to see whether it reaches the mock Ministry
(:mod:`~conformance.doctor.trial`). It judges nothing.
"""

from conformance.doctor.model import Diagnosis, State, exit_code

__all__ = ["Diagnosis", "State", "exit_code"]
