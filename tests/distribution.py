"""Which of two workers runs what."""

from itertools import groupby

from xdist.scheduler import LoadScopeScheduling


class FilesInOrder(LoadScopeScheduling):
    """Tests of a file that follow each other stay together, and begin in the order of collection.

    So every worker keeps Django's order, in which tests that commit come after those that roll
    back: what the former leave behind (statistics, dead rows) changes plans that the latter hold.
    """

    def schedule(self) -> None:
        if self.collection is None and self.collection_is_completed:
            collected = next(iter(self.registered_collections.values()))
            files = groupby(collected, key=lambda nodeid: nodeid.partition("::")[0])
            self._scopes = {
                nodeid: f"{file} {number}"
                for number, (file, nodeids) in enumerate(files)
                for nodeid in nodeids
            }
        super().schedule()

    def _split_scope(self, nodeid: str) -> str:
        return self._scopes[nodeid]
