"""manage.py export_movespecs and import_movespecs"""

import json
import shutil
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from kynaplatform import clock
from movespecs import files
from movespecs.drafts import draft_replace, movespec_archive, movespec_create
from movespecs.files import hash_of
from movespecs.models import PLATFORM, MoveSpec, MoveSpecDraft, MoveSpecVersion, Release
from movespecs.releases import version_release, version_withdraw
from tests.api.api_requests import nothing_changes
from tests.conftest import VALID_YAML, make_released, make_version

SECOND = VALID_YAML.replace('"1.0"', '"2.0"') + "# ü — as written,\r\n"
THIRD = VALID_YAML.replace('"1.0"', '"3.0"')


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "specs"


@pytest.fixture
def squat(owner):
    """Public, with three versions of which the second is released, and a draft of its own."""
    movespec, _ = make_released(owner.project, name="Squat ü", visibility="public")
    second, third = (make_version(movespec.id, text) for text in (SECOND, THIRD))
    for version in (third, second):
        version_release(
            movespec_id=movespec.id, version_id=version.id, author=PLATFORM, now=clock.now()
        )
    version_withdraw(
        movespec_id=movespec.id, version_id=third.id, replacement_id=None, author=PLATFORM,
        now=clock.now(), reason="It counted walking.",
    )  # fmt: skip
    draft_replace(
        movespec_id=movespec.id, yaml_source="not: [yet", author=PLATFORM, now=clock.now()
    )
    return movespec


def write(project, folder):
    call_command("export_movespecs", str(project.id), str(folder), verbosity=0)


def read(project, folder):
    call_command("import_movespecs", str(project.id), str(folder), verbosity=0)


def told(capsys):
    words = capsys.readouterr().out.split()
    return dict(zip(words[::2], map(int, words[1::2]), strict=True))


def content(project):
    """All that an import keeps, by names."""
    found = {}
    for movespec in MoveSpec.objects.filter(project=project).order_by("created_at"):
        released = movespec.current_released_version
        versions = MoveSpecVersion.objects.filter(movespec=movespec).order_by("version_number")
        found[movespec.name] = {
            "description": movespec.description,
            "created_at": movespec.created_at,
            "archived_at": movespec.archived_at,
            "released": released and released.version_number,
            "draft": movespec.draft.yaml_source,
            "versions": list(
                versions.values_list(
                    "version_number", "yaml_source", "content_hash", "created_at", "withdrawn_at",
                    "withdrawal_reason",
                )
            ),
        }  # fmt: skip
    return found


def ids(project):
    versions = MoveSpecVersion.objects.filter(movespec__project=project)
    return set(versions.values_list("movespec_id", "id"))


def forget(project):
    """As on another installation: nothing of the project is there."""
    movespecs = MoveSpec.objects.filter(project=project)
    with connection.cursor() as cursor:
        # The triggers keep versions and releases.
        cursor.execute("SET LOCAL session_replication_role = replica")
        for rows in (Release.objects, MoveSpecDraft.objects, MoveSpecVersion.objects, movespecs):
            rows.all()._raw_delete(rows.db)
        cursor.execute("SET LOCAL session_replication_role = origin")


def test_a_folder_has_the_texts_as_written_and_an_index(owner, squat, folder, capsys):
    write(owner.project, folder)
    assert told(capsys) == {"movespecs": 1, "versions": 3}
    texts = {path.name: path.read_bytes() for path in (folder / str(squat.id)).iterdir()}
    assert texts == {
        "draft.yaml": b"not: [yet",
        "1.yaml": VALID_YAML.encode(),
        "2.yaml": SECOND.encode(),
        "3.yaml": THIRD.encode(),
    }
    index = json.loads((folder / "movespecs.json").read_text())
    (entry,) = index["movespecs"]
    assert (index["format"], entry["name"], entry["released"]) == (1, "Squat ü", 2)
    assert (entry["is_public"], entry["archived_at"]) == (True, None)
    assert [
        (one["number"], one["label"], one["withdrawn_at"] is None) for one in entry["versions"]
    ] == [(1, "1.0", True), (2, "2.0", True), (3, "3.0", False)]
    assert {path.name for path in folder.iterdir()} == {"movespecs.json", str(squat.id)}


