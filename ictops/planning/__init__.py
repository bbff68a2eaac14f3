"""Calendar and waves in, a plan out."""
