"""What a device can say and be told, as validated data, and what its answers mean.

point_map.py       the schema of `maps/`      point.py           one value
recipe.py          how it obeys, as data
map_rules.py       several values together    link.py            how requests are shaped
place.py           where it stands on Modbus
map_file.py        files, found and read      map_faults.py      what is wrong with one
map_document.py    a map for people           growth.py          a map fitted to its device
quantities.py      the vocabulary             sunspec_models.py  SunSpec points as data
codec.py           values -> words            decoding.py        words -> values
samples.py         one point off the wire     fault_words.py     a device's own faults
sampling.py        names -> readings          reading.py         value, age, quality, reason
map_content.py     a map as it was, to be kept
per_map.py         what is worked out from a map, once    variants.py    firmwares that scale otherwise
"""
