"""Is a genetic result what it seems: confounded, leaked, selected, too good, or underpowered?"""

from gds.studies.audit.cohort import AuditCohort
from gds.studies.audit.run import Audit, AuditOptions, audit_cohort

__all__ = ["Audit", "AuditCohort", "AuditOptions", "audit_cohort"]
