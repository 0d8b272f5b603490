-- Colours of the French Tempo contract as announced; the day named runs from 06:00 to 06:00 (ems_pipeline/market/tempo.py).
CREATE TABLE ems.tempo_colour (
    day             date NOT NULL,
    colour          text NOT NULL CHECK (colour IN ('blue', 'white', 'red')),
    source          text NOT NULL,
    known_at        timestamptz NOT NULL,
    recorded_at     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (day, known_at)
);
