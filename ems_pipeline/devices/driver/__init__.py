"""What every driver promises and shares, whatever wire it talks on.

contract.py       the only view of hardware         command.py        what may be asked
mapped_driver.py  what is the same on every wire    translation.py    command -> checked writes
document.py       what a JSON document says         fields.py         all its points at once
turns.py          whose turn it is at a wire        password.py       what a wire shows to be let in
"""
