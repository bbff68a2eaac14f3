"""A plan in, shards and their events out."""
