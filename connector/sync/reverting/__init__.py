"""
Reverting a run (G8): what still holds its values is put back, and is left alone from then on.

    running.py   the run that reverts another one, and what becomes of one that died
    planning.py  everybody the run wrote to, against the CRM and the ledger: what is to be put back, as planned changes
    standing.py  one person's values against what stands now: which may be put back, and why the others may not
    tracks.py    one person's tracks, back where they were before the run
"""
