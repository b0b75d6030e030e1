// What test_clients.py has the client for JavaScript do. Reads {module, calls, base, key} and writes what came of each call.
const { module, calls, base, key } = JSON.parse(await new Response(process.stdin).text());
const { Client, Refusal } = await import(module);

const told = [];
const asking = async (url, { method, headers, body }) => {
  told.push({ url, method, headers, body: body === undefined ? null : JSON.parse(body) });
  return new Response("{}", { status: 200 });
};
const client = new Client(base, { apiKey: key, ...(calls.live ? {} : { fetch: asking }) });

if (!calls.live) {
  for (const [name, args] of calls.each) await client[name](...args);
  console.log(JSON.stringify(told));
} else {
  const { hotel, stay, booking } = calls.live;
  const found = await client.searchAvailability(hotel, { ...stay, adults: 2, explain: true });
  const rooms = [{ room_type_id: found.offers[0].room_type_id, rate_plan_id: found.offers[0].rate_plan_id, adults: 2 }];
  const hold = await client.placeHold({ hotel_id: hotel, ...stay, rooms });
  await client.releaseHold(hold.hold_id);
  const once = { "Idempotency-Key": crypto.randomUUID() };
  const made = await client.createBooking({ ...booking, rooms, expected_total: found.offers[0].total }, once);
  const again = await client.createBooking({ ...booking, rooms, expected_total: found.offers[0].total }, once);
  const read = await client.getBooking(made.booking_id, { include: "history" });
  const changed = await client.changeBooking(made.booking_id, { special_requests: "Quiet" }, { "If-Match": `"${read.version}"` });
  const refused = await client.cancelBooking(made.booking_id, { "If-Match": `"${read.version}"` }).catch((error) => error);
  const cancelled = await client.cancelBooking(made.booking_id);
  const nobody = await client.getHotel("../nobody").catch((error) => error);
  console.log(
    JSON.stringify({
      offered: found.offers.length, total: made.total, same: again.booking_id === made.booking_id, history: read.history.length,
      wishes: changed.special_requests, refused: [refused instanceof Refusal, refused.status, refused.kind], status: cancelled.status,
      nobody: [nobody instanceof Refusal, nobody.status, nobody.kind],
    }),
  );
}
