"""Applications of segments, one module or folder each.

Nothing imports an application but `pipeline`, `ui` and `report`.
"""
