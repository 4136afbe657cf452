"""The agreement between marketing and sales: loaded from a folder of TOML files, checked, frozen."""

from connector.agreement.load import load_agreement
from connector.agreement.schema import json_schemas
from connector.agreement.terms import Agreement

__all__ = ["Agreement", "json_schemas", "load_agreement"]
