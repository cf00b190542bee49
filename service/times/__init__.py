"""Times: by when a call is due. Policies hold the time boxes, calendars hold the working days.

`policy_file` is a policy as people write it, `policy_checks` finds its faults, `policies` drafts and activates its
versions. `day_sources` and `calendar_feed` supply days, `calendar_changes` writes them. `routes` serves
`/v1/policies…` and `/v1/calendars…`.
"""
