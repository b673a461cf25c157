// A reporter of Node's test runner that writes CTRF as it goes, with the time of each test:
// by those times the gate's proxy knows whose contact it saw. Node's own `junit` has none.
const STATUS = { "test:pass": "passed", "test:fail": "failed" };

function told(event, stop) {
  const { name, file, skip, todo, details } = event.data;
  const left = skip !== undefined ? "skipped" : todo !== undefined ? "pending" : undefined;
  const error = details.error?.cause ?? details.error;
  return {
    name,
    status: left ?? STATUS[event.type],
    duration: details.duration_ms,
    start: stop - details.duration_ms,
    stop,
    filePath: file?.split("/").pop(),
    ...(event.type === "test:fail" ? { message: error?.message, trace: error?.stack } : {}),
  };
}

export default async function* ctrf(events) {
  const stops = new Map();
  const key = ({ file, line, column, name, nesting }) => [file, line, column, name, nesting].join("\n");
  yield '{"reportFormat":"CTRF","specVersion":"0.0.0","results":{"tool":{"name":"node"},"tests":[\n';
  let between = "";
  for await (const event of events) {
    // `test:complete` comes when a test ends, the others once all before it have been told.
    if (event.type === "test:complete") stops.set(key(event.data), Date.now());
    if (!(event.type in STATUS) || event.data.details.type === "suite") continue;
    yield between + JSON.stringify(told(event, stops.get(key(event.data)) ?? Date.now()));
    between = ",\n";
  }
  yield "\n]}}\n";
}
