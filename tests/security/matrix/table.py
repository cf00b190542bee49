"""The matrix as the contract has it, written by hand: nothing here asks a rule of the service.

`STANDINGS` says how somebody stands to each story, `OPERATIONS` what such a standing opens, `CHANNELS` who reads an
incident by which way (contract §2 "Who sees and does what", contract-reach §4 "Sights").
"""

from __future__ import annotations

STORIES = ("plain", "climbed", "handed", "closed", "confidential", "merged", "employed", "resolved")
"""The incidents of the matrix: tests/security/matrix/stories.py tells each."""

STANDINGS = """
                 plain climbed handed closed confidential merged employed resolved
worker           Fr    Fr      Fr     Fr     Fr           Fr     Mx       Fr
colleague        Mx    Mx      Mx     Mx     0            Mx     Mx       Mx
stranger         0     0       0      0      0            0      0        0
follower         Mx    Mx      Mx     Mx     0            Mf     Mx       Mf
vendor           Mx    Mx      Mx     Mx     0            Mx     Fx       Mx
vendor_worker    Mx    Mx      Mx     Mx     0            Mx     Fr       Mx
other_vendor     0     0       0      0      0            0      0        0
community        Fcu   Fcb     Fcb    Fcb    Fcb          Fcu    Fcu      Fcb
other_community  0     0       0      0      0            0      0        0
street           Fs    Fsb     Fsb    Fsb    Fsb          Fs     Fs       Fsu
other_street     0     0       0      0      0            0      0        0
department       0     Fu      0      Mb     Fu           0      0        0
other_department 0     0       0      Fu     0            0      0        0
police           0     Sa      0      Ma     Sa           0      0        0
team             0     0       Fu     0      0            0      0        0
station          0     0       Sa     0      0            0      0        0
leader           0     Fp      Fp     0      Fp           0      0        0
other_leader     0     0       0      0      0            0      0        0
firm             Sm    0       Sa     Md     0            Sm     0        0
other_firm       0     0       0      0      0            0      0        0
auditor          Me    Me      Me     Me     Me           Me     Me       Me
ops              Fo    Foq     Foq    Fo     Foq          Fo     Fo       Fo
security         0     0       0      0      0            0      0        0
"""
"""The sight – F full, S shared, M masked, 0 none (404) – and every standing of `LETTERS`."""

LETTERS = {
    "r": "reporter",
    "f": "follower",  # reported an incident that was merged into this one
    "x": "area",  # reads because it lies in its area, or because its worker reported it; acts on nothing
    "c": "cell_community",
    "s": "cell_street",
    "u": "called_unit",
    "b": "audience",  # was called before
    "d": "audience",  # assisted in a call before
    "a": "assisting",
    "p": "approver",
    "q": "approver",  # ops, who may decide in the leader's place, but have no part in it as a unit has
    "m": "member",  # a partner that may answer for its parent
    "e": "auditor",
    "o": "ops",
}
"""Each letter with the relation that it stands for; all relations are here but `NO_STANDING`."""
NO_STANDING = {"resolver"}
"""Who resolved may neither accept nor reject, and is the called unit in every story here."""
SIGHTS = {"F": "full", "S": "shared", "M": "masked"}

OPERATIONS = """
rcso !u accept
um      answer
c       appeal
o       appeals/{seq}/approve
o       appeals/{seq}/refuse
uo      assign
u       assist
rfcsubadp comment
so      correct
a       decline
u       extend
u       hold
so      merge
a       part-done
u       raise
rfs     rate
rfcso !u reject
rfs     reopen
pq      requests/{n}/approve
pq      requests/{n}/refuse
u       resolve
upq     resume
u       return
csubpeo reveal
rfcsbadp !um urge
u       void
r       withdraw
"""
"""Which standings let somebody in, and after `!` which of them never. Everybody else who sees the incident gets
403. The first call, which is named in an appeal, was the community's in every story."""

ONLY_IN = {"appeals": ("climbed",), "requests": ("climbed", "handed", "confidential")}
"""The stories that have an appeal, and those with a request that waits: elsewhere there is no such thing (404)."""
BARRED = {("community", "resolved"): ("accept", "reject")}
"""Who has the standing for an act and is refused it all the same: what a unit above has resolved is not for the units
below it to judge."""
NAMES_WORKER = {"accept", "comment", "rate", "reject", "reopen", "urge", "withdraw"}
"""The acts of a vendor's worker, whose body names it."""
OPS_ALONE_IN_CONFIDENCE = {"reveal"}

CHANNELS = {
    ("GET /v1/incidents/{incident_id}", "application/json"): "single",
    ("GET /v1/incidents/{incident_id}/timeline", "application/json"): "single",
    ("GET /v1/incidents/{incident_id}/plan", "application/json"): "single",
    ("GET /v1/incidents/{incident_id}/deadline", "application/json"): "single",
    ("GET /v1/incidents/{incident_id}/similar", "application/json"): "single",
    ("GET /v1/incidents", "application/json"): "list",
    ("GET /v1/queues/{unit}", "application/json"): "queue",
    ("GET /v1/events", "application/json"): "feed",
    ("GET /v1/appraisal/calls", "application/json"): "figures",
    ("GET /v1/appraisal/calls", "text/csv"): "figures",
    ("GET /v1/appraisal/calls", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"): "figures",
    ("GET /v1/appraisal/watch/calls", "application/json"): "watch",
    ("POST /v1/incidents", "application/json"): "again",
    ("POST /v1/incidents/batch", "application/json"): "again",
}
"""Every way by which an incident is read, with the rule for who reads it there. The answers to acts are those of
`OPERATIONS`."""

UNSEEN_IN_FEED = ("m", "am")
"""A partner sees of the feed what it assisted in, and not what it only may answer."""
FIGURES = "csub"
"""Whose calls count in its own figures, or lie in its area; auditors and ops read all, other units see none of it."""
QUEUES = {
    "plain": ("community", "street", "firm"),
    "climbed": ("department",),
    "handed": ("street", "team"),
    "closed": (),
    "confidential": ("department",),
    "merged": ("community", "street", "firm"),
    "employed": ("community", "street"),
    "resolved": ("street",),
}
"""Who reads the story in the queue of the unit that is called, besides auditors and ops: the unit itself, the street or
community that it lies in, and a partner that may answer. What
is closed waits in no queue."""


def sight_of(who: str, story: str) -> str:
    """The sight that somebody has of a story: a letter of `SIGHTS`, or 0."""
    return _standing(who, story)[0]


def standing_of(who: str, story: str) -> str:
    """How somebody stands to a story: letters of `LETTERS`."""
    return _standing(who, story)[1:]


def _standing(who: str, story: str) -> str:
    return STANDING[who][STORIES.index(story)]


STANDING = {line.split()[0]: line.split()[1:] for line in STANDINGS.strip().splitlines()[1:]}
ALLOWED = {line.split()[-1]: line.split()[:-1] for line in OPERATIONS.strip().splitlines()}


def mark_of(who: str, story: str, verb: str) -> str:
    """What somebody gets who acts on a story, as `tests/security/test_operations.py` writes it."""
    sight, standing = sight_of(who, story), set(standing_of(who, story))
    if sight == "0":
        return "0"
    if story not in ONLY_IN.get(verb.partition("/")[0], (story,)):
        return "0"
    if story == "confidential" and verb in OPS_ALONE_IN_CONFIDENCE:
        return "+" if "o" in standing else "-"
    if verb in BARRED.get((who, story), ()):
        return "-"
    allowed, *never = ALLOWED[verb]
    barred = standing & set("".join(never))
    return "+" if standing & set(allowed) and not barred else "-"
