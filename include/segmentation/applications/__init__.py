"""What segments are used for, one module or folder each.

Nothing imports an application but `pipeline`, `ui` and `report`."""
