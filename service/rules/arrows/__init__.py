"""The arrows of the state diagram: what each does, its guard directly beside it.

    handling        a report · b answer · c resolve · d raise · e f a deadline is missed
    handovers       g return · h assign
    holds           i hold, extend, approve, refuse · j resume · warned, rescheduled
    verification    k accept · l reject · m verify timeout · n reopen
    endings         o withdraw · p void
    merging         q merge, on both incidents
    corrections     r correct
    floods          s flood
    joint           assist, part done, decline · the departments that a raise names
    judgements      rate, appeal, approve and refuse an appeal
    talk            comment, urge
    moving          no arrow: what several do to a running deadline and its warnings

To add an arrow: name it in `words.Arrow`, write its effect, and its guard if it has one, in the module of its subject,
and give it a row in `lifecycle.TRANSITIONS`. The tables in `tests/rules` then ask who may use it, and the state machine
fails until it has carried the arrow out.
"""
