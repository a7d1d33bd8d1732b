INSERT INTO infos (wazo_version) VALUES ('26.08');

INSERT INTO sip_transports (uuid, name, options) VALUES
    (gen_random_uuid(), 'transport-udp', '[["protocol", "udp"], ["bind", "0.0.0.0:5060"]]'),
    (gen_random_uuid(), 'transport-wss', '[["protocol", "wss"], ["bind", "0.0.0.0:5060"]]');

INSERT INTO voicemail_zonemessages (name, timezone, message, position) VALUES
    ('eu-fr', 'Europe/Paris', '''vm-received'' q ''digits/at'' kM', 0),
    ('na-newfoundland', 'America/St_Johns', '''vm-received'' q ''digits/at'' IMp', 1),
    ('na-atlantic', 'America/Halifax', '''vm-received'' q ''digits/at'' IMp', 2),
    ('na-eastern', 'America/New_York', '''vm-received'' q ''digits/at'' IMp', 3),
    ('na-central', 'America/Chicago', '''vm-received'' q ''digits/at'' IMp', 4),
    ('na-mountain', 'America/Denver', '''vm-received'' q ''digits/at'' IMp', 5),
    ('na-pacific', 'America/Los_Angeles', '''vm-received'' q ''digits/at'' IMp', 6),
    ('na-alaska', 'America/Anchorage', '''vm-received'' q ''digits/at'' IMp', 7),
    ('be-brussels', 'Europe/Brussels', '''vm-received'' q ''digits/at'' IMp', 8),
    ('it-rome', 'Europe/Rome', '''vm-received'' q ''digits/at'' IMp', 9);
