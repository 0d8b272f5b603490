"""What a controller can say and be told: files of format `smartgen-map/1`, shipped here and corrected by their owner.

record     a map as validated data            whole       laws of its parts together
allowed    what no map may offer              file        found by name, read, refused with its faults
told       a map in words
"""
