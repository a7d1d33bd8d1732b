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

-- A row came, went or changed that counts for the item that it refers to: in the table given, whose column given the
-- row has in its own column given.
CREATE FUNCTION confd_part_changed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    before text := to_jsonb(OLD) ->> TG_ARGV[2];
    after text := to_jsonb(NEW) ->> TG_ARGV[2];
BEGIN
    IF coalesce(before, after) IS NOT NULL AND (TG_OP <> 'UPDATE' OR OLD *<> NEW) THEN
        EXECUTE format(
            'UPDATE %s SET revision = revision + 1 WHERE %I IN (%L, %L) AND xmin <> pg_current_xact_id()::xid',
            TG_ARGV[0], TG_ARGV[1], before, after
        );
    END IF;
    RETURN NULL;
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

-- Let what happens to a table's rows raise the revision of the items that the key refers to.
CREATE FUNCTION confd_part_of(parts regclass, key name, events text DEFAULT 'UPDATE') RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    items regclass;
    id name;
BEGIN
    SELECT target.attrelid::regclass, target.attname INTO STRICT items, id
    FROM pg_constraint link
    JOIN pg_attribute source ON source.attrelid = parts AND source.attname = key
    JOIN pg_attribute target ON target.attrelid = link.confrelid AND target.attnum = link.confkey[1]
    WHERE link.contype = 'f' AND link.conrelid = parts AND link.conkey = ARRAY[source.attnum];
    EXECUTE format(
        'CREATE TRIGGER %I AFTER INSERT OR DELETE OR %s ON %s FOR EACH ROW EXECUTE FUNCTION confd_part_changed(%L, %L, %L)',
        'revised_' || key, events, parts, items, id, key
    );
END
$$;

-- Let only that they come and go do so.
CREATE FUNCTION confd_associated(parts regclass, key name) RETURNS void LANGUAGE sql
RETURN confd_part_of(parts, key, format('UPDATE OF %I', key));
