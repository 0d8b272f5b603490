"""The set-up, from a name to a site file: what was typed, what it means, and what is wrong with it. No page, no device.

draft      what a person has typed so far, kept until it is written
typed      texts of fields as numbers, times and places, or why they are none
place      name, time zone, coordinates, market zone, connection
found      devices as they answered, and which were chosen
signs      what rose when a kettle was switched on
energy     batteries and arrays, guessed from what devices say
contract   templates of contracts, and their terms
whole      the document that the site file will say
"""
