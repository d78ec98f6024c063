"""The cache of MoveSpecs on the server: one for each text, so that a second run makes none.

A MoveSpec's name has the file's name and a hash of the text. It is not released: sessions name its
version.
"""

import hashlib
from typing import Final

from clients.python.rest import RequestFailedError, RestClient

SHORT_HASH_DIGITS: Final = 12
MAX_STEM_CHARACTERS: Final = 200


def version_of_text(api: RestClient, project_id: str, stem: str, yaml_source: str) -> str:
    """The id of a version with this text, made if there is none.

    Two runs at once may make two MoveSpecs of one text. Later runs take the older.
    Raises RequestFailedError. A text with errors leaves only an archived MoveSpec.
    """
    content_hash = hashlib.sha256(yaml_source.encode()).hexdigest()
    name = f"{stem[:MAX_STEM_CHARACTERS]} {content_hash[:SHORT_HASH_DIGITS]}"
    kept = [found for found in api.movespecs(project_id) if found["name"] == name]
    for movespec in reversed(kept):
        for version in api.versions(movespec["movespec_id"]):
            if version["content_hash"] == content_hash and version["withdrawn_at"] is None:
                return str(version["movespec_version_id"])
    if kept:
        return api.create_version(kept[-1]["movespec_id"], yaml_source)
    movespec_id = api.create_movespec(name)
    try:
        return api.create_version(movespec_id, yaml_source)
    except RequestFailedError:
        api.archive_movespec(movespec_id)
        raise
