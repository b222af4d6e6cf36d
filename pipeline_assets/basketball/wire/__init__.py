"""The vendor's vocabulary: named and typed fields for everything that is read of its answers."""
