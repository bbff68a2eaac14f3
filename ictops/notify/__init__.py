"""Telling people: who hears of what, when, in which words, and by which way."""
