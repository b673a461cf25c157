// The same journey for Artillery, whose own ws steps cannot wait for five messages.
const URL = `ws://127.0.0.1:${process.env.PORT}/`;
const fs = require("fs");
const WebSocket = require("ws");
const TOKEN = { headers: { Authorization: "Bearer " + "x".repeat(200) }, perMessageDeflate: false };
const began = process.hrtime.bigint();
const before = process.cpuUsage();
let n = 0;

// Artillery ends its workers without a word to them, so the count is told as it grows.
function count() {
  n += 1;
  if (n % 50) return;
  const used = process.cpuUsage(before);
  const wall_s = Number(process.hrtime.bigint() - began) / 1e9;
  fs.writeSync(1, `${JSON.stringify({ n, wall_s, cpu_s: (used.user + used.system) / 1e6 })}\n`);
}

module.exports = {
  talk(context, events, done) {
    const socket = new WebSocket(URL, TOKEN);
    let heard = 0;
    socket.on("open", () => socket.send('{"text": "say K7Q2-9XTM"}'));
    socket.on("message", (text) => {
      JSON.parse(text);
      heard += 1;
      if (heard === 5) socket.close();
    });
    socket.on("close", () => {
      count();
      done();
    });
    socket.on("error", done);
  },
};
