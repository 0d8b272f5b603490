"""Hardware: what devices can say and be told, as data, and what talks to them.

points/        what a device can say: the maps' schema, and words -> readings with age, quality and reason
maps/          point maps, a file per device type
driver/        what every driver promises and shares, whatever wire it talks on
modbus/ sunspec/ web/ ocpp/ homeassistant/ marstek/ victron/ smartgen/    one folder per protocol
vendors/       how a family obeys: commands -> point writes
protocols.py   transport -> how to open a wire, protocol -> which driver (record: `sites.protocol`)   -> a new protocol
local_socket.py   between a server of ours and its clients: OCPP's, and the poller of controllers
installed/     the devices of a site: where they are, what they can do, what they are told about their limits
discovery/     who is there?
fleet/         all devices of all sites: opened, asked at once, their health
"""
