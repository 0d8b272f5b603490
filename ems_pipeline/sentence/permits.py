"""Why a site may not be told anything."""

from ems_pipeline.sentence import Sentence

UNREGISTERED = Sentence("the site is not registered (ems site add)")
OUT_OF_SERVICE = Sentence("the site is out of service (ems site add)")
OVERTAKEN = Sentence("its configuration has just changed; the next look takes the new one")
NOT_ENABLED = Sentence("the site file does not enable control")
NOT_ARMED = Sentence("the site is not armed (ems control arm)")
ARMED_FOR_ELSE = Sentence("it was armed for something else (ems control arm): {differences!s}")
UNREADABLE = Sentence("the configuration of {site!s} cannot be read; correct its file (ems site check)")
