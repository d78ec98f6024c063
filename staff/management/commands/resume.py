from staff.actions.organizations import Resume
from staff.command_line import OwnerCommand


class Command(OwnerCommand):
    help = (
        "Let the requests of a suspended organization or project in again. Sessions that were "
        "cancelled stay so."
    )
    action = Resume()
