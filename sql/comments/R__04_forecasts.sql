-- Weather and forecasts
-- Every issue of a forecast is kept. A read takes, per quarter-hour, the newest issue recorded at its decision, and what was made
-- of it afterwards where there was none.

COMMENT ON TABLE ems.weather_forecast IS 'What weather services expected at a site, every issue of theirs.';
COMMENT ON COLUMN ems.weather_forecast.temperature_c IS 'air, 2 m above ground';
COMMENT ON COLUMN ems.weather_forecast.ghi_w_m2 IS 'global horizontal irradiance, mean of the quarter-hour';
COMMENT ON COLUMN ems.weather_forecast.dni_w_m2 IS 'direct normal irradiance';
COMMENT ON COLUMN ems.weather_forecast.dhi_w_m2 IS 'diffuse horizontal irradiance';
COMMENT ON COLUMN ems.weather_forecast.cloud_pct IS 'cloud cover, 0..100';
COMMENT ON COLUMN ems.weather_forecast.wind_m_s IS 'wind, 10 m above ground';
COMMENT ON COLUMN ems.weather_forecast.source IS 'weather service';

COMMENT ON TABLE ems.weather_observation IS 'What the weather was, from an archive that lags by days.';

COMMENT ON TABLE ems.pv_forecast IS 'PV power per plane of modules, not curtailed.';
COMMENT ON COLUMN ems.pv_forecast.power_w IS 'expected mean power';
COMMENT ON COLUMN ems.pv_forecast.p10_w IS 'lower edge of the 80 % band';
COMMENT ON COLUMN ems.pv_forecast.p90_w IS 'upper edge of the 80 % band';
COMMENT ON COLUMN ems.pv_forecast.model IS 'what made it';

COMMENT ON TABLE ems.load_forecast IS 'House load without its planned devices.';
COMMENT ON COLUMN ems.load_forecast.power_w IS 'expected mean power';
COMMENT ON COLUMN ems.load_forecast.p10_w IS 'lower edge of the 80 % band';
COMMENT ON COLUMN ems.load_forecast.p90_w IS 'upper edge of the 80 % band';
COMMENT ON COLUMN ems.load_forecast.model IS 'what made it';

COMMENT ON TABLE ems.heat_demand_forecast IS 'Heat each house loses in the middle of its comfort band.';
COMMENT ON COLUMN ems.heat_demand_forecast.outdoor_c IS 'expected outdoor temperature';
COMMENT ON COLUMN ems.heat_demand_forecast.heat_w IS 'heat needed to hold the temperature';
COMMENT ON COLUMN ems.heat_demand_forecast.cop IS 'heat per electricity of the heat pump at that temperature';
COMMENT ON COLUMN ems.heat_demand_forecast.model IS 'building model, and where the COP comes from';

COMMENT ON TABLE ems.ev_session_forecast IS 'When cars are expected; keyed by arrival, not by quarter-hour. An issue is whole per charger; where nobody is expected it is one row of probability 0 over the time it speaks of.';
COMMENT ON COLUMN ems.ev_session_forecast.arrives_at IS 'expected plug-in';
COMMENT ON COLUMN ems.ev_session_forecast.departs_at IS 'expected departure';
COMMENT ON COLUMN ems.ev_session_forecast.energy_wh IS 'energy wanted by then';
COMMENT ON COLUMN ems.ev_session_forecast.probability IS 'that the car comes at all, 0..1';
COMMENT ON COLUMN ems.ev_session_forecast.model IS 'habit stated in the site file, or learnt';

COMMENT ON TABLE ems.baseline_consumption IS 'Expected house load from measured history alone, by `fn_baseline_consumption`.';
COMMENT ON COLUMN ems.baseline_consumption.power_w IS 'mean of the same slot on the same kind of day';
COMMENT ON COLUMN ems.baseline_consumption.samples IS 'days it is a mean of';

COMMENT ON TABLE ems.cop_history IS 'Quarter-hours in which a heat pump ran steadily.';
COMMENT ON COLUMN ems.cop_history.outdoor_c IS 'outdoor temperature';
COMMENT ON COLUMN ems.cop_history.flow_c IS 'water temperature leaving the heat pump';
COMMENT ON COLUMN ems.cop_history.electric_w IS 'electric power';
COMMENT ON COLUMN ems.cop_history.heat_w IS 'heat delivered: flow times temperature rise';
COMMENT ON COLUMN ems.cop_history.cop IS '`heat_w / electric_w`';

COMMENT ON TABLE ems.cop_curve IS 'The curve fitted to `cop_history`, as `fn_cop_estimate` evaluates it.';
COMMENT ON COLUMN ems.cop_curve.efficiency IS 'share of the Carnot COP reached at 35 K of lift';
COMMENT ON COLUMN ems.cop_curve.drift_per_k IS 'change of that share per kelvin of lift';
COMMENT ON COLUMN ems.cop_curve.samples IS 'quarter-hours it was fitted to';

COMMENT ON TABLE ems.building_response IS 'How a heated house loses and keeps heat, fitted daily to its own telemetry of 60 days. Used instead of the site file''s values where both of its values are within a factor of two of them.';
COMMENT ON COLUMN ems.building_response.heat_loss_w_per_k IS 'heat lost per kelvin between inside and outside';
COMMENT ON COLUMN ems.building_response.heat_capacity_wh_per_k IS 'heat that warms the house by a kelvin';
COMMENT ON COLUMN ems.building_response.gains_w IS 'mean heat of people, appliances and sun';
COMMENT ON COLUMN ems.building_response.residual_w IS 'spread of the heat flow the fit leaves unexplained, windows of three hours';
COMMENT ON COLUMN ems.building_response.windows IS 'windows it was fitted to';

