-- A SIP endpoint and the templates above it, each with its way there; ways in their order go depth first.
CREATE FUNCTION confd_sip_tree(endpoint uuid) RETURNS TABLE (uuid uuid, path integer[]) LANGUAGE sql STABLE AS $$
    WITH RECURSIVE tree (uuid, path) AS (
        SELECT endpoint, ARRAY[]::integer[]
        UNION ALL
        SELECT link.parent_uuid, tree.path || link.position
        FROM tree JOIN endpoint_sip_templates link ON link.child_uuid = tree.uuid
        WHERE cardinality(tree.path) < 32
    )
    SELECT tree.uuid, tree.path FROM tree
$$;

-- The value of an option of a SIP endpoint: its own, or that of the first template that has it, depth first.
CREATE FUNCTION confd_sip_option(endpoint uuid, option text) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT pair.value ->> 1
    FROM confd_sip_tree(endpoint) AS tree
    JOIN endpoint_sip ON endpoint_sip.uuid = tree.uuid
    CROSS JOIN jsonb_array_elements(endpoint_sip.endpoint_section_options) WITH ORDINALITY AS pair (value, place)
    WHERE pair.value ->> 0 = option
    ORDER BY tree.path, pair.place
    LIMIT 1
$$;

-- The options of a section with those inherited, a template's own templates before its own options: one pair a key, in
-- its first place and with its last value.
CREATE FUNCTION confd_sip_merged(endpoint uuid, section text) RETURNS jsonb LANGUAGE sql STABLE AS $$
    WITH pairs (key, value, place) AS (
        -- The greatest integer sorts what is an item's own behind what is below it.
        SELECT pair.value ->> 0, pair.value ->> 1, row_number() OVER (ORDER BY tree.path || 2147483647, pair.place)
        FROM confd_sip_tree(endpoint) AS tree
        JOIN endpoint_sip ON endpoint_sip.uuid = tree.uuid
        CROSS JOIN jsonb_array_elements(to_jsonb(endpoint_sip) -> section) WITH ORDINALITY AS pair (value, place)
    ), merged (key, value, place) AS (
        SELECT key, (array_agg(value ORDER BY place DESC))[1], min(place) FROM pairs GROUP BY key
    )
    SELECT coalesce(jsonb_agg(jsonb_build_array(key, value) ORDER BY place), '[]'::jsonb) FROM merged
$$;

-- Work out anew what an endpoint, and all that inherit from it, hold of their options.
CREATE FUNCTION confd_sip_derive(root uuid) RETURNS void LANGUAGE sql AS $$
    WITH RECURSIVE below (uuid) AS (
        SELECT root
        UNION
        SELECT link.child_uuid FROM below JOIN endpoint_sip_templates link ON link.parent_uuid = below.uuid
    ), derived AS (
        SELECT
            uuid,
            coalesce(confd_sip_option(uuid, 'webrtc') = 'yes', false) AS webrtc,
            confd_sip_option(uuid, 'callerid') AS caller_id
        FROM below
    )
    UPDATE endpoint_sip SET webrtc = derived.webrtc, caller_id = derived.caller_id
    FROM derived
    WHERE endpoint_sip.uuid = derived.uuid
        AND (endpoint_sip.webrtc, endpoint_sip.caller_id) IS DISTINCT FROM (derived.webrtc, derived.caller_id)
$$;

-- The target of destinations is gone, and so are they: of the type and with the column's value given.
CREATE FUNCTION confd_target_deleted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM destinations WHERE type = TG_ARGV[0] AND target = to_jsonb(OLD) ->> TG_ARGV[1];
    RETURN NULL;
END
$$;

-- The holder of destinations is gone, and so are they: those in the columns given.
CREATE FUNCTION confd_holder_deleted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM destinations WHERE id = ANY (
        SELECT (to_jsonb(OLD) ->> name)::integer FROM unnest(TG_ARGV) AS name
    );
    RETURN NULL;
END
$$;

CREATE TRIGGER target_deleted AFTER DELETE ON users
FOR EACH ROW EXECUTE FUNCTION confd_target_deleted('user', 'id');

CREATE TRIGGER target_deleted AFTER DELETE ON voicemails
FOR EACH ROW EXECUTE FUNCTION confd_target_deleted('voicemail', 'id');

CREATE TRIGGER holder_deleted AFTER DELETE ON incalls
FOR EACH ROW EXECUTE FUNCTION confd_holder_deleted('destination_id');

CREATE TRIGGER target_deleted AFTER DELETE ON groups
FOR EACH ROW EXECUTE FUNCTION confd_target_deleted('group', 'id');

CREATE TRIGGER target_deleted AFTER DELETE ON ivr
FOR EACH ROW EXECUTE FUNCTION confd_target_deleted('ivr', 'id');

CREATE TRIGGER holder_deleted AFTER DELETE ON ivr
FOR EACH ROW EXECUTE FUNCTION confd_holder_deleted(
    'invalid_destination_id', 'timeout_destination_id', 'abort_destination_id'
);

CREATE TRIGGER holder_deleted AFTER DELETE ON ivr_choices
FOR EACH ROW EXECUTE FUNCTION confd_holder_deleted('destination_id');

CREATE TRIGGER holder_deleted AFTER DELETE ON user_fallbacks
FOR EACH ROW EXECUTE FUNCTION confd_holder_deleted(
    'noanswer_destination_id', 'busy_destination_id', 'congestion_destination_id', 'fail_destination_id'
);

CREATE TRIGGER holder_deleted AFTER DELETE ON group_fallbacks
FOR EACH ROW EXECUTE FUNCTION confd_holder_deleted('noanswer_destination_id', 'congestion_destination_id');

-- A user's main line is taken from him, and he is no longer called through it as a member of something.
CREATE FUNCTION confd_main_line_deleted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM group_user_members WHERE user_id = OLD.user_id;
    RETURN NULL;
END
$$;

CREATE TRIGGER main_line_deleted AFTER DELETE ON user_lines
FOR EACH ROW WHEN (OLD.main_line) EXECUTE FUNCTION confd_main_line_deleted();

CREATE FUNCTION confd_sip_options_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM confd_sip_derive(NEW.uuid);
    RETURN NULL;
END
$$;

CREATE FUNCTION confd_sip_templates_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM confd_sip_derive(coalesce(NEW.child_uuid, OLD.child_uuid));
    RETURN NULL;
END
$$;

CREATE TRIGGER derive AFTER INSERT OR UPDATE OF endpoint_section_options ON endpoint_sip
FOR EACH ROW EXECUTE FUNCTION confd_sip_options_changed();

CREATE TRIGGER derive AFTER INSERT OR UPDATE OR DELETE ON endpoint_sip_templates
FOR EACH ROW EXECUTE FUNCTION confd_sip_templates_changed();
