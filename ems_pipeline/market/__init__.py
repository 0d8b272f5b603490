"""What energy costs: price documents -> price per slot; tariffs -> what this site pays and gets.

    document        what every price source delivers, and the checks each document must pass
    ote, ote_chart, entsoe, energy_charts, awattar, spotova_elektrina
                    one module per source: `fetch` talks, `parse` is pure            -> a new price source
    sources         which source serves which market zone, in which order; second source by itself
    knowledge       when a price counts as known, and what a re-import adds
    restate         what a site's prices were in each state of knowledge
    cnb, fx         exchange rates: provisional, then final
    tempo           day colours of the French Tempo contract
    registers       which register and network price a quarter-hour falls into
    tariff          contract terms per slot -> buy and sell price per slot: the only place with that arithmetic
    bill            a month's energy at those prices, as an invoice prints it

Add a source as one module with `NAME`, `ZONES`, `fetch`, `parse` and name it in `sources.SOURCES`.

    settings  addresses, tokens and priorities from the environment
    xml       XML from strangers, read with suspicion
    hdo       Czech ripple control: switching times by signal
"""
