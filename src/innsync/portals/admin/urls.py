"""The screens of those who keep an organization's channels in step."""

from __future__ import annotations

from django.urls import path

from innsync.portals.admin import (
    bookings,
    conflicts,
    connecting,
    connections,
    desk,
    home,
    inbox,
    overview,
    properties,
    reports,
    today,
    trail,
)
from innsync.portals.admin.calendar import making, stays
from innsync.portals.admin.calendar import pages as calendar
from innsync.portals.admin.rates import bulk as rates_bulk
from innsync.portals.admin.rates import page as rates
from innsync.portals.admin.rates import saving as rates_saving

urlpatterns = [
    path("", home.home, name="home"),
    path("today", today.today, name="today"),
    path("today/live", today.live, name="today-live"),
    path("properties/offered", properties.offered, name="properties-offered"),
    path("reports", reports.reports, name="reports"),
    path("reports/nights.csv", reports.nights_csv, name="reports-csv"),
    path("calendar", calendar.calendar, name="calendar"),
    path("calendar/rooms/<uuid:room_type_id>", calendar.rooms, name="calendar-rooms"),
    path("calendar/stays/<uuid:stay_id>", stays.stay, name="calendar-stay"),
    path("calendar/stays/<uuid:stay_id>/room", stays.place, name="calendar-place"),
    path("calendar/stays/<uuid:stay_id>/dates", stays.dates, name="calendar-dates"),
    path("calendar/of/<uuid:property_id>/assign", stays.assign, name="calendar-assign"),
    path("calendar/of/<uuid:property_id>/new", making.new, name="calendar-new"),
    path("calendar/of/<uuid:property_id>/out-of-order", making.put_out, name="calendar-put-out"),
    path("calendar/blocks/<uuid:block_id>", making.block, name="calendar-block"),
    path("rates", rates.rates, name="rates"),
    path("rates/bulk", rates_bulk.bulk, name="rates-bulk"),
    path("rates/history", rates.history, name="rates-history"),
    path("rates/save", rates_saving.save, name="rates-save"),
    path("rates/<uuid:change_id>/undo", rates.undo, name="rates-undo"),
    path("connections", overview.overview, name="connections"),
    path("connect", connecting.catalogue, name="connect"),
    path("connect/<slug:vendor>", connecting.access, name="connect-access"),
    path("connect/<slug:vendor>/map", connecting.mapping, name="connect-map"),
    path("connect/<slug:vendor>/check", connecting.check, name="connect-check"),
    path("connections/live", overview.live, name="connections-live"),
    path("connections/<uuid:connection_id>", connections.connection, name="connection"),
    path("connections/<uuid:connection_id>/night", trail.night, name="night"),
    path("connections/<uuid:connection_id>/pause", connections.pause, name="pause"),
    path("connections/<uuid:connection_id>/resume", connections.resume, name="resume"),
    path("connections/<uuid:connection_id>/audit", connections.audit, name="audit"),
    path("connections/<uuid:connection_id>/full-sync", connections.full_sync, name="full-sync"),
    path("inbox", inbox.inbox, name="inbox"),
    path("inbox/replay", inbox.replay_all, name="replay-all"),
    path("inbox/<uuid:message_id>", inbox.message, name="message"),
    path("inbox/<uuid:message_id>/replay", inbox.replay, name="replay"),
    path("conflicts", conflicts.conflicts, name="conflicts"),
    path("conflicts/<uuid:conflict_id>/move", conflicts.move, name="move"),
    path("conflicts/<uuid:conflict_id>/release", conflicts.release, name="release"),
    path("conflicts/<uuid:conflict_id>/walk/<uuid:booking_id>", conflicts.walk, name="walk"),
    path("conflicts/<uuid:conflict_id>/ask", conflicts.ask, name="ask"),
    path("bookings", bookings.search, name="bookings"),
    path("bookings/<uuid:booking_id>", bookings.booking, name="booking"),
    path("bookings/<uuid:booking_id>/cancel", desk.cancel, name="booking-cancel"),
    path("bookings/<uuid:booking_id>/do/<slug:action>", desk.move_on, name="booking-state"),
]
