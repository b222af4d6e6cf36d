"""Vendor clients, one module a feed."""
