"""Home Assistant hears of the sites by MQTT, and says what it wants of them. A process: `ems homeassistant run`.

It is a program like any other before the HTTP API: it has a token, and may no more than that says. It opens no device
and no database. Discovery, states and topics: docs/homeassistant.md.

    serve      the process: one thread that listens, looks and tells
    house      what the API says of a site, as one record
    api        the API, asked with the token
    entities   what Home Assistant is told that there is
    states     how it stands, as Home Assistant takes it
    wishes     what is said on a topic becomes a wish, or is refused by name
    dials      what may be wished of an asset, and how much of it
    telling    what the broker has heard already, and what it is told next
    standing   how this process does, for those who look after it
"""
