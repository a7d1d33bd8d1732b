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

-- The first pair of a section that has the option.
CREATE FUNCTION confd_sip_pair(options jsonb, option text) RETURNS jsonb LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN jsonb_path_query_first(options, ('strict $[*] ? (@[0] == "' || option || '")')::jsonpath);

-- What the option webrtc comes down to, of an endpoint with these options that inherits this pair.
CREATE FUNCTION confd_sip_webrtc(options jsonb, inherited jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN coalesce(coalesce(confd_sip_pair(options, 'webrtc'), inherited) ->> 1 = 'yes', false);

-- The same of the option callerid.
CREATE FUNCTION confd_sip_caller_id(options jsonb, inherited jsonb) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN coalesce(confd_sip_pair(options, 'callerid'), inherited) ->> 1;

-- The pairs of the options webrtc and callerid that an endpoint inherits: of each the first template's that has one,
-- depth first. In PL/pgSQL, as what this file does at each write is, since that keeps its plans.
CREATE FUNCTION confd_sip_inherited(endpoint uuid, OUT webrtc jsonb, OUT caller_id jsonb) LANGUAGE plpgsql STABLE AS $$
DECLARE
    template record;
BEGIN
    FOR template IN
        SELECT confd_sip_pair(options, 'webrtc') AS webrtc, confd_sip_pair(options, 'callerid') AS caller_id
        FROM (
            -- As a subquery it is found by the index, however many templates are expected.
            SELECT path, (SELECT endpoint_section_options FROM endpoint_sip WHERE uuid = tree.uuid) AS options
            FROM confd_sip_tree(endpoint) AS tree
            WHERE uuid <> endpoint
        ) AS above
        ORDER BY path
    LOOP
        webrtc := coalesce(webrtc, template.webrtc);
        caller_id := coalesce(caller_id, template.caller_id);
        EXIT WHEN webrtc IS NOT NULL AND caller_id IS NOT NULL;
    END LOOP;
END
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

-- Work out anew what an endpoint holds of its options.
CREATE FUNCTION confd_sip_derive(endpoint uuid) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    inherited record := confd_sip_inherited(endpoint);
BEGIN
    -- The own options are read here, so that they are the latest if another transaction had the row.
    UPDATE endpoint_sip SET
        webrtc = confd_sip_webrtc(endpoint_section_options, inherited.webrtc),
        caller_id = confd_sip_caller_id(endpoint_section_options, inherited.caller_id)
    WHERE uuid = endpoint AND (webrtc, caller_id) IS DISTINCT FROM (
        confd_sip_webrtc(endpoint_section_options, inherited.webrtc),
        confd_sip_caller_id(endpoint_section_options, inherited.caller_id)
    );
END
$$;

-- Work out anew what all that inherit from a template hold of their options.
CREATE FUNCTION confd_sip_derive_below(template uuid) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    heir uuid;
BEGIN
    FOR heir IN
        WITH RECURSIVE below (uuid) AS (
            SELECT child_uuid FROM endpoint_sip_templates WHERE parent_uuid = template
            UNION
            SELECT link.child_uuid FROM below JOIN endpoint_sip_templates link ON link.parent_uuid = below.uuid
        )
        SELECT uuid FROM below
    LOOP
        PERFORM confd_sip_derive(heir);
    END LOOP;
END
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
DECLARE
    webrtc jsonb;
    caller_id jsonb;
BEGIN
    -- Nothing is above an endpoint that is new.
    IF TG_OP = 'UPDATE' THEN
        SELECT above.webrtc, above.caller_id INTO webrtc, caller_id FROM confd_sip_inherited(NEW.uuid) AS above;
    END IF;
    NEW.webrtc := confd_sip_webrtc(NEW.endpoint_section_options, webrtc);
    NEW.caller_id := confd_sip_caller_id(NEW.endpoint_section_options, caller_id);
    RETURN NEW;
END
$$;

CREATE FUNCTION confd_sip_template_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM confd_sip_derive_below(NEW.uuid);
    RETURN NULL;
END
$$;

CREATE FUNCTION confd_sip_templates_changed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    child uuid := coalesce(NEW.child_uuid, OLD.child_uuid);
BEGIN
    PERFORM confd_sip_derive(child);
    IF (SELECT template FROM endpoint_sip WHERE uuid = child) THEN
        PERFORM confd_sip_derive_below(child);
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER derive BEFORE INSERT OR UPDATE OF endpoint_section_options ON endpoint_sip
FOR EACH ROW EXECUTE FUNCTION confd_sip_options_changed();

CREATE TRIGGER derive_below AFTER UPDATE OF endpoint_section_options ON endpoint_sip
FOR EACH ROW WHEN (NEW.template) EXECUTE FUNCTION confd_sip_template_changed();

CREATE TRIGGER derive AFTER INSERT OR UPDATE OR DELETE ON endpoint_sip_templates
FOR EACH ROW EXECUTE FUNCTION confd_sip_templates_changed();

-- A tenant is gone. Only at the commit: the cascades still write tallies.
CREATE FUNCTION confd_tenant_deleted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM tallies WHERE tenant_uuid = OLD.uuid AND NOT EXISTS (SELECT FROM tenants WHERE uuid = OLD.uuid);
    RETURN NULL;
END
$$;

CREATE CONSTRAINT TRIGGER tenant_deleted AFTER DELETE ON tenants DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION confd_tenant_deleted();
