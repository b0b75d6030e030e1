"""Posting mail, and the job that carries it out.

What a mail says may open a door (a link that sets a password), so that a job holds it encrypted.
"""

from __future__ import annotations

import smtplib
from pathlib import Path
from typing import cast

import structlog
from django.conf import settings
from django.core.mail import EmailMessage
from procrastinate.contrib.django import app

from innsync.apps.distribution.vault import seal, unseal
from innsync.apps.events.jobs import enqueue_in, job

log = structlog.get_logger()
WAITS_S = (10, 60, 300, 1_800, 3_600, 14_400, 43_200)
"""How long after each failure it is tried again; after the last one it is given up."""
_SENDING = (smtplib.SMTPException, OSError)


def post(*, to: str, subject: str, text: str) -> None:
    """Have a mail sent once this transaction commits."""
    sealed = seal({"to": to, "subject": subject, "text": text}).decode()
    app.configure_task(deliver.name).defer(sealed=sealed, failures=0)


@job("deliver_mail")
def deliver(sealed: str, failures: int = 0) -> None:
    """Send one mail; when the server can't be reached or refuses, queue it again."""
    letter = cast("dict[str, str]", unseal(sealed.encode()))
    try:
        send(**letter)
    except _SENDING as error:
        given_up = failures >= len(WAITS_S)
        log.warning("mail_not_sent", to=letter["to"], failures=failures + 1, given_up=given_up, error=str(error))
        if not given_up:
            enqueue_in(deliver.name, seconds=WAITS_S[failures], sealed=sealed, failures=failures + 1)


def send(*, to: str, subject: str, text: str) -> None:
    """Hand a mail to the server, or put it into the folder that nobody else may read. Raises SMTPException, OSError."""
    folder = getattr(settings, "EMAIL_FILE_PATH", None)
    if folder:
        Path(folder).mkdir(mode=0o700, parents=True, exist_ok=True)
    # A name within the subject may hold line breaks, which a header may not.
    EmailMessage(" ".join(subject.split()), text, to=[to]).send()
