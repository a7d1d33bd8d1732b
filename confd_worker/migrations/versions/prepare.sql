CREATE EXTENSION IF NOT EXISTS unaccent;
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE EXTENSION IF NOT EXISTS btree_gin;

-- The text as searches compare it: without accents and case. Immutable, as the dictionary is named, so that indexes may
-- hold it.
CREATE FUNCTION confd_fold(value text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
RETURN lower(unaccent('unaccent'::regdictionary, value));

-- A transaction that changes an item raises its revision by one, however many statements it takes. What the transaction
-- itself has made or changed before carries its own id as xmin.
CREATE FUNCTION confd_raise_revision() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.revision := OLD.revision + 1;
    RETURN NEW;
END
$$;

-- Count the revisions of a table's items in its column `revision`.
CREATE FUNCTION confd_revised(items regclass) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format(
        'CREATE TRIGGER revised BEFORE UPDATE ON %s FOR EACH ROW
         WHEN (OLD.xmin <> pg_current_xact_id()::xid) EXECUTE FUNCTION confd_raise_revision()',
        items
    );
END
$$;

-- Let what happens to a table's rows raise the revision of the items that the key refers to. Each key has a function of
-- its own, as the plan of a statement is kept only if its text is fixed.
CREATE FUNCTION confd_part_of(parts regclass, key name, events text DEFAULT 'UPDATE') RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    changed name := format('confd_part_changed_%s_%s', parts, key);
    items regclass;
    id name;
BEGIN
    SELECT target.attrelid::regclass, target.attname INTO STRICT items, id
    FROM pg_constraint link
    JOIN pg_attribute source ON source.attrelid = parts AND source.attname = key
    JOIN pg_attribute target ON target.attrelid = link.confrelid AND target.attnum = link.confkey[1]
    WHERE link.contype = 'f' AND link.conrelid = parts AND link.conkey = ARRAY[source.attnum];
    EXECUTE format(
        'DROP FUNCTION IF EXISTS %1$I();
         CREATE FUNCTION %1$I() RETURNS trigger LANGUAGE plpgsql AS $body$
         BEGIN
             UPDATE %2$s SET revision = revision + 1
             WHERE %3$I IN (OLD.%4$I, NEW.%4$I) AND xmin <> pg_current_xact_id()::xid;
             RETURN NULL;
         END
         $body$;
         CREATE TRIGGER %5$I AFTER INSERT ON %6$s
         FOR EACH ROW WHEN (NEW.%4$I IS NOT NULL) EXECUTE FUNCTION %1$I();
         CREATE TRIGGER %7$I AFTER DELETE ON %6$s
         FOR EACH ROW WHEN (OLD.%4$I IS NOT NULL) EXECUTE FUNCTION %1$I();
         CREATE TRIGGER %8$I AFTER %9$s ON %6$s
         FOR EACH ROW WHEN (OLD *<> NEW) EXECUTE FUNCTION %1$I()',
        changed, items, id, key, 'revised_made_' || key, parts, 'revised_gone_' || key, 'revised_' || key, events
    );
END
$$;

-- Let only that they come and go do so.
CREATE FUNCTION confd_associated(parts regclass, key name) RETURNS void LANGUAGE sql
RETURN confd_part_of(parts, key, format('UPDATE OF %I', key));

-- Rows came or went by one statement: add their number to the tally of each tenant, and at times fold what there is of
-- these tallies into one number. Rows that another transaction is folding are skipped, so that nothing ever waits here.
CREATE FUNCTION confd_tally() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        DELETE FROM tallies WHERE table_name = TG_TABLE_NAME;
        RETURN NULL;
    END IF;
    INSERT INTO tallies (table_name, tenant_uuid, number)
    SELECT TG_TABLE_NAME, tenant_uuid, CASE TG_OP WHEN 'INSERT' THEN count(*) ELSE -count(*) END
    FROM changed
    GROUP BY tenant_uuid;
    IF random() < 0.02 THEN
        WITH folded AS (
            DELETE FROM tallies WHERE ctid = ANY (ARRAY(
                SELECT ctid FROM tallies
                WHERE table_name = TG_TABLE_NAME AND tenant_uuid IN (SELECT tenant_uuid FROM changed)
                FOR UPDATE SKIP LOCKED
            ))
            RETURNING tenant_uuid, number
        )
        INSERT INTO tallies (table_name, tenant_uuid, number)
        SELECT TG_TABLE_NAME, tenant_uuid, sum(number) FROM folded GROUP BY tenant_uuid HAVING sum(number) <> 0;
    END IF;
    RETURN NULL;
END
$$;

-- A row went from one tenant to another.
CREATE FUNCTION confd_tally_moved() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO tallies (table_name, tenant_uuid, number)
    VALUES (TG_TABLE_NAME, OLD.tenant_uuid, -1), (TG_TABLE_NAME, NEW.tenant_uuid, 1);
    RETURN NULL;
END
$$;

-- Count a table's rows anew, as after some were loaded without triggers.
CREATE FUNCTION confd_tally_anew(counted regclass) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    name text := (SELECT relname FROM pg_class WHERE oid = counted);
BEGIN
    EXECUTE format('LOCK TABLE %s IN SHARE MODE', counted);
    DELETE FROM tallies WHERE table_name = name;
    EXECUTE format(
        'INSERT INTO tallies (table_name, tenant_uuid, number) SELECT %L, tenant_uuid, count(*) FROM %s GROUP BY tenant_uuid',
        name, counted
    );
END
$$;

-- Keep tallies of a table's rows by tenant.
CREATE FUNCTION confd_tallied(counted regclass) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format(
        'CREATE TRIGGER tally_inserted AFTER INSERT ON %1$s REFERENCING NEW TABLE AS changed
         FOR EACH STATEMENT EXECUTE FUNCTION confd_tally();
         CREATE TRIGGER tally_deleted AFTER DELETE ON %1$s REFERENCING OLD TABLE AS changed
         FOR EACH STATEMENT EXECUTE FUNCTION confd_tally();
         CREATE TRIGGER tally_truncated AFTER TRUNCATE ON %1$s
         FOR EACH STATEMENT EXECUTE FUNCTION confd_tally();
         CREATE TRIGGER tally_moved AFTER UPDATE ON %1$s FOR EACH ROW
         WHEN (OLD.tenant_uuid <> NEW.tenant_uuid) EXECUTE FUNCTION confd_tally_moved()',
        counted
    );
    PERFORM confd_tally_anew(counted);
END
$$;
