from typing import Any

from common.commands import OperatorCommand
from kynaplatform import clock
from kynaplatform.database.indexes import analyze_large_tables
from movespecs.catalogue import catalogue_load


class Command(OperatorCommand):
    help = (
        "Release the MoveSpecs of examples/movespecs as the public catalogue. Safe to repeat: "
        "a changed file becomes a new version, an unchanged one changes nothing."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        entries = catalogue_load(now=clock.now())
        analyze_large_tables()
        self.print_result(
            {
                "new_versions": sum(is_new for _, is_new in entries),
                "movespecs": {movespec.name: str(movespec.id) for movespec, _ in entries},
            },
            options,
        )
