"""Proofs of the renderings of a run."""
