"""What holds now, as terms of SQL that several routes are made of, each written once.

Sites are ``s``, their newest document ``c``, their arm ``a``, overrides ``o``, newest measurements ``v``; parameters
are ``%(now)s`` and ``%(stale)s``.
"""

from __future__ import annotations

from datetime import timedelta

STALE = timedelta(minutes=5)
"""A value older than this says how things were, and not how they are."""
DOCUMENT = """LATERAL (SELECT config, config_hash, known_at FROM ems.site_config d WHERE d.site_key = s.site_key
                       ORDER BY d.known_at DESC LIMIT 1) c ON true"""
"""To be joined: the document of a site that was registered last."""
ARM = """ems.control_arm a ON a.site_key = s.site_key AND a.disarmed_at IS NULL AND a.armed_at <= %(now)s
                               AND a.until_at > %(now)s"""
"""To be joined: the arm of a site that stands."""
ENABLED = "coalesce((c.config #>> '{control,enabled}')::boolean, false)"
"""The first opt-in, of a document; without one it is not given."""
AUTHORITY = f"""CASE WHEN NOT {ENABLED} OR NOT s.is_active THEN 'shadow'
                WHEN a.armed_at IS NULL THEN 'disarmed' ELSE 'armed' END"""
"""Whether a site is steered, of its document and its arm."""
WISHED = "o.cancelled_at IS NULL AND o.from_at <= %(now)s AND o.until_at > %(now)s"
"""An override holds."""
USABLE = "v.value IS NOT NULL AND v.quality IN (0, 6) AND v.reported_at > %(now)s - %(stale)s::interval"
"""A measurement says how things are."""
