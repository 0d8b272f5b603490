"""What the sky will do: weather documents -> one frame per quarter-hour, and where the sun stands.

Every source ends in the same frame ``[starts_at, temperature_c, ghi_w_m2, dni_w_m2, dhi_w_m2, cloud_pct, wind_m_s]``
(`frame.COLUMNS`): keyed by the start of the slot, means over the slot, null where the source says nothing. Add a module
per source; `sun` is the only one that imports pvlib here.

    open_meteo      forecast, earlier runs, reanalysis    forecast_solar  a second opinion on PV
    errors          why a document cannot be used
"""
