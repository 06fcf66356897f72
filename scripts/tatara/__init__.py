"""Tatara: from a knowledge graph to a small Japanese language model that knows it, and the measurements that say which
to ship.
"""
