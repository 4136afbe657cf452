"""The pure core: a person, a track, an agreement and an instant go in, a decision comes out."""

from connector.decide.decider import ON_HOLD, Decider
from connector.decide.office import Office
from connector.decide.tracks import track_from_json, track_to_json

__all__ = ["ON_HOLD", "Decider", "Office", "track_from_json", "track_to_json"]
