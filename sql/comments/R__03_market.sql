-- Market

COMMENT ON TABLE ems.market_interval_price IS 'Day-ahead price per market zone, shared by all sites in it; hourly markets repeat the hour''s price.';
COMMENT ON COLUMN ems.market_interval_price.zone IS 'bidding zone';
COMMENT ON COLUMN ems.market_interval_price.price_per_mwh IS 'spot price in the market''s currency';
COMMENT ON COLUMN ems.market_interval_price.resolution_min IS 'minutes of the product it was published for';
COMMENT ON COLUMN ems.market_interval_price.source IS 'who delivered it';
COMMENT ON COLUMN ems.market_interval_price.doubt IS 'why it was believed for want of a better one only (see docs/sources.md); NULL: no doubt';
COMMENT ON COLUMN ems.market_interval_price.known_basis IS 'what `known_at` is: instant of `received`, the source''s `published`, or the `nominal` publication hour of an import made later';

COMMENT ON TABLE ems.fx_rate IS 'Exchange rates per delivery day.';
COMMENT ON COLUMN ems.fx_rate.base IS 'currency of which one unit is priced';
COMMENT ON COLUMN ems.fx_rate.quote IS 'currency of the rate';
COMMENT ON COLUMN ems.fx_rate.rate_on IS 'delivery day';
COMMENT ON COLUMN ems.fx_rate.rate IS 'quote units for one unit of base';
COMMENT ON COLUMN ems.fx_rate.source IS 'who fixed it';

COMMENT ON TABLE ems.tempo_colour IS 'Day colours of the French Tempo contract as announced; `day` runs from 06:00 to 06:00 of the next, Paris. A day without a row is priced with the dearest colour possible.';
COMMENT ON COLUMN ems.tempo_colour.colour IS '`blue`, `white` or `red`';
COMMENT ON COLUMN ems.tempo_colour.source IS 'who said so: `rte`, `tempo-public`';

COMMENT ON TABLE ems.effective_price IS 'What a site pays and is paid per quarter-hour: `market_interval_price`, rate and tariff together.';
COMMENT ON COLUMN ems.effective_price.spot_per_kwh IS 'the market price in the site''s currency, without anything added; NULL where no market price enters the contract and none is known';
COMMENT ON COLUMN ems.effective_price.components IS 'what the prices consist of, by name';
