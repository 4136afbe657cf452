"""
The shape of each mapping file, as pydantic checks it: keys, types, nothing unknown. What the names in it refer to
is checked afterwards by the rooms that build the terms.
"""