COMMENT ON TABLE ems.forecast_model IS 'Trained models as text, so that any forecast can be made again.';
COMMENT ON COLUMN ems.forecast_model.target IS 'what it forecasts';
COMMENT ON COLUMN ems.forecast_model.model IS 'its kind';
COMMENT ON COLUMN ems.forecast_model.document IS 'the model itself';
COMMENT ON COLUMN ems.forecast_model.trained_from IS 'first measurement it saw';
COMMENT ON COLUMN ems.forecast_model.trained_to IS 'end of the measurements it saw';
COMMENT ON COLUMN ems.forecast_model.role IS '`live`, `shadow` (scored, not used) or `retired`';

COMMENT ON TABLE ems.forecast_score IS 'Errors per day, target, horizon and model; the reference model is scored beside the others.';
COMMENT ON COLUMN ems.forecast_score.target IS '`load` or `pv`';
COMMENT ON COLUMN ems.forecast_score.horizon IS 'how far ahead the forecast looked: `0-4 h`, `4-12 h`, `12-36 h`, `36 h+`';
COMMENT ON COLUMN ems.forecast_score.model IS 'the forecast''s model; `last-week` and `yesterday` are the references';
COMMENT ON COLUMN ems.forecast_score.samples IS 'quarter-hours with forecast and measurement';
COMMENT ON COLUMN ems.forecast_score.mae_w IS 'mean absolute error';
COMMENT ON COLUMN ems.forecast_score.nrmse IS 'root mean square error over the mean measured value';
COMMENT ON COLUMN ems.forecast_score.bias_w IS 'mean error, positive: forecast too high';
COMMENT ON COLUMN ems.forecast_score.coverage_pct IS 'measurements inside the 80 % band';
COMMENT ON COLUMN ems.forecast_score.skill_naive IS '1 - error / error of the reference on the same quarter-hours; 0: as good as free';

-- What is made for an instant, and when.
COMMENT ON COLUMN ems.weather_forecast.is_hindsight IS 'made afterwards: it counts where nothing was forecast then, and nowhere else';
COMMENT ON COLUMN ems.pv_forecast.is_hindsight IS 'made afterwards: it counts where nothing was forecast then, and nowhere else';
COMMENT ON COLUMN ems.load_forecast.is_hindsight IS 'made afterwards: it counts where nothing was forecast then, and nowhere else';
COMMENT ON COLUMN ems.heat_demand_forecast.is_hindsight IS 'made afterwards: it counts where nothing was forecast then, and nowhere else';
COMMENT ON COLUMN ems.ev_session_forecast.is_hindsight IS 'made afterwards: it counts where nothing was forecast then, and nowhere else';
COMMENT ON COLUMN ems.baseline_consumption.is_hindsight IS 'made afterwards: it counts where nothing was forecast then, and nowhere else';
COMMENT ON COLUMN ems.forecast_score.is_hindsight IS 'of quarter-hours that were forecast only afterwards';
COMMENT ON COLUMN ems.weather_forecast.known_at IS 'the instant it was made for: nothing known later went into it';
COMMENT ON COLUMN ems.weather_forecast.recorded_at IS 'when it was made: what was recorded by an instant is what was known then, before anything made for that instant afterwards';
COMMENT ON COLUMN ems.pv_forecast.known_at IS 'the instant it was made for: nothing known later went into it';
COMMENT ON COLUMN ems.pv_forecast.recorded_at IS 'when it was made: what was recorded by an instant is what was known then, before anything made for that instant afterwards';
COMMENT ON COLUMN ems.load_forecast.known_at IS 'the instant it was made for: nothing known later went into it';
COMMENT ON COLUMN ems.load_forecast.recorded_at IS 'when it was made: what was recorded by an instant is what was known then, before anything made for that instant afterwards';
COMMENT ON COLUMN ems.heat_demand_forecast.known_at IS 'the instant it was made for: nothing known later went into it';
COMMENT ON COLUMN ems.heat_demand_forecast.recorded_at IS 'when it was made: what was recorded by an instant is what was known then, before anything made for that instant afterwards';
COMMENT ON COLUMN ems.ev_session_forecast.known_at IS 'the instant it was made for: nothing known later went into it';
COMMENT ON COLUMN ems.ev_session_forecast.recorded_at IS 'when it was made: what was recorded by an instant is what was known then, before anything made for that instant afterwards';
COMMENT ON COLUMN ems.baseline_consumption.known_at IS 'the instant it was made for: nothing known later went into it';
COMMENT ON COLUMN ems.baseline_consumption.recorded_at IS 'when it was made: what was recorded by an instant is what was known then, before anything made for that instant afterwards';
COMMENT ON COLUMN ems.cop_curve.known_at IS 'the instant it was made for: nothing known later went into it';
COMMENT ON COLUMN ems.cop_curve.recorded_at IS 'when it was made: what was recorded by an instant is what was known then, before anything made for that instant afterwards';
COMMENT ON COLUMN ems.building_response.known_at IS 'the instant it was made for: nothing known later went into it';
COMMENT ON COLUMN ems.building_response.recorded_at IS 'when it was made: what was recorded by an instant is what was known then, before anything made for that instant afterwards';
COMMENT ON COLUMN ems.forecast_model.known_at IS 'the instant it was made for: nothing known later went into it';
COMMENT ON COLUMN ems.forecast_model.recorded_at IS 'when it was made: what was recorded by an instant is what was known then, before anything made for that instant afterwards';
