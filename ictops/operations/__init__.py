"""One module a verb: what ictops can be asked to do."""
