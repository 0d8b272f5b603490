"""A broker is talked to within bounds; Mosquitto stands for all of them."""
