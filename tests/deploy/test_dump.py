"""docs/backup.md: a dump as its lines take it, with a password that `ps` never shows"""

import os
from pathlib import Path

import pytest

from tests.deploy.own_cluster import own_cluster
from tests.documented import commands, run

DUMP = commands("backup.md", "pg_dump --format")


@pytest.mark.long
def test_old_dumps_are_deleted_after_a_good_one_that_is_recorded(tmp_path: Path) -> None:
    password_file, old = tmp_path / "pgpass", tmp_path / "kyna-2026-01-01.dump"
    password_file.touch(mode=0o600)
    old.touch()
    os.utime(old, (0, 0))
    with own_cluster() as cluster:
        cluster.run(f"{{ {commands('operations.md', 'CREATE ROLE')} }} > url")
        password = (cluster.folder / "url").read_text().partition("kynaplatform:")[2].split("@")[0]
        variables = {
            "PATH": cluster.path,
            "DATABASE_URL": f"postgresql://kynaplatform@127.0.0.1:{cluster.port}/kynaplatform",
            "DUMPS": str(tmp_path),
            "PGPASSFILE": str(password_file),
        }
        with pytest.raises(AssertionError, match=r"pg_dump: error: .* no password supplied"):
            run(DUMP, tmp_path, variables)
        assert [*tmp_path.glob("kyna-*.dump")] == [old]
        password_file.write_text(f"*:*:*:kynaplatform:{password}\n")
        with pytest.raises(AssertionError, match='relation "last_run" does not exist'):
            run(DUMP, tmp_path, variables)
        [before] = set(tmp_path.glob("kyna-*.dump")) - {old}
        run(".venv/bin/python manage.py migrate --no-input", tmp_path, variables)
        run(DUMP, tmp_path, variables)
    # Of the same day.
    [new] = set(tmp_path.glob("kyna-*.dump")) - {before}
    assert new != old
    assert new.stat().st_size > before.stat().st_size
    assert new.stat().st_mode & 0o777 == 0o600
