"""``planner check --privacy``: a folder of outputs looked through for people and for counts that give them away.

Every file is opened (tables, pages, documents, workbooks, databases, PDFs, archives in archives, base 64); one that cannot be
looked through is a finding. Four questions are asked:

- **People**: identity-card numbers (18 digits with a right check digit and a date of birth, or 15 with a date), mobile numbers;
  and, where the study is given, every name, number and address in the lists of its key groups.
- **Small counts**: a count of a key group above 0 and below ``minimum_count``.
- **Differences**: a published sum less its published parts that leaves one empty cell, or fewer people than the minimum.
- **Together**: what all files of a run say of each empty count, as a system of equations over the demand points: the least and
  the most it can be must be `minimum_count` people apart.

A finding says the file, whether it is public or internal, where, and what kind of thing it is; never the thing itself.
"""

from planner.sources.audit.folder import PUBLIC, audit_output, files_of

__all__ = ["PUBLIC", "audit_output", "files_of"]
