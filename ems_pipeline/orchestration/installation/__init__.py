"""The installation as living processes: what keeps them, what watches them, and what plays them in minutes.

up                                               `ems up`, from start to stop
supervisor, services, tied, watchdog, hand_back  children that nothing outlives, and devices let go
watch, duties, herald                            what has to be noticed from outside the loaded code, and told
metrics, cadence, listening                      how things stand, what was served, what listens
plant_arm                                        the arm of a virtual plant
history                                          a site's start
demo, closed_loop                                days in minutes
"""
