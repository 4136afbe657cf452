"""
FieldMap: the CRM's properties into our fields and back, and records into the people that rules are about.

The only package that knows both vocabularies. Going in, a record becomes *facts*: a JSON table of the few values the
agreement uses, which is what the ledger keeps and compares. Facts of a contact and of everything around it then
become a `Person`. Going out, a wanted value becomes the text the CRM stores. Pure: no I/O, no clock.

    field_map.py  one CRM's mapping, compiled: what to ask for, facts out of records, texts out of values
    words.py      one kind's values as texts and back, for writing and comparing
    places.py     on which record of a person a value stands, as one name
    owning.py     which properties are the connector's alone, and which people set as well
    columns.py    one property as one field, with its type and its words
    values.py     texts of the CRM as values, and values as its texts
    counting.py   counters and "last ..." dates: what they stand at, and when that says that something happened
    people.py     facts of a contact and of what is around it as a person
"""

from connector.fields.columns import CLOSED, STRICT, Facts
from connector.fields.field_map import FieldMap, email_hash
from connector.fields.people import Linked
from connector.fields.words import Words

__all__ = ["CLOSED", "STRICT", "Facts", "FieldMap", "Linked", "Words", "email_hash"]
