"""The pages for what went wrong; each says what to do next."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.translation import gettext as _


def _answer(request: HttpRequest, status: int, title: str, *advice: str) -> HttpResponse:
    # Without the request: nothing on the page may need the session or the database, which may be what failed.
    request_id = getattr(request, "request_id", "")
    text = render_to_string("portals/problem.html", {"title": title, "advice": advice, "request_id": request_id})
    return HttpResponse(text, status=status)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _answer(
        request,
        400,
        _("That request can't be read"),
        _("Go back and try again. If it came from a link, the link is broken."),
    )


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _answer(
        request,
        403,
        _("Your role does not allow this"),
        _("What you asked for is kept for other roles. Nothing was changed."),
        _("Ask an administrator of your organization to do it, or to change your role."),
    )


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _answer(
        request,
        404,
        _("There is nothing here"),
        _("The address may be mistyped, or what it named is gone."),
        _("If it belongs to another of your organizations, switch to that one first."),
    )


def failed(request: HttpRequest) -> HttpResponse:
    return _answer(
        request,
        500,
        _("Something went wrong here"),
        _("Nothing was half done: whatever you started did not happen. Please try again."),
        _("If it happens again, tell your administrator the number below; it leads to the log."),
    )


def csrf_failed(request: HttpRequest, reason: str = "") -> HttpResponse:
    return _answer(
        request,
        403,
        _("This form is out of date"),
        _("Nothing was changed. Go back, reload the page and send the form again."),
        _("If it happens every time, allow cookies for this site: they prove that the form is yours."),
    )
