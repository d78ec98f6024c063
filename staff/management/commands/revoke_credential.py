from staff.actions.credentials import Revoke
from staff.command_line import CredentialCommand


class Command(CredentialCommand):
    help = (
        "Revoke an API key or a service account. It mints no token any more, and those that it "
        "has minted are refused at once. This can't be undone."
    )
    action = Revoke()