def test_all_is_read_as_of_one_moment(transactional_db, owner, squat, folder, monkeypatch):
    """Whatever is released and withdrawn by others while the texts are written."""
    write = files._write

    def meanwhile(path, data):
        if path.name == "draft.yaml":
            with ThreadPoolExecutor(1) as pool:
                pool.submit(withdraw_and_close, squat).result()
        write(path, data)

    monkeypatch.setattr(files, "_write", meanwhile)
    index = files.movespecs_write(owner.project, folder)
    (entry,) = index.movespecs
    assert entry.released == 2
    assert [one.number for one in entry.versions if one.withdrawn_at] == [3]
    assert files.index_read(folder) == index
    assert MoveSpecVersion.objects.filter(movespec=squat, withdrawn_at=None).count() == 1


def withdraw_and_close(movespec):
    try:
        two = MoveSpecVersion.objects.get(movespec=movespec, version_number=2)
        version_withdraw(
            movespec_id=movespec.id, version_id=two.id, replacement_id=None, author=PLATFORM,
            now=clock.now(), reason="It counted running.",
        )  # fmt: skip
    finally:
        connection.close()


def test_elsewhere_all_is_as_it_was_with_its_ids(owner, squat, folder, capsys):
    empty = movespec_create(
        project_id=owner.project.id, name="Empty", description="Nothing yet.", author=PLATFORM,
        now=clock.now(),
    )  # fmt: skip
    archived, _ = make_released(owner.project, THIRD, name="Old")
    movespec_archive(movespec_id=archived.id, now=clock.now())
    write(owner.project, folder)
    before, ids_before = content(owner.project), ids(owner.project)
    forget(owner.project)
    capsys.readouterr()
    read(owner.project, folder)
    assert told(capsys) == {"new_movespecs": 3, "new_versions": 4}
    assert content(owner.project) == before
    assert ids(owner.project) == ids_before
    assert MoveSpec.objects.get(id=squat.id).visibility == "public"
    assert MoveSpec.objects.filter(id=empty.id, project=owner.project).exists()
    with nothing_changes():
        read(owner.project, folder)
    assert told(capsys) == {"new_movespecs": 0, "new_versions": 0}
    # And the folder of the copy is the same.
    again = folder.with_name("again")
    write(owner.project, again)
    assert (again / "movespecs.json").read_bytes() == (folder / "movespecs.json").read_bytes()


def test_another_project_here_gets_a_private_copy_once(owner, outsider, squat, folder):
    write(owner.project, folder)
    before = content(owner.project)
    for _ in range(2):
        read(outsider.project, folder)
    assert content(outsider.project) == content(owner.project) == before
    (copy,) = MoveSpec.objects.filter(project=outsider.project)
    assert (copy.visibility, copy.id == squat.id) == ("private", False)
    assert not ids(outsider.project) & ids(owner.project)
    release = Release.objects.get(movespec=copy)
    assert (release.to_version.version_number, release.reason) == (2, "Imported.")


def test_what_is_there_gets_the_versions_that_it_lacks_and_else_stays(
    owner, outsider, squat, folder
):
    write(owner.project, folder)
    read(outsider.project, folder)
    (copy,) = MoveSpec.objects.filter(project=outsider.project)
    MoveSpec.objects.filter(id=copy.id).update(name="Mine")
    draft_replace(movespec_id=copy.id, yaml_source="mine", author=PLATFORM, now=clock.now())
    first = copy.versions.get(version_number=1)
    version_release(movespec_id=copy.id, version_id=first.id, author=PLATFORM, now=clock.now())
    make_version(squat.id, VALID_YAML + "# 4\n")
    write(owner.project, folder)
    read(outsider.project, folder)
    kept = content(outsider.project)["Mine"]
    assert (kept["released"], kept["draft"], len(kept["versions"])) == (1, "mine", 4)
    assert kept["versions"] == content(owner.project)["Squat ü"]["versions"]
    # An archived one takes no version.
    movespec_archive(movespec_id=copy.id, now=clock.now())
    make_version(squat.id, VALID_YAML + "# 5\n")
    write(owner.project, folder)
    refused(outsider.project, folder, "archived")


