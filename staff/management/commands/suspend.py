from staff.actions.organizations import Suspend
from staff.command_line import OwnerCommand


class Command(OwnerCommand):
    help = (
        "Suspend an organization with all its projects, or a project. Its requests are refused, "
        "and its live sessions cancelled at once, for good."
    )
    action = Suspend()
