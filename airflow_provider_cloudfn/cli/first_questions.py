"""What ``airflow cloudfn init`` must know, each as an option and as a question."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["QUESTIONS", "Question"]


@dataclass(frozen=True, slots=True)
class Question:
    """
    Something that must be known: from an option, or from whoever sits at the terminal.

    :param option: The option, such as ``--host``.
    :param asked: How it is asked for.
    :param default: What it is where nobody says; None where somebody must; empty where it may be left out.
    :param choices: What it can be; empty where it is free text.
    :param auth_type: The authentication type that it belongs to; None for all.
    :param extra: The extra of the connection that it becomes; None for none.
    """

    option: str
    asked: str
    default: str | None = None
    choices: tuple[str, ...] = ()
    auth_type: str | None = None
    extra: str | None = None

    @property
    def name(self) -> str:
        """The option's name among the parsed arguments."""
        return self.option.removeprefix("--").replace("-", "_")

    @property
    def metavar(self) -> str | None:
        """What stands for its value in the help; None where the choices do."""
        return None if self.choices else self.name.upper()

    @property
    def help(self) -> str:
        """The option's help."""
        belongs = f"; for {self.auth_type}" if self.auth_type else ""
        default = f" (default: {self.default or 'none'})" if self.default is not None else ""
        return f"{self.asked}{belongs}{default}"


QUESTIONS = (
    Question("--auth", "how the API knows who calls", choices=("api_key", "oauth2")),
    Question("--host", "the base URL of the API, such as https://api.example.com"),
    Question("--key-name", "the header that the API key goes into", "x-api-key", auth_type="api_key", extra="key_name"),
    Question(
        "--token-url",
        "where an access token is asked for, such as https://login.example.com/token",
        auth_type="oauth2",
        extra="oauth2_url",
    ),
    Question("--client-id", "the public name of your client", auth_type="oauth2", extra="client_id"),
    Question(
        "--scopes", "the permissions to ask for, with spaces between them", "", auth_type="oauth2", extra="scopes"
    ),
    Question("--conn-id", "the id of the Airflow connection", "myapi"),
)