def refused(project, folder, *words):
    with nothing_changes(), pytest.raises(CommandError) as error:
        read(project, folder)
    assert str(error.value).startswith("Nothing was imported. ")
    for word in words:
        assert str(word) in str(error.value)


def change_index(folder, change):
    path = folder / "movespecs.json"
    index = json.loads(path.read_text())
    change(index, index["movespecs"][-1])
    path.write_text(json.dumps(index))


def test_a_file_at_fault_is_named_and_nothing_is_imported(owner, outsider, squat, folder):
    """The one at fault is the last: those before it are not imported either."""
    later, _ = make_released(owner.project, name="Later")
    squat.refresh_from_db()
    write(owner.project, folder)
    whole = folder.with_name("whole")
    folder.rename(whole)
    one = folder / str(later.id) / "1.yaml"
    draft = one.with_name("draft.yaml")
    index = folder / "movespecs.json"

    def other_text():
        one.write_text(THIRD)

    def invalid_release():
        text = VALID_YAML.replace("angle_min: 160", "angle_min: 1600")
        one.write_text(text)
        change_index(folder, lambda _, last: last["versions"][0].update(content_hash=hash_of(text)))

    def set_of(**values):
        return lambda: change_index(folder, lambda _, last: last.update(values))

    def of_version(**values):
        return lambda: change_index(folder, lambda _, last: last["versions"][0].update(values))

    def taken_version():
        """Of a MoveSpec whose own id is free, so that it keeps those of its versions."""
        free = str(later.id)[:-4] + "0000"
        change_index(folder, lambda _, last: last.update(movespec_id=free))
        (folder / str(later.id)).rename(folder / free)

    faults = [
        (one.unlink, one, "cannot be read"),
        (other_text, one, "content_hash"),
        (invalid_release, f"{one}:10:", "angle_min"),
        (lambda: draft.write_bytes(b"name: \xff"), draft, "offset 6"),
        (lambda: index.write_text('{"format": 1,'), index, "truncated"),
        (set_of(name=7), index, "$.movespecs[1].name"),
        (set_of(released=2), index, "$.movespecs[1]"),
        (of_version(number=2), index, "numbered"),
        (of_version(withdrawn_at="2026-01-01T00:00:00Z"), index, "withdrawn"),
        (lambda: change_index(folder, lambda all_, _: all_.update(format=2)), index, "format"),
        (taken_version, "An id of the index", ""),
    ]
    for break_it, *words in faults:
        shutil.copytree(whole, folder)
        break_it()
        refused(outsider.project, folder, *words)
        shutil.rmtree(folder)
    with nothing_changes(), pytest.raises(CommandError, match="no project"):
        read(squat, whole)


def test_a_version_that_has_another_text_here_is_named(owner, outsider, squat, folder):
    write(owner.project, folder)
    read(outsider.project, folder)
    (copy,) = MoveSpec.objects.filter(project=outsider.project)
    make_version(copy.id, VALID_YAML + "# mine\n")
    make_version(squat.id, VALID_YAML + "# theirs\n")
    write(owner.project, folder)
    refused(outsider.project, folder, folder / str(squat.id) / "4.yaml", copy.id)


def test_the_limits_of_the_project_hold(owner, outsider, squat, folder):
    write(owner.project, folder)
    outsider.project.version_limit = 2
    outsider.project.save(update_fields=["version_limit"])
    refused(outsider.project, folder, "most versions")
    outsider.project.version_limit, outsider.project.movespec_limit = None, 1
    outsider.project.save(update_fields=["version_limit", "movespec_limit"])
    make_released(outsider.project)
    refused(outsider.project, folder, "most MoveSpecs")
