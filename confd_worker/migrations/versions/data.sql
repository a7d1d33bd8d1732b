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

INSERT INTO asterisk_options (file, section, options) VALUES
    ('rtp.conf', 'general', '{"rtpstart": "10000", "rtpend": "20000", "stunaddr_reresolve_ttl_0": "yes"}'),
    ('rtp.conf', 'ice_host_candidates', '{}'),
    ('iax.conf', 'general', '{
        "bindport": "4569", "bindaddr": "0.0.0.0", "iaxthreadcount": "10", "iaxmaxthreadcount": "100",
        "iaxcompat": "no", "authdebug": "yes", "delayreject": "no", "trunkfreq": "20", "trunktimestamps": "yes",
        "minregexpire": "60", "maxregexpire": "60", "bandwidth": "high", "jitterbuffer": "no",
        "forcejitterbuffer": "no", "maxjitterbuffer": "1000", "maxjitterinterps": "10", "resyncthreshold": "1000",
        "amaflags": "default", "adsi": "no", "transfer": "yes", "language": "fr_FR", "mohinterpret": "default",
        "encryption": "no", "maxauthreq": "3", "codecpriority": "host", "rtcachefriends": "yes", "rtupdate": "yes",
        "rtignoreregexpire": "yes", "rtautoclear": "no", "pingtime": "20", "lagrqtime": "10", "nochecksums": "no",
        "autokill": "yes", "calltokenoptional": "0.0.0.0"
    }'),
    ('sccp.conf', 'general', '{
        "directmedia": "no", "dialtimeout": "5", "keepalive": "10", "language": "en_US", "allow": "", "guest": "no",
        "max_guests": "100"
    }'),
    ('voicemail.conf', 'general', '{
        "maxmsg": "100", "silencethreshold": "256", "minsecs": "0", "maxsecs": "0", "maxsilence": "15",
        "review": "yes", "operator": "yes", "format": "wav", "maxlogins": "3", "envelope": "yes", "saycid": "no",
        "sayduration": "yes", "saydurationm": "2", "forcename": "no", "forcegreetings": "no", "tempgreetwarn": "yes",
        "maxgreet": "0", "skipms": "3000", "sendvoicemail": "no", "usedirectory": "yes", "nextaftercmd": "yes",
        "attach": "yes", "volgain": "0", "mailcmd": "/usr/sbin/sendmail -t", "serveremail": "wazo",
        "charset": "UTF-8", "fromstring": "Wazo PBX", "pbxskip": "no",
        "emailsubject": "New message ${VM_MSGNUM} in mailbox ${VM_MAILBOX}",
        "emailbody": "Dear ${VM_NAME},\\n\\nyou have a new message of ${VM_DUR} in mailbox ${VM_MAILBOX}, from ${VM_CALLERID}, left on ${VM_DATE}.",
        "emaildateformat": "%A, %B %d, %Y at %H:%M",
        "pagerfromstring": "Wazo PBX", "adsifdn": "0000000F", "adsisec": "9BDBF7AC"
    }');
