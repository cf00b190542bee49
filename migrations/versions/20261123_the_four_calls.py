"""the four calls."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(sa.schema.CreateSequence(sa.Sequence("incident_number", start=1, increment=100)))
    op.create_table(
        "access_key",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False, comment="SHA-256 of the key; the key is not kept"),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("unit", sa.Text(collation="C"), nullable=True),
        sa.Column("area", sa.Text(collation="C"), nullable=True),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("expires_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.CheckConstraint("(role = 'unit') = (unit IS NOT NULL)", name=op.f("access_key_unit_of_role")),
        sa.CheckConstraint("role = 'reporter' OR area IS NULL", name=op.f("access_key_area_of_role")),
        sa.CheckConstraint("role IN ('reporter','unit','auditor','ops')", name=op.f("access_key_role")),
        sa.PrimaryKeyConstraint("id", name=op.f("access_key_pkey")),
        sa.UniqueConstraint("digest", name=op.f("access_key_digest_key")),
    )
    op.create_table(
        "call",
        sa.Column("incident_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.SmallInteger(), nullable=False),
        sa.Column("district", sa.Text(collation="C"), nullable=False),
        sa.Column("level", sa.SmallInteger(), nullable=False),
        sa.Column("round", sa.SmallInteger(), nullable=False),
        sa.Column("unit", sa.Text(collation="C"), nullable=False),
        sa.Column("from_unit", sa.Text(collation="C"), nullable=True),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("ground", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("opened_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("answer_by", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("resolve_by", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("clock", sa.Text(), nullable=False),
        sa.Column("answered_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("answer", sa.JSON(), nullable=True),
        sa.Column("ended_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("ended_by", sa.JSON(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("result", sa.Text(), nullable=True),
        sa.Column("end_code", sa.Text(), nullable=True),
        sa.Column("end_reason", sa.Text(), nullable=True),
        sa.Column("late_s", sa.Double(), nullable=True),
        sa.Column("binding", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("assisting", sa.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("rating", sa.SmallInteger(), nullable=True),
        sa.Column("attachments", sa.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.CheckConstraint("late_s IS NULL OR outcome IN ('no_answer','not_resolved')", name=op.f("call_late")),
        sa.CheckConstraint(
            "outcome IN ('resolved','raised','no_answer','not_resolved','returned','assigned','closed')",
            name=op.f("call_outcome"),
        ),
        sa.CheckConstraint("(answered_at IS NULL) = (resolve_by IS NULL)", name=op.f("call_answered")),
        sa.CheckConstraint("(outcome IS NULL) = (ended_at IS NULL)", name=op.f("call_ended")),
        sa.PrimaryKeyConstraint("incident_id", "seq", name=op.f("call_pkey")),
        sa.UniqueConstraint("incident_id", "level", "round", name=op.f("call_incident_id_level_round_key")),
        postgresql_with={"fillfactor": "85"},
    )
    op.create_index("call_open_key", "call", ["incident_id"], unique=True, postgresql_where=sa.text("outcome IS NULL"))
    op.create_index("call_unit_idx", "call", ["unit", "incident_id"], unique=False)
    op.create_table(
        "category",
        sa.Column("code", sa.Text(collation="C"), nullable=False),
        sa.Column("valid_from", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("valid_to", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("line", sa.Text(collation="C"), nullable=False),
        sa.Column("urgency", sa.Text(), nullable=False),
        sa.Column("parent", sa.Text(collation="C"), nullable=True),
        sa.CheckConstraint("valid_to IS NULL OR valid_to >= valid_from", name=op.f("category_validity")),
        sa.PrimaryKeyConstraint("code", "valid_from", name=op.f("category_pkey")),
    )
    op.create_index(
        "category_current_key", "category", ["code"], unique=True, postgresql_where=sa.text("valid_to IS NULL")
    )
    op.create_table(
        "cell",
        sa.Column("code", sa.Text(collation="C"), nullable=False),
        sa.Column("valid_from", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("valid_to", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("community", sa.Text(collation="C"), nullable=False),
        sa.CheckConstraint("left(code, length(community)) = community", name=op.f("cell_code_in_community")),
        sa.CheckConstraint("valid_to IS NULL OR valid_to >= valid_from", name=op.f("cell_validity")),
        sa.PrimaryKeyConstraint("code", "valid_from", name=op.f("cell_pkey")),
    )
    op.create_index("cell_current_key", "cell", ["code"], unique=True, postgresql_where=sa.text("valid_to IS NULL"))
    op.create_table(
        "deployment",
        sa.Column("only", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("world_version", sa.BigInteger(), server_default=sa.text("1"), nullable=False),
        sa.Column(
            "cursor_secret", sa.LargeBinary(), nullable=False, comment="signs cursors; moves with a dump and restore"
        ),
        sa.CheckConstraint('"only"', name=op.f("deployment_one_row")),
        sa.PrimaryKeyConstraint("only", name=op.f("deployment_pkey")),
    )
    op.create_table(
        "duty",
        sa.Column("code", sa.Text(collation="C"), nullable=False),
        sa.Column("valid_from", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("valid_to", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("category", sa.Text(collation="C"), nullable=False),
        sa.Column("area", sa.Text(collation="C"), nullable=False),
        sa.Column("lead_unit", sa.Text(collation="C"), nullable=False),
        sa.Column("assisting", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("basis", sa.Text(), nullable=False),
        sa.CheckConstraint("valid_to IS NULL OR valid_to >= valid_from", name=op.f("duty_validity")),
        sa.PrimaryKeyConstraint("code", "valid_from", name=op.f("duty_pkey")),
    )
    op.create_index("duty_current_key", "duty", ["code"], unique=True, postgresql_where=sa.text("valid_to IS NULL"))
    op.create_table(
        "event",
        sa.Column("batch_id", sa.BigInteger(), nullable=False),
        sa.Column("ord", sa.Integer(), nullable=False, comment="1-based place in its batch"),
        sa.Column("incident_id", sa.Uuid(), nullable=True),
        sa.Column("sequence", sa.Integer(), nullable=True, comment="counts one incident's events from 1"),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column(
            "area",
            sa.Text(collation="C"),
            nullable=False,
            comment="grid code; the district for events without an incident",
        ),
        sa.Column("unit", sa.Text(collation="C"), nullable=True),
        sa.Column(
            "audience", sa.ARRAY(sa.Text()), nullable=False, comment="units, and '@subject' of the reporter, as of then"
        ),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=True, comment="with idempotency_key: who sent the action"),
        sa.Column("idempotency_key", sa.Text(), nullable=True),
        sa.Column("body_hash", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("batch_id", "ord", name=op.f("event_pkey")),
        sa.UniqueConstraint("incident_id", "sequence", name=op.f("event_incident_id_sequence_key")),
    )
    op.create_index(
        "event_idempotency_key",
        "event",
        ["incident_id", "subject", "idempotency_key"],
        unique=True,
        postgresql_where=sa.text("idempotency_key IS NOT NULL"),
    )
    op.create_table(
        "incident",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("district", sa.Text(collation="C"), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("level", sa.SmallInteger(), nullable=False),
        sa.Column("unit", sa.Text(collation="C"), nullable=False),
        sa.Column("grid_code", sa.Text(collation="C"), nullable=False),
        sa.Column("category", sa.Text(collation="C"), nullable=False),
        sa.Column("urgency", sa.Text(), nullable=False),
        sa.Column("reporter", sa.Text(), nullable=False),
        sa.Column("policy_code", sa.Text(), nullable=False),
        sa.Column("policy_version", sa.Integer(), nullable=False),
        sa.Column("reported_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("updated_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("due_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("due_kind", sa.Text(), nullable=True),
        sa.Column(
            "wake_at",
            sa.TIMESTAMP(timezone=True),
            nullable=True,
            comment="when the engine must look next: the deadline, or a retry after a fault",
        ),
        sa.Column(
            "faults", sa.SmallInteger(), server_default=sa.text("0"), nullable=False, comment="failed sweeps in a row"
        ),
        sa.Column("seq", sa.SmallInteger(), nullable=False, comment="seq of the last call"),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False, comment="events so far"),
        sa.Column("calls_at", sa.ARRAY(sa.SmallInteger()), nullable=False, comment="calls so far at levels 1 to 4"),
        sa.Column("rejects", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("reopened_void", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("audience", sa.ARRAY(sa.Text()), nullable=False, comment="every unit ever called or assisting"),
        sa.Column("closed_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("closed_as", sa.Text(), nullable=True),
        sa.Column("reopen_until", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(state = 'closed') = (closed_at IS NOT NULL) AND (closed_at IS NULL) = (closed_as IS NULL)",
            name=op.f("incident_closed"),
        ),
        sa.CheckConstraint("(state = 'closed') = (due_at IS NULL)", name=op.f("incident_open_has_deadline")),
        sa.CheckConstraint(
            "closed_as IN ('verified','unverified','withdrawn','void','merged')", name=op.f("incident_closed_as")
        ),
        sa.CheckConstraint(
            "due_kind IS NOT DISTINCT FROM CASE state WHEN 'calling' THEN 'answer' WHEN 'answered' THEN 'resolve' WHEN 'on_hold' THEN 'resume' WHEN 'resolved' THEN 'verify' END",
            name=op.f("incident_deadline_of_state"),
        ),
        sa.CheckConstraint("reopen_until IS NULL OR state = 'closed'", name=op.f("incident_reopen_when_closed")),
        sa.CheckConstraint("state <> 'closed' OR wake_at IS NULL", name=op.f("incident_closed_sleeps")),
        sa.CheckConstraint("state = 'closed' OR wake_at IS NOT NULL", name=op.f("incident_open_wakes")),
        sa.CheckConstraint(
            "state IN ('calling','answered','on_hold','resolved','closed')", name=op.f("incident_state")
        ),
        sa.CheckConstraint("level BETWEEN 1 AND 4", name=op.f("incident_level")),
        sa.PrimaryKeyConstraint("id", name=op.f("incident_pkey")),
        postgresql_with={"fillfactor": "85"},
    )
    op.create_index(
        "incident_queue_idx",
        "incident",
        ["unit", "due_at", "id"],
        unique=False,
        postgresql_where=sa.text("state <> 'closed'"),
    )
    op.create_index(
        "incident_wake_idx",
        "incident",
        ["wake_at", "id"],
        unique=False,
        postgresql_where=sa.text("wake_at IS NOT NULL"),
    )
    op.create_table(
        "line",
        sa.Column("code", sa.Text(collation="C"), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("line_pkey")),
    )
    op.create_table(
        "log_batch",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("events", sa.Integer(), nullable=False, comment="events this transaction wrote"),
        sa.Column(
            "last_position", sa.BigInteger(), nullable=True, comment="position of its last event; null until sealed"
        ),
        sa.Column("queues", sa.ARRAY(sa.Text()), nullable=False, comment="'unit:state' of every queue it touched"),
        sa.Column("wake_at", sa.TIMESTAMP(timezone=True), nullable=True, comment="the nearest deadline it set"),
        sa.Column(
            "reload", sa.ARRAY(sa.Text()), nullable=False, comment="what every process must read again: world, keys"
        ),
        sa.CheckConstraint("events > 0", name=op.f("log_batch_not_empty")),
        sa.PrimaryKeyConstraint("id", name=op.f("log_batch_pkey")),
    )
    op.create_index("log_batch_position_key", "log_batch", ["last_position"], unique=True)
    op.create_table(
        "policy",
        sa.Column("code", sa.Text(collation="C"), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("verify_s", sa.BigInteger(), nullable=False),
        sa.Column("reopen_s", sa.BigInteger(), nullable=False),
        sa.Column("imported_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("code", "version", name=op.f("policy_pkey")),
    )
    op.create_index("policy_active_key", "policy", ["active"], unique=True, postgresql_where=sa.text("active"))
    op.create_table(
        "policy_box",
        sa.Column("code", sa.Text(collation="C"), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("level", sa.SmallInteger(), nullable=False),
        sa.Column("urgency", sa.Text(), nullable=False),
        sa.Column("answer_s", sa.BigInteger(), nullable=False),
        sa.Column("resolve_s", sa.BigInteger(), nullable=False),
        sa.Column("clock", sa.Text(), nullable=False),
        sa.CheckConstraint("answer_s > 0 AND resolve_s > 0", name=op.f("policy_box_boxes")),
        sa.PrimaryKeyConstraint("code", "version", "level", "urgency", name=op.f("policy_box_pkey")),
    )
    op.create_table(
        "queue_mark",
        sa.Column("unit", sa.Text(collation="C"), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column(
            "position", sa.BigInteger(), nullable=False, comment="last change of this queue: what its ETag is made of"
        ),
        sa.PrimaryKeyConstraint("unit", "state", name=op.f("queue_mark_pkey")),
        postgresql_with={"fillfactor": "50"},
    )
    op.create_table(
        "report",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False, comment="who sent it"),
        sa.Column(
            "reporter", sa.Text(), nullable=False, comment="whose incident it is: on_behalf_of, else the subject"
        ),
        sa.Column("idempotency_key", sa.Text(), nullable=True),
        sa.Column("body_hash", sa.LargeBinary(), nullable=False),
        sa.Column("source_system", sa.Text(), nullable=True),
        sa.Column("source_ref", sa.Text(), nullable=True),
        sa.Column("district", sa.Text(collation="C"), nullable=False),
        sa.Column("grid_code", sa.Text(collation="C"), nullable=False),
        sa.Column("category", sa.Text(collation="C"), nullable=False),
        sa.Column("line", sa.Text(collation="C"), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("urgency", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("location", sa.JSON(), nullable=True),
        sa.Column("attachments", sa.JSON(), nullable=True),
        sa.Column("occurred_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("reported_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.CheckConstraint("(source_system IS NULL) = (source_ref IS NULL)", name=op.f("report_source_pair")),
        sa.PrimaryKeyConstraint("id", name=op.f("report_pkey")),
    )
    op.create_index(
        "report_idempotency_key",
        "report",
        ["subject", "idempotency_key"],
        unique=True,
        postgresql_where=sa.text("idempotency_key IS NOT NULL"),
    )
    op.create_index(
        "report_newest_idx",
        "report",
        [sa.literal_column("reported_at DESC"), sa.literal_column("id DESC")],
        unique=False,
    )
    op.create_index(
        "report_place_idx",
        "report",
        ["grid_code", sa.literal_column("reported_at DESC"), sa.literal_column("id DESC")],
        unique=False,
    )
    op.create_index(
        "report_reporter_idx",
        "report",
        ["reporter", sa.literal_column("reported_at DESC"), sa.literal_column("id DESC")],
        unique=False,
    )
    op.create_index(
        "report_source_key",
        "report",
        ["source_system", "source_ref"],
        unique=True,
        postgresql_where=sa.text("source_system IS NOT NULL"),
    )
    op.create_table(
        "unit",
        sa.Column("code", sa.Text(collation="C"), nullable=False),
        sa.Column("valid_from", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("valid_to", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("level", sa.SmallInteger(), nullable=True),
        sa.Column("parent", sa.Text(collation="C"), nullable=True),
        sa.Column("line_parent", sa.Text(collation="C"), nullable=True),
        sa.Column("covers", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("in_charge_of", sa.ARRAY(sa.Text()), nullable=False),
        sa.CheckConstraint("valid_to IS NULL OR valid_to >= valid_from", name=op.f("unit_validity")),
        sa.PrimaryKeyConstraint("code", "valid_from", name=op.f("unit_pkey")),
    )
    op.create_index("unit_current_key", "unit", ["code"], unique=True, postgresql_where=sa.text("valid_to IS NULL"))
    # 256 bits without an extension: two random UUIDs
    op.execute(
        "INSERT INTO deployment (cursor_secret) VALUES "
        "(decode(replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''), 'hex'))"
    )


def downgrade() -> None:
    op.drop_index("unit_current_key", table_name="unit", postgresql_where=sa.text("valid_to IS NULL"))
    op.drop_table("unit")
    op.drop_index("report_source_key", table_name="report", postgresql_where=sa.text("source_system IS NOT NULL"))
    op.drop_index("report_reporter_idx", table_name="report")
    op.drop_index("report_place_idx", table_name="report")
    op.drop_index("report_newest_idx", table_name="report")
    op.drop_index(
        "report_idempotency_key", table_name="report", postgresql_where=sa.text("idempotency_key IS NOT NULL")
    )
    op.drop_table("report")
    op.drop_table("queue_mark")
    op.drop_table("policy_box")
    op.drop_index("policy_active_key", table_name="policy", postgresql_where=sa.text("active"))
    op.drop_table("policy")
    op.drop_index("log_batch_position_key", table_name="log_batch")
    op.drop_table("log_batch")
    op.drop_table("line")
    op.drop_index("incident_wake_idx", table_name="incident", postgresql_where=sa.text("wake_at IS NOT NULL"))
    op.drop_index("incident_queue_idx", table_name="incident", postgresql_where=sa.text("state <> 'closed'"))
    op.drop_table("incident")
    op.drop_index("event_idempotency_key", table_name="event", postgresql_where=sa.text("idempotency_key IS NOT NULL"))
    op.drop_table("event")
    op.drop_index("duty_current_key", table_name="duty", postgresql_where=sa.text("valid_to IS NULL"))
    op.drop_table("duty")
    op.drop_table("deployment")
    op.drop_index("cell_current_key", table_name="cell", postgresql_where=sa.text("valid_to IS NULL"))
    op.drop_table("cell")
    op.drop_index("category_current_key", table_name="category", postgresql_where=sa.text("valid_to IS NULL"))
    op.drop_table("category")
    op.drop_index("call_unit_idx", table_name="call")
    op.drop_index("call_open_key", table_name="call", postgresql_where=sa.text("outcome IS NULL"))
    op.drop_table("call")
    op.drop_table("access_key")
    op.execute(sa.schema.DropSequence(sa.Sequence("incident_number")))
